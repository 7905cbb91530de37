"""process_retry_queue: release messages whose time has come, and retry what failed, at most ten rows a run."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from godmode import registry
from godmode.lib.kernel import Every, Job, JobContext, JobResult


def run(ctx: JobContext) -> JobResult:
    """Release messages; then expire what has lost its point, take over what a dead process held, do what is ready."""
    from godmode.lib.engine import retry

    released = {} if ctx.dry_run else ctx.notify.release()
    result = retry.run(ctx, registry.retry)
    return replace(result, data={**result.data, "released": dict(released)}) if released else result


JOB = Job(
    name="process_retry_queue",
    help="retry what failed",
    cadence=Every(seconds=30),
    run=run,
    deadline=timedelta(seconds=25),
)
