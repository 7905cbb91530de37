"""The one road: gate, claim, body, record, afterwards, on a real database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from fakes.company import NOON, Company, audit, fail

from godmode.lib.engine import killswitch
from godmode.lib.engine.equipment import Mode
from godmode.lib.engine.killswitch import Mirror
from godmode.lib.errors import Auth, Transient, Usage
from godmode.lib.kernel import Backoff, Daily, Outcome


def test_a_slot_runs_once_however_often_it_is_called(company: Company, db: psycopg.Connection) -> None:
    company.add("work")
    assert [company.outcome() for _ in range(3)] == [
        ("succeeded", None),
        ("skipped", "already_ran"),
        ("skipped", "already_ran"),
    ]
    company.at.advance(timedelta(minutes=30))
    assert company.outcome() == ("succeeded", None)
    assert company.bodies_run == ["2026-03-10T17:00:00Z", "2026-03-10T17:30:00Z"]
    assert audit(db) == [("job", True, None)] * 2


def test_again_repeats_an_interval_job_but_not_one_that_speaks(company: Company) -> None:
    company.add("work")
    company.add("speech", cadence=Daily("08:00"), speaks=True)
    company.run()
    assert company.outcome(mode=Mode(again=True)) == ("succeeded", None)
    with pytest.raises(Usage, match="speaks once a day"):
        company.run("speech", Mode(again=True))


def test_a_daily_job_is_due_from_its_hour_to_the_end_of_its_catch_up(company: Company) -> None:
    company.add("work", cadence=Daily("12:30", catch_up=timedelta(hours=2)))
    assert company.outcome() == ("skipped", "not_due")
    company.at.advance(timedelta(hours=2, minutes=29))
    assert company.outcome() == ("succeeded", None)
    company.at.advance(timedelta(days=1, minutes=1))
    assert company.outcome() == ("skipped", "not_due")


def test_again_with_the_clock_set_back_runs_and_gives_no_slot_back(company: Company, db: psycopg.Connection) -> None:
    company.add("work")
    company.run()
    company.at.move_to(NOON - timedelta(hours=2))
    assert company.outcome(mode=Mode(again=True)) == ("succeeded", None)
    assert company.bodies_run == ["2026-03-10T17:00:00Z", "2026-03-10T15:00:00Z"]
    assert db.execute("SELECT slot FROM job_state WHERE job = 'work'").fetchone() == ("2026-03-10T17:00:00Z",)
    company.at.move_to(NOON)
    assert company.outcome() == ("skipped", "already_ran")


def test_by_hand_a_daily_job_takes_the_days_slot_before_its_hour_so_that_it_does_not_run_again(
    company: Company,
) -> None:
    company.add("work", cadence=Daily("23:00"))
    assert company.outcome(mode=Mode()) == ("succeeded", None)
    company.at.advance(timedelta(hours=11, minutes=30))
    assert company.outcome() == ("skipped", "already_ran")


def test_a_clock_that_jumps_back_an_hour_runs_nothing_twice(company: Company) -> None:
    company.add("work")
    company.run()
    company.at.advance(timedelta(hours=-1))
    assert company.outcome() == ("skipped", "not_due")
    company.at.advance(timedelta(hours=1, minutes=30))
    assert company.outcome() == ("succeeded", None)


def test_the_kill_switch_stops_every_run_and_leaves_the_specified_row(company: Company, db: psycopg.Connection) -> None:
    company.add("work")
    db.execute("UPDATE agent_controls SET kill_switch = true")
    result = company.run(mode=Mode()).result
    assert (result.outcome, result.reason, result.error) == ("skipped", "kill_switch", "Kill switch is active")
    assert company.bodies_run == []
    assert audit(db) == [("job", False, "Kill switch is active")]


def test_a_skipped_tick_is_audited_once_for_its_slot_and_again_for_the_next(
    company: Company, db: psycopg.Connection
) -> None:
    company.add("work")
    db.execute("UPDATE agent_controls SET kill_switch = true")
    for _ in range(3):
        company.run()
    assert len(audit(db)) == 1
    company.at.advance(timedelta(minutes=30))
    company.run()
    assert len(audit(db)) == 2


def test_a_skipped_run_does_not_consume_its_slot(company: Company, db: psycopg.Connection) -> None:
    company.add("work")
    db.execute("UPDATE agent_controls SET kill_switch = true")
    company.run()
    db.execute("UPDATE agent_controls SET kill_switch = false")
    assert company.outcome() == ("succeeded", None)


def test_a_switch_set_while_the_database_was_away_is_carried_into_it(company: Company, db: psycopg.Connection) -> None:
    company.add("work")
    killswitch.write(company.config.state, Mirror(on=True, number=None, reason="smoke"))
    assert company.outcome() == ("skipped", "kill_switch")
    assert db.execute("SELECT kill_switch, kill_switch_reason FROM agent_controls").fetchone() == (True, "smoke")
    mirror = killswitch.read(company.config.state)
    assert mirror is not None and mirror.number == 1
    db.execute("UPDATE agent_controls SET kill_switch = false")
    assert company.outcome() == ("succeeded", None)


def test_a_mirror_that_cannot_be_written_does_not_keep_the_switch_from_being_obeyed(
    company: Company, db: psycopg.Connection
) -> None:
    company.add("work")
    killswitch.path(company.config.state).mkdir(parents=True)  # in the way of the file, as a full disk is
    killswitch.path(company.config.state).joinpath("x").touch()
    db.execute("UPDATE agent_controls SET kill_switch = true")
    assert company.outcome() == ("skipped", "kill_switch")


def test_jobs_enabled_off_stops_all_but_the_health_monitor(company: Company, db: psycopg.Connection) -> None:
    company.add("work")
    db.execute("UPDATE agent_controls SET jobs_enabled = false")
    assert company.outcome() == ("skipped", "jobs_disabled")
    assert company.outcome("health_monitor") == ("succeeded", None)


def test_a_disabled_job_rests_alone(company: Company, db: psycopg.Connection) -> None:
    company.add("work")
    company.add("other")
    db.execute("INSERT INTO job_state (job, enabled) VALUES ('work', false)")
    assert (company.outcome(), company.outcome("other")) == (("skipped", "job_disabled"), ("succeeded", None))


def test_quiet_hours_hold_what_speaks_and_let_silent_jobs_work(company: Company) -> None:
    company.at.move_to(datetime(2026, 3, 11, 4, 0, tzinfo=UTC))  # 23:00 in Chicago
    company.add("work")
    company.add("speech", speaks=True)
    assert (company.outcome(), company.outcome("speech")) == (("succeeded", None), ("skipped", "quiet_hours"))


def test_in_quiet_hours_a_dry_run_of_what_speaks_goes_on_and_says_that_it_would_wait(company: Company) -> None:
    company.at.move_to(datetime(2026, 3, 11, 4, 0, tzinfo=UTC))  # 23:00 in Chicago
    company.add("speech", speaks=True)
    report = company.run("speech", Mode(dry_run=True))
    assert report.result.outcome is Outcome.SUCCEEDED
    assert report.result.data["waits"] == "quiet hours until 06:00: it would wait for their end"
    company.at.move_to(datetime(2026, 3, 11, 17, 0, tzinfo=UTC))
    assert "waits" not in company.run("speech", Mode(dry_run=True)).result.data


def test_a_control_that_is_off_is_a_missing_prerequisite(company: Company, db: psycopg.Connection) -> None:
    company.add("work", needs=frozenset({"comms_enabled"}))
    db.execute("UPDATE agent_controls SET comms_enabled = false")
    report = company.run()
    assert (report.result.reason, report.fix) == ("prerequisite", "`godmode controls set comms_enabled on`")
    assert report.result.data == {"message": "comms_enabled is off", "fix": report.fix}


def test_a_failed_digest_is_tried_once_more_when_its_retry_is_due_and_then_buried(
    company: Company, db: psycopg.Connection
) -> None:
    policy = Backoff(attempts=2, first=timedelta(minutes=5))
    company.add("work", fail(Transient("no route")), Daily("08:00"), retry=policy)
    assert company.outcome() == ("failed", None)
    company.at.advance(timedelta(minutes=4))
    assert company.outcome() == ("skipped", "already_ran")
    company.at.advance(timedelta(minutes=1))
    assert company.outcome() == ("failed", None)
    company.at.advance(timedelta(hours=1))
    assert company.outcome() == ("skipped", "already_ran")
    assert db.execute("SELECT type, attempts, error FROM dead_letter_jobs").fetchall() == [("job", 2, "no route")]
    assert db.execute("SELECT type FROM notifications").fetchall() == [("permanent_failure",)]


def test_failures_in_a_row_are_counted_told_once_and_their_end_is_told(
    company: Company, db: psycopg.Connection
) -> None:
    company.add("work", fail(Transient("no route")))
    for _ in range(5):
        company.run()
        company.at.advance(timedelta(minutes=30))
    assert db.execute("SELECT consecutive_failures FROM job_state").fetchone() == (5,)
    company.add("work")
    company.run()
    notes = db.execute("SELECT type, status FROM notifications ORDER BY id").fetchall()
    assert notes == [("job_failing", "suppressed"), ("job_recovered", "pending")]
    assert db.execute("SELECT consecutive_failures FROM job_state").fetchone() == (0,)


def test_a_second_streak_is_told_of_again_and_an_auth_failure_in_its_middle_at_once(
    company: Company, db: psycopg.Connection
) -> None:
    def runs(error: Exception | None, times: int = 1) -> None:
        company.add("work", fail(error) if error else None)
        for _ in range(times):
            company.run()
            company.at.advance(timedelta(minutes=30))

    runs(Transient("no route"), 4)
    runs(None)
    runs(Transient("no route"))
    runs(Auth("401"), 3)
    runs(None, 2)
    titles = [row[0] for row in db.execute("SELECT title FROM notifications ORDER BY id").fetchall()]
    assert titles == [
        "work failed 3 times in a row",
        "work works again after 4 failures",
        "work failed 2 times in a row",
        "work works again after 4 failures",
    ]


def test_an_auth_failure_is_told_at_once(company: Company, db: psycopg.Connection) -> None:
    company.add("work", fail(Auth("401")))
    assert company.run().result.error_category == "auth"
    assert db.execute("SELECT type FROM notifications").fetchall() == [("credentials",)]


def test_a_bug_in_a_body_is_an_outcome_and_not_a_traceback(company: Company, db: psycopg.Connection) -> None:
    company.add("work", fail(ZeroDivisionError("division by zero")))
    result = company.run().result
    assert (result.outcome, result.error_category) == ("failed", "internal")
    assert "ZeroDivisionError: division by zero" in (result.error or "")
    assert audit(db)[0][1] is False


def test_slots_that_never_ran_are_noted_with_from_to_and_count(company: Company, db: psycopg.Connection) -> None:
    company.add("work")
    company.run()
    company.at.advance(timedelta(hours=2))
    company.run()
    rows = db.execute("SELECT output_data FROM agent_audit_log WHERE action_type = 'missed'").fetchall()
    assert rows == [({"from": "2026-03-10T17:30:00Z", "to": "2026-03-10T18:30:00Z", "count": 3},)]
