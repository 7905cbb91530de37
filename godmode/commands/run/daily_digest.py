"""daily_digest: once a day, what matters, in five lines."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from godmode.lib.errors import Transient
from godmode.lib.kernel import Backoff, Daily, Job, JobContext, JobResult, Notification, Outcome, Severity

if TYPE_CHECKING:
    from godmode.lib.notify.digest import Seen

STALE_INTERVALS = 2  # a source is called unread when it missed this many of its intervals


def run(ctx: JobContext) -> JobResult:
    """1. Scan first where the last scan is old. 2. Look. 3. Send. 4. What it carried needs no other message."""
    from godmode.lib.notify import digest
    from godmode.lib.store import outbox

    if not ctx.dry_run:
        ctx.run_first("periodic_scan")
    seen = look(ctx)
    text = digest.compose(seen)
    if ctx.dry_run:
        return JobResult(Outcome.SUCCEEDED, data={"text": text})
    note = Notification("daily_digest", Severity.INFO, "Daily digest", text, f"daily_digest:{ctx.slot.key}")
    sent = ctx.notify(note)
    if sent.status == "failed":
        raise Transient(f"the digest could not be sent: {sent.error}")
    outbox.digested(ctx.store.conn, [m.id for m in seen.messages], ctx.clock.now())
    return JobResult(Outcome.SUCCEEDED, data={"text": sent.text, "delivery": sent.status})


def look(ctx: JobContext) -> Seen:
    """Everything the digest tells of, each looked up now."""
    from godmode.lib.notify.digest import Seen, SourceSeen
    from godmode.lib.store import figures, memory, outbox, proposals, sync

    conn, now = ctx.store.conn, ctx.clock.now()
    since = ctx.last_success or now - timedelta(days=1)
    states = {row.source_name: row for row in sync.all_rows(conn)}
    return Seen(
        now=now,
        since=since,
        zone=ctx.zone,
        command=ctx.command,
        figures=figures.since(conn, since),
        backlog=figures.backlog(conn),
        incidents=figures.open_incidents(conn),
        messages=outbox.waiting(conn),
        proposals=sorted((p for p in proposals.waiting(conn) if p.updated_at >= since), key=lambda p: -p.confidence),
        sources=[
            SourceSeen(name, states.get(name, sync.SyncState(name)), STALE_INTERVALS * source.every.period)
            for name, source in ctx.sources.items()
        ],
        uncertain=outbox.uncertain(conn, since),
        newest=memory.newest_message_at(conn, now),
    )


JOB = Job(
    name="daily_digest",
    help="what matters, in five lines",
    cadence=Daily("08:00", catch_up=timedelta(hours=12)),
    run=run,
    speaks=True,
    needs=frozenset({"comms_enabled", "message_channel"}),
    retry=Backoff(attempts=2, first=timedelta(minutes=5)),
)
