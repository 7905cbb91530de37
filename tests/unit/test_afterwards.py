"""What follows a run: retries and alerts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from godmode.lib.engine import afterwards
from godmode.lib.errors import (
    Auth,
    BadData,
    DatabaseTrouble,
    ExternalApi,
    GodmodeError,
    KillSwitchOn,
    Refused,
    Transient,
    Unknown,
)
from godmode.lib.kernel import Backoff, Daily, Every, Job, JobResult, Outcome

NOW = datetime(2026, 3, 1, 14, 0, tzinfo=UTC)
FAILED = JobResult(Outcome.FAILED, error="no answer")
WELL = JobResult(Outcome.SUCCEEDED)
SCAN = Job("periodic_scan", "", Every(minutes=30), None)
DIGEST = Job("daily_digest", "", Daily("08:00"), None, retry=Backoff(attempts=2, first=timedelta(minutes=5)))

# DESIGN, Failures: is it retried, and from which failure in a row is it told of.
CATEGORIES: list[tuple[GodmodeError, bool, int]] = [
    (Transient("no route"), True, 3),
    (Unknown("perhaps sent"), False, 3),
    (Auth("401"), False, 1),
    (BadData("no JSON"), False, 3),
    (ExternalApi("429"), True, 3),
    (Refused("422"), False, 1),
    (DatabaseTrouble("gone"), True, 2),
]


def failed(error: GodmodeError) -> JobResult:
    return JobResult(Outcome.FAILED, None, str(error), error.category, cause=error)


def told(result: JobResult, before: int, alerted: bool = False, dead: bool = False, job: Job = SCAN) -> list[str]:
    return [note.type for note in afterwards.alerts(job, "r", result, before, alerted, dead)]


def test_backoff_is_two_seconds_doubled_up_to_a_minute_and_then_over() -> None:
    policy = Backoff(attempts=8)
    assert [policy.delay(n) for n in range(1, 9)] == [
        *(timedelta(seconds=s) for s in (2, 4, 8, 16, 32, 60, 60)),
        None,
    ]


def test_the_digest_is_tried_once_more_after_five_minutes_and_then_given_up() -> None:
    first = afterwards.retry_at(DIGEST, 1, FAILED, NOW)
    second = afterwards.retry_at(DIGEST, 2, FAILED, NOW)
    assert (first, second) == (NOW + timedelta(minutes=5), None)
    assert not afterwards.given_up(DIGEST, FAILED, first)
    assert afterwards.given_up(DIGEST, FAILED, second)


@pytest.mark.parametrize(("error", "retried", "alert_from"), CATEGORIES)
def test_each_category_is_retried_and_told_of_as_its_line_of_the_table_says(
    error: GodmodeError, retried: bool, alert_from: int
) -> None:
    assert (afterwards.retry_at(DIGEST, 1, failed(error), NOW) is not None) is retried
    kind = "credentials" if isinstance(error, Auth) else "job_failing"  # the former's route is a message at once
    assert [told(failed(error), before) for before in range(alert_from)] == [[]] * (alert_from - 1) + [[kind]]


def test_a_database_is_tried_once_more_whatever_the_policy_has() -> None:
    waits = [DatabaseTrouble("gone").wait(Backoff(), n) for n in (1, 2, 3)]
    assert waits == [timedelta(seconds=2), None, None]


@pytest.mark.parametrize(("asked", "minutes"), [(1, 5), (7, 7)])
def test_a_retry_after_longer_than_the_policys_wait_is_obeyed(asked: int, minutes: int) -> None:
    result = failed(ExternalApi("429", retry_after=timedelta(minutes=asked)))
    assert afterwards.retry_at(DIGEST, 1, result, NOW) == NOW + timedelta(minutes=minutes)


def test_a_scan_is_neither_retried_nor_buried_since_its_next_slot_is_the_retry() -> None:
    assert afterwards.retry_at(SCAN, 1, FAILED, NOW) is None
    assert not afterwards.given_up(SCAN, FAILED, None)


def test_a_streak_is_told_of_once_at_its_third_failure() -> None:
    streak = [told(FAILED, before, alerted=before >= 3) for before in (0, 1, 2, 3, 40)]
    assert streak == [[], [], ["job_failing"], [], []]


def test_an_auth_failure_is_told_of_at_once_also_in_the_middle_of_a_streak_and_only_once() -> None:
    assert told(failed(Auth("401")), 0) == ["credentials"]
    assert told(failed(Auth("401")), 1) == ["credentials"]
    assert told(failed(Auth("401")), 2, alerted=True) == []


def test_a_recovery_is_one_line_and_only_where_the_streak_was_told_of() -> None:
    assert told(WELL, 3, alerted=True) == ["job_recovered"]
    assert told(WELL, 1, alerted=True) == ["job_recovered"]
    assert told(WELL, 2) == []


def test_work_given_up_on_is_a_permanent_failure_whatever_the_streak() -> None:
    assert told(FAILED, 1, dead=True, job=DIGEST) == ["permanent_failure"]
    assert told(FAILED, 5, alerted=True, dead=True, job=DIGEST) == ["permanent_failure"]


def test_a_run_that_the_switch_stopped_is_no_failure() -> None:
    skipped = JobResult(Outcome.SKIPPED, "kill_switch", cause=KillSwitchOn("Kill switch is active"))
    assert told(skipped, 2) == []
    assert not afterwards.alert_due(skipped, 2, False)
