"""run_watchers: look for trouble now."""

from __future__ import annotations

from typing import Any

from godmode.lib.kernel import Every, Job, JobContext, JobResult


def run(ctx: JobContext) -> JobResult:
    """1. All watchers look at once; one failing stops no other. 2. What they see opens an incident, or joins one.
    3. What has stayed away is resolved. 4. She is told what is new, and again what nobody acknowledges.

    It has failed, after all that, where a watcher has.
    """
    from godmode.lib.engine import incidents, partly, watch

    looked = watch.look(ctx)
    data: dict[str, Any] = {"watchers": len(ctx.watchers), "found": len(looked.found)}
    if ctx.dry_run:
        data["would_keep"] = [{"where": one.type, "why": one.title} for one in looked.found]
    else:
        data |= {"subjects": incidents.keep(ctx, looked.found)} if looked.found else {}
        data |= {"resolved": incidents.settle(ctx, looked.seeing), "told": incidents.tell(ctx)}
    return partly.result("watchers", len(ctx.watchers), looked.failed, data)


JOB = Job(name="run_watchers", help="look for trouble and open incidents", cadence=Every(minutes=5), run=run)
