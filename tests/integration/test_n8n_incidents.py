"""The incidents of n8n workflows that fail again and again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
from fakes.n8n import MOST, N8n
from fakes.n8n_company import Syncing

from godmode.lib.engine.equipment import Mode


def incidents(db: psycopg.Connection) -> list[tuple[Any, ...]]:
    return db.execute("SELECT title, severity, occurrences, status FROM incidents ORDER BY id").fetchall()


def test_from_three_failures_an_incident_is_opened_with_the_latest_messages(
    syncing: Syncing, n8n: N8n, db: psycopg.Connection
) -> None:
    syncing.syncs()
    for number in range(5):
        n8n.ran("w1", "error" if number % 2 else "crashed", error=f"boom {number}")
    for _ in range(2):
        n8n.ran("w2", "error")
    assert syncing.syncs().data["incidents_new"] == 1
    assert incidents(db) == [("Workflow Invoice sync failed 5 times", "WARN", 5, "open")]
    row = db.execute("SELECT type, related_workflow_id, evidence FROM incidents").fetchone()
    assert row is not None
    assert row[:2] == ("repeated_failures", "w1")
    assert [told["error"] for told in row[2]["latest"]] == ["Stop: boom 4", "Stop: boom 3", "Stop: boom 2"]
    assert n8n.paths().count("one") == 3
    assert {c.query["includeData"] for c in n8n.calls if c.path.count("/") == 4} == {"true"}


def test_an_open_incident_grows_and_no_second_one_is_opened(syncing: Syncing, n8n: N8n, db: psycopg.Connection) -> None:
    for _ in range(3):
        n8n.ran("w1", "error")
    syncing.syncs()
    assert syncing.syncs().data["incidents_grown"] == 0
    n8n.ran("w1", "error")
    assert syncing.syncs().data["incidents_grown"] == 1
    assert incidents(db) == [("Workflow Invoice sync failed 4 times", "WARN", 4, "open")]


def test_an_acknowledged_incident_grows_and_a_resolved_one_needs_three_new_failures(
    syncing: Syncing, n8n: N8n, db: psycopg.Connection
) -> None:
    for _ in range(3):
        n8n.ran("w1", "error")
    syncing.syncs()
    db.execute("UPDATE incidents SET status = 'acknowledged'")
    n8n.ran("w1", "error")
    syncing.syncs()
    db.execute("UPDATE incidents SET status = 'resolved', resolved_at = now()")
    for _ in range(2):
        n8n.ran("w1", "error")
    syncing.syncs()
    assert incidents(db) == [("Workflow Invoice sync failed 4 times", "WARN", 4, "resolved")]
    for _ in range(3):
        n8n.ran("w1", "error")
    syncing.syncs()
    assert incidents(db)[1] == ("Workflow Invoice sync failed 3 times", "WARN", 3, "open")


def test_three_failures_spread_over_three_syncs_open_nothing(
    syncing: Syncing, n8n: N8n, db: psycopg.Connection
) -> None:
    syncing.syncs()
    for _ in range(3):
        n8n.ran("w1", "error")
        syncing.syncs()
    assert incidents(db) == []


def test_a_failure_retried_with_success_is_none(syncing: Syncing, n8n: N8n, db: psycopg.Connection) -> None:
    syncing.syncs()
    failed = [n8n.ran("w1", "error") for _ in range(3)]
    n8n.retried(failed[0])
    syncing.syncs()
    assert incidents(db) == []


def test_an_incident_takes_back_the_failures_that_are_retried_with_success_and_ends_with_the_last(
    syncing: Syncing, n8n: N8n, db: psycopg.Connection
) -> None:
    syncing.syncs()
    failed = [n8n.ran("w1", "error") for _ in range(5)]
    syncing.syncs()
    for run in failed[:2]:
        n8n.retried(run)
    syncing.syncs()
    assert n8n.paths() == ["list"]
    assert incidents(db) == [("Workflow Invoice sync failed 3 times", "WARN", 3, "open")]
    n8n.retried(failed[2])
    n8n.ran("w1", "error")
    syncing.syncs()
    assert incidents(db) == [("Workflow Invoice sync failed 3 times", "WARN", 3, "open")]
    for run in [*failed[3:], n8n.runs[max(n8n.runs)]]:
        n8n.retried(run)
    syncing.syncs()
    assert incidents(db) == [("Workflow Invoice sync failed 3 times", "WARN", 3, "resolved")]
    assert syncing.syncs().data["incidents_new"] == 0


def test_retries_that_failed_before_one_succeeded_are_no_failures_either(
    syncing: Syncing, n8n: N8n, db: psycopg.Connection
) -> None:
    syncing.syncs()
    first = n8n.ran("w1", "error")
    n8n.retried(first, "error")
    second = n8n.retried(first, "crashed")
    n8n.retried(second)
    n8n.ran("w1", "error")
    syncing.syncs()
    assert incidents(db) == []
    left = db.execute(
        "SELECT execution_id FROM workflow_executions WHERE status <> 'success' AND retry_success_id IS NULL"
    )
    assert left.fetchall() == [("5",)]


def test_an_incident_of_somebody_else_is_left_alone(syncing: Syncing, n8n: N8n, db: psycopg.Connection) -> None:
    db.execute(
        "INSERT INTO incidents (type, severity, title, status, related_workflow_id)"
        " VALUES ('repeated_failures', 'WARN', 'By hand', 'open', 'w1')"
    )
    syncing.syncs()
    assert incidents(db) == [("By hand", "WARN", 1, "open")]


def test_a_success_that_retries_an_older_failure_takes_it_back(
    syncing: Syncing, n8n: N8n, db: psycopg.Connection
) -> None:
    failed = [n8n.ran("w1", "error") for _ in range(2)]
    n8n.many(2 * MOST)
    syncing.syncs()
    again = n8n.retried(failed[0])
    syncing.syncs()
    row = db.execute("SELECT retry_success_id FROM workflow_executions WHERE execution_id = '1'").fetchone()
    assert row == (str(again.id),)


def test_failures_stored_by_a_sync_that_broke_off_are_counted_by_the_next(
    syncing: Syncing, n8n: N8n, db: psycopg.Connection
) -> None:
    syncing.syncs()
    n8n.many(MOST)
    for _ in range(3):
        n8n.ran("w1", "error")
    syncing.n8n.forget()
    syncing.at.advance(timedelta(minutes=30))
    n8n.fail("unauthorized", at=3)
    broken = syncing.app.runner.run("sync_n8n", Mode(scheduled=True)).result
    assert (broken.outcome, broken.error_category) == ("failed", "auth")
    assert incidents(db) == []
    syncing.syncs()
    assert incidents(db) == [("Workflow Invoice sync failed 3 times", "WARN", 3, "open")]


def test_a_workflow_that_works_again_resolves_its_incident_and_one_that_does_not_run_does_not(
    syncing: Syncing, n8n: N8n, db: psycopg.Connection
) -> None:
    for workflow in ("w1", "w2"):
        for _ in range(3):
            n8n.ran(workflow, "error")
    syncing.syncs()
    n8n.ran("w1", "success")
    assert syncing.syncs().data["incidents_resolved"] == 1
    assert db.execute("SELECT related_workflow_id, status FROM incidents ORDER BY 1").fetchall() == [
        ("w1", "resolved"), ("w2", "open"),
    ]  # fmt: skip


def test_an_incident_is_opened_though_nobody_can_say_why(syncing: Syncing, n8n: N8n, db: psycopg.Connection) -> None:
    n8n.ran("w1")
    syncing.syncs()
    for _ in range(3):
        n8n.ran("w1", "error")
    syncing.at.advance(timedelta(minutes=30))
    n8n.forget()
    n8n.fail("internal error", at=2, times=20)
    assert syncing.app.runner.run("sync_n8n", Mode(scheduled=True)).result.outcome == "succeeded"
    assert incidents(db) == [("Workflow Invoice sync failed 3 times", "WARN", 3, "open")]
