"""Reading one source into the database: batches, and a cursor that moves only over what is stored.

1. Read what changed since the cursor. 2. Once a day, compare the ids at the source with those stored, and repair.
3. Of executions, look for workflows that fail again and again.
A sync that is broken off keeps what it stored, and the next one completes it.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import psycopg

from godmode.lib.engine import completeness, failures, vanished
from godmode.lib.engine.said import texts
from godmode.lib.engine.shelves import Shelf, shelf_of
from godmode.lib.engine.stop import Stopped, time_left
from godmode.lib.errors import DailyLimit, GodmodeError, NothingToRead, first_line
from godmode.lib.kernel import Checkpoint, Gone, JobContext, JobResult, Notification, Outcome, Record, Severity, Skipped
from godmode.lib.ports import Remote, Source
from godmode.lib.store import executions
from godmode.lib.store import sync as state
from godmode.lib.store.ingest import Stored

BATCH_RECORDS = 1000
BATCH_CHARS = 2_000_000
SKIPS_KEPT = 20
MAX_SECONDS = 480  # of a sync from cron, where its section does not say
SHARE = 0.85  # of the time until the deadline, after which a sync ends well at its next checkpoint


def run(ctx: JobContext, name: str) -> JobResult:
    """Sync the source `name`. Raises GodmodeError when it cannot go on; what was stored stays stored."""
    source = ctx.sources[name]
    try:
        return _count(ctx, source) if ctx.dry_run else _sync(ctx, source)
    finally:
        if isinstance(source, Remote):
            source.close()


def _sync(ctx: JobContext, source: Source) -> JobResult:
    sink = Sink(ctx, source)
    last = state.begin(ctx.store.conn, source.name, ctx.clock.now())
    found: dict[str, int] = {}
    try:
        _read(ctx, source, sink, last)
        if sink.shelf is executions:
            found = failures.look(ctx, source, last)
    except (GodmodeError, psycopg.Error, Stopped) as e:
        why = _stop_behind(ctx, e)
        _end(ctx, sink, first_line(why))
        raise why from e
    _end(ctx, sink, None)
    return JobResult(Outcome.SUCCEEDED, data=sink.report() | found)


def _read(ctx: JobContext, source: Source, sink: Sink, since: datetime | None) -> None:
    """Read until all is read, the time is over or the day's calls are used up; then compare, where that is due.

    What was read before an error is stored, so that the next sync does not ask for it again. A source that shows
    nothing any more is compared as well, since what it no longer shows is superseded, and then fails.
    """
    blind: NothingToRead | None = None
    try:
        try:
            _changes(ctx, source, sink)
        except NothingToRead as e:
            blind = e
        sink.flush()
        if sink.limited is None and isinstance(source, Remote):
            sink.compared = completeness.compare_when_due(ctx, source, sink)
    except DailyLimit as e:
        sink.flush()
        sink.limited = str(e)
        day = ctx.clock.now().astimezone(ctx.zone).date()
        ctx.notify(Notification("api_budget", Severity.WARN, e.message, e.fix, f"api_budget:{source.name}:{day}"))
    except GodmodeError:
        sink.flush()
        vanished.tell(ctx, sink, since)
        raise
    vanished.tell(ctx, sink, since)
    if blind is not None:
        raise blind


def _changes(ctx: JobContext, source: Source, sink: Sink) -> None:
    ends = time.monotonic() + _bound(ctx, source.name)
    for item in source.changes(state.cursor_of(ctx.store.conn, source.name)):
        sink.take(item)
        if isinstance(item, Checkpoint) and time.monotonic() > ends:
            sink.limited = state.TIME_OVER
            return


def _bound(ctx: JobContext, name: str) -> float:
    """Seconds after which a sync ends at its next checkpoint: a person at the terminal is not cut short."""
    wanted = float(ctx.settings.sources.get(name, {}).get("max_seconds", MAX_SECONDS))
    return min(time_left() * SHARE, float("inf") if ctx.by_hand else wanted)


def _stop_behind(ctx: JobContext, error: BaseException) -> BaseException:
    """The error, or the stop behind it: a request that a stop cut off fails as if the network had."""
    if isinstance(error, psycopg.errors.QueryCanceled) or not isinstance(error, psycopg.Error):
        try:
            ctx.check()
        except (GodmodeError, Stopped) as stop:
            return stop
    return error


def _end(ctx: JobContext, sink: Sink, error: str | None) -> None:
    """Write how the sync ended; where even that cannot be written, the run's own record tells."""
    conn, error = ctx.store.fresh(), ctx.clean(error) if error else None
    state.end(
        conn, sink.name, ctx.clock.now(), items=sink.items, skipped=texts(sink.skips, ctx.clean), error=error,
        limited=sink.limited,
    )  # fmt: skip


def _count(ctx: JobContext, source: Source) -> JobResult:
    """A dry run: read what is new, store nothing."""
    records = sum(isinstance(item, Record) for item in source.changes(state.cursor_of(ctx.store.conn, source.name)))
    return JobResult(Outcome.SUCCEEDED, data={"would_read": records})


@dataclass
class Sink:
    """Collects what a source yields and stores it in batches. Of one id in a batch, the last word counts."""

    ctx: JobContext
    source: Source
    stored: Stored = field(default_factory=Stored)
    read: int = 0
    whys: Counter[str] = field(default_factory=Counter)
    skipped: int = 0
    later: int = 0
    skips: list[dict[str, Any]] = field(default_factory=list)
    limited: str | None = None
    compared: dict[str, Any] | None = None
    _batch: dict[str, Record | Gone] = field(default_factory=dict)
    _chars: int = 0
    _cursor: Checkpoint | None = None

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def shelf(self) -> Shelf:
        return shelf_of(self.source)

    @property
    def gone(self) -> int:
        """How many are gone that had been stored; `whys` has how many of them for each reason."""
        return self.whys.total()

    @property
    def items(self) -> int:
        return self.stored.new + self.stored.changed + self.gone

    def take(self, item: Record | Skipped | Gone | Checkpoint) -> None:
        if isinstance(item, Record | Gone):
            self.read += 1
            self._batch[item.id] = item
            self._chars += len(item.text) if isinstance(item, Record) else 0
        elif isinstance(item, Checkpoint):
            self._cursor = item
            self.ctx.progress(self.name, self.read, item.left)
        else:
            self._note(item)
        dear = isinstance(item, Checkpoint) and isinstance(self.source, Remote)  # asking again costs more than storing
        if dear or len(self._batch) >= BATCH_RECORDS or self._chars >= BATCH_CHARS:
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
        self.ctx.check()
        conn, now, shelf = self.ctx.store.conn, self.ctx.clock.now(), self.shelf
        records = [item for item in self._batch.values() if isinstance(item, Record)]
        gone = [item for item in self._batch.values() if isinstance(item, Gone)]
        with conn.transaction():
            came = shelf.store(conn, self.name, records, self.source.authority, now) if records else Stored()
            went = shelf.remove(conn, self.name, gone, now) if gone else []
            if came.new != len(went):
                state.carry(conn, self.name, came.new - len(went))
            if self._cursor is not None:
                state.keep_cursor(conn, self.name, self._cursor.cursor)
        self.stored += came
        self.whys.update(went)
        self._batch, self._chars, self._cursor = {}, 0, None

    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = asdict(self.stored) | {
            "gone": self.gone,
            "skipped": self.skipped,
            "left_for_later": self.later,
            "notes": self.skips,
        }
        if self.limited:
            report |= {"more": True, "limited": self.limited}
        return report | ({"completeness": self.compared} if self.compared else {})
