"""Failures that keep to an hour of the day or to a weekday: something else happens then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from godmode.lib.detectors.runs import NEWS, called, follow_up, is_news, key, proposal, quoted, surest
from godmode.lib.detectors.statistics import bonferroni, calibrated, mid_p
from godmode.lib.kernel import Proposal
from godmode.lib.store import outcomes
from godmode.lib.store.outcomes import Tally

if TYPE_CHECKING:
    from godmode.lib.store import Store

WEEKS = 6
FEWEST = 3  # dates on which it failed then
HERE = 0.4  # of all its failures that fall there
USUALLY = 0.5  # of the times that it ran then, since that began
LOOKS = WEEKS
WHOLE_DAY = -1
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class FailureHours:
    """Jobs and workflows that fail at one hour of the day, or on one weekday, more than their runs are spread.

    An hour (for weekdays a date) counts once however often it failed within, since such failures are not
    independent. Of F failing ones, the number that fall into a place with a share s of all active ones is
    Binomial(F, s) when time does not matter; confidence is `calibrated` of its upper tail (`mid_p`), corrected by
    Bonferroni for all places at which the things looked at ran, and for looking anew each week. What could never be
    found is no test: Tarone, "A modified Bonferroni method for discrete data", Biometrics 46 (1990), 515-522.
    """

    name = "failure_hours"

    def look(self, store: Store, now: datetime, lookback: timedelta) -> Iterator[Proposal]:
        """What happened so within the last 24 hours, by six weeks of history, the surest first."""
        failed = {failure.subject for failure in outcomes.failures(store.conn, now - NEWS, now)}
        if failed:
            yield from find(outcomes.tallies(store.conn, now - timedelta(weeks=WEEKS), now, of=failed), now)


class Unit(NamedTuple):
    """An hour of a date, or (`hour` is WHOLE_DAY) a date."""

    date: date
    hour: int


class Place(Struct, frozen=True):
    """Where in the day or week, and how it reads; its failing units, those since the first of them in which it ran,
    and the p-value."""

    word: str
    code: str
    failing: Sequence[Unit]
    active: int
    p: float


def find(tallies: Sequence[Tally], now: datetime) -> Iterator[Proposal]:
    """Of each thing the surest place, at most five of all."""
    by_subject: dict[str, list[Tally]] = defaultdict(list)
    for tally in tallies:
        by_subject[key(tally)].append(tally)
    failing = {name: same for name, same in by_subject.items() if sum(t.failed > 0 for t in same) >= FEWEST}
    tests = sum(_ran_at(same, now) for same in failing.values()) * LOOKS
    found = [_proposal(same, place, tests, now) for same in failing.values() if (place := _place(same, now))]
    yield from surest(p for p in found if p)


def _ran_at(tallies: Sequence[Tally], now: datetime) -> int:
    """At how many hours and on how many weekdays it ran: elsewhere it cannot fail, and is no test."""
    times = [tally.hour.astimezone(now.tzinfo) for tally in tallies]
    return len({at.hour for at in times}) + len({at.weekday() for at in times})


def _place(tallies: Sequence[Tally], now: datetime) -> Place | None:
    """The place whose failures are the least likely by chance."""
    hours = _places(tallies, now, lambda at: Unit(at.date(), at.hour), lambda u: f"{u.hour:02}")
    days = _places(tallies, now, lambda at: Unit(at.date(), WHOLE_DAY), lambda u: f"day{u.date.weekday()}")
    return min((*hours, *days), key=lambda place: place.p, default=None)


def _places(
    tallies: Sequence[Tally], now: datetime, unit: Callable[[datetime], Unit], place: Callable[[Unit], str]
) -> Iterator[Place]:
    active: dict[str, set[Unit]] = defaultdict(set)
    failing: dict[str, set[Unit]] = defaultdict(set)
    for tally in tallies:
        one = unit(tally.hour.astimezone(now.tzinfo))
        active[place(one)].add(one)
        if tally.failed:
            failing[place(one)].add(one)
    everywhere, failed = sum(map(len, active.values())), sum(map(len, failing.values()))
    for code, units in failing.items():
        here, ran = len(units), sum(unit >= min(units) for unit in active[code])
        if here < FEWEST or here < HERE * failed or here < USUALLY * ran:
            continue
        yield Place(_word(code), code, sorted(units), ran, mid_p(here, failed, len(active[code]) / everywhere))


def _word(code: str) -> str:
    if code.startswith("day"):
        return f"on {DAYS[int(code[3:])]}s"
    return f"between {code}:00 and {(int(code) + 1) % 24:02}:00"


def _proposal(tallies: Sequence[Tally], place: Place, tests: int, now: datetime) -> Proposal | None:
    one = tallies[-1]
    times = [t.hour for t in tallies if t.failed and _is_in(t, place, now)]
    if not times or not is_news(times[-1], now):
        return None
    failed, where, often = sum(t.failed > 0 for t in tallies), called(one), f"{len(place.failing)} of {place.active}"
    return proposal(
        FailureHours.name,
        f"{where} fails {place.word}: {often} times",
        calibrated(bonferroni(place.p, tests)),
        dedup=f"{key(one)}:{place.code}",
        seen=f"{where} failed {place.word} on {often} days that it ran then, with {len(times)} of its "
        f"{failed} hours with failures in {WEEKS} weeks.",
        do="move its schedule to another time, or find out what else runs then (a backup, a maintenance window).",
        changes="it no longer runs into what happens then.",
        undo="set the old schedule again.",
        more=follow_up(one),
        times=times,
        messages=[quoted(at, one.name, f"failed {place.word}") for at in times],
        about=[one],
    )


def _is_in(tally: Tally, place: Place, now: datetime) -> bool:
    at = tally.hour.astimezone(now.tzinfo)
    return Unit(at.date(), WHOLE_DAY if place.code.startswith("day") else at.hour) in place.failing
