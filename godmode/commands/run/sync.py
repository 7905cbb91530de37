"""sync_NAME: read one source, for every source that there is."""

from __future__ import annotations

from functools import partial

from godmode.lib.engine import sync
from godmode.lib.kernel import Every, Job, JobContext, JobResult

N8N = Job(name="sync_n8n", help="read the n8n executions", cadence=Every(minutes=30), run=None)
HUBSPOT = Job(name="sync_hubspot", help="read the changed HubSpot contacts", cadence=Every(minutes=30), run=None)


def job_for(name: str, every: Every, help: str = "") -> Job:
    """The job that syncs the source `name`; it needs that source to be configured."""
    return Job(
        name=f"sync_{name}",
        help=help or f"read {name}",
        cadence=every,
        run=partial(_run, name=name),
        needs=frozenset({f"source_{name}"}),
    )


def _run(ctx: JobContext, name: str) -> JobResult:
    return sync.run(ctx, name)


NOTION = job_for("notion", Every(minutes=60), "read the canonical Notion pages")
