"""What runs much more or much less often than it used to, or takes much longer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from godmode.lib.detectors.runs import BASELINE, called, follow_up, key, proposal, quoted, surest
from godmode.lib.detectors.statistics import all_above, bonferroni, calibrated, dispersion, mid_p
from godmode.lib.kernel import Proposal
from godmode.lib.store import outcomes
from godmode.lib.store.outcomes import Tally

if TYPE_CHECKING:
    from godmode.lib.store import Store

DAY = timedelta(days=1)
RECENT = 3  # days
WEEK = 7
DAYS = BASELINE // DAY
SLOW_DAYS = 4
LONG = 1000  # ms: what takes less is not slow
FEWEST_BEFORE = 14  # days of history before the recent ones
TWICE, LONGER = 2.0, 1.5
FEWEST_RUNS = 10  # expected or seen in the recent days
SWING = 0.15  # mean deviation of a day's runs from their mean
SHARED = 1.4  # times as many, or as few: what changes for everything is a holiday, and no finding
LOOKS = DAYS // RECENT


class ChangedRate:
    """Jobs and workflows whose number of runs changed in the last three days, or whose duration in four.

    Runs are compared with those of the same weekdays of the weeks before; counts are first divided by their
    dispersion (`statistics.dispersion`), then tested as two Poisson counts (`rate_grew`'s test, in either direction).
    Durations: all of its last four days lie above all days before (`all_above`). Both corrected by Bonferroni for all
    tests, and for looking anew every three days; confidence is `calibrated` of that. What changes for all that
    swings at once is the company's calendar, and left out. What comes in spells, one busy day after the other, scatters
    more over three days than its single days tell (four weeks are too few to measure by how much): of what is said of
    such a thing, more is chance than the confidence has it.
    """

    name = "changed_rate"

    def look(self, store: Store, now: datetime, lookback: timedelta) -> Iterator[Proposal]:
        """What changed in the three days up to now against the four weeks before, the surest first."""
        yield from find(outcomes.tallies(store.conn, now - BASELINE, now), now)


class Series(Struct, frozen=True):
    """The days of one thing, counted back from now: number 0 is the last 24 hours. `ms` is that of a run, 0 of none."""

    of: Tally
    runs: Sequence[int]
    ms: Sequence[float]


class Change(Struct, frozen=True):
    """What changed: `what` in a word, from and to, and the p-value."""

    series: Series
    what: str
    usual: float
    recent: float
    p: float


def find(tallies: Sequence[Tally], now: datetime) -> Iterator[Proposal]:
    """The changes, at most five, the surest first."""
    if not tallies:
        return
    observed = min(DAYS, (now - min(t.hour for t in tallies)) // DAY)
    if observed < RECENT + FEWEST_BEFORE:
        return
    series = [one for one in _series(tallies, now, observed) if sum(one.runs[RECENT:])]
    changes = [c for one in series for c in (_runs(one), _slower(one)) if c]
    tests = 3 * len(series) * LOOKS
    sure = [c for c in changes if bonferroni(c.p, tests) < 1]
    found = [_proposal(c, tests, now) for c in sure if not _is_shared(c, series)]
    yield from surest(found)


def _series(tallies: Sequence[Tally], now: datetime, observed: int) -> Iterator[Series]:
    by_subject: dict[str, list[Tally]] = defaultdict(list)
    for tally in tallies:
        by_subject[key(tally)].append(tally)
    for same in by_subject.values():
        runs, ms = [0] * observed, [0] * observed
        for tally in same:
            day = (now - tally.hour) // DAY
            if day < observed:
                runs[day] += tally.ended
                ms[day] += tally.ms
        yield Series(same[-1], runs, [total / n if n else 0.0 for total, n in zip(ms, runs, strict=True)])


def _runs(series: Series) -> Change | None:
    """More or fewer runs than on the same weekdays before."""
    before = [series.runs[day + WEEK :: WEEK] for day in range(RECENT)]
    now, then, weeks = sum(series.runs[:RECENT]), sum(map(sum, before)), sum(map(len, before)) / RECENT
    usual = _usual(series)
    if max(now, usual) < FEWEST_RUNS or not (now >= TWICE * usual or TWICE * now <= usual):
        return None
    scatter = _scatter(series.runs[RECENT:])
    recent, earlier, share = round(now / scatter), round(then / scatter), 1 / (1 + weeks)
    if now > usual:
        return Change(series, "more", usual, now, mid_p(recent, recent + earlier, share))
    return Change(series, "fewer", usual, now, mid_p(earlier, recent + earlier, 1 - share))


def _scatter(runs: Sequence[int]) -> float:
    """How much the days scatter about the mean of their weekday."""
    weekdays = [runs[i::WEEK] for i in range(WEEK)]
    means = [sum(same) / len(same) for same in weekdays if same]
    expected = [means[i % WEEK] for i in range(len(runs))]
    return dispersion([float(n) for n in runs], expected, len(means))


def _slower(series: Series) -> Change | None:
    """The last days on which it ran lie above all days before."""
    days = [ms for ms in series.ms if ms]
    recent, before = days[:SLOW_DAYS], days[SLOW_DAYS:]
    if not series.ms[0] or len(before) < FEWEST_BEFORE:
        return None
    usual, now = sum(before) / len(before), sum(recent) / len(recent)
    if now < LONGER * usual or now < LONG:
        return None
    return Change(series, "slower", usual, now, all_above(recent, before))


def _is_shared(change: Change, series: Sequence[Series]) -> bool:
    """Whether all else that swings with the company's days moved the same way: a timer runs on holidays too.

    Where nothing swings, all else: then it is n8n that was not read, or the machine that was off.
    """
    rest = [one for one in series if one is not change.series]
    others = [one for one in rest if _swings(one)] or rest
    usual, now = sum(map(_usual, others)), sum(sum(one.runs[:RECENT]) for one in others)
    if change.what == "slower" or not usual:
        return False
    return now >= SHARED * usual if change.what == "more" else SHARED * now <= usual


def _swings(series: Series) -> bool:
    before = series.runs[RECENT:]
    return sum(abs(n - sum(before) / len(before)) for n in before) > SWING * sum(before)


def _usual(series: Series) -> float:
    """The runs that the same weekdays before let expect."""
    before = [series.runs[day + WEEK :: WEEK] for day in range(RECENT)]
    return sum(sum(same) / len(same) for same in before)


def _proposal(change: Change, tests: int, now: datetime) -> Proposal:
    of, where = change.series.of, called(change.series.of)
    if change.what == "slower":
        what = f"takes {_seconds(change.recent)} a run, {change.recent / change.usual:.1f} times as long as before"
        seen = f"its runs of {SLOW_DAYS} days took {_seconds(change.recent)}, before that {_seconds(change.usual)}."
        do = "look at what grew: the amount of data, a slow service it calls, a missing limit."
    else:
        what = f"ran {change.recent:.0f} times in {RECENT} days, usually {change.usual:.0f}"
        seen = f"it {what} on these weekdays, in the {len(change.series.runs) - RECENT} days before."
        do = "check what starts it: a trigger that was lost or doubled, a form or shop that changed."
    days = [now - day * DAY for day in range(RECENT - 1, -1, -1)]
    return proposal(
        ChangedRate.name,
        f"{where} {what}",
        calibrated(bonferroni(change.p, tests)),
        dedup=f"{key(of)}:{change.what}",
        seen=f"{where}: {seen}",
        do=do,
        changes="it runs again as it used to, or you know why it does not.",
        undo="nothing is changed by godmode.",
        more=follow_up(of),
        times=days,
        messages=[
            quoted(at, of.name, f"{change.series.runs[day]} runs, {_seconds(change.series.ms[day])} each")
            for at, day in zip(days, range(RECENT - 1, -1, -1), strict=True)
        ],
        about=[of],
    )


def _seconds(ms: float) -> str:
    return f"{ms / 1000:.1f} s" if ms < 600_000 else f"{ms / 60_000:.0f} min"
