"""The words that every part of godmode shares, as frozen dataclasses. No I/O."""

from __future__ import annotations

import enum
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from datetime import tzinfo
    from pathlib import Path


class Severity(enum.StrEnum):
    """How loudly a message is delivered: SEV0 rings, SEV1 texts, the others wait for the digest."""

    SEV0 = "SEV0"
    SEV1 = "SEV1"
    WARN = "WARN"
    INFO = "INFO"


class Outcome(enum.StrEnum):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True)
class Every:
    """An interval cadence; its slots start at multiples of the period since 1970-01-01 00:00 UTC."""

    minutes: int = 0
    seconds: int = 0

    @property
    def period(self) -> timedelta:
        return timedelta(minutes=self.minutes, seconds=self.seconds)


@dataclass(frozen=True)
class Daily:
    """A once-a-day cadence at a local wall-clock time; its slots are local dates.

    `catch_up` is how long after `at` a missed slot may still run, on the same local date.
    """

    at: str
    catch_up: timedelta = timedelta(hours=12)


Cadence = Every | Daily


@dataclass(frozen=True)
class Backoff:
    """When a failed thing is tried again: `first`, then `factor` times longer each time, at most `cap`.

    The defaults are the specification's retry policy: 2000 ms * 2**(attempts - 1), at most 60000 ms.
    """

    attempts: int = 5
    first: timedelta = timedelta(seconds=2)
    factor: float = 2.0
    cap: timedelta = timedelta(seconds=60)

    def delay(self, attempts: int) -> timedelta | None:
        """The wait after the `attempts`-th failure (counted from 1), or None when that was the last try."""
        if attempts >= self.attempts:
            return None
        return min(self.first * self.factor ** (attempts - 1), max(self.cap, self.first))


@dataclass(frozen=True)
class Slot:
    """The scheduled occurrence a run stands for. `key` sorts as time does within one job."""

    key: str
    start: datetime


@dataclass(frozen=True)
class Record:
    """One thing read from a source. `id` is unique and stable within the source, and is without its name.

    `changed_at` is aware UTC, or None where the source does not say. `text` is what a person would read,
    `fields` the structured rest (JSON values only). A fact (canonical or inferred) is the same as before when its
    text and fields are, so leave out of `fields` what changes without meaning; something observed, when its time
    and text are.
    """

    source: str
    id: str
    changed_at: datetime | None
    text: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Skipped:
    """Something a source could not take. `where` names it, `why` is for the operator.

    `later` is true when it is left for the next run (a file still being written), false when it is given up.
    `records` is how many records are concerned, where that is known.
    """

    where: str
    why: str
    later: bool = False
    records: int = 1


@dataclass(frozen=True)
class Gone:
    """A record that is no longer at the source: deleted, hidden, without its tag. `why` is for the operator.

    What is stored of it is superseded without a successor.
    """

    id: str
    why: str


@dataclass(frozen=True)
class Checkpoint:
    """All that was yielded before this is complete: once it is stored, `cursor` may be kept.

    A long sync is broken off only here (see `sources.NAME.max_seconds`), so a source gives one every few requests.
    `left` is how many records are still to come, where the source knows.
    """

    cursor: Mapping[str, Any]
    left: int | None = None


@dataclass(frozen=True)
class Sight:
    """What a source's credentials may see, in plain words, and how much of it there is (None: not known)."""

    says: str
    total: int | None = None


@dataclass(frozen=True)
class Rate:
    """A service's limit: at most `calls` in any `per`."""

    calls: int
    per: timedelta


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


@dataclass(frozen=True)
class Receipt:
    """What a channel knows about a message it took: the provider's id and `sent` or `uncertain`."""

    id: str
    state: str = "sent"


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


@dataclass(frozen=True)
class Notification:
    """A message to the operator, before routing. Equal `dedup_key`s are the same message.

    `brief` is what an SMS says in place of the body, where it has words of its own. `carries` are the numbers of the
    waiting messages that this one tells of: once it has gone out, they need no other.
    """

    type: str
    severity: Severity
    title: str
    body: str
    dedup_key: str
    brief: str = ""
    carries: tuple[int, ...] = ()


@dataclass(frozen=True)
class Incident:
    """Something is wrong. Equal `dedup_key`s are the same open incident.

    `occurrences` counts how often it was seen, `evidence` is JSON that speaks for it.
    """

    type: str
    severity: Severity
    title: str
    dedup_key: str
    related_workflow_id: str | None = None
    occurrences: int = 1
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Proposal:
    """Something a detector noticed. `confidence` is a probability in 0..1.

    `evidence` is JSON: `{"summary": str, "follow_up": str, "messages": [{"id", "at", "author", "where", "text"}]}`;
    `follow_up` is the command that shows more.
    """

    type: str
    title: str
    confidence: float
    evidence: Mapping[str, Any]
    dedup_key: str


@dataclass(frozen=True)
class Proceed:
    """The gate is open."""


@dataclass(frozen=True)
class Skip:
    """The gate's "no": a reason in one word, what is missing, and the command that mends it."""

    reason: str
    message: str
    fix: str = ""


GateDecision = Proceed | Skip


@dataclass(frozen=True)
class JobResult:
    """What a job body, or the gate in its place, came to. `cause` is the exception behind a failure, where there is."""

    outcome: Outcome
    reason: str | None = None
    error: str | None = None
    error_category: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    cause: Exception | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class JobContext:
    """What a job body may use. Nothing else reaches outside the process.

    `store` is `godmode.lib.store.Store`; `notify` (notify/router.py) puts a message in the outbox and delivers it;
    `act` performs one outside effect under a key; `check` raises when the run has to stop (call it between
    steps); `run_first` runs another job before this one goes on, `run_together` several at once. `clean`
    takes out of a text what must not be kept or told. `command` is how the
    operator calls godmode; `by_hand` says that a person started the run and waits for it. `progress` is told how far
    a source was read: its name, how many records so far, and how many are left (None: not known). `say` makes a text
    into sound (`godmode.lib.notify.speech.Sound`); it raises Usage where that is not installed. `worker` is what the
    retry queue needs of the runner (`godmode.lib.engine.worker.Worker`).
    """

    clock: Any
    store: Any
    state: Path
    zone: tzinfo
    slot: Slot
    settings: Any
    sources: Mapping[str, Source]
    detectors: Mapping[str, Any]
    watchers: Mapping[str, Any]
    notify: Any
    act: Callable[..., Any]
    check: Callable[[], None]
    run_first: Callable[[str], JobResult]
    run_together: Callable[[Sequence[str]], Mapping[str, JobResult]]
    clean: Callable[[str], str]
    command: str = "godmode"
    say: Callable[[str], Any] | None = None
    worker: Any = None
    last_success: datetime | None = None
    dry_run: bool = False
    by_hand: bool = False
    progress: Callable[[str, int, int | None], None] = lambda source, read, left: None


@dataclass(frozen=True)
class Job:
    """One of the units of work, as its file declares it.

    `needs` names prerequisites (see `wiring.py`), `ignores` the gate checks that do not hold for it, `retry`
    what follows a failure (None: the next slot is the retry). `speaks` says that it talks to a person.
    `run` is None while a job is declared but its body is not yet part of the program. `deadline_by_hand` is the
    deadline of a run that a person started, where it is another one.
    """

    name: str
    help: str
    cadence: Cadence
    run: Callable[[JobContext], JobResult] | None
    speaks: bool = False
    needs: frozenset[str] = frozenset()
    ignores: frozenset[str] = frozenset()
    retry: Backoff | None = None
    deadline: timedelta = timedelta(minutes=10)
    deadline_by_hand: timedelta | None = None
