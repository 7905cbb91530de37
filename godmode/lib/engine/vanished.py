"""Records that vanish in numbers: a mistake in the sharing looks like that, so she is told at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from godmode.lib.kernel import JobContext, Notification, Severity
from godmode.lib.store.sync import things

if TYPE_CHECKING:
    from godmode.lib.engine.sync import Sink

FEW = 5  # fewer records than that may vanish at once without more ado, unless they are all that there was
SHARE = 0.2  # of what was stored, from which it is many


def tell(ctx: JobContext, sink: Sink, since: datetime | None) -> None:
    """Warn where one sync superseded all records of a source, or a large share. `since`: the last complete sync.

    A source that `prunes` forgets old records by itself: there it is only told when none is left of many.
    """
    if not sink.gone:
        return
    left = sum(1 for _ in sink.shelf.ids(ctx.store.conn, sink.name))
    if not _is_much(sink.gone, left, prunes=getattr(sink.source, "prunes", False)):
        return
    before = left + sink.gone
    ago = f" since {since.astimezone(ctx.zone):%a %d %b %H:%M}" if since else ""
    title = f"{sink.name}: {sink.gone:,} of {before:,} {things(sink.name)} are gone at the source{ago}"
    body = f"{_reasons(sink.whys)}; if that is a mistake, mend it there and they are read again"
    ctx.notify(Notification("records_gone", Severity.WARN, title, body, f"records_gone:{sink.name}:{ctx.slot.key}"))


def _is_much(gone: int, left: int, *, prunes: bool) -> bool:
    if prunes:
        return not left and gone >= FEW
    return not left or (gone >= FEW and gone >= SHARE * (gone + left))


def _reasons(whys: Mapping[str, int]) -> str:
    """The reasons, the most frequent first, each with its number where there are several."""
    ordered = sorted(whys.items(), key=lambda why: -why[1])
    return ", ".join(why if len(whys) == 1 else f"{count:,} {why}" for why, count in ordered[:3])
