"""Troubles that only time shows, which detectors have to find. Each function makes one that begins at `at`.

`at` is early in the weeks that are judged; those that need to build up are labelled from when they can be told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from psycopg.types.json import Jsonb

from benchmarks.judged.history import DAY, HOUR, MINUTE, WEEK, ZONE, History, Trouble, local
from benchmarks.judged.incidents import COST, FAILURE_RATE, QUEUE, REPEATED, SILENT, SLOW_JOB

Make = Callable[[History, datetime], None]
FAILS = ("error_templates", "second_try", "failure_hours", "chained_failures", REPEATED, FAILURE_RATE)


def _label(
    history: History, kind: str, at: datetime, lasts: timedelta, visible: datetime, about: str, found_by: str,
    beside: tuple[str, ...] = (), later: Sequence[tuple[datetime, bool]] = (),
) -> None:  # fmt: skip
    history.troubles.append(
        Trouble(
            kind, at, at + lasts, visible, about, frozenset(), frozenset({found_by}), frozenset(beside),
            later=tuple(later),
        )
    )  # fmt: skip


def error_template(history: History, at: datetime) -> None:
    """Every fourth run of a workflow fails for four days, each time with another id."""
    for n in range(96):
        when = at + n * HOUR + history.chance.uniform(0, 50) * MINUTE
        history.ran("Roast log", when, error=f'Sheet row {n * 331} of "batch {n}" has no weight ({n:x}f0{n})')
    _label(history, "error_template", at, 4 * DAY, at + 10 * HOUR, "roast log", "error_templates", FAILS)


def second_try(history: History, at: datetime) -> None:
    """A workflow of every third hour fails at first in a third of its runs, and works two minutes later."""
    tried = []
    for n in range(18 * 8):
        when = local(at, 1.2) + n * 3 * HOUR
        if n % 3 == 0:
            tried.append((when, True))
            number = history.ran("Green beans order", when, error="The importer answered too late", seconds=31)
            history.ran("Green beans order", when + 2 * MINUTE, seconds=20, mode="retry", retry_of=number)
    visible = at + 3 * DAY
    _label(history, "second_try", at, 18 * DAY, visible, "green beans", "second_try", FAILS, tried)


def failure_hours(history: History, at: datetime) -> None:
    """Between four and five in the morning a workflow nearly always fails: the shop's maintenance."""
    for n in range(21):
        if history.chance.random() < 0.85:
            when = local(at + n * DAY, 4.2 + history.chance.uniform(0, 0.6))
            history.ran("Coupon import", when, error=f"Shop is in maintenance mode (ticket {n * 77})")
    _label(history, "failure_hours", at, 21 * DAY, at + 7 * DAY, "coupon", "failure_hours", FAILS)


def chained(history: History, at: datetime) -> None:
    """Whenever the price update fails, the statements of the cafés fail some minutes later."""
    for n in range(9):
        when = local(at + 2 * n * DAY, history.chance.uniform(6, 20))
        history.ran("Price update", when, error="Price list is locked by another user")
        history.ran("Cafe statements", when + history.chance.uniform(2, 8) * MINUTE, error="No price for lot 0")
    _label(history, "chained", at, 17 * DAY, at + 9 * DAY, "cafe statements", "chained_failures", FAILS)


def runs_more(history: History, at: datetime) -> None:
    """The form that starts a workflow is sent three times each."""
    history.quiet.append(("Lead intake", at, at + 7 * DAY, 3.2))
    _label(history, "runs_more", at, 7 * DAY, at + 3 * DAY, "lead intake", "changed_rate", (COST,))


def runs_less(history: History, at: datetime) -> None:
    """Most of a workflow's triggers are lost."""
    history.quiet.append(("Returns intake", at, at + 7 * DAY, 0.12))
    _label(history, "runs_less", at, 7 * DAY, at + 3 * DAY, "returns intake", "changed_rate", (SILENT,))


def takes_longer(history: History, at: datetime) -> None:
    """A workflow takes two and a half times as long, for more than a week."""
    history.slow.append(("Stock mirror", at, at + 8 * DAY, 2.5))
    _label(history, "takes_longer", at, 8 * DAY, at + 3 * DAY, "stock mirror", "changed_rate", (SLOW_JOB,))


