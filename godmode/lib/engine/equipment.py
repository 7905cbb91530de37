"""What a run is asked for, what it comes to, and what the composition root hands the runner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo
from pathlib import Path

import psycopg
from msgspec import Struct

from godmode.lib.clock import Clock
from godmode.lib.engine.said import Clean
from godmode.lib.kernel import Job, JobContext, JobResult, Skip
from godmode.lib.sections import Settings
from godmode.lib.store import Store


class Mode(Struct, frozen=True):
    """How a run was asked for. `queued`: by the retry queue, which has its own retries; only for `slot`, if given.
    `unscheduled`: of something that no schedule starts, so that no slot of it is ever missed."""

    scheduled: bool = False
    again: bool = False
    dry_run: bool = False
    queued: bool = False
    slot: str | None = None
    unscheduled: bool = False


BY_HAND = Mode()


class Report(Struct, frozen=True):
    """What a run came to; `slot` is None when it got no slot."""

    job: str
    run_id: str
    slot: str | None
    result: JobResult
    duration_ms: int
    fix: str = ""


Pinger = Callable[[str, str, str, int | None, Callable[[], None]], None]
"""Tells of an event (start, success, fail, log) of a run, with a text and its ms; asks before its request, and raises
nothing but what that raises."""


class Equipment(Struct, frozen=True):
    """What the composition root hands the runner.

    `job` finds a job by name (with its configured cadence), `lacking` the prerequisites of it that are not
    met beyond the controls, `context` makes the job's context from the run's own parts. `twin` makes the same for
    another thread, with a store of its own, and what breaks off its open requests. `clean` takes out of a text what
    must not be kept or told. `pinger` gives what tells the job's dead man's switch of its runs, where it has one.
    """

    clock: Clock
    zone: tzinfo
    settings: Settings
    state: Path
    store: Store
    schema: int
    migrate: Callable[[psycopg.Connection], None]
    job: Callable[[str], Job]
    lacking: Callable[[Job], Mapping[str, Skip]]
    context: Callable[..., JobContext]
    twin: Callable[[], tuple[Equipment, Callable[[], None]]]
    clean: Clean
    pinger: Callable[[str], Pinger | None] = lambda job: None
