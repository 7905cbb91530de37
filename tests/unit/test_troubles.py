"""What the status page calls wrong, what it calls not looked at, and when it may say that all is well."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from godmode.lib.overview.troubles import Parts, troubles
from godmode.lib.overview.unseen import unseen
from godmode.lib.store.figures import Backlog, OpenIncident
from godmode.lib.store.glance import Urgent
from godmode.lib.store.news import Doubtful, Unsettled

NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def job(name: str = "periodic_scan", **other: Any) -> dict[str, Any]:
    return {
        "job": name, "period_seconds": 1800.0, "state": "succeeded", "implemented": True,
        "enabled": True, "stuck": False, "lacks": None,
        "consecutive_failures": 0, "last_error": None, "last_missed": None, "overdue_since": None,
        "last_started_at": NOW - MINUTE,
    } | other  # fmt: skip


def source(name: str = "notion", **other: Any) -> dict[str, Any]:
    return {
        "source_name": name, "configured": True, "lacks": None, "last_sync_success": True, "last_error": None,
        "limited": None, "last_sync_completed_at": NOW - MINUTE, "every_minutes": 60,
    } | other  # fmt: skip


def channel(**other: Any) -> dict[str, Any]:
    return {"name": "telegram", "configured": True, "state": "ready"} | other


WELL = Parts(
    kill_switch=False,
    controls={"jobs_enabled": True, "comms_enabled": True, "write_enabled": True},
    drill={"passed": True},
    jobs=[job(), job("health_monitor")],
    sources=[source(), source("n8n", configured=False)],
    channels=[channel()],
    backlog=Backlog(0, 0, 0, 0, 0),
    incidents=[],
    urgent=[],
    doubtful=[],
    unsettled=[],
    health={"at": NOW, "degraded": [], "checks": {}},
)


def hour(at: datetime) -> str:
    return f"{at:%H:%M}"


def wrong(**parts: Any) -> list[tuple[str, str]]:
    return [(trouble.what, trouble.command) for trouble in troubles(replace(WELL, **parts), hour)]


def not_seen(**parts: Any) -> list[tuple[str, str]]:
    found = unseen(replace(WELL, **parts), NOW, hour)
    return [(trouble.what, trouble.command) for trouble in found]


def test_where_all_was_looked_at_and_nothing_found_all_is_well() -> None:
    assert (wrong(), not_seen()) == ([], [])


OFF = {"jobs_enabled": False, "comms_enabled": False, "write_enabled": False}


@pytest.mark.parametrize(
    ("parts", "what", "command"),
    [
        ({"kill_switch": True}, "the kill switch is on: nothing runs", "godmode killswitch off"),
        ({"drill": {"passed": False}}, "the kill switch failed its last drill", "godmode killswitch drill"),
        (
            {"channels": [channel(state="TELEGRAM_BOT_TOKEN is not set")]},
            "telegram: TELEGRAM_BOT_TOKEN is not set",
            "godmode channels",
        ),
        (
            {"jobs": [job(consecutive_failures=3, last_error="no answer")]},
            "periodic-scan failed 3 times in a row: no answer",
            "godmode audit --job periodic-scan",
        ),
        (
            {"jobs": [job(state="failed", last_error="Kill switch is active")]},
            "periodic-scan failed last time: Kill switch is active",
            "godmode audit --job periodic-scan",
        ),
        ({"jobs": [job(stuck=True)]}, "periodic-scan began and never ended", "godmode run periodic-scan"),
        (
            {"jobs": [job(last_missed={"count": 2, "from": "2026-03-10T12:00:00Z", "to": "2026-03-10T12:30:00Z"})]},
            "periodic-scan missed 2 slots, 12:00 to 12:30",
            "godmode audit --job periodic-scan",
        ),
        (
            {"jobs": [job(last_missed={"count": 1, "from": "2026-03-09", "to": "2026-03-09"})]},
            "periodic-scan missed 1 slot, 2026-03-09",
            "godmode audit --job periodic-scan",
        ),
        (
            {"sources": [source(last_sync_success=False, last_error="401")]},
            "notion was not read: 401",
            "godmode run sync-notion",
        ),
        (
            {"sources": [source(lacks="the secret NOTION_TOKEN")]},
            "notion: the secret NOTION_TOKEN is missing",
            "godmode config check",
        ),
        (
            {"sources": [source(limited="the day's calls are used up")]},
            "notion was not read to the end: the day's calls are used up",
            "godmode sources",
        ),
        (
            {"health": {"degraded": ["disk"], "checks": {"disk": "97% of the disk is used"}}},
            "health: 97% of the disk is used",
            "godmode audit --job health-monitor",
        ),
        ({"backlog": Backlog(0, 2, 0, 0, 0)}, "2 pieces of work were given up on", "godmode queue dead"),
        (
            {"doubtful": [Doubtful(4, "incident", "SEV0", "The shop is down", "uncertain", "callmebot", NOW)]},
            "SEV0 may not have reached you by callmebot: The shop is down",
            "godmode audit messages --status uncertain",
        ),
        (
            {"urgent": [Urgent(4, "SEV1", "The export failed", "pending", NOW)]},
            "SEV1 has not gone out (pending): The export failed",
            "godmode audit messages --status pending",
        ),
        (
            {"unsettled": [Unsettled(9, "rerun_workflow", "12", NOW)]},
            "nobody knows whether rerun_workflow happened",
            "godmode audit action 9",
        ),
    ],
)
def test_each_trouble_says_what_and_the_next_command(parts: dict[str, Any], what: str, command: str) -> None:
    assert wrong(**parts) == [(what, command)]


def test_the_worst_stands_first() -> None:
    found = wrong(
        backlog=Backlog(0, 1, 0, 0, 0),
        jobs=[job(consecutive_failures=1, last_error="x")],
        incidents=[
            OpenIncident(1, "SEV0", "down", NOW, 1),
            OpenIncident(2, "WARN", "slow", NOW, 1, "x", "acknowledged"),
        ],
        kill_switch=True,
    )
    assert [what.partition(":")[0] for what, _ in found] == [
        "the kill switch is on", "SEV0", "periodic-scan failed last time", "WARN (acknowledged)",
        "1 piece of work was given up on",
    ]  # fmt: skip


def test_jobs_or_messages_switched_off_are_told_of_and_writing_switched_off_is_not() -> None:
    assert [command for _, command in wrong(controls=OFF)] == [
        "godmode controls set jobs_enabled on",
        "godmode controls set comms_enabled on",
    ]


def test_a_source_whose_job_fails_is_told_of_once() -> None:
    found = wrong(jobs=[job("sync_notion", consecutive_failures=1, last_error="401")],
                  sources=[source(last_sync_success=False, last_error="401")])  # fmt: skip
    assert [what for what, _ in found] == ["sync-notion failed last time: 401"]


def test_an_installation_in_which_nothing_has_run_is_not_well_and_says_so_once() -> None:
    jobs = [job(last_started_at=None), job("health_monitor", last_started_at=None)]
    assert not_seen(jobs=jobs, sources=[source(last_sync_completed_at=None)]) == [
        ("no job has run yet: are they scheduled?", "godmode schedule cron")
    ]


def test_jobs_that_stopped_long_ago_are_told_of_once_with_the_time_of_the_last() -> None:
    late: dict[str, Any] = {"last_started_at": NOW - 9 * HOUR, "overdue_since": NOW - 8 * HOUR}
    found = not_seen(jobs=[job(**late), job("health_monitor", **late)])
    assert found[0][0] == "no job has run since 08:00: are they scheduled?"


def test_one_job_run_by_hand_does_not_make_a_schedule_but_is_the_last_that_ran() -> None:
    often = job("process_retry_queue", period_seconds=30.0, last_started_at=None)
    by_hand = job("periodic_scan", last_started_at=NOW - 20 * MINUTE)
    assert not_seen(jobs=[often, by_hand])[0][0].startswith("no job has run since 16:40")
    just_now = job("periodic_scan", last_started_at=NOW - MINUTE)
    assert [what for what, _ in not_seen(jobs=[often, just_now])] == ["process-retry-queue has not run yet"]


def test_a_single_job_that_never_ran_or_not_for_long_is_named() -> None:
    never = job("health_monitor", last_started_at=None)
    assert not_seen(jobs=[job(), never]) == [("health-monitor has not run yet", "godmode run health-monitor")]
    late = job("run_watchers", last_started_at=NOW - HOUR, overdue_since=NOW - HOUR)
    assert not_seen(jobs=[job(), late]) == [("run-watchers has not run since 16:00", "godmode run run-watchers")]


@pytest.mark.parametrize(
    "other",
    [
        {"implemented": False}, {"enabled": False}, {"lacks": "no source is configured"},
        {"period_seconds": 86400.0},
    ],
)  # fmt: skip
def test_what_need_not_have_run_is_not_missed(other: dict[str, Any]) -> None:
    assert not_seen(jobs=[job(), job("morning_call", last_started_at=None, **other)]) == []


def test_a_job_kept_from_running_is_not_missed_but_the_health_monitor_is() -> None:
    late: dict[str, Any] = {"last_started_at": NOW - 9 * HOUR, "overdue_since": NOW - 8 * HOUR}
    found = not_seen(jobs=[job(**late), job("health_monitor")], controls=OFF)
    assert found == []
    assert len(not_seen(jobs=[job(**late), job("health_monitor", **late)], controls=OFF)) == 1
    assert not_seen(jobs=[job(**late)], kill_switch=True) == []


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        ([source(last_sync_completed_at=None, last_sync_success=None)], "notion was never read"),
        ([source(last_sync_completed_at=NOW - 3 * HOUR)], "notion was not read since 14:00"),
        ([], "no source is configured: nothing is read"),
        ([source(configured=False)], "no source is configured: nothing is read"),
    ],
)
def test_a_source_that_was_not_read_is_named(parts: list[Any], what: str) -> None:
    assert [found for found, _ in not_seen(sources=parts)] == [what]
