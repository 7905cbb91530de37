"""A queue that drains ever more slowly: what leaves it has waited longer and longer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from godmode.lib.detectors.runs import NEWS, is_news, proposal, quoted, surest
from godmode.lib.detectors.statistics import bonferroni, calibrated, rises
from godmode.lib.kernel import Proposal
from godmode.lib.store import outcomes
from godmode.lib.store.outcomes import Drained

if TYPE_CHECKING:
    from godmode.lib.store import Store

WINDOW = timedelta(days=14)
SCALES = (NEWS, timedelta(hours=3))  # a trend over two weeks, and one over the last day
POINTS = {NEWS: 14, timedelta(hours=3): 8}
FEWEST_POINTS = 6
FEWEST_EACH = 3  # of work done in a stretch of time, below which its median says nothing
TWICE = 2.0
LONG = 60.0  # seconds: a queue that takes less is not slow
LOOKS = {NEWS: 2, timedelta(hours=3): 14}


class SlowingQueue:
    """Kinds of retries whose waiting time rises: by the day over two weeks, or by three hours over the last day.

    Each stretch is its median wait. Confidence is `calibrated` of Mann's exact trend test (`statistics.rises`),
    corrected by Bonferroni for all kinds and both scales and for the looks that a trend lasts. It has to have
    doubled, too: a trend of seconds is nobody's trouble.
    """

    name = "slowing_queue"

    def look(self, store: Store, now: datetime, lookback: timedelta) -> Iterator[Proposal]:
        """What slowed down up to the last 24 hours, the surest first."""
        yield from find(outcomes.drained(store.conn, now - WINDOW, now), now)


def find(drained: Sequence[Drained], now: datetime) -> Iterator[Proposal]:
    """The kinds of work that wait ever longer; of the two scales the surer one."""
    by_type: dict[str, list[Drained]] = defaultdict(list)
    for one in drained:
        by_type[one.type].append(one)
    tests = len(by_type) * len(SCALES)
    found = [p for same in by_type.values() for step in SCALES if (p := _proposal(same, step, tests, now))]
    yield from surest({p.dedup_key: p for p in reversed(surest(found, len(found)))}.values())


def _median(values: Sequence[float]) -> float:
    """The middle one, of an even number the upper: the module `statistics` takes 5 ms to import."""
    return sorted(values)[len(values) // 2]


def _medians(drained: Sequence[Drained], step: timedelta, now: datetime) -> list[float]:
    """The median wait in seconds of each stretch that had enough, the oldest first."""
    waits: dict[int, list[float]] = defaultdict(list)
    for one in drained:
        back = (now - one.done) // step
        if back < POINTS[step]:
            waits[back].append((one.done - one.created).total_seconds())
    return [_median(waits[back]) for back in sorted(waits, reverse=True) if len(waits[back]) >= FEWEST_EACH]


def _proposal(drained: Sequence[Drained], step: timedelta, tests: int, now: datetime) -> Proposal | None:
    medians, type_ = _medians(drained, step, now), drained[-1].type
    if len(medians) < FEWEST_POINTS or not is_news(drained[-1].done, now):
        return None
    first, last = _median(medians[:3]), _median(medians[-3:])
    if last < LONG or last < TWICE * first:
        return None
    times = [one.done for one in drained]
    over = "two weeks" if step == NEWS else "a day"
    return proposal(
        SlowingQueue.name,
        f"{type_} retries wait ever longer: {_words(last)}, {_words(first)} {over} ago",
        calibrated(bonferroni(rises(medians), tests * LOOKS[step])),
        dedup=type_,
        seen=f"Over {over} the median wait of {type_} retries, {len(drained)} of them, rose from {_words(first)} to "
        f"{_words(last)}.",
        do="look at what they call (a limit, a slow service), and dismiss what has lost its point.",
        changes="what is retried is done while it still matters.",
        undo="nothing is changed by godmode.",
        more="godmode queue",
        times=times,
        messages=[quoted(one.done, type_, f"waited {_words((one.done - one.created).total_seconds())}")
                  for one in drained[-3:]],
    )  # fmt: skip


def _words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
