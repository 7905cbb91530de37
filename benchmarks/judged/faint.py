"""Faint and middling troubles, which only time shows: a cause is there, and how strong it is the dice say.

Each is about a workflow or a matter of its own. Who misses some of them does well; who sees them says how surely.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from psycopg.types.json import Jsonb

from benchmarks.judged.company import an_error, business
from benchmarks.judged.history import DAY, HOUR, MINUTE, WEEK, History, Trouble, local
from benchmarks.judged.patterns import FAILS

Make = Callable[[History, datetime, datetime], None]
Later = Sequence[tuple[datetime, bool]]


def label(
    kind: str, begin: datetime, end: datetime, about: str, found_by: str, beside: Sequence[str] = (), later: Later = ()
) -> Trouble:
    """A faint trouble, or the twin of one."""
    return Trouble(
        kind, begin, end, begin, about, frozenset(), frozenset({found_by}), frozenset(beside), True, tuple(later)
    )


def runs(
    history: History, name: str, hours: Sequence[float], end: datetime, fails: Callable[[datetime], float]
) -> None:
    """A workflow that runs at these hours of each day from the beginning, and fails with the chance of the moment."""
    chance = history.chance
    for day in range((end - history.begin) // DAY):
        for hour in hours:
            at = local(history.begin + day * DAY, hour) + timedelta(seconds=chance.uniform(5, 600))
            failing = chance.random() < fails(at)
            history.ran(name, at, error=an_error(chance) if failing else None, seconds=chance.uniform(4, 9))


def by_hand(history: History, name: str, moments: Sequence[datetime]) -> Later:
    """Somebody starts a workflow at these moments."""
    for when in moments:
        history.ran(name, when, mode="manual")
    return [(when, True) for when in moments]


def asked(history: History, asks: Sequence[str], moments: Sequence[datetime], by: Sequence[str], answer: str) -> Later:
    """These asks one after the other, by these people in turns, each answered within the hour."""
    for n, when in enumerate(moments):
        history.said(asks[n % len(asks)], when, by[n % len(by)], "#shop")
        history.said(answer, when + HOUR, "Grandma Lu", "#shop")
    return [(when, True) for when in moments]


def error_stands_rarely(history: History, at: datetime, end: datetime) -> None:
    """A new error comes two to five times a day for a week."""
    a_day = history.chance.uniform(2, 5)
    count = round(7 * a_day)
    for n in range(count):
        when = at + history.chance.uniform(0, 7) * DAY
        history.ran("Tasting notes", when, error=f"Lot {n * 31} has no cupping score yet ({n:x}e)")
    history.troubles.append(label("faint error", at, at + 7 * DAY, "tasting notes", "error_templates", FAILS))


def hour_fails_often(history: History, at: datetime, end: datetime) -> None:
    """At one hour 45 to 60 % of the runs fail; at others, one in fifty."""
    share, hours = history.chance.uniform(0.45, 0.6), (1.5, 4.5, 7.5, 10.5, 13.5, 16.5, 19.5, 22.5)
    bad = int(history.chance.choice(hours))
    zone = local(at, 0)

    def fails(when: datetime) -> float:
        then = local(when, bad)
        return share if when >= zone and then <= when < then + HOUR else 0.01

    runs(history, "Tax export", hours, end, fails)
    history.troubles.append(label("faint hour", at, end, "tax export", "failure_hours", FAILS))


def chain_holds_mostly(history: History, at: datetime, end: datetime) -> None:
    """What fails each second day or so takes another along in 60 to 75 % of the times."""
    chance, share, when = history.chance, history.chance.uniform(0.6, 0.75), at
    while when < end:
        history.ran("Currency rates", when, error=an_error(chance))
        if chance.random() < share:
            history.ran("Import duties", when + chance.uniform(1, 8) * MINUTE, error=an_error(chance))
        when += chance.uniform(1.2, 3) * DAY
    history.troubles.append(label("faint chain", at, end, "import duties", "chained_failures", FAILS))


def rate_up(history: History, at: datetime, end: datetime) -> None:
    """A workflow of people runs 1.6 to 2.5 times as often for a week and more."""
    times = history.chance.uniform(1.6, 2.5)
    _counted(history, "Gift orders", end, lambda when: times if at <= when < at + 9 * DAY else 1.0)
    history.troubles.append(label("faint rate", at, at + 9 * DAY, "gift orders", "changed_rate"))


def _counted(history: History, name: str, end: datetime, times: Callable[[datetime], float]) -> None:
    """Some fourteen runs a day; how many, a day's own business says."""
    chance = history.chance
    for day in range((end - history.begin) // DAY):
        noon = local(history.begin + day * DAY, 12)
        for _ in range(round(14 * business(noon, history.off) * times(noon) * chance.lognormvariate(0, 0.25))):
            history.ran(name, noon + chance.uniform(-5, 8) * HOUR, seconds=chance.uniform(2, 5))


def takes_a_bit_longer(history: History, at: datetime, end: datetime) -> None:
    """A workflow of every third hour takes 1.4 to 1.9 times as long from a moment on."""
    chance, times = history.chance, history.chance.uniform(1.4, 1.9)
    for n in range((end - history.begin) // (3 * HOUR)):
        when = history.begin + n * 3 * HOUR + 7 * MINUTE
        longer = times if at <= when < at + 10 * DAY else 1.0
        history.ran("Bean prices", when, seconds=20 * longer * chance.lognormvariate(0, 0.3))
    history.troubles.append(label("faint duration", at, at + 10 * DAY, "bean prices", "changed_rate"))


def tries_again(history: History, name: str, at: datetime, end: datetime, works: float) -> list[tuple[datetime, bool]]:
    """Failures each day or so whose second try works with this chance; when, and whether it did."""
    chance, when, tried = history.chance, at, []
    while when < end:
        worked = chance.random() < works
        number = history.ran(name, when, error=an_error(chance))
        history.ran(name, when + 3 * MINUTE, mode="retry", retry_of=number, error=None if worked else an_error(chance))
        tried.append((when, worked))
        for _ in range(3):
            when += chance.uniform(4, 9) * HOUR
            history.ran(name, when)
        when += chance.uniform(4, 9) * HOUR
    return tried


def second_try_works_mostly(history: History, at: datetime, end: datetime) -> None:
    """Second tries work in 80 to 90 % of the cases."""
    tried = tries_again(history, "Roaster feed", at, end, history.chance.uniform(0.8, 0.9))
    history.troubles.append(label("faint second try", at, end, "roaster feed", "second_try", FAILS, tried))


def queue_slows_a_bit(history: History, at: datetime, end: datetime) -> None:
    """What leaves the queue has waited 8 to 20 % longer each day."""
    grows = history.chance.uniform(1.08, 1.2)
    waits(history, "webhook", at, 14, lambda day: grows**day)
    history.troubles.append(label("faint queue", at, at + 14 * DAY, "webhook", "slowing_queue"))


def waits(history: History, type_: str, at: datetime, days: int, longer: Callable[[int], float]) -> None:
    """Some pieces of work a day leave the retry queue, each after a wait of a few minutes times the day's factor."""
    for day in range(days):
        for n in range(5):
            done = local(at + day * DAY, 8 + 2 * n)
            wait = 3 * MINUTE * longer(day) * history.chance.lognormvariate(0, 0.5)
            history.row(
                done, "retry_jobs", type=type_, payload=Jsonb({}), status="completed", created_at=done - wait,
                run_at=done - wait, updated_at=done, attempts=2,
            )  # fmt: skip


def habit(history: History, at: datetime, end: datetime) -> None:
    """Somebody starts a workflow by hand in 70 to 95 % of the weeks, on whatever day."""
    chance, keeps, first = history.chance, history.chance.uniform(0.7, 0.95), at - 3 * WEEK
    moments = [
        local(first + week * WEEK + chance.uniform(0, 5) * DAY, 9 + chance.uniform(0, 7))
        for week in range((end - first) // WEEK)
        if chance.random() < keeps
    ]
    done = by_hand(history, "Sample labels", moments)
    history.troubles.append(label("faint habit", first, end, "sample labels", "manual_work", later=done))


def asked_now_and_then(history: History, at: datetime, end: datetime) -> None:
    """The same ask in other words each four to ten days."""
    asks = (
        "Can you send the caffeine table for the school?",
        "Please send me the caffeine table again",
        "Could someone print the caffeine table for the school?",
        "I need the caffeine table, the school asked",
        "Can you update the caffeine table?",
        "Please share the caffeine table with the school",
    )
    moments, when = [], local(at - 2 * WEEK, 10)
    while when < end:
        moments.append(when)
        when += history.chance.uniform(4, 10) * DAY
    later = asked(history, asks, moments, ("Ines", "Tom", "Piet"), "it is on its way")
    beside = ("growing_topics",)
    history.troubles.append(label("faint ask", at - 2 * WEEK, end, "caffeine", "recurring_asks", beside, later))


def topic_stirs(history: History, at: datetime, end: datetime) -> None:
    """Something new is the matter, in six to twelve messages of three days."""
    count = round(history.chance.uniform(6, 12))
    for n in range(count):
        text = ("the grinder squeaks again", "that squeaking grinder, {}", "customers ask why the grinder squeaks, {}")
        when = local(at + (n % 3) * DAY, 8 + history.chance.uniform(0, 9))
        what = ("all morning", "louder today", "after lunch", "on decaf", "even when empty")[n % 5]
        history.said(text[n % 3].format(what), when, ("Ines", "Tom", "Piet")[n % 3], ("#bakery", "#shop")[n % 2])
    beside = ("unanswered_questions",)
    history.troubles.append(label("faint topic", local(at, 7), at + 5 * DAY, "squeak", "growing_topics", beside))


KINDS: tuple[Make, ...] = (
    error_stands_rarely, hour_fails_often, chain_holds_mostly, rate_up, takes_a_bit_longer, second_try_works_mostly,
    queue_slows_a_bit, habit, asked_now_and_then, topic_stirs,
)  # fmt: skip
