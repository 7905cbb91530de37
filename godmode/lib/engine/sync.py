"""Reading one source into the database: batches, and a cursor that moves only over what is stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import psycopg

from godmode.lib.clock import Clock
from godmode.lib.engine.said import texts
from godmode.lib.engine.stop import Stopped
from godmode.lib.errors import GodmodeError
from godmode.lib.kernel import Checkpoint, JobContext, JobResult, Outcome, Record, Skipped, Source
from godmode.lib.store import Store, ingest
from godmode.lib.store import sync as state
from godmode.lib.store.ingest import Stored

BATCH_RECORDS = 1000
BATCH_CHARS = 2_000_000
SKIPS_KEPT = 20
AUTHORITY = {"notion": "canonical", "hubspot": "inferred"}


def run(context: JobContext, name: str) -> JobResult:
    """Sync the source `name`. Raises GodmodeError when it cannot go on; what was stored stays stored."""
    source = context.sources[name]
    if context.dry_run:
        return _count(context, source)
    sink = _Sink(context.store, context.clock, name, context.check)
    state.begin(context.store.conn, name, context.clock.now())
    try:
        for item in source.changes(state.cursor_of(context.store.conn, name)):
            sink.take(item)
        sink.flush()
    except (GodmodeError, psycopg.Error, Stopped) as e:
        _end(context, sink, str(e).strip().partition("\n")[0])
        raise
    _end(context, sink, None)
    return JobResult(Outcome.SUCCEEDED, data=sink.report())


def _end(context: JobContext, sink: _Sink, error: str | None) -> None:
    """Write how the sync ended; where even that cannot be written, the run's own record tells."""
    conn, skips = context.store.fresh(), texts(sink.skips, context.clean)
    error = context.clean(error) if error else None
    state.end(conn, sink.name, context.clock.now(), items=sink.items, skipped=skips, error=error)


def _count(context: JobContext, source: Source) -> JobResult:
    """A dry run: read what is new, store nothing."""
    records = sum(isinstance(item, Record) for item in source.changes(state.cursor_of(context.store.conn, source.name)))
    return JobResult(Outcome.SUCCEEDED, data={"would_read": records})


@dataclass
class _Sink:
    """Collects what a source yields and stores it in batches."""

    store: Store
    clock: Clock
    name: str
    check: Callable[[], None]
    stored: Stored = field(default_factory=Stored)
    skipped: int = 0
    later: int = 0
    skips: list[dict[str, Any]] = field(default_factory=list)
    _batch: list[Record] = field(default_factory=list)
    _chars: int = 0
    _cursor: Checkpoint | None = None

    @property
    def items(self) -> int:
        return self.stored.new + self.stored.changed

    def take(self, item: Record | Skipped | Checkpoint) -> None:
        if isinstance(item, Record):
            self._batch.append(item)
            self._chars += len(item.text)
        elif isinstance(item, Checkpoint):
            self._cursor = item
        else:
            self._note(item)
        if len(self._batch) >= BATCH_RECORDS or self._chars >= BATCH_CHARS:
            self.flush()

    def _note(self, skip: Skipped) -> None:
        if skip.later:
            self.later += 1
        else:
            self.skipped += skip.records
        if len(self.skips) < SKIPS_KEPT:
            self.skips.append({"where": skip.where, "why": skip.why, "later": skip.later})

    def flush(self) -> None:
        """Store what was collected; the cursor, where one lies behind it, in the same transaction."""
        self.check()
        authority = AUTHORITY.get(self.name, "observed")
        with self.store.conn.transaction():
            if self._batch:
                self.stored += ingest.store(self.store.conn, self._batch, authority, self.clock.now())
            if self._cursor is not None:
                state.keep_cursor(self.store.conn, self.name, self._cursor.cursor)
        self._batch, self._chars, self._cursor = [], 0, None

    def report(self) -> dict[str, Any]:
        return asdict(self.stored) | {
            "skipped": self.skipped,
            "left_for_later": self.later,
            "notes": self.skips,
        }
