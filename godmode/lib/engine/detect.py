"""Patterns over time: every detector looks, what is sure enough becomes a proposal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from godmode.lib.kernel import JobContext, Proposal
from godmode.lib.store import proposals

PROPOSE_FROM = 0.7  # confidence from which a pattern is a proposal (specification, Patterns)


def patterns(ctx: JobContext) -> list[Proposal]:
    """What the detectors see, surest first; below the configured confidence nothing."""
    settings = ctx.settings.detectors
    found: list[Proposal] = []
    for detector in ctx.detectors.values():
        ctx.check()
        found += detector.look(ctx.store, ctx.clock.now().astimezone(ctx.zone), timedelta(days=settings.lookback_days))
    return sorted((p for p in found if p.confidence >= settings.min_confidence), key=lambda p: -p.confidence)


def run(ctx: JobContext) -> dict[str, int]:
    """Detect, and store what is sure enough; how many patterns were found, and what became of them."""
    return keep(ctx, patterns(ctx))


def keep(ctx: JobContext, found: Sequence[Proposal]) -> dict[str, int]:
    """Store those that are sure enough; how many were found, and what became of them."""
    counts = {"found": len(found)}
    for proposal in found:
        if proposal.confidence < PROPOSE_FROM or ctx.dry_run:
            continue
        ctx.check()
        came_to = proposals.put(ctx.store.conn, proposal, ctx.clock.now())
        counts[came_to] = counts.get(came_to, 0) + 1
    return counts
