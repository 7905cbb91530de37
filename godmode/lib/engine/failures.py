"""Workflows that fail again and again: from three failures since the last sync, one incident each, which grows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from godmode.lib.engine import incidents as life
from godmode.lib.kernel import Incident, JobContext, Severity
from godmode.lib.ports import Source
from godmode.lib.store import executions, incident_rows, incidents
from godmode.lib.store.executions import Failing

REPEATED = "repeated_failures"
FROM = 3  # failures of a workflow since the last sync (specification, n8n sync)
TOLD = 3  # the latest failures whose messages are fetched


@runtime_checkable
class Explains(Protocol):
    """A source of executions that can tell why some of them failed: pairs of id and cause."""

    def explain(self, ids: Sequence[str]) -> Iterable[tuple[str, str]]: ...


def look(ctx: JobContext, source: Source, since: datetime | None) -> dict[str, int]:
    """Open or grow the incidents; `since` is when the last complete sync ended. How many were new, and had grown.

    The count is taken from what is stored, from the moment the incident counts from, so that looking twice changes
    nothing.
    """
    conn, counts = ctx.store.conn, {"new": 0, "grown": 0, "same": 0}
    begun = {i.related_workflow_id: i.evidence.get("since") for i in incidents.unresolved(conn, REPEATED)}
    for workflow in executions.failing(conn, since):
        ctx.check()
        if workflow.workflow_id in begun:
            counts_from = _parsed(begun[workflow.workflow_id])
        elif workflow.count >= FROM:
            counts_from = since
        else:
            continue
        counts[incidents.put(conn, _incident(ctx, source, workflow, counts_from), ctx.clock.now())] += 1
    resolved = _resolve_what_works_again(ctx)
    return {"incidents_new": counts["new"], "incidents_grown": counts["grown"], "incidents_resolved": resolved}


def _resolve_what_works_again(ctx: JobContext) -> int:
    """Resolve the incidents of workflows that succeeded since, and have not failed for long enough; how many.

    A workflow that has not run since is no better for that.
    """
    conn, now = ctx.store.conn, ctx.clock.now()
    before = now - timedelta(minutes=ctx.settings.incidents.resolve_after_minutes)
    resolved = 0
    with conn.transaction():
        for row in incident_rows.of_workflows(conn, REPEATED):
            last = executions.recovered(conn, row.related_workflow_id or "", before)
            if last is not None:
                life.resolve(
                    ctx, row, f"it succeeds again, and has not failed since {last.astimezone(ctx.zone):%a %d %b %H:%M}"
                )
                resolved += 1
    return resolved


def _parsed(since: object) -> datetime | None:
    return datetime.fromisoformat(since) if isinstance(since, str) else None


def _incident(ctx: JobContext, source: Source, workflow: Failing, since: datetime | None) -> Incident:
    conn = ctx.store.conn
    count, latest = executions.failures(conn, workflow.workflow_id, since, TOLD)
    untold = [failure.execution_id for failure in latest if failure.error is None]
    if isinstance(source, Explains) and untold:
        executions.note_errors(conn, {number: ctx.clean(why) for number, why in source.explain(untold)})
        _, latest = executions.failures(conn, workflow.workflow_id, since, TOLD)
    return Incident(
        type=REPEATED,
        severity=Severity.WARN,
        title=f"Workflow {workflow.name or workflow.workflow_id} failed {count} times",
        dedup_key=f"{REPEATED}:{source.name}:{workflow.workflow_id}",
        related_workflow_id=workflow.workflow_id,
        occurrences=count,
        evidence={"since": since.isoformat() if since else None, "count": count, "latest": list(_told(latest))},
    )


def _told(latest: Iterable[executions.Failure]) -> Iterator[dict[str, str | None]]:
    for failure in latest:
        at = failure.stopped_at.isoformat() if failure.stopped_at else None
        yield {"execution": failure.execution_id, "at": at, "error": failure.error}
