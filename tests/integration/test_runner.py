"""The one road: gate, claim, body, record, afterwards, on a real database."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from godmode.lib.clock import FixedClock
from godmode.lib.config import Config
from godmode.lib.engine import killswitch
from godmode.lib.engine.equipment import Mode, Report
from godmode.lib.engine.killswitch import Mirror
from godmode.lib.errors import Auth, Transient, Usage
from godmode.lib.kernel import Backoff, Cadence, Daily, Every, Job, JobContext, JobResult, Notification, Outcome
from godmode.lib.kernel import Severity as S
from godmode.wiring import App

NOON = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)  # 12:00 in Chicago
BY_CRON = Mode(scheduled=True)


class Company(App):
    """godmode with jobs of a test's own, a clock that it moves, and a console that it reads."""

    def __init__(self, config: Config, now: datetime = NOON) -> None:
        self.at = FixedClock(now)
        self.printed = io.StringIO()
        super().__init__(config, clock=self.at, stream=self.printed)
        self.own: dict[str, Job] = {}
        self.bodies_run: list[str] = []

    def add(
        self,
        name: str,
        body: Callable[[JobContext], JobResult | None] | None = None,
        cadence: Cadence | None = None,
        **job: Any,
    ) -> None:
        def run(ctx: JobContext) -> JobResult:
            self.bodies_run.append(ctx.slot.key)
            return (body(ctx) if body else None) or JobResult(Outcome.SUCCEEDED)

        self.own[name] = Job(name, name, cadence or Every(minutes=30), run, **job)

    def job(self, name: str) -> Job:
        return self.own.get(name) or super().job(name)

    def run(self, name: str = "work", mode: Mode = BY_CRON) -> Report:
        return self.runner.run(name, mode)

    def outcome(self, name: str = "work", mode: Mode = BY_CRON) -> tuple[str, str | None]:
        result = self.run(name, mode).result
        return str(result.outcome), result.reason


@pytest.fixture
def company(config: Config) -> Iterator[Company]:
    made = Company(config)
    yield made
    made.store.close()


def audit(db: psycopg.Connection, action: str = "work") -> list[tuple[Any, ...]]:
    return db.execute(
        "SELECT action_type, success, error FROM agent_audit_log WHERE action = %s ORDER BY id", (action,)
    ).fetchall()


def fail(error: Exception) -> Callable[[JobContext], JobResult]:
    def body(ctx: JobContext) -> JobResult:
        raise error

    return body


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


def test_by_hand_a_daily_job_takes_the_days_slot_before_its_hour_so_that_it_does_not_run_again(
    company: Company,
) -> None:
    company.add("work", cadence=Daily("23:00"))
    assert company.outcome(mode=Mode()) == ("succeeded", None)
    company.at.advance(timedelta(hours=11, minutes=30))
    assert company.outcome() == ("skipped", "already_ran")


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
    types = db.execute("SELECT type FROM notifications ORDER BY id").fetchall()
    assert types == [("job_failing",), ("job_recovered",)]
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
    assert db.execute("SELECT type FROM notifications").fetchall() == [("job_failing",)]


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


def test_a_run_whose_owner_is_dead_is_taken_over_and_one_whose_owner_lives_is_not(
    company: Company, db: psycopg.Connection
) -> None:
    company.add("work")
    slot, lease = "2026-03-10T17:00:00Z", NOON + timedelta(minutes=11)
    me = company.runner.me
    db.execute(
        "INSERT INTO job_state (job, slot, attempt, state, run_id, owner_host, owner_pid, owner_started, lease_until)"
        " VALUES ('work', %s, 1, 'running', 'r1', %s, %s, %s, %s)",
        (slot, me.host, me.pid, me.started, lease),
    )
    assert company.outcome() == ("skipped", "locked")
    db.execute("UPDATE job_state SET owner_started = 'another process with this pid'")
    assert company.outcome() == ("succeeded", None)


def test_a_run_on_another_host_is_taken_over_when_its_lease_is_over(company: Company, db: psycopg.Connection) -> None:
    company.add("work")
    db.execute(
        "INSERT INTO job_state (job, slot, attempt, state, run_id, owner_host, lease_until)"
        " VALUES ('work', '2026-03-10T17:00:00Z', 1, 'running', 'r1', 'elsewhere', %s)",
        (NOON + timedelta(minutes=11),),
    )
    assert company.outcome() == ("skipped", "locked")
    company.at.advance(timedelta(minutes=11))
    assert company.outcome() == ("succeeded", None)


def test_a_clock_that_jumps_back_an_hour_runs_nothing_twice(company: Company) -> None:
    company.add("work")
    company.run()
    company.at.advance(timedelta(hours=-1))
    assert company.outcome() == ("skipped", "not_due")
    company.at.advance(timedelta(hours=1, minutes=30))
    assert company.outcome() == ("succeeded", None)


def test_a_dry_run_writes_nothing_even_if_its_body_tries_to(company: Company, db: psycopg.Connection) -> None:
    def body(ctx: JobContext) -> None:
        ctx.store.conn.execute("INSERT INTO proposals (title) VALUES ('x')")

    company.add("work", body)
    result = company.run(mode=Mode(dry_run=True)).result
    assert result.error_category == "database"
    assert "read-only" in (result.error or "")
    assert audit(db) == []
    assert db.execute("SELECT count(*) FROM job_state").fetchone() == (0,)


