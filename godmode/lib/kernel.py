"""The words that every part of godmode shares, as frozen dataclasses. No I/O."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

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


@dataclass(frozen=True)
class Receipt:
    """What a channel knows about a message it took: the provider's id and `sent` or `uncertain`."""

    id: str
    state: str = "sent"


@dataclass(frozen=True)
class Button:
    """What may stand under a message: its label, and the data that comes back when it is pressed (at most 64 bytes)."""

    label: str
    data: str


@dataclass(frozen=True)
class Notification:
    """A message to the operator, before routing. Equal `dedup_key`s are the same message.

    `brief` is what an SMS says in place of the body, where it has words of its own. `carries` are the numbers of the
    waiting messages that this one tells of: once it has gone out, they need no other. `buttons` stand under it where
    the channel takes her answer.
    """

    type: str
    severity: Severity
    title: str
    body: str
    dedup_key: str
    brief: str = ""
    carries: tuple[int, ...] = ()
    buttons: tuple[Button, ...] = ()


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
    `follow_up` is the command that shows more, `count` how much speaks for it. `remedy` is what approving it does: one
    of the closed list in remedies.py, as `remedies.stored` makes it; None where only she can do something.
    """

    type: str
    title: str
    confidence: float
    evidence: Mapping[str, Any]
    dedup_key: str
    remedy: Mapping[str, Any] | None = None


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

    `store` is `godmode.lib.store.Store`, `sources` are `godmode.lib.ports.Source`s by name, `remedies` what carries
    each kind of remedy out (engine/remedies/contract.py); `notify`
    (notify/router.py) puts a message in the outbox and delivers it; `act` performs one outside effect under a key;
    `check` raises when the run has to stop (call it between steps); `run_first` runs another job before this one goes
    on, `run_together` several at once. `clean` takes out of a text what must not be kept or told. `command` is how
    the operator calls godmode; `by_hand` says that a person started the run and waits for it. `progress` is told how
    far a source was read: its name, how many records so far, and how many are left (None: not known). `say` makes a
    text into sound (`godmode.lib.notify.speech.Sound`); it raises Usage where that is not installed. `worker` is what
    the retry queue needs of the runner (`godmode.lib.engine.worker.Worker`).
    """

    clock: Any
    store: Any
    state: Path
    zone: tzinfo
    slot: Slot
    settings: Any
    sources: Mapping[str, Any]
    detectors: Mapping[str, Any]
    watchers: Mapping[str, Any]
    remedies: Mapping[str, Any]
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
