"""Patterns of runs: second tries, hours, chains, rates and queues; what is there is found, what is chance is not."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from fakes.histories import DAY, HOUR, NOW, ago, failed, hours, sure
from msgspec import structs

from godmode.lib.detectors import chained_failures, changed_rate, failure_hours, second_try, slowing_queue
from godmode.lib.detectors.runs import MOST_SURE
from godmode.lib.detectors.statistics import calibrated, mid_p
from godmode.lib.kernel import Proposal
from godmode.lib.store.outcomes import Drained, Tally, Try

# -- what works on the second try ----------------------------------------------------------------------------


def tries(worked: list[bool], every: timedelta = timedelta(days=2)) -> list[Try]:
    newest = len(worked) - 1
    return [
        Try("workflow", "orders", "Orders", ago(hours=2) - (newest - i) * every, ok, f"x{i}")
        for i, ok in enumerate(worked)
    ]


def second(of: list[Try], runs: int = 20) -> list[Proposal]:
    return sure(second_try.find(of, [Tally("workflow", "orders", "Orders", ago(days=9), runs, 0, 0)], [], NOW))


def test_what_nearly_always_works_on_the_second_try_is_found_with_how_likely_it_does_so_again() -> None:
    (found,) = second(tries([True] * 9))
    assert found.title == "workflow Orders works on the second try: 9 of 9 times"
    assert found.confidence == pytest.approx(10 / 11)


@pytest.mark.parametrize(
    ("of", "runs"),
    [
        (tries([True] * 4), 20),
        (tries([True, False] * 5), 20),
        (tries([True] * 9), 2000),
        (tries([True] * 9, every=HOUR), 20),
    ],
    ids=["too few", "not always", "it hardly ever fails", "all within a day"],
)
def test_a_second_try_that_says_nothing_is_none(of: list[Try], runs: int) -> None:
    assert second(of, runs) == []


def test_a_failure_that_still_waits_for_its_second_try_can_be_retried() -> None:
    waiting = failed("orders", [ago(hours=1)])
    (found,) = second_try.find(tries([True] * 9), [], waiting, NOW)
    assert found.remedy == {"kind": "retry_workflow", "execution": waiting[0].execution}


# -- hours ---------------------------------------------------------------------------------------------------


def test_failures_of_one_hour_are_found_in_the_zone_of_the_operator() -> None:
    chicago = NOW.astimezone(ZoneInfo("America/Chicago"))
    at_seven = [NOW.replace(hour=8) - n * DAY for n in range(10)]
    (found,) = failure_hours.find(hours("orders", days=42, failing=at_seven), chicago)
    assert found.title == "workflow Orders fails between 03:00 and 04:00: 10 of 10 times"
    assert found.confidence == MOST_SURE
    assert found.dedup_key == "failure_hours:workflow:orders:03"


def test_failures_of_one_weekday_are_found() -> None:
    chance = random.Random(3)
    mondays = [NOW - n * 7 * DAY - chance.randrange(1, 11) * HOUR for n in range(6)]
    (found,) = failure_hours.find(hours("orders", days=42, failing=mondays), NOW)
    assert "on Mondays" in found.title


def test_an_hour_is_corrected_for_the_places_at_which_the_thing_ran_alone() -> None:
    at_four = [tally for tally in hours("orders", days=42, failing=[]) if tally.hour.hour in (2, 8, 14, 20)]
    bad = {NOW.replace(hour=8) - n * DAY for n in range(6)}
    found = [structs.replace(tally, failed=int(tally.hour in bad)) for tally in at_four]
    (alone,) = failure_hours.find(found, NOW)
    p = mid_p(6, 6, 1 / 4) * (4 + 7) * failure_hours.LOOKS
    assert alone.confidence == pytest.approx(calibrated(p))


@pytest.mark.parametrize("seed", range(20))
def test_failures_at_any_hour_are_no_pattern(seed: int) -> None:
    chance = random.Random(seed)
    failing = [NOW - chance.randrange(1, 42 * 24) * HOUR for _ in range(25)]
    found = sure(failure_hours.find(hours("orders", days=42, failing=failing), NOW))
    assert all(p.confidence < 0.7 for p in found)


# -- chains --------------------------------------------------------------------------------------------------


def test_a_failure_that_follows_another_is_found() -> None:
    first = [ago(days=d, hours=5 + d % 3) for d in (0, 3, 8, 15, 20)]
    then = [at + timedelta(minutes=4) for at in first]
    rest = [ago(days=d, hours=1) for d in (2, 11)]
    failures = sorted(failed("orders", first) + failed("invoices", then + rest), key=lambda f: f.at)
    (found,) = chained_failures.find(failures, NOW)
    assert found.title == "workflow Invoices fails within 10 minutes after workflow Orders: 5 of 5 times"
    assert found.confidence == MOST_SURE


def test_two_that_fail_at_the_same_hour_on_their_own_days_are_no_chain() -> None:
    first = [ago(days=d, hours=5) for d in range(0, 28, 2)]
    then = [ago(days=d, hours=5) + timedelta(minutes=5) for d in range(28) if d % 2 or d % 8 == 0]
    failures = sorted(failed("orders", first) + failed("invoices", then), key=lambda f: f.at)
    assert sure(chained_failures.find(failures, NOW)) == []


def test_one_outage_in_which_all_fails_again_and_again_is_no_chain() -> None:
    at = [ago(hours=h) for h in range(1, 12)]
    failures = [f for i, name in enumerate("abcd") for f in failed(name, (t + timedelta(minutes=i) for t in at))]
    assert sure(chained_failures.find(sorted(failures, key=lambda f: f.at), NOW)) == []


def test_what_takes_down_many_at_once_every_week_is_no_chain_of_two() -> None:
    nights = [ago(days=d, hours=9) for d in (0, 7, 14, 21)]
    failures = [f for i in range(5) for f in failed(f"w{i}", (at + timedelta(minutes=i) for at in nights))]
    assert sure(chained_failures.find(sorted(failures, key=lambda f: f.at), NOW)) == []


# -- rates ---------------------------------------------------------------------------------------------------


def days_of(runs: list[int], subject: str = "orders", ms: list[int] | None = None) -> list[Tally]:
    """A workflow that ran so often on each of the days before now, the oldest first."""
    each = ms or [2000] * len(runs)
    return [
        Tally("workflow", subject, subject.title(), NOW - (len(runs) - i) * DAY + HOUR, n, 0, n * each[i])
        for i, n in enumerate(runs)
    ]


def noisy(seed: int, last: list[int] | None = None, mean: int = 40) -> list[int]:
    """Four weeks of a working week's counts; the last three days may be others."""
    chance = random.Random(seed)
    days = [max(0, round(chance.gauss(mean if d % 7 < 5 else mean / 4, 6))) for d in range(28)]
    return days[:25] + last if last else days


