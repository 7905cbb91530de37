"""Once a day: are all records of a source stored, and is all that is stored still there? What is not, is mended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from itertools import islice
from typing import TYPE_CHECKING, Any

from godmode.lib.engine.shelves import shelf_of
from godmode.lib.kernel import Gone, JobContext, Record
from godmode.lib.ports import Remote
from godmode.lib.store import sync as state

if TYPE_CHECKING:
    from godmode.lib.engine.sync import Sink

BATCH = 1000


def compare_when_due(ctx: JobContext, source: Remote, sink: Sink) -> dict[str, Any] | None:
    """Compare when that was not done on this local day; the report, or None.

    The sync that first read everything counts as a comparison: it need not be asked for all again.
    """
    now = ctx.clock.now()
    last = state.compared_at(ctx.store.conn, source.name)
    if last is not None and not _on_an_earlier_day(last, now, ctx.zone):
        return None
    report = None if last is None else compare(ctx, source, sink)
    state.compared(ctx.store.conn, source.name, now, report)
    return report


def _on_an_earlier_day(last: datetime, now: datetime, zone: tzinfo) -> bool:
    return last.astimezone(zone).date() < now.astimezone(zone).date()


def compare(ctx: JobContext, source: Remote, sink: Sink) -> dict[str, Any]:
    """Fetch what is missing by its id; what is stored and not listed is asked for, and superseded when it is gone.

    A source that `prunes` forgets old records by itself: what it no longer lists is gone without being asked for.
    """
    conn, shelf = ctx.store.conn, shelf_of(source)
    there: set[str] = set()
    missing: list[str] = []
    for ids in _batches(source.everything()):
        ctx.check()
        there.update(ids)
        missing += shelf.absent(conn, source.name, ids)
    repaired = _mend(source, missing, sink)
    vanished = [stored for stored in shelf.ids(conn, source.name) if stored not in there]
    before = sink.gone
    if getattr(source, "prunes", False):
        for vanished_id in vanished:
            sink.take(Gone(vanished_id, "no longer kept there"))
        sink.flush()
    else:
        _mend(source, vanished, sink)
    return {
        "at_source": len(there),
        "stored": len(there) - len(missing) + repaired,
        "repaired": repaired,
        "gone": sink.gone - before,
        "at": ctx.clock.now().isoformat(),
    }


def _mend(source: Remote, ids: list[str], sink: Sink) -> int:
    """Ask for these by id and store the answers; how many records there were."""
    records = 0
    for item in source.again(ids) if ids else ():
        records += isinstance(item, Record)
        sink.take(item)
    sink.flush()
    return records


def _batches(ids: Iterable[str]) -> Iterator[list[str]]:
    it = iter(ids)
    while batch := list(islice(it, BATCH)):
        yield batch
