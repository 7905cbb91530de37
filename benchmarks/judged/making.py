"""A whole history from a seed: weeks of noise to learn from, one normal week, then weeks with all kinds of trouble."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.judged import company, faint, incidents, patterns, twins
from benchmarks.judged.history import DAY, WEEK, ZONE, History

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from fakes.chats import BAKERY, MONDAY, quiet_weeks

LEARNING = 5  # weeks
FIRST_MONDAY = datetime(2025, 11, 3, tzinfo=ZONE)


@dataclass(frozen=True)
class Made:
    """A history with its parts: nothing is judged before `normal`, nothing is wrong before `judged`."""

    history: History
    normal: datetime
    judged: datetime
    end: datetime


def made(seed: int, weeks: int) -> Made:
    """The history of a seed, with so many weeks of trouble. Another seed has another season, and other hours."""
    chance = random.Random(seed)
    begin = (FIRST_MONDAY + chance.randrange(40) * WEEK).astimezone(UTC)
    history = History(chance, begin)
    normal, judged = begin + LEARNING * WEEK, begin + (LEARNING + 1) * WEEK
    end = judged + weeks * WEEK
    history.off = off = patterns.holidays(history, begin + 2 * WEEK, LEARNING + weeks - 1)
    _decoys(history, begin, end)
    for make, at in _when(chance, judged, weeks):
        make(history, at)
    _faint(history, judged, end)
    company.live(history, LEARNING + 1 + weeks, off)
    company.pages(history)
    _chats(history, LEARNING + 1 + weeks, seed)
    history.events.sort(key=lambda event: event.at)
    return Made(history, normal, judged, end)


def _decoys(history: History, begin: datetime, end: datetime) -> None:
    """A deploy night and a burst in most weeks; the others once."""
    often: tuple[tuple[patterns.Make, int], ...] = ((patterns.deploy_night, 9), (patterns.burst, 6))
    for make, apart in often:
        at = begin + history.chance.uniform(0, 4) * DAY
        while at < end - 2 * DAY:
            make(history, at)
            at += history.chance.uniform(0.5, 1.5) * apart * DAY
    for make in patterns.DECOYS[2:]:
        make(history, begin + (LEARNING + history.chance.uniform(0.2, 1.5)) * WEEK)


def _when(chance: random.Random, judged: datetime, weeks: int) -> Iterator[tuple[patterns.Make, datetime]]:
    """Every kind at a time of its own; those that need to build up begin in the first days."""
    for make in patterns.EARLY:
        yield make, judged + chance.uniform(0, 2) * DAY
    for make in patterns.ANY_TIME:
        yield make, judged + chance.uniform(0.5, max(1.0, weeks * 7 - 8)) * DAY
    for _ in range(max(1, weeks // 4)):
        kinds = chance.sample(incidents.KINDS, len(incidents.KINDS))
        share = (weeks * 7 - 1) / len(kinds)
        for i, make in enumerate(kinds):
            yield make, judged + timedelta(days=(i + chance.uniform(0.1, 0.5)) * share)


def _faint(history: History, judged: datetime, end: datetime) -> None:
    """Faint troubles, each of a strength of its own, and as many things of their shape without a cause.

    They have dice of their own, so that what else is in a history stays as it was.
    """
    dice, history.chance = history.chance, random.Random(history.chance.random())
    for make in faint.KINDS:
        make(history, judged + history.chance.uniform(0, 5) * DAY, end)
    for look_alike in twins.KINDS:
        look_alike(history, judged + history.chance.uniform(0, 5) * DAY, end)
    history.chance = dice


def _chats(history: History, weeks: int, seed: int) -> None:
    """A bakery's quiet talk, a fortnight after the other."""
    for fortnight in range((weeks + 1) // 2):
        start = history.begin + fortnight * 2 * WEEK
        for message in quiet_weeks(BAKERY, seed * 100 + fortnight):
            one = replace(message, at=start + (message.at - MONDAY))
            history.said(one.text, one.at, one.author, one.conversation)
