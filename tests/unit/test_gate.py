"""The gate as a table: every check alone, and of each two the earlier one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from godmode.lib.engine.gate import CHECKS, Facts, decide, quiet_until
from godmode.lib.kernel import Every, Job, Proceed, Skip
from godmode.lib.sections import QuietHours

SPEAKER = Job("daily_digest", "", Every(minutes=5), None, speaks=True, needs=frozenset({"comms_enabled"}))
CHICAGO = ZoneInfo("America/Chicago")

# In the specification's order: what is the case, and the reason it gives.
NOES: list[tuple[dict[str, Any], str]] = [
    ({"kill_switch": True}, "kill_switch"),
    ({"jobs_enabled": False}, "jobs_disabled"),
    ({"job_enabled": False}, "job_disabled"),
    ({"quiet_until": "06:00"}, "quiet_hours"),
    ({"lacking": {"comms_enabled": Skip("prerequisite", "comms_enabled is off")}}, "prerequisite"),
    ({"slot": Skip("already_ran", "slot has run")}, "already_ran"),
]


def reason(job: Job, facts: dict[str, Any]) -> str | None:
    decision = decide(job, Facts(**facts))
    return decision.reason if isinstance(decision, Skip) else None


def test_with_nothing_against_it_a_run_proceeds() -> None:
    assert decide(SPEAKER, Facts()) == Proceed()


@pytest.mark.parametrize(("facts", "expected"), NOES)
def test_each_fact_alone_stops_a_run_for_its_reason(facts: dict[str, Any], expected: str) -> None:
    assert reason(SPEAKER, facts) == expected


@pytest.mark.parametrize(("first", "second"), list(combinations(NOES, 2)))
def test_of_two_noes_the_earlier_in_the_order_is_given(first: Any, second: Any) -> None:
    assert reason(SPEAKER, first[0] | second[0]) == first[1]


def test_there_is_a_check_for_every_no_and_no_other() -> None:
    assert [check.__name__ for check in CHECKS] == [
        "kill_switch", "jobs_disabled", "job_disabled", "quiet_hours", "prerequisite", "slot",
    ]  # fmt: skip


def test_jobs_enabled_off_is_ignored_by_what_declares_it_and_the_kill_switch_never() -> None:
    monitor = replace(SPEAKER, ignores=frozenset({"jobs_disabled"}))
    assert reason(monitor, {"jobs_enabled": False}) is None
    assert reason(monitor, {"jobs_enabled": False, "kill_switch": True}) == "kill_switch"


def test_quiet_hours_hold_only_what_speaks() -> None:
    assert reason(replace(SPEAKER, speaks=False), {"quiet_until": "06:00"}) is None


def test_a_prerequisite_that_a_job_does_not_need_may_be_missing() -> None:
    assert reason(SPEAKER, {"lacking": {"voice_channel": Skip("prerequisite", "none")}}) is None


@pytest.mark.parametrize(
    ("start", "end", "local", "quiet"),
    [
        ("21:00", "06:00", "20:59", False), ("21:00", "06:00", "21:00", True), ("21:00", "06:00", "00:00", True),
        ("21:00", "06:00", "05:59", True), ("21:00", "06:00", "06:00", False), ("12:00", "14:00", "13:00", True),
        ("12:00", "14:00", "14:00", False), ("00:00", "00:00", "00:00", False), ("09:00", "09:00", "09:00", False),
        ("00:00", "23:59", "23:58", True),
    ],
)  # fmt: skip
def test_quiet_hours_across_midnight_within_a_day_and_of_zero_length(
    start: str, end: str, local: str, quiet: bool
) -> None:
    now = datetime.fromisoformat(f"2026-07-01T{local}:30").replace(tzinfo=CHICAGO)
    assert (quiet_until(QuietHours(start=start, end=end), now, CHICAGO) is not None) is quiet


def test_quiet_hours_follow_the_wall_clock_through_a_clock_change() -> None:
    quiet = QuietHours(start="21:00", end="06:00")
    night = [datetime(2026, 3, 8, hour, 30, tzinfo=UTC) for hour in range(9, 14)]  # 03:30 CST … 08:30 CDT
    assert [quiet_until(quiet, now, CHICAGO) for now in night] == ["06:00", "06:00", None, None, None]
