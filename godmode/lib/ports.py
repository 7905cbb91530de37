"""What a source, a channel and a watcher are to the rest: what they fulfil, and what they are handed. No I/O."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from godmode.lib.kernel import (
    Button,
    Cadence,
    Checkpoint,
    Every,
    Gone,
    Incident,
    Proposal,
    Rate,
    Receipt,
    Record,
    Sight,
    Skipped,
)

if TYPE_CHECKING:
    from datetime import tzinfo
    from pathlib import Path


class Meter(Protocol):
    """Stands around every outgoing request of one service, for all processes and hosts together.

    `before` asks the switch and the deadline, then waits for room. It raises KillSwitchOn or Stopped when the run
    has to end, DailyLimit when the day's budget of calls is used up. `after` counts the request (`ms` without the
    wait) and, with `retry_after`, keeps everybody from the service for so long. See `calls.metered`.
    """

    def before(self) -> None: ...

    def after(
        self, *, ms: float, error: bool = False, throttled: bool = False, retry_after: timedelta | None = None
    ) -> None: ...


class Wire(Protocol):
    """The open connections of one source: `watch` each socket, and a request that outlasts `within` is cut off.

    A run that has to stop cuts them all, from another thread if need be.
    """

    def watch(self, sock: Any) -> None: ...

    def within(self, seconds: float) -> AbstractContextManager[None]: ...


class _NoLimit:
    def before(self) -> None: ...

    def after(
        self, *, ms: float, error: bool = False, throttled: bool = False, retry_after: timedelta | None = None
    ) -> None: ...


class _NoWire:
    def watch(self, sock: Any) -> None: ...

    def within(self, seconds: float) -> AbstractContextManager[None]:
        return nullcontext()


@dataclass(frozen=True)
class Site:
    """What a source or channel may know of where it runs.

    `beside` turns a path of the configuration into a real one. `check` is called before every outgoing request:
    it raises when the run has to stop, above all because of the kill switch. `phone` is the operator's, as
    configured; `state` the folder for what must outlive a run. `time_left` gives the seconds until the run's
    deadline; `sleep` waits for so many seconds between two tries (see backoff.py). `meter` makes the meter of a
    bucket, as `site.meter("hubspot.search", Rate(5, timedelta(seconds=1)))`: a bucket is named after its source, with
    a dot and a word where the service has a limit of its own for something. `wire` is the source's own.
    """

    clock: Any
    zone: tzinfo
    operator: str
    beside: Callable[[str], Path]
    check: Callable[[], None] = lambda: None
    phone: str = ""
    state: Path | None = None
    time_left: Callable[[], float] = lambda: math.inf
    sleep: Callable[[float], None] = time.sleep
    meter: Callable[[str, Rate], Meter] = lambda bucket, rate: _NoLimit()
    wire: Wire = field(default_factory=_NoWire)


class Source(Protocol):
    """Where facts come from. It is handed its last kept cursor ({} the first time) and yields what is new.

    The class also has `Settings`, its section of the configuration, and is made with `(settings, site)`.
    `authority` is what is known by it: `canonical` (the company's word), `inferred`, or `observed`.
    """

    name: str
    every: Every
    authority: str

    def changes(self, cursor: Mapping[str, Any]) -> Iterator[Record | Skipped | Gone | Checkpoint]: ...


@dataclass(frozen=True)
class Probe:
    """The cheapest request that proves that a service answers and takes the credentials: a GET of `path`.

    `expires_at` is when the credentials end, where they say so.
    """

    base_url: str
    path: str
    headers: Mapping[str, str]
    meter: Meter
    wire: Wire
    expires_at: datetime | None = None


@runtime_checkable
class Probed(Protocol):
    """A source that can be proved by one request. It imports nothing for it."""

    def probe(self) -> Probe: ...


@runtime_checkable
class Remote(Source, Protocol):
    """A source behind an API. `test` is a cheap proof of the credentials.

    `everything` yields the ids of all records that are there now, and nothing else; once a day they are compared
    with what is stored. `again` fetches records by id and answers for every one of `ids`: with the record, or Gone
    when it is surely not there, or Skipped when nobody can tell. `close` ends its connections, at the end of a run.
    """

    def test(self) -> Sight: ...

    def everything(self) -> Iterator[str]: ...

    def again(self, ids: Sequence[str]) -> Iterator[Record | Skipped | Gone]: ...

    def close(self) -> None: ...


class Channel(Protocol):
    """How the operator is reached. `carries` is a subset of {"message", "sms", "voice"}."""

    name: str
    carries: frozenset[str]

    def send(self, to: str, text: str, key: str) -> Receipt: ...


@runtime_checkable
class Addressed(Protocol):
    """A channel that reaches outside: whom, as the allowlist writes them. The first that works is enough."""

    recipients: tuple[str, ...]


@runtime_checkable
class Local(Protocol):
    """A channel that never leaves this machine: it alone needs no allowlist."""

    local: bool


@runtime_checkable
class Lasting(Protocol):
    """A channel whose credentials end unless they are looked after: `keep` does, and says whether it had to."""

    def keep(self) -> bool: ...


@runtime_checkable
class Verifies(Protocol):
    """A channel that can tell without reaching anybody that its addresses are none. Raises Usage."""

    def verify(self) -> None: ...


@runtime_checkable
class Proves(Protocol):
    """A channel whose credentials can be tried without reaching anybody: whose they are, in words.

    Raises what `send` does, but for Unknown.
    """

    def prove(self) -> str: ...


@runtime_checkable
class Divides(Protocol):
    """A channel with a longest message: the parts of a text, in order, each sent for itself under its own key."""

    def parts(self, text: str) -> tuple[str, ...]: ...


@runtime_checkable
class Calls(Protocol):
    """A channel that rings and speaks a text. `send`, where it also has one, is for what is read."""

    def call(self, to: str, text: str, key: str) -> Receipt: ...


@runtime_checkable
class Speaks(Protocol):
    """A channel that takes speech as a message (OGG with Opus), with a text under it."""

    def speak(self, to: str, sound: bytes, caption: str, key: str) -> Receipt: ...


@dataclass(frozen=True)
class Heard:
    """What became of a call: `ringing` while it is under way, then `answered` by a person, or `unheard` and `why`."""

    state: str
    why: str = ""


@runtime_checkable
class Polls(Protocol):
    """A channel that knows what became of a call, by its receipt's id."""

    def heard(self, call: str) -> Heard: ...


@runtime_checkable
class Askable(Protocol):
    """A channel that can be asked what it sent by a way since a moment: the receipt, or None when surely nothing.

    Raises a GodmodeError where that cannot be told, or not yet.
    """

    def ask(self, way: str, to: str, text: str, since: datetime) -> Receipt | None: ...


@runtime_checkable
class Schedules(Protocol):
    """A channel whose provider keeps an SMS until its moment.

    `scheduled` finds the one of a text that waits, `unschedule` takes one back by its receipt's id; it raises Refused
    where it has gone out.
    """

    recipients: tuple[str, ...]

    def schedule(self, to: str, text: str, at: datetime) -> Receipt: ...

    def scheduled(self, to: str, text: str) -> Receipt | None: ...

    def unschedule(self, message: str) -> Receipt: ...


@dataclass(frozen=True)
class Word:
    """Something that was said to a channel: a `text` that was typed, or the data of a button.

    `number` orders all that is said. `chat` is from where, as the allowlist writes it; "" where nobody can tell. `at`
    is when it was typed. `press` is what a pressed button is acknowledged by, None for a text.
    """

    number: int
    chat: str = ""
    text: str = ""
    at: datetime | None = None
    press: str | None = None


@runtime_checkable
class Offers(Protocol):
    """A channel that can put buttons under a message, where `listens` says that she wants to answer by it."""

    listens: bool

    def offer(self, to: str, text: str, buttons: Sequence[Button], key: str) -> Receipt: ...


@runtime_checkable
class Converses(Offers, Protocol):
    """A channel that she can answer by.

    `reply` sends as `offer` does, for somebody who waits: it gives up early. `words` reads what was said from a
    number on (0: all that is kept) and has the service forget what is before it. `acknowledge` shows a short text to
    who pressed a button.
    """

    def reply(self, to: str, text: str, buttons: Sequence[Button], key: str) -> Receipt: ...

    def words(self, since: int) -> Sequence[Word]: ...

    def acknowledge(self, press: str, text: str) -> Receipt: ...


@dataclass(frozen=True)
class Due:
    """A scheduled job, and the newest slot of it whose time has come: its key, its start, and the slot's period.

    A daily job may start for as long as its catch-up, an interval job until its next slot.
    """

    job: str
    cadence: Cadence
    slot: str
    start: datetime


@dataclass(frozen=True)
class Grounds:
    """What a watcher may know of where it stands, beside the database.

    `sources` gives the interval of every configured source by its name, `due` the jobs that a schedule starts, each
    with the slot that it should have begun by a moment.
    """

    zone: tzinfo
    sources: Callable[[], Mapping[str, timedelta]] = dict
    due: Callable[[datetime], Sequence[Due]] = lambda now: ()


class Detector(Protocol):
    """Looks for patterns over time; what it yields is of the type of its name.

    `look` reads and writes nothing. `now` is in the operator's zone, `lookback` how far back chats are read. A class
    with a field `grounds` is made with the `Grounds` it stands on, any other with nothing.
    """

    name: str

    def look(self, store: Any, now: datetime, lookback: timedelta) -> Iterator[Proposal]: ...


class Watcher(Protocol):
    """Looks for trouble that is there now. Incidents it yields are of the type of its name.

    The class also has `Settings`, its section `[watchers.NAME]` of the configuration, and is made with
    `(settings, grounds)`. `look` reads and writes nothing; it is called in a thread of its own, with a store of its
    own. Each incident is one subject: its `dedup_key` is the same as long as that trouble lasts.
    """

    name: str

    def look(self, store: Any, now: datetime) -> Iterator[Incident]: ...


@runtime_checkable
class Sighted(Watcher, Protocol):
    """A watcher that depends on what others read: where that is old, not seeing a trouble does not mean it is over."""

    def sees(self, store: Any, now: datetime) -> bool: ...
