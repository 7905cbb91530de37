"""HTTP as every adapter uses it: nothing leaves while the switch is on, nothing is retried by itself, and what the
library raises becomes one of errors.py. Import it late: httpx costs a scheduled run 70 ms.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import httpx

from godmode.lib.errors import Auth, BadData, ExternalApi, GodmodeError, Refused, Transient, Unknown, Usage
from godmode.lib.ports import Wire

SINCE_1970 = 1e9  # a number of seconds beyond this is a moment, not a wait
TIMEOUT = 20.0  # seconds for each of connecting, sending, and waiting for the next byte

for _name in ("httpx", "httpcore"):  # their log lines hold whole addresses, and Telegram's holds the token
    logging.getLogger(_name).setLevel(logging.WARNING)

# Raised before a byte of the request has left.
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def client(
    base_url: str,
    *,
    before: Callable[[], None] = lambda: None,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    timeout: float = TIMEOUT,
    wire: Wire | None = None,
) -> httpx.Client:
    """A client that calls `before` ahead of every request; what that raises, the request's caller gets.

    Redirects are not followed: an API that redirects has moved, or sends to a login page. `wire` watches its sockets.
    Raises Usage where the address is none.
    """

    def ask(request: httpx.Request) -> None:
        before()
        if wire is not None:
            request.extensions["trace"] = partial(_connected, wire)

    try:
        address = httpx.URL(base_url)
    except httpx.InvalidURL as e:
        raise Usage(f"a base_url is no address: {e}", "`godmode config show` lists them") from None
    return httpx.Client(
        base_url=address,
        headers=headers,
        auth=auth,
        timeout=timeout,
        event_hooks={"request": [ask]},
    )


def _connected(wire: Wire, event: str, info: Mapping[str, Any]) -> None:
    """Tell the wire of a new connection (httpcore, "trace" extension)."""
    if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
        wire.watch(info["return_value"].get_extra_info("socket"))


@contextmanager
def translated(service: str, *, sends: bool = False) -> Iterator[None]:
    """Turn what httpx raises into Transient, and into Refused where address or secret are none that HTTP has.

    With `sends`, a request that may have been carried out although no answer came raises Unknown.
    The address is never part of a message: it can hold a token.
    """
    try:
        yield
    except httpx.UnsupportedProtocol as e:
        raise Refused(f"{service} cannot be reached: {_cause(e)}", "check base_url") from None
    except _UNSENT as e:
        raise Transient(f"{service} cannot be reached: {_cause(e)}") from None
    except httpx.LocalProtocolError:  # as with a line break in a token, which its message holds
        raise Refused(f"{service} was not asked: the request would be no HTTP", "is its secret whole?") from None
    except httpx.RequestError as e:
        if sends:
            raise Unknown(f"{service} did not answer, so it may have been sent: {_cause(e)}") from None
        raise Transient(f"{service} broke off: {_cause(e)}") from None


def _cause(error: httpx.RequestError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    return " ".join(str(error).split()) or type(error).__name__


def check(service: str, response: httpx.Response, now: datetime, said: str = "") -> None:
    """Raise what an answer that is no success means; `said` is the service's own word for it."""
    if not response.is_success:
        raise failure(service, response.status_code, response.headers, now, said)


def failure(service: str, status: int, headers: Mapping[str, str], now: datetime, said: str = "") -> GodmodeError:
    """The error behind a status: 401 and 403 Auth, 429 ExternalApi with its Retry-After, 408 and 5xx Transient,
    a redirect or any other 4xx Refused."""
    line = f"{service} answered {status}{f': {said}' if said else ''}"
    if status in (401, 403):
        return Auth(line)
    if status == 429:
        return ExternalApi(line, retry_after=retry_after(headers, now))
    if status == 408 or status >= 500:
        return Transient(line)
    if 300 <= status < 400:
        return Refused(line, "its address redirects: check base_url")
    return Refused(line)


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """What `Retry-After` asks for (RFC 9110, 10.2.3: seconds, or a date), else `X-RateLimit-Reset`; None without one
    that can be read."""
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    asked = _delay(lower.get("retry-after", ""), now)
    return asked if asked is not None else _reset(lower.get("x-ratelimit-reset", ""), now)


def _reset(value: str, now: datetime) -> timedelta | None:
    """A reset in seconds from now, or as a time since 1970: whichever it can be."""
    try:
        seconds = float(value)
        if seconds > SINCE_1970:
            seconds -= now.timestamp()
        return timedelta(seconds=max(0.0, seconds))
    except (ValueError, OverflowError):
        return None


def _delay(value: str, now: datetime) -> timedelta | None:
    try:
        return timedelta(seconds=max(0.0, float(value)))
    except (ValueError, OverflowError):
        pass
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    return max(timedelta(0), at.replace(tzinfo=at.tzinfo or UTC) - now)


def json_of(service: str, response: httpx.Response) -> Any:
    """The answer's JSON. Raises BadData when it is none, as a login page with status 200 is."""
    try:
        return response.json()
    except ValueError:
        kind = response.headers.get("content-type", "no type").partition(";")[0]
        what = "JSON that does not parse" if kind.endswith("json") else f"{kind} in place of JSON"
        raise BadData(f"{service} answered with {what}", "check base_url") from None
