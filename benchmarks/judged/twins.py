"""Null twins: what has the shape of a trouble and not its cause. Whatever is said of them is false.

They scatter as things at a company do: in spells, by the day's business, by what is talked of. None is made to look
worse than its dice make it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime

from benchmarks.judged.company import an_error, business
from benchmarks.judged.faint import asked, by_hand, label, runs, tries_again, waits
from benchmarks.judged.history import DAY, HOUR, MINUTE, WEEK, History, local

Make = Callable[[History, datetime, datetime], None]


def error_by_spells(history: History, at: datetime, end: datetime) -> None:
    """The same error comes now and then all the time, on some days by chance more often (negative binomial)."""
    chance = history.chance
    for day in range((end - history.begin) // DAY):
        for _ in range(int(chance.gammavariate(0.5, 1.2) + chance.random())):
            when = history.begin + (day + chance.random()) * DAY
            history.ran("Map tiles", when, error=f"Tile {chance.randrange(9999)} of the shop map is gone")
    history.twins.append(label("errors by spells", history.begin, end, "map tiles", "error_templates"))


def failures_at_any_hour(history: History, at: datetime, end: datetime) -> None:
    """A workflow fails in one of eight runs, at whatever hour of the four at which it runs."""
    runs(history, "Photo backup", (5.5, 11.5, 15.5, 21.5), end, lambda _: 0.12)
    history.twins.append(label("failures at any hour", history.begin, end, "photo backup", "failure_hours"))


def failures_side_by_side(history: History, at: datetime, end: datetime) -> None:
    """Two workflows run at the same three hours and fail in a fifth of their runs each, for reasons of their own."""
    for name in ("Review digest", "Ad spend"):
        runs(history, name, (8.5, 14.5, 20.5), end, lambda _: 0.2)
    history.twins.append(label("failures side by side", history.begin, end, "ad spend", "chained_failures"))


def rate_scatters(history: History, at: datetime, end: datetime) -> None:
    """A workflow runs ten times a day or so, in spells: a busy day is followed by another."""
    chance, mood = history.chance, 0.0
    for day in range((end - history.begin) // DAY):
        mood = 0.5 * mood + chance.gauss(0, 0.4)
        noon = local(history.begin + day * DAY, 12)
        for _ in range(round(10 * business(noon, history.off) * math.exp(mood))):
            history.ran("Event sign-ups", noon + chance.uniform(-5, 8) * HOUR)
    history.twins.append(label("rate scatters", history.begin, end, "event sign-ups", "changed_rate"))


def duration_wanders(history: History, at: datetime, end: datetime) -> None:
    """How long a workflow takes goes up and down by the day, and a slow day is followed by another."""
    chance, mood = history.chance, 0.0
    for day in range((end - history.begin) // DAY):
        mood = 0.6 * mood + chance.gauss(0, 0.3)
        for n in range(6):
            when = history.begin + day * DAY + n * 4 * HOUR + 11 * MINUTE
            history.ran("Lake weather", when, seconds=15 * math.exp(mood) * chance.lognormvariate(0, 0.2))
    history.twins.append(label("duration wanders", history.begin, end, "lake weather", "changed_rate"))


def second_try_is_a_toss(history: History, at: datetime, end: datetime) -> None:
    """Second tries work in 55 to 75 % of the cases, as any other try does."""
    tried = tries_again(history, "Drone footage", at, end, history.chance.uniform(0.55, 0.75))
    history.twins.append(label("second try is a toss", at, end, "drone footage", "second_try", later=tried))


def waits_scatter(history: History, at: datetime, end: datetime) -> None:
    """Waits in the queue go up and down for a fortnight."""
    factors = [1.0]
    for _ in range(14):
        factors.append(math.exp(0.6 * math.log(factors[-1]) + history.chance.gauss(0, 0.35)))
    waits(history, "letter", at, 14, lambda day: factors[day])
    history.twins.append(label("waits scatter", at, at + 15 * DAY, "letter", "slowing_queue"))


def project(history: History, at: datetime, end: datetime) -> None:
    """For three or four weeks somebody starts a workflow by hand, until the matter is settled."""
    chance, first = history.chance, at - WEEK
    moments = [
        local(first + n * 4 * DAY + chance.uniform(0, 3) * DAY, 9 + chance.uniform(0, 7))
        for n in range(chance.randrange(4, 7))
    ]
    done = by_hand(history, "Trade fair mailing", moments)
    history.twins.append(label("project", first, end, "trade fair", "manual_work", later=done))


def asked_until_settled(history: History, at: datetime, end: datetime) -> None:
    """A matter is asked about on three or four days, and then it is settled."""
    asks = (
        "Can you call the landlord about the awning?",
        "Please ask the landlord for the awning permit",
        "Could someone remind the landlord of the awning?",
        "I need the landlord's word on the awning",
    )
    chance, when, moments = history.chance, local(at, 11), []
    for _ in range(chance.randrange(3, 5)):
        moments.append(when)
        when += chance.uniform(1.5, 6) * DAY
    later = asked(history, asks, moments, ("Piet", "Ines"), "I'll look")
    history.twins.append(label("asked until settled", at, end, "awning", "recurring_asks", later=later))


def talk(history: History, at: datetime, end: datetime) -> None:
    """Each week or two the football is talked about for two days, as it always was."""
    chance, when, lines = history.chance, history.begin + history.chance.uniform(0, 7) * DAY, (
        "what a goal in the derby", "the derby again, {}", "nobody saw the derby but {}")  # fmt: skip
    while when < end:
        for n in range(chance.randrange(3, 9)):
            text = lines[n % 3].format(chance.choice(("my uncle", "half the town", "the whole queue", "Piet's dog")))
            history.said(
                text, local(when + (n % 2) * DAY, 9 + chance.uniform(0, 8)), ("Ines", "Tom", "Piet")[n % 3], "#bakery"
            )
        when += chance.uniform(6, 14) * DAY
    history.twins.append(label("talk", history.begin, end, "derby", "growing_topics"))


def errors_of_nobody(history: History, at: datetime, end: datetime) -> None:
    """A workflow of every other hour fails in a few of a hundred runs, with this or that error."""
    chance = history.chance
    for n in range((end - history.begin) // (2 * HOUR)):
        error = an_error(chance) if chance.random() < 0.05 else None
        history.ran("Podcast feed", history.begin + n * 2 * HOUR + 17 * MINUTE, error=error)
    history.twins.append(label("errors of nobody", history.begin, end, "podcast feed", "error_templates"))


KINDS: tuple[Make, ...] = (
    error_by_spells, failures_at_any_hour, failures_side_by_side, rate_scatters, duration_wanders, second_try_is_a_toss,
    waits_scatter, project, asked_until_settled, talk, errors_of_nobody,
)  # fmt: skip
