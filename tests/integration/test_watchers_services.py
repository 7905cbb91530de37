"""The watchers of the services and workflows: each sees its trouble from its threshold on, and not below."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from fakes.watched import Watched, keys, read, reading_n8n, titles

from godmode.lib.watchers.failure_rate import FailureRate

MINUTE, HOUR, DAY, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
CHICAGO = ZoneInfo("America/Chicago")


watched = pytest.fixture(reading_n8n)


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


def test_of_more_than_is_read_of_its_own_it_says_at_least(watched: Watched) -> None:
    for name in ("orders", "letters", "labels"):
        watched.fails(name, 2000, ago=2 * MINUTE)
    watched.fails("work", 10, error="Kill switch is active")
    assert titles(watched, "failure_rate") == [
        "WARN 100 % (at least 4,990 of 4,990) of the things that godmode did in 60 min failed"
    ]


def test_where_n8n_was_not_read_no_failures_are_no_success(watched: Watched) -> None:
    watcher = watched.watchers()["failure_rate"]
    assert isinstance(watcher, FailureRate)
    assert not watcher.sees(watched.store, watched.now)
    watched.insert("data_source_sync", source_name="n8n", last_sync_completed_at=watched.now - 1.5 * HOUR)
    assert watcher.sees(watched.store, watched.now)
    assert not watcher.sees(watched.store, watched.now + MINUTE)


# -- stale_sources -------------------------------------------------------------------------------------------


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