def queue_slows(history: History, at: datetime) -> None:
    """What leaves the retry queue has waited a third longer each day, for twelve days."""
    for day in range(12):
        for n in range(6):
            done = local(at + day * DAY, 8 + 2 * n)
            wait = timedelta(minutes=2 * 1.33**day * history.chance.uniform(0.7, 1.4))
            history.row(
                done, "retry_jobs", type="notification", payload=Jsonb({}), status="completed", created_at=done - wait,
                run_at=done - wait, updated_at=done, attempts=2,
            )  # fmt: skip
    _label(history, "queue_slows", at, 12 * DAY, at + 8 * DAY, "notification", "slowing_queue", (QUEUE,))


def by_hand(history: History, at: datetime) -> None:
    """Twice a week somebody starts a workflow by hand, and has done so for weeks."""
    first, done = at - 1 * WEEK, []
    for n in range(10):
        when = local(first + (n // 2) * WEEK + (n % 2) * 3 * DAY, 9.3 + history.chance.uniform(0, 2))
        history.ran("Wholesale digest", when, mode="manual")
        done.append((when, True))
    _label(
        history, "by_hand", at - WEEK, 5 * WEEK, at + 8 * DAY, "wholesale digest", "manual_work", later=done
    )  # fmt: skip


def page_twice(history: History, at: datetime) -> None:
    """Somebody copies a page and gives it another name."""
    text = (
        "Greet every guest within a minute. Ask for the grind before you weigh. Rinse the filter, dose fifteen grams, "
        "pour in three steps and serve with water. Wipe the bar after each cup, and empty the knock box at noon. "
        "Count the till together, write the sheet, and lock the grinder room when you leave the shop."
    )
    history.page("bar", "Bar handbook", text, history.begin, history.begin + HOUR)
    history.page("bar2", "Bar routine", text.replace("at noon", "at two"), at, at + HOUR)
    _label(history, "page_twice", at, 3 * DAY, at + HOUR, "bar handbook", "page_conflicts")


def page_contradicts(history: History, at: datetime) -> None:
    """A new page names another number of days than the policy does."""
    text = "Hello and welcome! Customers may return unopened bags within 30 days of delivery. Be kind on the phone."
    history.page("service", "Returns on the phone", text, at, at + HOUR)
    _label(history, "page_contradicts", at, 3 * DAY, at + HOUR, "returns policy", "page_conflicts")


def page_stale(history: History, at: datetime) -> None:
    """A page that nobody touched for two years is asked about on four days."""
    text = "Parking permits for vans are kept in the office. Ask for the blue folder, and sign for the permit."
    history.page("parking", "Parking permits", text, history.begin - 700 * DAY, history.begin + HOUR)
    asks = ("Where do I find the parking permits?", "Who keeps the parking permit for the van?",
            "Can somebody explain how parking permits work?", "Do we still have parking permits?")  # fmt: skip
    asked = [(local(at + 2 * n * DAY, 11 + n), True) for n in range(len(asks))]
    for n, ask in enumerate(asks):
        history.said(ask, asked[n][0], ("Tom", "Piet")[n % 2], "#shop")
        history.said("in the drawer", local(at + 2 * n * DAY, 11.3 + n), "Ines", "#shop")
    beside = ("recurring_asks", "growing_topics")
    _label(
        history, "page_stale", at, 9 * DAY, local(at + 4 * DAY, 13), "parking permit", "page_conflicts", beside, asked
    )


def asked_again(history: History, at: datetime) -> None:
    """The accountant's export is asked for in other words, twice a week."""
    asks = (
        "Can you export last week's invoices for the accountant?",
        "Please send the invoice export to the accountant",
        "Could someone export the open invoices, the accountant is waiting",
        "I need the invoice export for the accountant again",
        "Exporting invoices: can you do the list for our accountant?",
    )
    asked = [(local(at + 3 * n * DAY, 9.5 + n / 3), True) for n in range(len(asks))]
    for n, (ask, (when, _)) in enumerate(zip(asks, asked, strict=True)):
        history.said(ask, when, ("Ines", "Tom")[n % 2], "#bakery")
        history.said("all done already", when + HOUR, "Grandma Lu", "#bakery")
    _label(history, "asked_again", at, 14 * DAY, at + 6 * DAY, "invoice", "recurring_asks", ("growing_topics",), asked)


def unanswered(history: History, at: datetime) -> None:
    """A question that somebody needs answered stands there for days."""
    text = "Who renews the food safety certificate before the inspection? It expires on Friday."
    for n in range(3):
        history.said("the inspector's papers are in the folder", local(at - (9 - n) * DAY, 9), "Ines", "#certificates")
    history.said(text, local(at, 10), "Nora", "#certificates")
    _label(history, "unanswered", at, 7 * DAY, local(at, 10) + DAY, "certificate", "unanswered_questions")


def topic_grows(history: History, at: datetime) -> None:
    """Everybody suddenly talks of leaking valves."""
    for n in range(26):
        when = local(at + (n // 9) * DAY, 8 + n % 9 + history.chance.random())
        text = ("another leaking valve on the {}", "the leaking valve again, {} this time",
                "customers send photos of a leaking valve: {}")[n % 3]  # fmt: skip
        what = ("house blend", "decaf", "kilo bags", "samples", "market stall")[n % 5]
        history.said(text.format(what), when, ("Ines", "Tom", "Piet")[n % 3], ("#bakery", "#shop")[n % 2])
    _label(
        history, "topic_grows", local(at, 8), 4 * DAY, at + DAY, "valve", "growing_topics", ("unanswered_questions",)
    )


EARLY: tuple[Make, ...] = (second_try, failure_hours, chained, by_hand, asked_again, queue_slows)
ANY_TIME: tuple[Make, ...] = (
    error_template, runs_more, runs_less, takes_longer, page_twice, page_contradicts, page_stale, unanswered,
    topic_grows,
)  # fmt: skip


# -- what looks like trouble and is none ---------------------------------------------------------------------


def deploy_night(history: History, at: datetime) -> None:
    """n8n restarts late in the evening: of some workflows a run or two fails."""
    night = local(at, 22.5)
    for name in ("Invoice sync", "Support triage", "Loyalty points", "Shipping labels"):
        for n in range(history.chance.randrange(0, 3)):
            when = night + (n * 9 + history.chance.uniform(0, 8)) * MINUTE
            history.ran(name, when, error="The execution was interrupted by a restart")
    history.decoys.append(("deploy_night", night))


def burst(history: History, at: datetime) -> None:
    """A mail to all customers brings an hour of orders."""
    history.quiet.append(("Order intake", at, at + HOUR, 4.0))
    history.decoys.append(("burst", at))


def plans(history: History, at: datetime) -> None:
    """Two pages from one template that say the same of different things, and a page with a small correction."""
    text = "The {} subscription costs {} € per month and bag. It can be paused for {} weeks each year."
    for name, price, weeks in (("Small", 14, 4), ("Large", 39, 8)):
        history.page(f"plan-{name}", f"{name} subscription", text.format(name.lower(), price, weeks), at, at + HOUR)
    history.decoys.append(("plans", at))


def hand_made(history: History, at: datetime) -> None:
    """Somebody builds a workflow for three days and starts it often."""
    for n in range(25):
        when = local(at + (n // 9) * DAY, 9 + n % 9 * 0.7)
        failing = n % 4 == 0 and n < 20
        history.ran("Gift cards", when, mode="manual", error=f"Node {n} is not configured" if failing else None)
    history.decoys.append(("hand_made", at))


DECOYS: tuple[Make, ...] = (deploy_night, burst, plans, hand_made)


def holidays(history: History, first: datetime, weeks: int) -> frozenset[str]:
    """One date a fortnight, and one long weekend, on which hardly anything happens."""
    days = [first + history.chance.randrange(14 * n, 14 * n + 14) * DAY for n in range(max(1, weeks // 2))]
    long = first + (history.chance.randrange(weeks) * 7 + 3) * DAY
    days += [long, long + DAY, long + 2 * DAY]
    history.decoys += [("holiday", day) for day in days]
    return frozenset(f"{day.astimezone(ZONE):%Y-%m-%d}" for day in days)
