"""daily_digest: once a day, what matters, in five lines."""

from __future__ import annotations

from datetime import timedelta

from godmode.lib.errors import Transient
from godmode.lib.kernel import Backoff, Daily, Job, JobContext, JobResult, Notification, Outcome, Severity

FIRST = timedelta(days=1)  # how far back the first digest looks


def run(ctx: JobContext) -> JobResult:
    """1. Scan and watch first where the last time is old; it goes out all the same. 2. Look. 3. Send what was written
    first."""
    from godmode.lib.notify import digest, facts
    from godmode.lib.store import news

    if not ctx.dry_run:
        ctx.run_first("periodic_scan")
        ctx.run_first("run_watchers")
    last = news.last_digest(ctx.store.conn, ctx.clock.now())
    seen = facts.look(ctx, last or ctx.clock.now() - FIRST, first=last is None)
    note = Notification(
        "daily_digest", Severity.INFO, "Daily digest", digest.compose(seen),
        f"daily_digest:{ctx.slot.key}", digest.brief(seen), seen.carries, digest.buttons(seen),
    )  # fmt: skip
    if ctx.dry_run:
        return JobResult(Outcome.SUCCEEDED, data={"text": note.body})
    sent = ctx.notify(note)
    if sent.status == "failed":
        raise Transient(f"the digest could not be sent: {sent.error}")
    return JobResult(Outcome.SUCCEEDED, data={"text": sent.text, "delivery": sent.status})


JOB = Job(
    name="daily_digest",
    help="what matters, in five lines",
    cadence=Daily("08:00", catch_up=timedelta(hours=12)),
    run=run,
    speaks=True,
    needs=frozenset({"comms_enabled", "message_channel"}),
    retry=Backoff(attempts=2, first=timedelta(minutes=5)),
)
