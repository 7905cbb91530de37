"""An alert without a database: what is said when the health check itself cannot work.

It is a SEV1: while it lasts, nothing else could wake her, whatever happens to the company. So the first alert of an
outage goes out at once, also in quiet hours; what only says that it still lasts waits until they end, and so does the
crash of another job, which the monitor tells of then. At most one an hour, by a file, and only where the mirrored
switch is off, the mirrored control is on, and the recipient is on the mirrored allowlist.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path

import msgspec

from godmode.lib.address import command, shown
from godmode.lib.clock import Clock
from godmode.lib.errors import GodmodeError, KillSwitchOn, Unknown
from godmode.lib.health import outage, slab, spool
from godmode.lib.health.mirror import Mirror, folder
from godmode.lib.health.outage import Outage
from godmode.lib.ports import Calls, Channel, Local

MONITOR = "health_monitor"
TITLE = "System Health Degraded"
FIRST_MINUTES = 5  # of an hour: when it may go out where no file can say that it did
CONSEQUENCES = {
    "database": "No job runs until it is back; nothing else would wake you.",
    "disk": "No job can do its work until there is room; nothing else would wake you.",
    "configuration": "No job runs until it is mended; nothing else would wake you.",
    "crash": "What it watches over is not watched until it is mended.",
    "job": "It is not done until that is mended.",
}


@dataclass(frozen=True)
class Trouble:
    """Why the health check, or another job, cannot work.

    `kind` is a key of CONSEQUENCES; `what` says what happened and what to do.
    """

    kind: str
    what: str
    job: str = MONITOR


@dataclass(frozen=True)
class Way:
    """One attempt at reaching her: `name` is call, sms or message."""

    name: str
    channel: Channel
    to: str


@dataclass(frozen=True)
class Place:
    """What the fallback works with. `switch` says why nothing may leave, or None; `quiet` whether quiet hours hold,
    `bypass` whether the first alert of an outage passes them. `bounded` stands around what is sent: it ends it with
    Unknown in time. `ways` are those to try, in order.
    """

    state: Path
    clock: Clock
    zone: tzinfo
    host: str
    mirror: Mirror | None
    switch: Callable[[], str | None]
    quiet: Callable[[datetime], bool]
    bypass: bool
    ways: Callable[[], Sequence[Way]]
    clean: Callable[[str], str]
    bounded: Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class Came:
    """What an alert came to: `sent`, `uncertain`, `failed`, or `kept` for later or for good, and why."""

    status: str
    why: str = ""

    def __str__(self) -> str:
        return f"alert {self.status}{f': {self.why}' if self.why else ''}"


def alert(place: Place, trouble: Trouble) -> Came:
    """Spool what happened, and tell of it if that may be. Raises nothing that concerns the sending."""
    now = place.clock.now()
    seen = Trouble(trouble.kind, place.clean(trouble.what), trouble.job)
    data = {"kind": seen.kind, "host": place.host}
    kept = spool.add(
        folder(place.state),
        spool.Entry(spool.fresh_id(), now.isoformat(), seen.job, success=False, error=seen.what, data=data),
    )
    came = _told(place, seen, now)
    return came if kept else Came(came.status, "; ".join(filter(None, [came.why, "no audit row could be spooled"])))


def _told(place: Place, seen: Trouble, now: datetime) -> Came:
    if why := _forbidden(place):
        return Came("kept", why)
    with slab.held(outage.path(place.state)) as kept:
        if kept is None:
            return Came("kept", "another process tells of it")
        before = outage.of(kept.read())
        this = _this(before, seen, now)
        if why := _not_yet(place, before, seen, now):
            kept.write(msgspec.to_builtins(this))
            return Came("kept", why)
        told = seen.job == MONITOR or before.told
        begun = msgspec.structs.replace(this, told_at=now, told=told)  # written first: who dies now sends no second
        if not kept.write(msgspec.to_builtins(begun)) and now.minute >= FIRST_MINUTES:
            return Came("kept", f"no file can be written: it is told in the first {FIRST_MINUTES} minutes of an hour")
        came = _sent(place, text(place, seen, (this.since if seen.job == MONITOR else None) or now))
        if came.status in ("failed", "kept"):
            kept.write(msgspec.to_builtins(this))
        return came


def _forbidden(place: Place) -> str | None:
    """Why nothing may leave at all."""
    if why := place.switch():
        return why
    if place.mirror is None:
        return "no healthy run has left a mirror of the allowlist yet"
    return None if place.mirror.comms_enabled else "comms_enabled is off"


def _this(before: Outage, seen: Trouble, now: datetime) -> Outage:
    """The outage as it is now; the crash of another job is none, since the monitor lives and sees whether it lasts."""
    if seen.job != MONITOR:
        return before
    return Outage(before.told_at, before.since or now, seen.kind, seen.what[:400], before.told)


def _not_yet(place: Place, before: Outage, seen: Trouble, now: datetime) -> str | None:
    if before.told_lately(now):
        return "she was told within the last hour"
    if (before.told or not place.bypass or seen.job != MONITOR) and place.quiet(now):
        return "it is quiet hours"
    return None


def text(place: Place, seen: Trouble, since: datetime) -> str:
    """The message: what happened, where, since when, what follows from it."""
    words = seen.job.replace("_", " ")
    when = since.astimezone(place.zone).strftime("%a %d %b %H:%M")
    return place.clean(
        f"SEV1: {TITLE}\ngodmode on {place.host}: its {words} cannot work since {when}.\n"
        f"{seen.what}.\n{CONSEQUENCES[seen.kind if seen.job == MONITOR else 'job']}"
    )


def _sent(place: Place, words: str) -> Came:
    """Try one way after the other until one works, or may have."""
    failed: list[str] = []
    try:
        with place.bounded():
            for way in place.ways():
                came = _by(place, way, words)
                if came.status != "failed":
                    _spool_message(place, way, words, came)
                    return came
                failed.append(came.why)
    except KillSwitchOn as e:
        return Came("kept", e.message)
    except Unknown as e:  # its time was over in the middle of a request
        return Came("uncertain", e.message)
    except GodmodeError as e:  # what makes the channels
        failed.append(place.clean(str(e)))
    return Came("failed", "; ".join(dict.fromkeys(failed)) or "no channel is configured that could carry it")


def _by(place: Place, way: Way, words: str) -> Came:
    assert place.mirror is not None
    name, local = way.channel.name, isinstance(way.channel, Local) and way.channel.local
    if not local and not place.mirror.allows(way.to, way.name):
        return Came("failed", f"{shown(way.to)} is not on the allowlist (`{command(way.to, name, way.name)}`)")
    if why := place.switch():
        raise KillSwitchOn(why)
    key = spool.fresh_id()
    try:
        calls = way.name == "call" and isinstance(way.channel, Calls)
        getattr(way.channel, "call" if calls else "send")(way.to, words, key)
    except Unknown as e:
        return Came("uncertain", place.clean(f"{name}: {e}"))
    except KillSwitchOn:
        raise
    except GodmodeError as e:
        return Came("failed", place.clean(f"{name}: {e}"))
    return Came("sent", f"{way.name} by {name}")


def _spool_message(place: Place, way: Way, words: str, came: Came) -> None:
    _, _, body = words.partition("\n")
    message = {
        "title": TITLE, "body": body, "way": way.name, "channel": way.channel.name, "to": shown(way.to),
        "status": came.status,
    }  # fmt: skip
    entry = spool.Entry(
        spool.fresh_id(), place.clock.now().isoformat(), "fallback_alert",
        success=came.status == "sent", error=None if came.status == "sent" else came.why,
        data={"channel": way.channel.name, "way": way.name, "host": place.host}, message=message,
    )  # fmt: skip
    spool.add(folder(place.state), entry)
