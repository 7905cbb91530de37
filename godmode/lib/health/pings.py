"""A dead man's switch: a service that hears of every run, and raises the alarm when it hears nothing.

Conventions of their documentation: Healthchecks (`/start`, `/fail`, `/log`, a body, `rid`), Cronitor (`state`,
`message`, `series`), Uptime Kuma's push monitors (`status`, `msg`, `ping`; no start, no log). A ping that fails is no
failure of the run; none takes longer than PATIENCE.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from godmode.lib import log
from godmode.lib.errors import GodmodeError, KillSwitchOn, Refused
from godmode.lib.ports import Wire
from godmode.lib.wire import Sockets

if TYPE_CHECKING:
    import httpx

PATIENCE = 5.0  # seconds
BODY = 10_000  # bytes of what Healthchecks keeps; 100 kB is its most
MESSAGE = 250  # characters within an address
EVENTS = ("start", "success", "fail", "log")
STATES = {"start": "run", "success": "complete", "fail": "fail"}


@dataclass(frozen=True)
class Signal:
    """`event` is one of EVENTS; `run_id` binds a start to its end; `ms` is how long the run took."""

    event: str
    run_id: str
    text: str = ""
    ms: int | None = None


@dataclass(frozen=True)
class Request:
    """What is sent; `body` None is a GET."""

    url: str
    body: bytes | None = None


def style_of(url: str) -> str:
    """Whose conventions an address follows."""
    parts = urlsplit(url)
    if "/api/push/" in parts.path:
        return "uptime_kuma"
    if (parts.hostname or "").endswith(("cronitor.link", "cronitor.io")):
        return "cronitor"
    return "healthchecks"


def request(url: str, style: str | None, signal: Signal) -> Request | None:
    """A signal in the words of the service; None where it has none for it. Pure. Raises Refused for no address."""
    try:
        return _worded(url, style, signal)
    except ValueError:
        raise _no_address() from None


def _no_address() -> Refused:
    return Refused("the dead man's switch has no address that can be used", "check health.ping_url and health.pings")


def _worded(url: str, style: str | None, signal: Signal) -> Request | None:
    match style or style_of(url):
        case "uptime_kuma":
            return _kuma(url, signal)
        case "cronitor":
            return _cronitor(url, signal)
        case _:
            return _healthchecks(url, signal)


def _healthchecks(url: str, signal: Signal) -> Request:
    parts = urlsplit(url)
    path = parts.path.rstrip("/") + ("" if signal.event == "success" else f"/{signal.event}")
    run = str(uuid.uuid5(uuid.NAMESPACE_OID, signal.run_id))
    query = urlencode([*parse_qsl(parts.query), ("rid", run)])
    return Request(urlunsplit(parts._replace(path=path, query=query)), signal.text.encode("utf-8", "replace")[:BODY])


def _cronitor(url: str, signal: Signal) -> Request | None:
    if signal.event not in STATES:
        return None
    own: dict[str, Any] = {"state": STATES[signal.event], "series": signal.run_id, "message": _short(signal.text)}
    return Request(_with(url, own))


def _kuma(url: str, signal: Signal) -> Request | None:
    if signal.event not in ("success", "fail"):
        return None
    up = signal.event == "success"
    own = {"status": "up" if up else "down", "msg": _short(signal.text) or ("OK" if up else "failed")}
    return Request(_with(url, own | {"ping": "" if signal.ms is None else str(signal.ms)}))


def _with(url: str, own: dict[str, Any]) -> str:
    """The address with these in its query, in place of those it was copied with."""
    parts = urlsplit(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in own]
    given = [(name, value) for name, value in own.items() if value or name == "ping"]
    return urlunsplit(parts._replace(query=urlencode([*kept, *given])))


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= MESSAGE else f"{plain[: MESSAGE - 1]}…"


def send(wanted: Request, check: Callable[[], None], wire: Wire) -> None:
    """Send one. Raises what `check` raises, a GodmodeError where it did not arrive; no address is ever part of it."""
    import httpx

    from godmode.lib import http

    try:
        _sent(wanted, http.client("", before=check, timeout=PATIENCE, wire=wire), wire)
    except httpx.InvalidURL:
        raise _no_address() from None


def _sent(wanted: Request, client: httpx.Client, wire: Wire) -> None:
    from godmode.lib import http

    with (
        client,
        wire.within(PATIENCE),
        http.translated("the dead man's switch"),
    ):
        how = "GET" if wanted.body is None else "POST"
        response = client.request(how, wanted.url, content=wanted.body)
    if not response.is_success:
        raise Refused(
            f"the dead man's switch answered {response.status_code}", "check health.ping_url and health.pings"
        )


@dataclass(frozen=True)
class Ping:
    """Tells one address of the runs of a job, as engine/equipment.py's Pinger. What fails is a line of the log."""

    url: str
    style: str | None
    clean: Callable[[str], str]

    def __call__(self, event: str, run_id: str, text: str, ms: int | None, check: Callable[[], None]) -> None:
        try:
            wanted = request(self.url, self.style, Signal(event, run_id, self.clean(text), ms))
            if wanted is not None:
                send(wanted, check, Sockets())
        except KillSwitchOn:
            raise
        except GodmodeError as e:
            log.event("warning", str(e), event=event, run=run_id)
