"""n8n's executions as they are kept, and the incidents of workflows that fail again and again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fakes.n8n import KEY, MOST, N8n

from godmode.lib import config as configuration
from godmode.lib.clock import FixedClock
from godmode.lib.engine.equipment import Mode
from godmode.lib.kernel import JobResult
from godmode.wiring import App

NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)


@pytest.fixture
def fake() -> Iterator[N8n]:
    with N8n() as made:
        made.workflow("w1", "Invoice sync")
        made.workflow("w2", "Nightly export")
        yield made
    assert made.problems == []


class Company:
    """godmode with one n8n."""

    def __init__(self, app: App, clock: FixedClock, fake: N8n) -> None:
        self.app, self.at, self.fake = app, clock, fake

    def syncs(self) -> JobResult:
        """One sync, half an hour after the last."""
        self.fake.forget()
        self.at.advance(timedelta(minutes=30))
        return self.app.runner.run("sync_n8n", Mode(scheduled=True)).result


@pytest.fixture
def company(fake: N8n, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    path, clock = tmp_path / "godmode.toml", FixedClock(NOW)
    path.write_text(f'[sources.n8n]\nbase_url = "{fake.url}/"\n')
    monkeypatch.setenv("N8N_API_KEY", KEY)
    app = App(configuration.load(path), clock=clock)
    yield Company(app, clock, fake)
    app.store.close()


def kept(db: psycopg.Connection) -> dict[int, str]:
    return {
        int(number): status
        for number, status in db.execute(
            "SELECT execution_id, status FROM workflow_executions WHERE gone_at IS NULL"
        ).fetchall()
    }


def incidents(db: psycopg.Connection) -> list[tuple[Any, ...]]:
    return db.execute("SELECT title, severity, occurrences, status FROM incidents ORDER BY id").fetchall()


def test_all_executions_of_all_states_are_kept_with_their_workflows_names(
    company: Company, fake: N8n, db: psycopg.Connection
) -> None:
    fake.many(2 * MOST)
    for status in ("error", "crashed", "canceled", "running", "waiting", "new", "unknown"):
        fake.ran("w2", status)
    result = company.syncs()
    assert (result.error, result.data["new"]) == (None, 2 * MOST + 7)
    assert kept(db) == {run.id: run.status for run in fake.runs.values()}
    assert db.execute("SELECT DISTINCT workflow_id, workflow_name FROM workflow_executions ORDER BY 1").fetchall() == [
        ("w1", "Invoice sync"), ("w2", "Nightly export"),
    ]  # fmt: skip
    last = db.execute("SELECT started_at, stopped_at FROM workflow_executions WHERE execution_id = '500'").fetchone()
    assert last == (fake.runs[500].started, fake.runs[500].stopped)
    assert fake.paths() == ["list", "workflows", "list", "list"]


def test_a_workflow_whose_name_holds_what_postgresql_cannot_is_read_as_any_other(
    company: Company, fake: N8n, db: psycopg.Connection
) -> None:
    fake.workflow("w1", "Invoice\0 sync")
    fake.many(3)
    assert company.syncs().data["new"] == 3
    assert db.execute("SELECT DISTINCT workflow_name FROM workflow_executions").fetchall() == [("Invoice\ufffd sync",)]


def test_a_sync_with_nothing_new_is_one_request(company: Company, fake: N8n) -> None:
    fake.many(3 * MOST)
    company.syncs()
    assert company.syncs().data["new"] == 0
    assert fake.paths() == ["list"]


def test_pages_are_read_only_down_to_what_is_known(company: Company, fake: N8n) -> None:
    fake.many(4 * MOST)
    company.syncs()
    fake.many(MOST + 5)
    assert company.syncs().data["new"] == MOST + 5
    assert fake.paths() == ["list", "list"]


def test_what_was_running_is_looked_at_again_until_it_has_ended(
    company: Company, fake: N8n, db: psycopg.Connection
) -> None:
    run = fake.ran(status="running")
    fake.many(2 * MOST)
    company.syncs()
    assert company.syncs().data["changed"] == 0
    assert fake.paths() == ["list", "one"]
    fake.end(run, "error")
    assert company.syncs().data["changed"] == 1
    assert kept(db)[run.id] == "error"
    company.syncs()
    assert fake.paths() == ["list"]


def test_many_open_executions_are_looked_at_in_two_requests(
    company: Company, fake: N8n, db: psycopg.Connection
) -> None:
    open_ = [fake.ran(status="waiting") for _ in range(30)] + [fake.ran(status="running") for _ in range(30)]
    fake.many(2 * MOST)
    company.syncs()
    company.syncs()
    assert fake.paths() == ["list", "waiting", "running"]
    fake.end(open_[0], "success")
    company.syncs()
    assert fake.paths() == ["list", "waiting", "running", "one"]
    assert kept(db)[open_[0].id] == "success"


def test_a_server_without_lists_of_open_executions_is_asked_by_id(
    company: Company, fake: N8n, db: psycopg.Connection
) -> None:
    fake.statuses = ("error", "success")
    open_ = [fake.ran(status="waiting") for _ in range(4)]
    fake.many(2 * MOST)
    company.syncs()
    fake.end(open_[3])
    assert company.syncs().data["changed"] == 1
    assert fake.paths() == ["list", "waiting", "running", "one", "one", "one", "one"]


def test_an_execution_that_is_hidden_while_it_waits_is_found_by_its_id(
    company: Company, fake: N8n, db: psycopg.Connection
) -> None:
    run = fake.ran(status="waiting")
    company.syncs()
    run.hidden = True
    fake.many(3)
    company.syncs()
    assert fake.paths() == ["list", "one"]
    run.status, run.stopped = "crashed", run.started
    company.syncs()
    assert kept(db)[run.id] == "crashed"


def test_one_that_was_hidden_from_the_beginning_is_found_by_the_next_morning(
    company: Company, fake: N8n, db: psycopg.Connection
) -> None:
    fake.many(3)
    late = fake.ran(status="waiting", hidden=True)
    fake.many(MOST)
    company.syncs()
    assert late.id not in kept(db)
    fake.end(late)
    company.at.advance(timedelta(days=1))
    report = company.syncs().data["completeness"]
    assert (report["at_source"], report["stored"], report["repaired"], report["gone"]) == (254, 254, 1, 0)
    assert kept(db)[late.id] == "success"


def test_what_n8n_forgets_stays_here_and_is_told(company: Company, fake: N8n, db: psycopg.Connection) -> None:
    fake.many(10)
    waiting = fake.ran(status="waiting")
    company.syncs()
    fake.prune(1, 2, 3, waiting.id)
    assert company.syncs().data["gone"] == 1  # the one that was looked at again
    company.at.advance(timedelta(days=1))
    assert company.syncs().data["completeness"]["gone"] == 3
    assert db.execute("SELECT count(*), count(gone_at) FROM workflow_executions").fetchone() == (11, 4)
    assert company.syncs().data["gone"] == 0


def test_an_n8n_that_shows_no_execution_any_more_is_warned_of(
    company: Company, fake: N8n, db: psycopg.Connection
) -> None:
    fake.many(20)
    company.syncs()
    fake.prune(*range(1, 19))
    company.at.advance(timedelta(days=1))
    company.syncs()
    fake.many(8)
    company.syncs()
    assert db.execute("SELECT title FROM notifications").fetchall() == []
    fake.prune(*list(fake.runs))
    company.at.advance(timedelta(days=1))
    company.syncs()
    assert db.execute("SELECT severity, title FROM notifications").fetchall() == [
        ("WARN", "n8n: 10 of 10 executions are gone at the source since Wed 11 Mar 13:30")
    ]


def test_an_n8n_that_began_anew_is_read_from_its_beginning(company: Company, fake: N8n, db: psycopg.Connection) -> None:
    fake.many(4 * MOST)
    company.syncs()
    fake.prune(*list(fake.runs))
    fake.ran(id=1, status="error")
    fake.many(3 * MOST)
    company.syncs()
    assert kept(db)[1] == "error"
    fake.many(5)
    company.syncs()
    assert fake.paths() == ["list"]


def test_a_workflow_renamed_is_known_by_its_new_name_from_the_next_day(
    company: Company, fake: N8n, db: psycopg.Connection
) -> None:
    fake.ran("w1")
    company.syncs()
    fake.workflow("w1", "Invoices")
    fake.ran("w1")
    company.syncs()
    company.at.advance(timedelta(days=1))
    fake.ran("w1")
    company.syncs()
    names = db.execute("SELECT workflow_name FROM workflow_executions ORDER BY execution_id").fetchall()
    assert [name for (name,) in names] == ["Invoice sync", "Invoice sync", "Invoices"]


# -- incidents ---------------------------------------------------------------------------------------------


def test_from_three_failures_an_incident_is_opened_with_the_latest_messages(
    company: Company, fake: N8n, db: psycopg.Connection
) -> None:
    company.syncs()
    for number in range(5):
        fake.ran("w1", "error" if number % 2 else "crashed", error=f"boom {number}")
    for _ in range(2):
        fake.ran("w2", "error")
    assert company.syncs().data["incidents_new"] == 1
    assert incidents(db) == [("Workflow Invoice sync failed 5 times", "WARN", 5, "open")]
    row = db.execute("SELECT type, related_workflow_id, evidence FROM incidents").fetchone()
    assert row is not None
    assert row[:2] == ("repeated_failures", "w1")
    assert [told["error"] for told in row[2]["latest"]] == ["Stop: boom 4", "Stop: boom 3", "Stop: boom 2"]
    assert fake.paths().count("one") == 3
    assert {c.query["includeData"] for c in fake.calls if c.path.count("/") == 4} == {"true"}


def test_an_open_incident_grows_and_no_second_one_is_opened(
    company: Company, fake: N8n, db: psycopg.Connection
) -> None:
    for _ in range(3):
        fake.ran("w1", "error")
    company.syncs()
    assert company.syncs().data["incidents_grown"] == 0
    fake.ran("w1", "error")
    assert company.syncs().data["incidents_grown"] == 1
    assert incidents(db) == [("Workflow Invoice sync failed 4 times", "WARN", 4, "open")]


def test_an_acknowledged_incident_grows_and_a_resolved_one_needs_three_new_failures(
    company: Company, fake: N8n, db: psycopg.Connection
) -> None:
    for _ in range(3):
        fake.ran("w1", "error")
    company.syncs()
    db.execute("UPDATE incidents SET status = 'acknowledged'")
    fake.ran("w1", "error")
    company.syncs()
    db.execute("UPDATE incidents SET status = 'resolved', resolved_at = now()")
    for _ in range(2):
        fake.ran("w1", "error")
    company.syncs()
    assert incidents(db) == [("Workflow Invoice sync failed 4 times", "WARN", 4, "resolved")]
    for _ in range(3):
        fake.ran("w1", "error")
    company.syncs()
    assert incidents(db)[1] == ("Workflow Invoice sync failed 3 times", "WARN", 3, "open")


def test_three_failures_spread_over_three_syncs_open_nothing(
    company: Company, fake: N8n, db: psycopg.Connection
) -> None:
    company.syncs()
    for _ in range(3):
        fake.ran("w1", "error")
        company.syncs()
    assert incidents(db) == []


def test_a_failure_retried_with_success_is_none(company: Company, fake: N8n, db: psycopg.Connection) -> None:
    company.syncs()
    failed = [fake.ran("w1", "error") for _ in range(3)]
    fake.retried(failed[0])
    company.syncs()
    assert incidents(db) == []


def test_an_incident_takes_back_the_failures_that_are_retried_with_success_and_ends_with_the_last(
    company: Company, fake: N8n, db: psycopg.Connection
) -> None:
    company.syncs()
    failed = [fake.ran("w1", "error") for _ in range(5)]
    company.syncs()
    for run in failed[:2]:
        fake.retried(run)
    company.syncs()
    assert fake.paths() == ["list"]
    assert incidents(db) == [("Workflow Invoice sync failed 3 times", "WARN", 3, "open")]
    fake.retried(failed[2])
    fake.ran("w1", "error")
    company.syncs()
    assert incidents(db) == [("Workflow Invoice sync failed 3 times", "WARN", 3, "open")]
    for run in [*failed[3:], fake.runs[max(fake.runs)]]:
        fake.retried(run)
    company.syncs()
    assert incidents(db) == [("Workflow Invoice sync failed 3 times", "WARN", 3, "resolved")]
    assert company.syncs().data["incidents_new"] == 0


def test_retries_that_failed_before_one_succeeded_are_no_failures_either(
    company: Company, fake: N8n, db: psycopg.Connection
) -> None:
    company.syncs()
    first = fake.ran("w1", "error")
    fake.retried(first, "error")
    second = fake.retried(first, "crashed")
    fake.retried(second)
    fake.ran("w1", "error")
    company.syncs()
    assert incidents(db) == []
    left = db.execute(
        "SELECT execution_id FROM workflow_executions WHERE status <> 'success' AND retry_success_id IS NULL"
    )
    assert left.fetchall() == [("5",)]


def test_an_incident_of_somebody_else_is_left_alone(company: Company, fake: N8n, db: psycopg.Connection) -> None:
    db.execute(
        "INSERT INTO incidents (type, severity, title, status, related_workflow_id)"
        " VALUES ('repeated_failures', 'WARN', 'By hand', 'open', 'w1')"
    )
    company.syncs()
    assert incidents(db) == [("By hand", "WARN", 1, "open")]


def test_a_success_that_retries_an_older_failure_takes_it_back(
    company: Company, fake: N8n, db: psycopg.Connection
) -> None:
    failed = [fake.ran("w1", "error") for _ in range(2)]
    fake.many(2 * MOST)
    company.syncs()
    again = fake.retried(failed[0])
    company.syncs()
    row = db.execute("SELECT retry_success_id FROM workflow_executions WHERE execution_id = '1'").fetchone()
    assert row == (str(again.id),)


def test_failures_stored_by_a_sync_that_broke_off_are_counted_by_the_next(
    company: Company, fake: N8n, db: psycopg.Connection
) -> None:
    company.syncs()
    fake.many(MOST)
    for _ in range(3):
        fake.ran("w1", "error")
    company.fake.forget()
    company.at.advance(timedelta(minutes=30))
    fake.fail("unauthorized", at=3)
    broken = company.app.runner.run("sync_n8n", Mode(scheduled=True)).result
    assert (broken.outcome, broken.error_category) == ("failed", "auth")
    assert incidents(db) == []
    company.syncs()
    assert incidents(db) == [("Workflow Invoice sync failed 3 times", "WARN", 3, "open")]


def test_a_workflow_that_works_again_resolves_its_incident_and_one_that_does_not_run_does_not(
    company: Company, fake: N8n, db: psycopg.Connection
) -> None:
    for workflow in ("w1", "w2"):
        for _ in range(3):
            fake.ran(workflow, "error")
    company.syncs()
    fake.ran("w1", "success")
    assert company.syncs().data["incidents_resolved"] == 1
    assert db.execute("SELECT related_workflow_id, status FROM incidents ORDER BY 1").fetchall() == [
        ("w1", "resolved"), ("w2", "open"),
    ]  # fmt: skip


def test_an_incident_is_opened_though_nobody_can_say_why(company: Company, fake: N8n, db: psycopg.Connection) -> None:
    fake.ran("w1")
    company.syncs()
    for _ in range(3):
        fake.ran("w1", "error")
    company.at.advance(timedelta(minutes=30))
    fake.forget()
    fake.fail("internal error", at=2, times=20)
    assert company.app.runner.run("sync_n8n", Mode(scheduled=True)).result.outcome == "succeeded"
    assert incidents(db) == [("Workflow Invoice sync failed 3 times", "WARN", 3, "open")]


def test_requests_are_counted_and_the_key_is_in_none_of_the_addresses(
    company: Company, fake: N8n, db: psycopg.Connection
) -> None:
    fake.many(3)
    company.syncs()
    row = db.execute("SELECT service, sum(calls), sum(errors) FROM api_usage GROUP BY service").fetchall()
    assert row == [("n8n", len(fake.calls), 0)]
    assert not any(KEY in str(call.query) for call in fake.calls)


def test_a_refused_key_is_told_of_once_at_once_though_the_scan_that_syncs_fails_with_it(
    company: Company, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("N8N_API_KEY", "another")
    result = company.app.runner.run("periodic_scan", Mode(scheduled=True)).result
    assert (result.outcome, result.error_category) == ("failed", "auth")
    assert db.execute("SELECT type, title FROM notifications").fetchall() == [
        ("credentials", "sync n8n failed and will not mend itself")
    ]
