"""What was changed thirty days ago by her word: what it promised, and what has come of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from godmode.lib import remedies
from godmode.lib.errors import BadData
from godmode.lib.kernel import JobContext
from godmode.lib.store import corrections, job_state, proposals, sync

AFTER = timedelta(days=30)
FRESH = timedelta(days=1)
UNSEEN = {"failed_runs": "n8n", "incidents": "trouble"}


@dataclass(frozen=True)
class Review:
    """One change: the proposal's title and what was done. `what` is counted over a week, `then` and `now`; "" where
    nothing was. `now` is None where it cannot be told, because what is `unseen` was not looked at of late."""

    proposal: int
    title: str
    did: str
    what: str = ""
    then: int = 0
    now: int | None = 0
    unseen: str = ""


def look(ctx: JobContext, since: datetime) -> Sequence[Review]:
    """The changes that turned thirty days old since the day of the last digest, `since`, up to today.

    By local dates, of which each has one digest, so that each change is looked back at once.
    """
    begin, end = (_day_after(at, ctx.zone) for at in (since, ctx.clock.now()))
    return list(_reviewed(ctx, begin, end))


def _day_after(at: datetime, zone: tzinfo) -> datetime:
    """The local midnight that ends the day, thirty days before."""
    day: date = at.astimezone(zone).date() + timedelta(days=1) - AFTER
    return datetime.combine(day, time(), tzinfo=zone)


def _reviewed(ctx: JobContext, begin: datetime, end: datetime) -> Iterator[Review]:
    conn, now = ctx.store.conn, ctx.clock.now()
    for done in corrections.applied_between(conn, begin, end):
        row = proposals.one(conn, done.proposal_id) if done.proposal_id else None
        if row is None:
            continue
        figure = done.figure
        if figure is None:
            yield Review(row.id, done.title, _did(row.remedy))
        else:
            unseen = _unseen(ctx, figure["counted"], now)
            count = None if unseen else corrections.count(conn, figure["counted"], figure["of"], now)
            yield Review(row.id, done.title, _did(row.remedy), figure["what"], figure["value"], count, unseen)


def _unseen(ctx: JobContext, counted: str, now: datetime) -> str:
    """What would have had to be looked at within a day, and was not; "" where that is not so."""
    conn, at = ctx.store.conn, now
    if counted == "failed_runs":
        states = {state.source_name: state for state in sync.all_rows(conn)}
        at = states.get("n8n", sync.SyncState("n8n")).last_sync_completed_at or now - 2 * FRESH
    if counted == "incidents":
        at = job_state.of(conn, "run_watchers").last_success_at or now - 2 * FRESH
    return UNSEEN[counted] if now - at > FRESH else ""


def _did(remedy: dict[str, object] | None) -> str:
    try:
        return remedies.read(remedy or {}).words
    except BadData:
        return "by hand"
