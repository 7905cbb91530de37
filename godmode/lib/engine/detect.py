"""Patterns over time: every detector looks, what is sure enough becomes a proposal; one failing stops no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import islice

from godmode.lib.engine import causes
from godmode.lib.engine.causes import PROPOSE_FROM
from godmode.lib.kernel import JobContext, JobResult, Outcome, Proposal
from godmode.lib.ports import Detector
from godmode.lib.store import Store, connect, proposals

KNOWN = 200  # proposals of before, open and decided each, that findings are held against
MOST = 200  # findings of one detector: far more than any hands over
PATIENCE = "60s"  # for a statement of a detector, which may read weeks


@dataclass
class Looked:
    """What came of a look: `found` by the detectors that looked without failing, surest first; `failed` are the
    results of the others, by name."""

    found: list[Proposal] = field(default_factory=list)
    failed: dict[str, JobResult] = field(default_factory=dict)


def look(ctx: JobContext) -> Looked:
    """What the detectors see; below the configured confidence nothing. Raises Stopped or KillSwitchOn when the run
    has to end."""
    looked, store = Looked(), ctx.store.another()
    detectors: Mapping[str, Detector] = ctx.detectors
    try:
        for name, detector in detectors.items():
            ctx.check()
            result = ctx.worker.attempt(partial(_look, ctx, detector, store, looked))
            if result.outcome is Outcome.FAILED:
                looked.failed[name] = result
        ctx.check()  # a stop that broke into the last one is no failure of it
    finally:
        store.close()
    looked.found.sort(key=lambda p: -p.confidence)
    return looked


def _look(ctx: JobContext, detector: Detector, store: Store, looked: Looked) -> JobResult:
    """One detector's look, in a transaction in which nothing can be written; what it finds is kept all or not at
    all."""
    settings, conn = ctx.settings.detectors, store.fresh()
    with conn.transaction():
        connect.only_read(conn, PATIENCE)
        now = ctx.clock.now().astimezone(ctx.zone)
        found = list(islice(detector.look(store, now, timedelta(days=settings.lookback_days)), MOST))
    looked.found += (p for p in found if p.confidence >= settings.min_confidence)
    return JobResult(Outcome.SUCCEEDED)


def keep(ctx: JobContext, looked: Looked) -> dict[str, int]:
    """Store one proposal for each cause of which a finding is sure enough; how many were found, and what became of
    them. `joined` are those that are named in another's evidence."""
    counts = Counter(found=len(looked.found))
    if ctx.dry_run or not looked.found:
        return dict(counts)
    conn = ctx.store.conn
    rows = [*proposals.waiting(conn, KNOWN), *proposals.decided(conn, KNOWN)]
    sorted_ = causes.sort(looked.found, rows, looked.failed)
    for told in sorted_.told:
        counts["joined"] += len(told.proposal.evidence.get("also", ()))
        if told.proposal.confidence < PROPOSE_FROM:
            continue
        ctx.check()
        counts[proposals.put(conn, told.proposal, ctx.clock.now(), told.heir)] += 1
    counts["decided"] += sorted_.silent
    return {name: count for name, count in counts.items() if count or name == "found"}
