"""A run under way: who holds its claim, what it sends, the switch in its middle, and its deadline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from fakes.company import NOON, Company, audit, fail

from godmode.lib.engine.equipment import Mode
from godmode.lib.engine.runner import _Run
from godmode.lib.errors import Auth, Transient
from godmode.lib.kernel import Backoff, Daily, JobContext, JobResult, Notification
from godmode.lib.kernel import Severity as S


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


@pytest.mark.parametrize("written", [True, False])
def test_an_outcome_whose_connection_is_lost_at_its_commit_is_recorded_once(
    company: Company, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    record, losses = _Run._record, iter([True])

    def loses(run: _Run, *args: Any) -> None:
        lost = next(losses, False)
        if written or not lost:
            record(run, *args)
        if lost:
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(_Run, "_record", loses)
    company.add("work", fail(Auth("401")))
    assert company.run().result.error_category == "auth"
    assert audit(db) == [("job", False, "401")]
    assert db.execute("SELECT state, consecutive_failures FROM job_state").fetchall() == [("failed", 1)]
    assert db.execute("SELECT count(*) FROM notifications").fetchone() == (1,)


def test_a_run_that_the_switch_stopped_uses_up_no_attempt(company: Company, db: psycopg.Connection) -> None:
    def stopped(ctx: JobContext) -> None:
        db.execute("UPDATE agent_controls SET kill_switch = true")
        ctx.check()

    def runs(body: Callable[[JobContext], Any], minutes: int) -> tuple[str, str | None]:
        company.add("speech", body, Daily("08:00"), retry=Backoff(attempts=2, first=timedelta(minutes=5)))
        came = company.outcome("speech")
        db.execute("UPDATE agent_controls SET kill_switch = false")
        company.at.advance(timedelta(minutes=minutes))
        return came

    assert runs(stopped, 1) == ("skipped", "kill_switch")
    assert runs(fail(Transient("no route")), 5) == ("failed", None)
    assert db.execute("SELECT count(*) FROM dead_letter_jobs").fetchone() == (0,)
    assert runs(lambda ctx: None, 0) == ("succeeded", None)
