"""sync_NAME: read one source, for every source that there is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

from godmode import registry
from godmode.lib.kernel import Every, Job, JobContext, JobResult

BY_HAND = timedelta(hours=4)  # a first sync that a person waits for; from cron one goes on in the next slot


def job_for(name: str, every: Every) -> Job:
    """The job that syncs the source `name`; it needs that source to be configured."""
    return Job(
        name=f"sync_{name}",
        help=f"read {name}",
        cadence=every,
        run=partial(_run, name=name),
        needs=frozenset({f"source_{name}"}),
        deadline_by_hand=BY_HAND,
    )


def _run(ctx: JobContext, name: str) -> JobResult:
    from godmode.lib.engine import sync

    return sync.run(ctx, name)


def _listed(name: str, every: Every) -> Job:
    """The job of a source that stands in registry.JOBS, without a body as long as the source is not there."""
    job = replace(job_for(name, every), help=registry.JOBS[f"sync_{name}"][0])
    return job if registry.SOURCES[name][1] else replace(job, run=None)


NOTION = _listed("notion", Every(minutes=60))
N8N = _listed("n8n", Every(minutes=30))
HUBSPOT = _listed("hubspot", Every(minutes=30))
