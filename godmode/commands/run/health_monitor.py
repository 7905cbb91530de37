"""health_monitor: is godmode itself well? The one job that also runs with jobs_enabled off."""

from __future__ import annotations

from godmode.lib.health import checks
from godmode.lib.kernel import Every, Job, JobContext, JobResult, Notification, Outcome, Severity


def run(ctx: JobContext) -> JobResult:
    """Keep what expires, then look at the database, the controls, the disk and the jobs; `data.degraded` names
    what is not well."""
    if not ctx.dry_run:
        ctx.notify.keep()
    findings = [check(ctx) for check in checks.CHECKS]
    degraded = [f.name for f in findings if not f.well]
    data = {"degraded": degraded, "checks": {f.name: f.detail for f in findings}}
    if degraded and not ctx.dry_run:
        body = "; ".join(f.detail for f in findings if not f.well)
        key = f"health_alert:{ctx.clock.now():%Y-%m-%dT%H}"  # at most one an hour
        ctx.notify(Notification("health_alert", Severity.WARN, "System Health Degraded", body, key))
    return JobResult(Outcome.SUCCEEDED, data=data)


JOB = Job(
    name="health_monitor",
    help="watch over godmode's own health",
    cadence=Every(minutes=5),
    run=run,
    ignores=frozenset({"jobs_disabled"}),
)
