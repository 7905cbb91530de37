"""The watchers of godmode's own work: each sees its trouble from its threshold on, and not below."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from fakes.company import configured
from fakes.watched import MINUTE, Watched

from godmode.lib.config import Config
from godmode.lib.watchers.performance import Performance

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def titles(watched: Watched, watcher: str) -> list[str]:
    return [f"{one.severity} {one.title}" for one in watched.sees(watcher)]


# -- repeated_failures ---------------------------------------------------------------------------------------


def test_three_failures_of_one_action_within_half_an_hour_are_repeated_and_two_are_not(watched: Watched) -> None:
    watched.fails("send_message", 2)
    watched.fails("call", 1)
    assert titles(watched, "repeated_failures") == []
    watched.fails("send_message", 1, timedelta(minutes=29), error="no answer in 30 s")
    (found,) = watched.sees("repeated_failures")
    assert (found.severity, found.title, found.occurrences) == ("WARN", "send message failed 3 times in 30 min", 3)
    assert [item["error"] for item in found.evidence["latest"]] == ["no answer", "no answer", "no answer in 30 s"]
    watched.later(minutes=1)
    assert titles(watched, "repeated_failures") == []


def test_what_the_kill_switch_stopped_and_what_waits_for_its_retry_has_not_failed(watched: Watched) -> None:
    watched.fails("work", 5, error="Kill switch is active")
    watched.fails("notification", 5, action_type="retry")
    assert titles(watched, "repeated_failures") == []


def test_a_job_of_whose_failures_she_was_told_is_not_told_of_twice(watched: Watched) -> None:
    watched.fails("sync_n8n", 4)
    watched.insert("job_state", job="sync_n8n", consecutive_failures=4, alerted=True)
    assert titles(watched, "repeated_failures") == []
    watched.db.execute("UPDATE job_state SET alerted = false, consecutive_failures = 0")
    assert len(titles(watched, "repeated_failures")) == 1
    watched.insert(
        "notifications", type="job_recovered", title="x", dedup_key="job_recovered:sync_n8n:r", created_at=watched.now
    )
    assert titles(watched, "repeated_failures") == []


def test_failures_of_the_future_and_archived_ones_do_not_count(watched: Watched) -> None:
    watched.fails("work", 5, -DAY)
    watched.fails("other", 5, archived=True)
    assert titles(watched, "repeated_failures") == []


def test_queries_that_fail_again_and_again_are_seen(watched: Watched) -> None:
    watched.fails("query_users", action_type="database")
    assert titles(watched, "repeated_failures") == ["WARN query users failed 3 times in 30 min"]


def test_a_million_failures_hide_no_other_and_their_messages_are_cut(watched: Watched) -> None:
    watched.db.execute(
        "INSERT INTO agent_audit_log (ts, action, success, error)"
        " SELECT %s - n * interval '1 millisecond', 'flood', false, 'id ' || n || repeat('x', 1000)"
        " FROM generate_series(1, 5000) n",
        (watched.now,),
    )
    watched.fails("quiet", 3, timedelta(minutes=20), error="z" * 1_000_000)
    found = {one.dedup_key.rpartition(":")[2]: one for one in watched.sees("repeated_failures")}
    assert (found["flood"].occurrences, found["quiet"].occurrences) == (1000, 3)
    assert len(str(found["quiet"].evidence)) < 3000


def test_actions_with_ids_in_their_names_hide_no_other(watched: Watched) -> None:
    watched.db.execute(
        "INSERT INTO agent_audit_log (ts, action, success) SELECT %s - n * interval '1 second', 'call ' || n, false"
        " FROM generate_series(1, 6000) n",
        (watched.now,),
    )
    watched.fails("work", 3)
    assert titles(watched, "repeated_failures") == ["WARN work failed 3 times in 30 min"]


def test_its_thresholds_are_configurable(config: Config, db: psycopg.Connection) -> None:
    text = "[watchers.repeated_failures]\nfailures = 2\nwithin_minutes = 120\n"
    made = Watched(configured(config, text), db)
    made.fails("work", 2, 1.5 * HOUR)
    assert titles(made, "repeated_failures") == ["WARN work failed 2 times in 120 min"]
    made.store.close()


# -- slow_jobs, performance ----------------------------------------------------------------------------------


def test_a_run_of_over_thirty_seconds_is_slow(watched: Watched) -> None:
    watched.audits("periodic_scan", duration_ms=30_000)
    watched.audits("morning_call", duration_ms=200_000)
    watched.audits("sync_n8n", ago=2 * HOUR, duration_ms=40_000)
    assert titles(watched, "slow_jobs") == []
    watched.audits("periodic_scan", duration_ms=30_001)
    watched.audits("periodic_scan", 1, 0.5 * HOUR, duration_ms=41_000)
    assert titles(watched, "slow_jobs") == ["WARN periodic scan took 41 s, 2 times within 60 min"]


def test_the_first_syncs_of_a_source_may_take_long_until_all_of_it_was_read(watched: Watched) -> None:
    more = '{"outcome": "succeeded", "data": {"new": 900, "more": true}}'
    watched.audits("sync_notion", 1, 50 * MINUTE, duration_ms=480_000, run_id="r1", output_data=more)
    watched.audits("periodic_scan", 1, 49 * MINUTE, duration_ms=490_000)
    assert titles(watched, "slow_jobs") == []
    watched.audits("sync_notion", 1, 30 * MINUTE, duration_ms=480_000, run_id="r3")
    assert titles(watched, "slow_jobs") == []
    watched.audits("sync_notion", 1, 20 * MINUTE, duration_ms=45_000)
    watched.audits("periodic_scan", 1, 19 * MINUTE, duration_ms=46_000)
    assert titles(watched, "slow_jobs") == [
        "WARN periodic scan took 46 s", "WARN sync notion took 45 s",
    ]  # fmt: skip


def test_what_another_system_ran_for_long_is_slow_whatever_it_calls_it(watched: Watched) -> None:
    watched.audits("sync_notion", duration_ms=45_000)
    watched.audits("nightly_import", action_type="cron", duration_ms=31_000)
    watched.audits("report_query", action_type="database", duration_ms=31_000)
    assert titles(watched, "slow_jobs") == ["WARN sync notion took 45 s", "WARN nightly import took 31 s"]


def test_a_first_sync_that_takes_long_and_fails_is_slow(watched: Watched) -> None:
    watched.audits("sync_notion", duration_ms=90_000, success=False, error="no answer")
    assert titles(watched, "slow_jobs") == ["WARN sync notion took 90 s"]


@pytest.mark.parametrize(("ms", "found"), [(1000.0, 0), (1000.4, 1)])
def test_a_database_average_of_over_a_second_is_slow(watched: Watched, ms: float, found: int) -> None:
    watcher = watched.watchers()["performance"]
    assert isinstance(watcher, Performance)
    slow = Performance(watcher.settings, watcher.grounds, lambda store, now: ms)
    assert len(list(slow.look(watched.store, watched.now))) == found


def test_what_others_wrote_down_of_their_queries_counts_and_here_the_database_is_fast(watched: Watched) -> None:
    assert titles(watched, "performance") == []
    watched.audits("query", 40, action_type="database", duration_ms=1500)
    (title,) = titles(watched, "performance")
    assert title.startswith("WARN The database takes 1,")


@pytest.mark.parametrize(("queries", "ms", "found"), [(3, 1001, 1), (3, 1000, 0), (2, 1900, 0), (1, 60_000, 1)])
def test_a_few_slow_queries_are_not_hidden_by_how_fast_it_answers_here(
    watched: Watched, queries: int, ms: int, found: int
) -> None:
    watched.audits("query", queries, action_type="database", duration_ms=ms)
    assert len(titles(watched, "performance")) == found


# -- queue_depth, dead_letters, stuck_claims -----------------------------------------------------------------


def fill(watched: Watched, rows: int) -> None:
    watched.db.execute(
        "INSERT INTO retry_jobs (type, run_at) SELECT 'custom', %s FROM generate_series(1, %s)", (watched.now, rows)
    )


def test_more_than_a_hundred_that_wait_are_too_deep(watched: Watched) -> None:
    watched.insert("retry_jobs", type="custom", status="completed")
    fill(watched, 100)
    assert titles(watched, "queue_depth") == []
    fill(watched, 1)
    assert titles(watched, "queue_depth") == ["WARN The retry queue is 101 deep"]


def test_a_flood_in_the_queue_is_counted_no_further_than_need_be(watched: Watched) -> None:
    fill(watched, 10_001)
    assert titles(watched, "queue_depth") == ["WARN The retry queue is at least 10,000 deep"]


def test_dead_letters_grow_when_three_are_new_within_the_hour_and_wait(watched: Watched) -> None:
    for type_, ago in (("custom", 0.5), ("notification", 0.1), ("custom", 2.0)):
        watched.insert("dead_letter_jobs", type=type_, error="no answer", created_at=watched.now - ago * HOUR)
    watched.insert("dead_letter_jobs", type="custom", status="dismissed", created_at=watched.now)
    assert titles(watched, "dead_letters") == []
    watched.insert("dead_letter_jobs", type="custom", error="401", created_at=watched.now)
    assert titles(watched, "dead_letters") == [
        "WARN 2 custom retries were given up on within 60 min",
        "WARN 1 notification retry was given up on within 60 min",
    ]


def test_a_claim_is_stuck_a_quarter_of_an_hour_after_its_lease(watched: Watched) -> None:
    over = watched.now - timedelta(minutes=15)
    watched.insert(
        "job_state", job="periodic_scan", state="running", run_id="r", owner_host="web1", started_at=over - HOUR,
        lease_until=over,
    )  # fmt: skip
    watched.insert("retry_jobs", type="custom", status="running", run_at=over - HOUR, lease_until=over)
    watched.insert("agent_actions", key="k", kind="post", started_at=over - HOUR, lease_until=over)
    watched.insert("agent_actions", key="l", kind="post", started_at=over - HOUR, lease_until=watched.now)
    assert titles(watched, "stuck_claims") == []
    watched.later(seconds=1)
    assert [one.dedup_key for one in watched.sees("stuck_claims")] == [
        "stuck_claims:job:periodic_scan", "stuck_claims:retry:1", "stuck_claims:action:k",
    ]  # fmt: skip
    assert watched.sees("stuck_claims")[0].title.startswith(
        "periodic scan is held since Tue 10:45 by a process on web1"
    )


# -- missed_slots --------------------------------------------------------------------------------------------


def ran(watched: Watched, job: str, slot: str, **columns: object) -> None:
    watched.insert("job_state", job=job, slot=slot, state="succeeded", **columns)


def test_a_job_whose_slot_is_over_without_a_run_missed_it(watched: Watched) -> None:
    ran(watched, "periodic_scan", "2026-03-10T16:00:00Z")  # it is 17:00; 16:30 was missed when 17:00 began
    ran(watched, "health_monitor", "2026-03-10T16:46:00Z")
    watched.later(seconds=-1)
    assert titles(watched, "missed_slots") == []
    watched.later(seconds=1)
    assert [one.dedup_key for one in watched.sees("missed_slots")] == ["missed_slots:periodic_scan"]


def test_a_daily_job_is_late_ten_minutes_after_its_hour(watched: Watched) -> None:
    ran(watched, "daily_digest", "2026-03-09")
    watched.at.move_to(watched.now.replace(hour=13, minute=9))  # 08:09 in Chicago
    assert titles(watched, "missed_slots") == []
    watched.later(minutes=1)
    assert titles(watched, "missed_slots") == [
        "WARN daily digest has not run for its slot 2026-03-10; its last was 2026-03-09"
    ]


@pytest.mark.parametrize(
    "columns", [{"enabled": False}, {"last_skip": "2026-03-10 quiet_hours"}, {"slot": None}, {"slot": "2026-03-11"}]
)
def test_what_a_rule_skipped_or_nobody_expects_was_not_missed(watched: Watched, columns: dict[str, object]) -> None:
    ran(watched, "daily_digest", **({"slot": "2026-03-09"} | columns))  # type: ignore[arg-type]
    assert titles(watched, "missed_slots") == []


def test_a_run_that_is_under_way_misses_no_slot(watched: Watched) -> None:
    watched.insert(
        "job_state", job="periodic_scan", slot="2026-03-10T12:00:00Z", state="running", run_id="r",
        lease_until=watched.now + HOUR,
    )  # fmt: skip
    assert titles(watched, "missed_slots") == []
    watched.later(hours=1)
    assert len(titles(watched, "missed_slots")) == 1


def test_a_source_that_is_not_configured_any_more_misses_no_slot(watched: Watched) -> None:
    ran(watched, "sync_notion", "2026-03-10T12:00:00Z")
    assert titles(watched, "missed_slots") == []


def test_after_a_pause_of_the_machine_a_job_has_time_to_run(watched: Watched) -> None:
    ran(watched, "periodic_scan", "2026-03-10T03:00:00Z")
    watched.audits("run_watchers", action_type="missed", success=None, ago=timedelta(minutes=29))
    assert titles(watched, "missed_slots") == []


def test_slots_that_a_run_noted_as_missed_are_told(watched: Watched) -> None:
    data = '{"from": "2026-03-10T12:00:00Z", "to": "2026-03-10T15:00:00Z", "count": 7}'
    watched.audits("periodic_scan", action_type="missed", success=None, output_data=data)
    watched.audits("process_retry_queue", action_type="missed", success=None, output_data='{"count": 19}')
    assert titles(watched, "missed_slots") == [
        "WARN periodic scan missed 7 slots: Tue 10 Mar 07:00 to Tue 10 Mar 10:00"
    ]
    watched.audits("periodic_scan", ago=HOUR, success=None, output_data='{"reason": "kill_switch"}')
    assert titles(watched, "missed_slots") == []


def test_what_is_counted_to_a_bound_is_said_to_be_at_least_that(watched: Watched) -> None:
    watched.db.execute(
        "INSERT INTO agent_audit_log (ts, action, action_type, success, duration_ms)"
        " SELECT %s - n * interval '1 second', 'sync_crm', 'job', false, 31000 FROM generate_series(1, 1200) n",
        (watched.now,),
    )
    assert titles(watched, "repeated_failures") == ["WARN sync crm failed at least 1,000 times in 30 min"]
    assert titles(watched, "slow_jobs") == ["WARN sync crm took 31 s, at least 1,000 times within 60 min"]


def test_a_thousand_workflows_that_fail_are_all_named(watched: Watched) -> None:
    watched.db.execute(
        "INSERT INTO workflow_executions (execution_id, workflow_id, status, started_at)"
        " SELECT 'e' || n, 'w' || n %% 900, 'error', %s - n * interval '0.1 second' FROM generate_series(1, 18000) n",
        (watched.now,),
    )
    watched.looks()
    subjects = watched.db.execute("SELECT jsonb_array_length(subjects) FROM incidents WHERE type = 'failure_rate'")
    assert subjects.fetchall() == [(901,)]
