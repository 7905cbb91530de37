"""Whether confidences are worth what they say: of patterns given with confidence c, about c are true.

A detector that tests for a cause is right where a cause was put. One that foretells (the ask comes back within a week,
the next second try works) is right where that came, whatever the cause; whether a cause was there is its precision.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import sqrt

from benchmarks.judged.history import Trouble

BINS = (0.6, 0.7, 0.8, 0.9, 0.97, 1.01)
FORETELLS = frozenset({"recurring_asks", "manual_work", "second_try"})
WITHIN = timedelta(days=7)
ENOUGH = 20  # patterns, from which a bin is held against what it says
TWO_SIDED_95 = 1.959963984540054


@dataclass(frozen=True)
class Judged:
    """A pattern as it was first given: by whom, how sure, whether that was true; whether it had a cause, and became
    a proposal."""

    by: str
    confidence: float
    true: bool
    cause: bool
    proposed: bool


def came(spoken_of: Sequence[Trouble], until: datetime, end: datetime) -> bool | None:
    """Whether what a detector foretold came, when it was last seen at `until`; None where the history does not say."""
    later = [(at, so) for one in spoken_of for at, so in one.later if until + timedelta(minutes=1) < at]
    in_time = [so for at, so in later if at <= until + WITHIN]
    if in_time:
        return in_time[0]
    return False if until + WITHIN <= end else None


def wilson(true: int, count: int) -> tuple[float, float]:
    """The 95 % interval of the share behind `true` of `count`: Wilson, JASA 22 (1927), 209-212."""
    z, share = TWO_SIDED_95, true / count
    centre, scale = share + z * z / (2 * count), 1 + z * z / count
    spread = z * sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def table(judged: Sequence[Judged]) -> Iterator[str]:
    """The bins of all, then each detector in a line, and what the confidences are worth beside the base rate."""
    yield f"{'patterns with':24}{'said':>6}{'true':>6}{'count':>7}   95 % interval of the true share"
    for low, high in pairwise(BINS):
        inside = [one for one in judged if low <= one.confidence < high]
        if inside:
            yield _line(f"{low:.2f} to {min(high, 1):.2f}", inside)
    yield ""
    by: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        by[one.by].append(one)
    for name in sorted(by):
        yield _line(name, by[name])
    yield ""
    yield from _skill(judged)


def _line(name: str, inside: Sequence[Judged]) -> str:
    said, true = sum(one.confidence for one in inside) / len(inside), sum(one.true for one in inside)
    low, high = wilson(true, len(inside))
    off = "" if low <= said <= high or len(inside) < ENOUGH else "  too shy" if said < low else "  too sure"
    return f"{name:24}{said:6.2f}{true / len(inside):6.2f}{len(inside):7}   {low:.2f} to {high:.2f}{off}"


def _skill(judged: Sequence[Judged]) -> Iterator[str]:
    """Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78 (1950), 1-3."""
    if not judged:
        return
    count, base = len(judged), sum(one.true for one in judged) / len(judged)
    brier = sum((one.confidence - one.true) ** 2 for one in judged) / count
    always = base * (1 - base)
    skill = f"skill {1 - brier / always:+.2f}" if always else "no skill to measure, all were true or none"
    yield f"Brier score {brier:.3f} of {count} patterns"
    yield f"by always saying the base rate {base:.2f} it would be {always:.3f}: {skill}"
    proposed, below = ([one.cause for one in judged if one.proposed is so] for so in (True, False))
    yield f"precision (a cause was there): proposals {_precision(proposed)}; patterns below, {_precision(below)}"


def _precision(causes: Iterable[bool]) -> str:
    held = list(causes)
    if not held:
        return "- of 0"
    low, high = wilson(sum(held), len(held))
    return f"{sum(held) / len(held):.2f} of {len(held)} ({low:.2f} to {high:.2f})"
