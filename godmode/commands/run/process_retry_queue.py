"""process_retry_queue: retry what failed, at most ten rows a run."""

from __future__ import annotations

from datetime import timedelta

from godmode import registry
from godmode.lib.kernel import Every, Job, JobContext, JobResult


def run(ctx: JobContext) -> JobResult:
    """Expire what has lost its point, take over what a dead process held, then do what is ready."""
    from godmode.lib.engine import retry

    return retry.run(ctx, registry.retry)


JOB = Job(
    name="process_retry_queue",
    help="retry what failed",
    cadence=Every(seconds=30),
    run=run,
    deadline=timedelta(seconds=25),
)
