"""One cause is one proposal: which of the findings about the same failures is told, and which are named in it. Pure.

Several detectors see the same trouble from different sides: an error that comes again, at one hour, and that a second
try mends. What one is open already stays the one, as long as its own detector sees it, so that nothing flips; without,
the surest is told, one with a remedy before one without.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from godmode.lib.kernel import Proposal
from godmode.lib.store.proposals import ProposalRow, clearly_worse

OF_FAILURES = frozenset({"error_templates", "failure_hours", "second_try", "chained_failures"})
SAME = 0.5  # of the hours that two findings quote, where both could: the Jaccard index from which they are the same
PROPOSE_FROM = 0.7  # confidence from which a pattern is a proposal (specification, Patterns)


class Told(Struct, frozen=True):
    """A finding to store, with the others of its cause in its evidence. `heir` is the open proposal of the same cause
    whose own detector does not see it any more: it becomes this finding."""

    proposal: Proposal
    heir: int | None = None


class Causes(Struct, frozen=True):
    """What is to be stored, and how many causes are not, since she has decided on them or their detector failed."""

    told: Sequence[Told]
    silent: int = 0


def sort(found: Sequence[Proposal], rows: Sequence[ProposalRow], failed: Collection[str]) -> Causes:
    """`found` are the findings of a look, `rows` the proposals of before, the newest first, `failed` the detectors
    that could not look, of which what is open counts as seen."""
    open_keys = {row.dedup_key for row in rows if row.status == "open"}
    groups = _groups(found, open_keys)
    seen, told, silent = {one.dedup_key for one in found}, [], 0
    for head, *others in groups:
        before = None if head.dedup_key in open_keys else _before(head, rows, seen)
        if before is not None and not _is_told(head, before, failed):
            silent += 1
            continue
        heir = before.id if before is not None and before.status == "open" else None
        if heir is not None:
            rows = [row for row in rows if row.id != heir]  # nobody else becomes it
        told.append(Told(_with(head, others), heir))
    return Causes(told, silent)


def _groups(found: Sequence[Proposal], open_keys: Collection[str | None]) -> list[list[Proposal]]:
    """The findings by their cause, the one to be told first."""
    groups: list[list[Proposal]] = []
    for one in sorted(found, key=lambda p: (p.dedup_key not in open_keys, *_rank(p))):
        same = (g for g in groups if _same(g[0].type, g[0].evidence, one.type, one.evidence))
        group = None if one.dedup_key in open_keys else next(same, None)
        if group is None:
            groups.append([one])
        else:
            group.append(one)
    return groups


def _rank(one: Proposal) -> tuple[bool, bool, float]:
    return one.confidence < PROPOSE_FROM, one.remedy is None, -one.confidence


def _before(head: Proposal, rows: Sequence[ProposalRow], seen: Collection[str | None]) -> ProposalRow | None:
    """The newest proposal about the same cause by another detector, which does not see it now, or that is decided."""
    for row in rows:
        holds = _is_settled(head, row) if row.status != "open" else row.dedup_key not in seen
        if holds and _same(head.type, head.evidence, row.type, row.evidence):
            return row
    return None


def _is_settled(head: Proposal, row: ProposalRow) -> bool:
    """Whether she has had her word on these failures: what goes on after a yes is told."""
    until = _at(head.evidence["until"]) if "until" in head.evidence else None
    return row.status == "rejected" or (until is not None and row.decided_at is not None and until <= row.decided_at)


def _is_told(head: Proposal, before: ProposalRow, failed: Collection[str]) -> bool:
    """Whether it is told although there was one: what is open becomes it, or it is clearly worse than then.

    Counts of different detectors count different things, so it is compared with its own count of then, if any.
    """
    if before.status == "open":
        return before.type not in failed
    then: Mapping[str, Any] = next((o for o in before.evidence.get("also", ()) if o["type"] == head.type), {})
    return clearly_worse(head, then.get("count"), max(before.confidence, then.get("confidence", 0.0)))


def _with(head: Proposal, others: Sequence[Proposal]) -> Proposal:
    if not others:
        return head
    also = [
        {"type": o.type, "title": o.title, "confidence": o.confidence, "count": o.evidence.get("count")} for o in others
    ]
    return replace(head, evidence={**head.evidence, "also": also})


# -- the same cause ------------------------------------------------------------------------------------------


def _same(type_a: str, a: Mapping[str, Any], type_b: str, b: Mapping[str, Any]) -> bool:
    """Whether findings of two detectors speak of the same failures: of the same things (a chain is about two of
    them), at the same time.

    One detector's findings are causes of their own: two errors of one workflow are two.
    """
    if type_a == type_b or not {type_a, type_b} <= OF_FAILURES:
        return False
    about_a, about_b = set(a.get("about", ())), set(b.get("about", ()))
    if not about_a or not about_b or not (about_a <= about_b or about_b <= about_a):
        return False
    if _at(a["since"]) > _at(b["until"]) or _at(b["since"]) > _at(a["until"]):
        return False
    return _overlap(_hours(a), _hours(b)) >= SAME


def _overlap(a: Sequence[datetime], b: Sequence[datetime]) -> float:
    """The Jaccard index of the hours from which on both quote; 1 where there are none, since nothing tells them
    apart."""
    if not a or not b:
        return 1.0
    begin, end = max(min(a), min(b)), min(max(a), max(b))
    hours_a, hours_b = ({at for at in hours if begin <= at <= end} for hours in (a, b))
    return len(hours_a & hours_b) / len(hours_a | hours_b) if hours_a | hours_b else 1.0


def _hours(evidence: Mapping[str, Any]) -> list[datetime]:
    """When what it quotes was, by the hour: some detectors know no more."""
    times = (_at(one["at"]) for one in evidence.get("messages", ()))
    return [at.replace(minute=0, second=0, microsecond=0) for at in times]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