def others() -> list[Tally]:
    return [t for i, name in enumerate("abc") for t in days_of(noisy(i), name)]


def test_what_runs_three_times_as_often_is_found_and_so_is_what_hardly_runs() -> None:
    (found,) = changed_rate.find(days_of(noisy(1, [120, 110, 130])) + others(), NOW)
    assert found.title.startswith("workflow Orders ran 360 times in 3 days, usually ")
    assert found.confidence > 0.9
    (found,) = changed_rate.find(days_of(noisy(1, [2, 1, 3])) + others(), NOW)
    assert found.dedup_key == "changed_rate:workflow:orders:fewer"


@pytest.mark.parametrize("seed", range(10))
def test_weekends_and_ordinary_noise_are_no_change(seed: int) -> None:
    assert sure(changed_rate.find(days_of(noisy(seed + 10)) + others(), NOW)) == []


def test_a_holiday_on_which_everything_is_quiet_is_no_change() -> None:
    history = [t for i, name in enumerate("abcd") for t in days_of(noisy(i, [1, 0, 2]), name)]
    assert sure(changed_rate.find(history, NOW)) == []


def test_where_nothing_was_read_of_any_timer_none_of_them_has_changed() -> None:
    timers = [t for name in "abc" for t in days_of([48] * 25 + [4, 0, 0], name)]
    assert sure(changed_rate.find(timers, NOW)) == []
    (found,) = changed_rate.find([*days_of([48] * 28, "a"), *days_of([48] * 25 + [4, 0, 0], "b")], NOW)
    assert found.title == "workflow B ran 4 times in 3 days, usually 144"


def test_what_takes_twice_as_long_is_found() -> None:
    chance = random.Random(5)
    ms = [round(chance.gauss(2000, 150)) for _ in range(24)] + [4200, 4100, 3900, 4300]
    (found,) = changed_rate.find(days_of([20] * 28, ms=ms), NOW)
    assert found.title == "workflow Orders takes 4.1 s a run, 2.1 times as long as before"


# -- queues --------------------------------------------------------------------------------------------------


def drained(waits: list[float], step: timedelta) -> list[Drained]:
    """Five pieces of work in each stretch of time, the oldest first, that waited so many seconds."""
    done = [NOW - (len(waits) - i) * step + step / 2 for i in range(len(waits))]
    return [
        Drained("notification", at - timedelta(seconds=wait + n), at + timedelta(seconds=n))
        for at, wait in zip(done, waits, strict=True)
        for n in range(5)
    ]


@pytest.mark.parametrize(("step", "over"), [(DAY, "two weeks"), (3 * HOUR, "a day")])
def test_a_queue_whose_wait_grows_is_found(step: timedelta, over: str) -> None:
    (found,) = slowing_queue.find(drained([40, 60, 90, 140, 200, 300, 480, 700], step), NOW)
    assert found.title == f"notification retries wait ever longer: 8 min, 64 s {over} ago"
    assert found.confidence > 0.9


@pytest.mark.parametrize("seed", range(10))
def test_a_wait_that_goes_up_and_down_is_no_trend(seed: int) -> None:
    chance = random.Random(seed)
    waits = [chance.uniform(60, 600) for _ in range(14)]
    assert all(p.confidence < 0.7 for p in slowing_queue.find(drained(waits, DAY), NOW))


def test_a_wait_that_creeps_up_a_little_is_no_trouble() -> None:
    assert list(slowing_queue.find(drained([300, 310, 320, 330, 340, 350, 360, 370], DAY), NOW)) == []


def test_a_queue_that_rises_by_seconds_is_no_trouble() -> None:
    assert sure(slowing_queue.find(drained([2, 4, 8, 12, 16, 20, 30, 40], DAY), NOW)) == []


@pytest.mark.parametrize("now", [NOW, NOW.astimezone(ZoneInfo("Asia/Kolkata"))])
def test_of_nothing_nothing_is_said(now: datetime) -> None:
    assert sure(changed_rate.find([], now)) == []
    assert sure(chained_failures.find([], now)) == []
    assert sure(failure_hours.find([], now)) == []
    assert sure(second_try.find([], [], [], now)) == []
    assert sure(slowing_queue.find([], now)) == []
