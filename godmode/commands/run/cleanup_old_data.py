"""cleanup_old_data: archive what is old, never delete; then take the night's backup, where that is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from godmode.lib.kernel import Daily, Job, JobContext, JobResult, Outcome
from godmode.lib.store import archive


def run(ctx: JobContext) -> JobResult:
    """Flag old audit rows, completed retries and resolved incidents, in batches; what is done stays done.

    The backup comes last, so that it has what was archived and its failure keeps nothing from being so.
    """
    archived = {rule.table: _archive(ctx, rule) for rule in archive.RULES}
    if ctx.dry_run:
        return JobResult(Outcome.SUCCEEDED, data={"would_archive": archived})
    return JobResult(Outcome.SUCCEEDED, data={"archived": archived, **_backup(ctx)})


def _backup(ctx: JobContext) -> Mapping[str, Any]:
    if not ctx.config.settings.backup.daily:
        return {}
    from godmode.lib.health import backups

    ctx.check()
    return backups.nightly(ctx)


def _archive(ctx: JobContext, rule: archive.Rule) -> int:
    if ctx.dry_run:
        return archive.count_due(ctx.store.conn, rule, ctx.clock.now())
    total, batch = 0, archive.BATCH
    while batch == archive.BATCH:
        ctx.check()
        batch = archive.archive_batch(ctx.store.conn, rule, ctx.clock.now())
        total += batch
    return total


JOB = Job(
    name="cleanup_old_data",
    help="archive what is old (never delete)",
    cadence=Daily("02:00", catch_up=timedelta(hours=22)),
    run=run,
)