def test_a_message_is_in_the_outbox_and_goes_out_once_under_its_key(company: Company, db: psycopg.Connection) -> None:
    note = Notification("daily_digest", S.INFO, "Digest", "five lines", "daily_digest:2026-03-10")

    def body(ctx: JobContext) -> None:
        ctx.notify(note)
        ctx.notify(replace(note, body="another text"))

    company.add("work", body)
    company.run()
    assert company.printed.getvalue() == "five lines\n"
    assert db.execute("SELECT status, body, channel FROM notifications").fetchall() == [
        ("sent", "five lines", "console")
    ]
    assert db.execute("SELECT state FROM agent_actions").fetchall() == [("done",)]


def test_an_action_begun_by_a_process_that_died_is_uncertain_and_not_repeated(
    company: Company, db: psycopg.Connection
) -> None:
    note = Notification("daily_digest", S.INFO, "Digest", "five lines", "daily_digest:2026-03-10")
    company.add("work", lambda ctx: ctx.notify(note) and None)
    db.execute(
        "INSERT INTO notifications (type, title, body, dedup_key, status) OVERRIDING SYSTEM VALUE"
        " VALUES ('daily_digest', 'Digest', 'five lines', 'daily_digest:2026-03-10', 'sending')"
    )
    db.execute(
        "INSERT INTO agent_actions (key, kind, owner_host, owner_pid, owner_started)"
        " SELECT 'notification:' || id || ':console', 'send_console', %s, 1, 'gone' FROM notifications",
        (company.runner.me.host,),
    )
    assert company.outcome() == ("succeeded", None)
    assert company.printed.getvalue() == ""
    assert db.execute("SELECT status FROM notifications").fetchall() == [("uncertain",)]


def test_no_action_begins_once_the_switch_is_on_and_the_slot_is_not_used_up(
    company: Company, db: psycopg.Connection
) -> None:
    note = Notification("daily_digest", S.INFO, "Digest", "five lines", "daily_digest:2026-03-10")

    def body(ctx: JobContext) -> None:
        db.execute("UPDATE agent_controls SET kill_switch = true")
        ctx.notify(note)

    company.add("work", body)
    assert company.outcome() == ("skipped", "kill_switch")
    assert company.printed.getvalue() == ""
    assert db.execute("SELECT count(*) FROM agent_actions").fetchone() == (0,)
    db.execute("UPDATE agent_controls SET kill_switch = false")
    company.add("work", lambda ctx: ctx.notify(note) and None)
    assert company.outcome() == ("succeeded", None)
    assert company.printed.getvalue() == "five lines\n"


def test_the_switch_also_stops_a_run_between_two_steps(company: Company, db: psycopg.Connection) -> None:
    steps: list[str] = []

    def body(ctx: JobContext) -> None:
        for step in ("one", "two"):
            ctx.check()
            steps.append(step)
            db.execute("UPDATE agent_controls SET kill_switch = true")

    company.add("work", body)
    assert company.outcome() == ("skipped", "kill_switch")
    assert steps == ["one"]


def test_a_run_that_lost_its_claim_finds_out_at_its_next_action(company: Company, db: psycopg.Connection) -> None:
    note = Notification("daily_digest", S.INFO, "Digest", "five lines", "daily_digest:2026-03-10")

    def body(ctx: JobContext) -> None:
        db.execute("UPDATE job_state SET run_id = 'the one that took over', version = version + 1")
        ctx.notify(note)

    company.add("work", body)
    result = company.run().result
    assert (result.outcome, result.error_category) == ("failed", "transient")
    assert "no longer holds its claim" in (result.error or "")
    assert company.printed.getvalue() == ""
    assert db.execute("SELECT run_id, state FROM job_state").fetchall() == [("the one that took over", "running")]


def test_a_job_that_speaks_goes_on_though_the_one_before_it_takes_too_long(company: Company) -> None:
    firsts: list[JobResult] = []

    def slow(ctx: JobContext) -> None:
        ctx.store.conn.execute("SELECT pg_sleep(60)")

    def speech(ctx: JobContext) -> None:
        firsts.append(ctx.run_first("slow"))
        ctx.check()

    company.add("slow", slow)
    company.add("speech", speech, cadence=Daily("08:00"), speaks=True, deadline=timedelta(seconds=2))
    assert company.outcome("speech") == ("succeeded", None)
    assert (firsts[0].outcome, firsts[0].error_category) == ("failed", "transient")
    assert "leave time for the run that waits for it" in (firsts[0].error or "")


def test_a_deadline_ends_a_run_as_transient_and_keeps_what_stands(company: Company, db: psycopg.Connection) -> None:
    def body(ctx: JobContext) -> None:
        ctx.store.conn.execute("INSERT INTO proposals (title) VALUES ('kept')")
        ctx.store.conn.execute("SELECT pg_sleep(60)")

    company.add("work", body, deadline=timedelta(seconds=0.3))
    result = company.run().result
    assert (result.outcome, result.error_category) == ("failed", "transient")
    assert "deadline of 0.3 s" in (result.error or "")
    assert db.execute("SELECT title FROM proposals").fetchall() == [("kept",)]
    assert db.execute("SELECT state FROM job_state").fetchall() == [("failed",)]
