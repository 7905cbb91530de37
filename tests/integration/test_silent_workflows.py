"""A workflow is silent where it never was: by its schedule, by chance, on holidays, and when the clocks are moved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from fakes.watched import Watched, keys, read, reading_n8n, titles

MINUTE, HOUR, DAY, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
CHICAGO = ZoneInfo("America/Chicago")


watched = pytest.fixture(reading_n8n)


def runs_at(watched: Watched, workflow: str, moments: Sequence[datetime], noted: timedelta = MINUTE) -> None:
    with watched.db.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO workflow_executions (execution_id, workflow_id, workflow_name, status, started_at, noted_at)"
            " VALUES (%s, %s, %s, 'success', %s, %s)",
            [(f"{workflow}:{n}", workflow, workflow, at, at + noted) for n, at in enumerate(moments)],
        )


def every(now: datetime, step: timedelta, weeks: int = 5, until: timedelta = timedelta(0)) -> list[datetime]:
    """Moments a step apart, from so many weeks ago until so long ago."""
    count = int((weeks * WEEK - until) / step)
    return [now - weeks * WEEK + n * step for n in range(count)]


def weekday_mornings(now: datetime, until: datetime) -> list[datetime]:
    """09:00 of the local clock on workdays of five weeks."""
    days = (now.astimezone(CHICAGO).replace(hour=9, minute=0) - n * DAY for n in range(36))
    return [day.astimezone(UTC) for day in days if day.weekday() < 5 and day <= until]


def test_a_workflow_of_every_hour_is_silent_when_it_missed_two(watched: Watched) -> None:
    runs_at(watched, "hourly", every(watched.now, HOUR))  # the last was an hour ago
    watched.later(minutes=71)
    assert titles(watched, "silent_workflows") == []
    watched.later(minutes=3)
    assert titles(watched, "silent_workflows") == [
        "WARN Workflow hourly has been silent since Tue 10 Mar 11:00, usually 2 runs by now"
    ]


def test_a_workflow_of_workday_mornings_is_silent_on_a_workday_only(watched: Watched) -> None:
    friday = datetime(2026, 3, 6, 12, tzinfo=CHICAGO)
    runs_at(watched, "mornings", weekday_mornings(watched.now, friday))
    for day in (7, 8):  # a weekend, and the clocks go ahead in it
        watched.at.move_to(datetime(2026, 3, day, 23, tzinfo=CHICAGO))
        assert titles(watched, "silent_workflows") == []
    watched.at.move_to(datetime(2026, 3, 9, 17, tzinfo=CHICAGO))
    assert len(titles(watched, "silent_workflows")) == 1


def test_events_at_random_are_silent_when_ten_were_to_come(watched: Watched) -> None:
    moments = [at + timedelta(minutes=37 * n * n % 53) for n, at in enumerate(every(watched.now, HOUR, until=4 * HOUR))]
    runs_at(watched, "orders", moments)
    assert titles(watched, "silent_workflows") == []
    watched.later(hours=2)
    assert titles(watched, "silent_workflows") == []
    watched.later(hours=5)
    assert len(titles(watched, "silent_workflows")) == 1


def test_on_a_holiday_what_people_start_is_silent_and_that_is_no_trouble(watched: Watched) -> None:
    for name in ("orders", "leads"):
        moments = every(watched.now, HOUR, until=14 * HOUR)
        runs_at(watched, name, [at + timedelta(minutes=37 * n * n % 53) for n, at in enumerate(moments)])
    runs_at(watched, "backup", every(watched.now, HOUR))
    assert titles(watched, "silent_workflows") == []
    watched.later(days=3)
    runs_at(watched, "backup2", every(watched.now, HOUR))
    assert keys(watched, "silent_workflows") == ["backup", "leads", "orders"]


def test_where_the_scheduled_ones_are_silent_too_it_is_no_holiday(watched: Watched) -> None:
    for name in ("orders", "leads"):
        moments = every(watched.now, HOUR, until=14 * HOUR)
        runs_at(watched, name, [at + timedelta(minutes=37 * n * n % 53) for n, at in enumerate(moments)])
    runs_at(watched, "backup", every(watched.now, HOUR, until=14 * HOUR))
    assert keys(watched, "silent_workflows") == ["backup", "leads", "orders"]


def test_a_day_that_is_slow_for_all_others_is_no_silence(watched: Watched) -> None:
    quiet = watched.now - 7 * HOUR
    for n, name in enumerate(("orders", "leads", "returns", "calls")):
        usual = jittered(every(watched.now, 20 * MINUTE))
        left = 0 if name == "orders" else 3  # of the last seven hours' runs
        since = [at for at in usual if at > quiet][: left * 6 : 6]
        runs_at(watched, name, [at + timedelta(seconds=n) for at in [at for at in usual if at <= quiet] + since])
    assert keys(watched, "silent_workflows") == []
    runs_at(watched, "more", jittered([at for at in every(watched.now, 3 * MINUTE)]))
    assert keys(watched, "silent_workflows") == ["orders"]


def test_a_slow_day_is_no_silence(watched: Watched) -> None:
    usual = [at for at in every(watched.now, 6 * MINUTE) if at < watched.now - DAY]
    today = [watched.now - DAY + n * 6 * MINUTE for n in range(225)]  # until an hour and a half ago
    runs_at(watched, "as ever", jittered(usual + today))
    runs_at(watched, "slow", jittered(usual + today[::4]))
    assert keys(watched, "silent_workflows") == ["as ever"]


def jittered(moments: Sequence[datetime]) -> list[datetime]:
    return [at + timedelta(seconds=137 * n * n % 331) for n, at in enumerate(moments)]


def test_a_week_that_was_nearly_silent_too_makes_it_usual(watched: Watched) -> None:
    moments = every(watched.now, 6 * MINUTE, until=5 * HOUR)
    runs_at(watched, "as ever", jittered(moments))
    then = watched.now - 2 * WEEK
    runs_at(watched, "seldom", jittered([at for at in moments if not then - 6 * HOUR < at < then + 2 * HOUR]))
    assert keys(watched, "silent_workflows") == ["as ever"]


def test_when_the_clocks_go_back_a_daily_workflow_has_its_hour(watched: Watched) -> None:
    days = [datetime(2026, 10, 31, 9, tzinfo=CHICAGO) - n * DAY for n in range(35)]
    runs_at(watched, "daily", [day.astimezone(UTC) for day in days])
    watched.at.move_to(datetime(2026, 11, 1, 9, 30, tzinfo=CHICAGO))
    assert titles(watched, "silent_workflows") == []
    watched.at.move_to(datetime(2026, 11, 1, 10, 5, tzinfo=CHICAGO))
    assert keys(watched, "silent_workflows") == ["daily"]


def test_when_the_clocks_go_ahead_what_runs_every_three_hours_keeps_its_interval(watched: Watched) -> None:
    ahead = datetime(2026, 3, 8, 12, tzinfo=UTC)
    runs_at(watched, "interval", [ahead - n * 3 * HOUR for n in range(280)])
    watched.at.move_to(ahead + 3 * HOUR - MINUTE)
    assert titles(watched, "silent_workflows") == []
    watched.at.move_to(ahead + 3 * HOUR + 30 * MINUTE)
    assert keys(watched, "silent_workflows") == ["interval"]


@pytest.mark.parametrize("hours", [2, 3])
def test_an_interval_is_kept_for_weeks_after_the_clocks_went_ahead(watched: Watched, hours: int) -> None:
    ahead = datetime(2026, 3, 8, 6, tzinfo=UTC)
    runs_at(watched, "interval", [ahead + n * hours * HOUR for n in range(-800 // hours, 400 // hours)])
    for hour in range(hours, 300, hours):
        watched.at.move_to(ahead + hour * HOUR - MINUTE)
        assert titles(watched, "silent_workflows") == []


@pytest.mark.parametrize("weeks", [1, 2])
def test_with_less_than_three_weeks_of_history_no_silence_is_heard(watched: Watched, weeks: int) -> None:
    runs_at(watched, "hourly", every(watched.now, HOUR, weeks))
    watched.later(days=1)
    assert titles(watched, "silent_workflows") == []


def test_what_was_silent_before_godmode_came_is_history(watched: Watched) -> None:
    runs_at(watched, "hourly", every(watched.now, HOUR, until=9 * DAY), noted=9 * DAY)
    assert titles(watched, "silent_workflows") == []


def test_silence_counts_up_to_the_last_complete_sync(watched: Watched) -> None:
    runs_at(watched, "hourly", every(watched.now, HOUR))
    read(watched, "n8n", timedelta(0))
    watched.later(hours=9)
    assert titles(watched, "silent_workflows") == []
