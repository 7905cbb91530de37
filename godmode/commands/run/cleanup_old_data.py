"""cleanup_old_data: archive what is old, never delete; seal the audit log; take the night's backup."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from godmode.lib.errors import Transient
from godmode.lib.kernel import Daily, Job, JobContext, JobResult, Outcome
from godmode.lib.store import archive, seals


def run(ctx: JobContext) -> JobResult:
    """Flag old audit rows, completed retries and resolved incidents, in batches; what is done stays done. Then seal
    what stands in the audit log.

    The backup comes last, so that it has what was archived and its failure keeps nothing from being so.
    """
    archived = {rule.table: _archive(ctx, rule) for rule in archive.RULES}
    if ctx.dry_run:
        data = {"would_archive": archived, "would_seal": seals.unsealed(ctx.store.conn)}
    else:
        data = {"archived": archived, "sealed": _seal(ctx), **_backup(ctx)}
    return JobResult(Outcome.SUCCEEDED, data=data)


def _seal(ctx: JobContext) -> int:
    """How many rows were sealed. Where the log is being written to, they are left to the next day."""
    try:
        until = seals.horizon(ctx.store.conn)
    except Transient:
        return 0
    total = 0
    while made := seals.seal_next(ctx.store.conn, until, ctx.clock.now()):
        total += made.count
        ctx.check()
    return total


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
