"""What follows a run: retries and alerts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from godmode.lib.engine import afterwards
from godmode.lib.kernel import Backoff, Daily, Every, Job, JobResult, Outcome

NOW = datetime(2026, 3, 1, 14, 0, tzinfo=UTC)
FAILED = JobResult(Outcome.FAILED, error="no answer")
WELL = JobResult(Outcome.SUCCEEDED)
SCAN = Job("periodic_scan", "", Every(minutes=30), None)
DIGEST = Job("daily_digest", "", Daily("08:00"), None, retry=Backoff(attempts=2, first=timedelta(minutes=5)))


def test_backoff_is_two_seconds_doubled_up_to_a_minute_and_then_over() -> None:
    policy = Backoff(attempts=8)
    assert [policy.delay(n) for n in range(1, 9)] == [
        *(timedelta(seconds=s) for s in (2, 4, 8, 16, 32, 60, 60)),
        None,
    ]


def test_the_digest_is_tried_once_more_after_five_minutes_and_then_given_up() -> None:
    first = afterwards.retry_at(DIGEST, 1, FAILED, True, NOW)
    second = afterwards.retry_at(DIGEST, 2, FAILED, True, NOW)
    assert (first, second) == (NOW + timedelta(minutes=5), None)
    assert not afterwards.given_up(DIGEST, FAILED, first)
    assert afterwards.given_up(DIGEST, FAILED, second)


def test_what_cannot_mend_itself_is_not_retried() -> None:
    assert afterwards.retry_at(DIGEST, 1, FAILED, False, NOW) is None


def test_a_scan_is_neither_retried_nor_buried_since_its_next_slot_is_the_retry() -> None:
    assert afterwards.retry_at(SCAN, 1, FAILED, True, NOW) is None
    assert not afterwards.given_up(SCAN, FAILED, None)


@pytest.mark.parametrize(("before", "expected"), [(0, 0), (1, 0), (2, 1), (3, 0), (40, 0)])
def test_a_transient_failure_alerts_once_a_streak_at_the_third_in_a_row(before: int, expected: int) -> None:
    assert len(list(afterwards.alerts(SCAN, "r", FAILED, 3, before, False))) == expected


def test_an_auth_failure_alerts_at_once_and_only_once() -> None:
    assert [n.type for n in afterwards.alerts(SCAN, "r", FAILED, 1, 0, False)] == ["job_failing"]
    assert not list(afterwards.alerts(SCAN, "r", FAILED, 1, 1, False))


def test_a_recovery_is_told_after_an_alert_and_not_after_a_single_failure() -> None:
    assert [n.type for n in afterwards.alerts(SCAN, "r", WELL, 3, 3, False)] == ["job_recovered"]
    assert not list(afterwards.alerts(SCAN, "r", WELL, 3, 2, False))


def test_work_given_up_on_is_a_permanent_failure_whatever_the_streak() -> None:
    assert [n.type for n in afterwards.alerts(DIGEST, "r", FAILED, 3, 1, True)] == ["permanent_failure"]
