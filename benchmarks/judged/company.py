"""The normal noise of a small coffee roastery: orders by day, timers by the clock, single failures, chats, pages."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from benchmarks.judged.history import DAY, MINUTE, WEEK, ZONE, History, local

ERRORS = (
    "connect ETIMEDOUT 104.18.{a}.{b}:443",
    "Request failed with status code 502 (request {a}-{b})",
    "The service was not able to process your request {a}{b}",
    "socket hang up after {a} ms",
    "Cannot read properties of undefined (reading '{a}')",
    "Rate limit reached, retry in {b} s",
)


@dataclass(frozen=True)
class Workflow:
    """`per_hour` in the busiest hour for what a person or customer starts; else it runs at `every`, or `at` hours."""

    name: str
    per_hour: float = 0
    every: timedelta | None = None
    at: tuple[float, ...] = ()
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    seconds: float = 4.0
    fails: float = 0.004


WORKFLOWS = (
    Workflow("Order intake", per_hour=9, seconds=3),
    Workflow("Payment webhook", per_hour=7, seconds=1.5),
    Workflow("Lead intake", per_hour=3, seconds=5),
    Workflow("Invoice sync", every=30 * MINUTE, seconds=12),
    Workflow("Support triage", every=15 * MINUTE, seconds=6),
    Workflow("Stock mirror", every=60 * MINUTE, seconds=40),
    Workflow("Shipping labels", every=5 * MINUTE, seconds=8, fails=0.001),
    Workflow("Nightly backup", at=(3.0,), seconds=340),
    Workflow("Stock report", at=(7.0,), weekdays=(0, 1, 2, 3, 4), seconds=25),
    Workflow("Social posting", at=(9.5, 13.0, 16.5), weekdays=(0, 1, 2, 3, 4), seconds=9),
    Workflow("Newsletter", at=(10.0,), weekdays=(1,), seconds=120),
    Workflow("Returns intake", per_hour=3, seconds=4),
    Workflow("Coupon import", every=60 * MINUTE, seconds=7),
    Workflow("Price update", every=120 * MINUTE, seconds=20),
    Workflow("Loyalty points", every=30 * MINUTE, seconds=5),
    Workflow("Roast log", every=30 * MINUTE, seconds=3),
    Workflow("Cafe statements", every=60 * MINUTE, seconds=15),
    Workflow("Green beans order", every=180 * MINUTE, seconds=30),
    Workflow("Wholesale digest", at=(6.5,), weekdays=(0, 3), seconds=30),
)
BY_NAME = {w.name: w for w in WORKFLOWS}

JOBS = {
    "periodic_scan": (30 * MINUTE, 6000), "health_monitor": (5 * MINUTE, 120), "sync_notion": (60 * MINUTE, 4000),
    "sync_n8n": (30 * MINUTE, 1500), "sync_hubspot": (30 * MINUTE, 2500), "daily_digest": (DAY, 1200),
    "morning_call": (DAY, 9000), "cleanup_old_data": (DAY, 800),
}  # fmt: skip
SERVICES = {"hubspot": 40.0, "notion": 25.0, "n8n": 30.0}


def activity(at: datetime, holidays: frozenset[str] = frozenset()) -> float:
    """How busy the company is at a moment, in 0..1."""
    here = at.astimezone(ZONE)
    hour = here.hour + here.minute / 60
    day = 0.08 + 0.92 * math.exp(-(((hour - 13) / 4.2) ** 4)) if 5 <= hour <= 22 else 0.04
    return day * business(at, holidays)


def business(at: datetime, holidays: frozenset[str] = frozenset()) -> float:
    """How busy the date of a moment is, beside a Monday."""
    here = at.astimezone(ZONE)
    return 0.15 if f"{here:%Y-%m-%d}" in holidays else (1, 1, 0.95, 1, 1.05, 0.45, 0.2)[here.weekday()]


def live(history: History, weeks: int, holidays: frozenset[str]) -> None:
    """Weeks of all that runs by itself. Troubles have to be there already: they change it."""
    end = history.begin + weeks * WEEK
    for workflow in WORKFLOWS:
        for at in _starts(history, workflow, end, holidays):
            _run(history, workflow, at)
    for job, (step, ms) in JOBS.items():
        at = history.begin
        while at < end:
            _job(history, job, at, ms)
            at += step
    quarter = history.begin
    while quarter < end:
        for service, usual in SERVICES.items():
            expected = (
                usual * (0.4 + 0.6 * activity(quarter, holidays)) * history.changed(history.dear, service, quarter)
            )
            history.called(service, quarter + 14 * MINUTE, _poisson(history.chance, expected / 4))
        quarter += 15 * MINUTE


def _starts(history: History, workflow: Workflow, end: datetime, holidays: frozenset[str]) -> Iterator[datetime]:
    if workflow.every:
        return _by_interval(history, workflow, workflow.every, end)
    return _by_hours(history, workflow, end) if workflow.at else _by_people(history, workflow, end, holidays)


def _by_interval(history: History, workflow: Workflow, every: timedelta, end: datetime) -> Iterator[datetime]:
    at, offset = history.begin, timedelta(seconds=history.chance.uniform(5, 60))
    while at < end:
        if history.changed(history.quiet, workflow.name, at):
            yield at + offset
        at += every


def _by_hours(history: History, workflow: Workflow, end: datetime) -> Iterator[datetime]:
    at = history.begin
    while at < end:
        for hour in workflow.at:
            start = local(at, hour) + timedelta(seconds=history.chance.uniform(1, 20))
            if start.astimezone(ZONE).weekday() in workflow.weekdays and history.begin <= start < end:
                yield start
        at += DAY


def _by_people(history: History, workflow: Workflow, end: datetime, holidays: frozenset[str]) -> Iterator[datetime]:
    at = history.begin
    while at < end:
        rate = workflow.per_hour * activity(at, holidays) * history.changed(history.quiet, workflow.name, at)
        for _ in range(_poisson(history.chance, rate / 4)):
            yield at + timedelta(seconds=history.chance.uniform(0, 900))
        at += 15 * MINUTE


def _run(history: History, workflow: Workflow, at: datetime) -> None:
    chance = history.chance
    seconds = workflow.seconds * chance.lognormvariate(0, 0.35) * history.changed(history.slow, workflow.name, at)
    failing = chance.random() < workflow.fails
    number = history.ran(workflow.name, at, error=an_error(chance) if failing else None, seconds=seconds)
    if failing and chance.random() < 0.3:
        again = at + timedelta(minutes=chance.uniform(2, 180))
        history.ran(workflow.name, again, seconds=seconds, mode="retry", retry_of=number)


def _job(history: History, job: str, at: datetime, ms: int) -> None:
    if any(name == job and begin <= at < end for name, begin, end in history.down):
        return
    chance = history.chance
    took = round(ms * chance.lognormvariate(0, 0.3) * history.changed(history.slow, job, at))
    failing = chance.random() < 0.002 and job.startswith("sync")
    history.outcome(job, at + timedelta(milliseconds=took), error=an_error(chance) if failing else None, ms=took)


def an_error(chance: random.Random) -> str:
    """One of the ordinary errors, with ids of its own."""
    return chance.choice(ERRORS).format(a=chance.randrange(255), b=chance.randrange(255))


def _poisson(chance: random.Random, mean: float) -> int:
    """Knuth's, which is quick enough for what a small company does in a quarter of an hour."""
    if mean > 200:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    limit, k, product = math.exp(-mean), 0, chance.random()
    while product > limit:
        k += 1
        product *= chance.random()
    return k


