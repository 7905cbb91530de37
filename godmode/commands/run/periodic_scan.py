"""periodic_scan: read every source, look for patterns, and see which incidents are over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from godmode.lib.engine import detect
from godmode.lib.errors import Auth
from godmode.lib.kernel import Every, Job, JobContext, JobResult, Outcome


def run(ctx: JobContext) -> JobResult:
    """1. Sync all configured sources at once, each in its own slot; one failing never stops another. 2. Detect.
    3. Resolve the incidents whose trouble has stayed away.

    It has failed, after all that, where a detector has, or no source could be read.
    """
    from godmode.lib.engine import incidents, partly

    results = ctx.run_together([f"sync_{name}" for name in ctx.sources])
    syncs = {job.removeprefix("sync_"): result for job, result in results.items()}
    ctx.check()
    looked = detect.look(ctx)
    data: dict[str, Any] = {
        "sources": {name: _outcome(result) for name, result in syncs.items()},
        "patterns": detect.keep(ctx, looked),
    }
    if not ctx.dry_run:
        data["incidents_resolved"] = incidents.review(ctx)
    came = partly.result("detectors", len(ctx.detectors), looked.failed, data)
    if all(result.outcome is Outcome.FAILED for result in syncs.values()):
        first = next(iter(syncs.values()))
        cause = None if isinstance(first.cause, Auth) else first.cause  # a refused key is told of by its sync, once
        return JobResult(Outcome.FAILED, None, first.error, first.error_category, came.data, cause)
    return came


def _outcome(result: JobResult) -> dict[str, Any]:
    return {"outcome": str(result.outcome), "reason": result.reason, "error": result.error} | dict(result.data)


JOB = Job(
    name="periodic_scan",
    help="read every source and look for patterns",
    cadence=Every(minutes=30),
    run=run,
    needs=frozenset({"source"}),
    deadline=timedelta(minutes=10),
)
