"""health_monitor: is godmode itself well? The one job that also runs with jobs_enabled off."""

from __future__ import annotations

from godmode.lib.kernel import Every, Job, JobContext, JobResult, Outcome


def run(ctx: JobContext) -> JobResult:
    """1. Take over what waited for the database. 2. Keep what expires. 3. Look, and tell what is due.

    `data.degraded` names the checks that are not well, `data.findings` what each found, since when, and what to do.
    """
    from godmode.lib.health import checkup

    taken = 0 if ctx.dry_run else checkup.take_over(ctx, ctx.around().host)
    locked_out = {} if ctx.dry_run else ctx.notify.keep()
    data = checkup.look(*checkup.patient(ctx, locked_out))
    return JobResult(Outcome.SUCCEEDED, data=data | ({"taken_over": taken} if taken else {}))


JOB = Job(
    name="health_monitor",
    help="watch over godmode's own health",
    cadence=Every(minutes=5),
    run=run,
    ignores=frozenset({"jobs_disabled"}),
)