# -- what is said and written --------------------------------------------------------------------------------

PAGES = {
    "packing": """Packing SOP
        Orders before noon are packed the same day. Beans go into valve bags of 250 g. The label shows roast and
        date. Fragile filters get a double box, and the courier collects parcels at four.""",
    "returns": """Returns policy
        Customers return unopened bags within 14 days of delivery. Nora books the stock and writes a credit note.
        Opened bags are replaced once, when the roast was at fault.""",
    "wholesale": """Wholesale terms
        Cafés pay invoices within 30 days of the invoice date. The minimum wholesale order is 12 kg. Samples are
        free for new partners, and prices hold for a quarter.""",
    "cupping": """Cupping protocol
        Each lot is cupped blind by three people. Water has 93 degrees. Scores below 82 points are not bought, and
        notes go into the lot sheet on the same day.""",
    "vacation": """Vacation approval
        Requests go to Ola four weeks ahead. Two roasters are never away together. December is closed for leave,
        since the shop needs all hands.""",
    "machines": """Machine cleaning plan
        The roaster is brushed daily and the chimney swept monthly. Grinder burrs are changed after 900 kg. Whoever
        opens a machine signs the sheet beside it.""",
}


def pages(history: History) -> None:
    """The canonical pages, read on the first day and edited now and then long before."""
    for key, text in PAGES.items():
        edited = history.begin - timedelta(days=history.chance.uniform(20, 150))
        title, _, body = text.partition("\n")
        history.page(key, title, " ".join(body.split()), edited, history.begin + MINUTE)
