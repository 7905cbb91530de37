"""The watchers of the services and workflows: each sees its trouble from its threshold on, and not below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from fakes.company import configured
from fakes.watched import Watched

from godmode.lib.config import Config
from godmode.lib.watchers.failure_rate import FailureRate

MINUTE, HOUR, DAY, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
CHICAGO = ZoneInfo("America/Chicago")
N8N = '[sources.n8n]\nbase_url = "http://n8n"\n[sources.chatlogs]\npath = "chats"\n'


@pytest.fixture
def watched(config: Config, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setenv("N8N_API_KEY", "x")
    made = Watched(configured(config, N8N), db)
    yield made
    made.store.close()


def titles(watched: Watched, watcher: str) -> list[str]:
    return [f"{one.severity} {one.title}" for one in watched.sees(watcher)]


# -- rate_limits ---------------------------------------------------------------------------------------------


def test_a_window_of_any_length_fails_no_look(watched: Watched) -> None:
    watched.insert("rate_limit_buckets", name="longest", capacity=100, used=99, window_ms=2**63 - 1)
    watched.db.execute("UPDATE rate_limit_buckets SET window_start = %s", (watched.now,))
    assert [one.severity for one in watched.sees("rate_limits")] == ["WARN"]


def bucket(watched: Watched, used: float, name: str = "hubspot.day", window: timedelta = DAY) -> None:
    watched.insert(
        "rate_limit_buckets", name=name, capacity=1000, used=used, window_ms=window // timedelta(milliseconds=1),
        window_start=watched.now - HOUR,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("used", "severity"), [(799, None), (800, "INFO"), (949, "INFO"), (950, "WARN"), (1200, "WARN")]
)
def test_a_bucket_is_told_of_from_80_percent_and_warned_of_from_95(
    watched: Watched, used: float, severity: str | None
) -> None:
    bucket(watched, used)
    assert [one.severity for one in watched.sees("rate_limits")] == ([severity] if severity else [])


def test_a_bucket_says_how_full_it_is_and_until_when(watched: Watched) -> None:
    bucket(watched, 960)
    assert titles(watched, "rate_limits") == [
        "WARN 96 % of today's calls of hubspot are used (960 of 1,000, until 11:00)"
    ]


def test_a_window_that_is_over_and_the_pace_of_seconds_are_no_trouble(watched: Watched) -> None:
    bucket(watched, 1000, "notion", HOUR)
    watched.insert("rate_limit_buckets", name="n8n", capacity=20, used=20, window_ms=1000, window_start=watched.now)
    watched.insert(
        "rate_limit_buckets", name="ahead", capacity=2, used=2, window_ms=100_000, window_start=watched.now + DAY
    )
    assert titles(watched, "rate_limits") == []


@pytest.mark.parametrize(("refused", "found"), [(9, 0), (10, 1)])
def test_a_service_that_refuses_ten_calls_in_the_hour_is_at_its_limit(
    watched: Watched, refused: int, found: int
) -> None:
    watched.insert("api_usage", service="notion", hour=watched.now, calls=100, throttled=refused)
    assert len(watched.sees("rate_limits")) == found


# -- cost_anomaly --------------------------------------------------------------------------------------------


def called(watched: Watched, calls: int, ago: timedelta = timedelta(0), service: str = "hubspot") -> None:
    """Calls of an hour, so long ago by the local clock, which went ahead two days ago."""
    hour = (watched.now.astimezone(CHICAGO) - ago).astimezone(UTC)
    watched.insert("api_usage", service=service, hour=hour, calls=calls)


@pytest.mark.parametrize(
    ("calls", "severity"), [(299, None), (300, "INFO"), (499, "INFO"), (500, "WARN"), (100_000, "WARN")]
)
def test_calls_are_told_of_from_200_percent_over_the_same_hour_and_warned_of_from_400(
    watched: Watched, calls: int, severity: str | None
) -> None:
    for week, usual in enumerate((90, 100, 100, 5000), 1):  # one week was no week like the others
        called(watched, usual, week * WEEK)
    called(watched, calls)
    assert [one.severity for one in watched.sees("cost_anomaly")] == ([severity] if severity else [])


def test_a_spend_that_success_hides_says_so(watched: Watched) -> None:
    for week in range(1, 5):
        called(watched, 100, week * WEEK)
    called(watched, 900, HOUR)
    for week in range(1, 5):
        called(watched, 100, week * WEEK + HOUR)
    assert titles(watched, "cost_anomaly") == [
        "WARN hubspot was called 900 times at Tue 11:00, usually 100, none of them failed"
    ]


@pytest.mark.parametrize(("weeks", "found"), [((), 0), ((1, 2), 0), ((1, 2, 3), 1), ((3,), 1)])
def test_with_less_than_three_weeks_of_history_nothing_is_said(
    watched: Watched, weeks: Sequence[int], found: int
) -> None:
    for week in weeks:
        called(watched, 10, week * WEEK)
    called(watched, 5000)
    assert len(watched.sees("cost_anomaly")) == found


def test_the_same_hour_is_that_of_the_local_clock(watched: Watched) -> None:
    for week in range(1, 5):
        called(watched, 1000, week * WEEK)
        called(watched, 10, week * WEEK + HOUR)
    called(watched, 1000)
    assert titles(watched, "cost_anomaly") == []


# -- failure_rate --------------------------------------------------------------------------------------------


def ran(watched: Watched, times: int, status: str = "success", workflow: str = "w1", **columns: object) -> None:
    """Runs of a workflow a second apart, the newest a minute ago."""
    first = watched.db.execute("SELECT count(*) FROM workflow_executions").fetchone()
    at = columns.pop("at", watched.now - MINUTE)
    assert first is not None
    assert isinstance(at, datetime)
    for number in range(times):
        watched.insert(
            "workflow_executions", execution_id=str(first[0] + number), workflow_id=workflow, workflow_name=workflow,
            status=status, started_at=at - timedelta(seconds=number), **columns,
        )  # fmt: skip


def keys(watched: Watched, watcher: str) -> list[str]:
    return [one.dedup_key.partition(":")[2] for one in watched.sees(watcher)]


def test_more_than_a_tenth_of_at_least_twenty_runs_is_too_much(watched: Watched) -> None:
    ran(watched, 18)
    ran(watched, 2, "error", error="ECONNREFUSED")
    assert keys(watched, "failure_rate") == []
    ran(watched, 1, "crashed")
    assert titles(watched, "failure_rate") == ["WARN Workflow w1: 14 % (3 of 21) of the runs of the last day failed"]


def test_of_more_runs_than_are_read_it_says_at_least(watched: Watched) -> None:
    ran(watched, 499, "error", at=watched.now - 2 * HOUR)
    assert titles(watched, "failure_rate") == [
        "WARN Workflow w1: 100 % (499 of 499) of the runs of the last day failed"
    ]
    ran(watched, 200, "error", at=watched.now - 2 * HOUR)
    assert titles(watched, "failure_rate") == [
        "WARN Workflow w1: 100 % (at least 500 of 500) of the runs of the last day failed"
    ]


def test_of_all_workflows_together_a_few_failures_are_what_a_restart_leaves(watched: Watched) -> None:
    ran(watched, 26)
    for number in range(4):
        ran(watched, 1, "error", f"other{number}")
    assert titles(watched, "failure_rate") == []
    ran(watched, 1, "error", "other5")
    assert titles(watched, "failure_rate") == ["WARN 16 % (5 of 31) of the workflow runs of the last 60 min failed"]


def test_few_runs_a_retry_that_succeeded_and_a_known_workflow_are_not_too_much(watched: Watched) -> None:
    ran(watched, 19, "error", "few")
    assert keys(watched, "failure_rate") == []
    ran(watched, 30, "error", "retried", retry_success_id="x")
    assert keys(watched, "failure_rate") == ["workflows"]
    ran(watched, 60, workflow="well")
    watched.insert("incidents", type="repeated_failures", title="x", related_workflow_id="few")
    assert keys(watched, "failure_rate") == []


@pytest.mark.parametrize(("failed", "severity"), [(19, "WARN"), (20, "SEV1")])
def test_half_of_all_runs_is_more_than_a_warning(watched: Watched, failed: int, severity: str) -> None:
    for number in range(failed):
        ran(watched, 1, "error", f"w{number}")
    ran(watched, 40 - failed)
    assert watched.sees("failure_rate")[0].severity == severity


def test_what_godmode_did_itself_counts_too_but_not_what_a_rule_skipped(watched: Watched) -> None:
    watched.audits("work", 18)
    watched.audits("work", 30, success=None)
    watched.fails("work", 30, error="Kill switch is active")
    watched.fails("work", 2)
    assert keys(watched, "failure_rate") == []
    watched.fails("work", 1)
    assert titles(watched, "failure_rate") == ["WARN 14 % (3 of 21) of the things that godmode did in 60 min failed"]


def test_where_n8n_was_not_read_no_failures_are_no_success(watched: Watched) -> None:
    watcher = watched.watchers()["failure_rate"]
    assert isinstance(watcher, FailureRate)
    assert not watcher.sees(watched.store, watched.now)
    watched.insert("data_source_sync", source_name="n8n", last_sync_completed_at=watched.now - 1.5 * HOUR)
    assert watcher.sees(watched.store, watched.now)
    assert not watcher.sees(watched.store, watched.now + MINUTE)


# -- stale_sources -------------------------------------------------------------------------------------------


def read(watched: Watched, name: str, ago: timedelta, **columns: object) -> None:
    columns = {"last_sync_success": True, "last_sync_completed_at": watched.now - ago} | columns
    watched.insert("data_source_sync", source_name=name, last_sync_started_at=watched.now - ago, **columns)


def test_a_source_is_stale_after_three_intervals_and_one_never_read_is_not(watched: Watched) -> None:
    read(watched, "n8n", 89 * MINUTE, last_error="n8n answered 502", last_sync_success=False)
    assert titles(watched, "stale_sources") == []
    watched.later(minutes=1)
    assert titles(watched, "stale_sources") == ["WARN n8n has not been read since Tue 10:31: n8n answered 502"]


def test_all_sources_stale_at_once_are_more_than_a_warning(watched: Watched) -> None:
    read(watched, "n8n", DAY)
    read(watched, "chatlogs", DAY)
    assert [(one.severity, one.dedup_key) for one in watched.sees("stale_sources")] == [
        ("SEV1", "stale_sources:all"), ("WARN", "stale_sources:n8n"), ("WARN", "stale_sources:chatlogs"),
    ]  # fmt: skip


def test_a_source_whose_failing_was_told_of_or_that_goes_on_or_was_not_to_be_read_is_not_told_of(
    watched: Watched,
) -> None:
    read(watched, "n8n", DAY)
    watched.insert("job_state", job="sync_n8n", alerted=True)
    read(watched, "chatlogs", MINUTE, limited="its time was over", last_sync_completed_at=watched.now - DAY)
    assert titles(watched, "stale_sources") == []
    watched.db.execute("UPDATE job_state SET alerted = false")
    watched.audits("run_watchers", action_type="missed", success=None, ago=89 * MINUTE)
    assert titles(watched, "stale_sources") == []


# -- silent_workflows ----------------------------------------------------------------------------------------


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
