"""process_retry_queue: hear the phone, release messages whose time has come, retry what failed, ten rows a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

from godmode import registry
from godmode.lib.kernel import Every, Job, JobContext, JobResult


def run(ctx: JobContext) -> JobResult:
    """Hear the phone, since it may say stop; release messages; then expire what has lost its point, take over what a
    dead process held, do what is ready."""
    from godmode.lib.engine import retry

    heard = _heard(ctx)
    released = {} if ctx.dry_run else ctx.notify.release()
    result = retry.run(ctx, registry.retry)
    found = {"heard": dict(heard)} if heard else {}
    found |= {"released": dict(released)} if released else {}
    return replace(result, data={**result.data, **found}) if found else result


def _heard(ctx: JobContext) -> Mapping[str, int]:
    """What was said from the phone, by what became of it; whoever does without it pays nothing for it."""
    if ctx.dry_run or not ctx.settings.channels.get("telegram", {}).get("approvals"):
        return {}
    from godmode.lib.engine import phone, retry

    return phone.listen(ctx, "telegram", partial(retry.one, ctx, registry.retry))


JOB = Job(
    name="process_retry_queue",
    help="retry what failed",
    cadence=Every(seconds=30),
    run=run,
    deadline=timedelta(seconds=25),
)
