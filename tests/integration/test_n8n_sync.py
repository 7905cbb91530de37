"""n8n's executions as they are kept, in as few requests as that takes."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from fakes.n8n import KEY, MOST, N8n
from fakes.n8n_company import Syncing

from godmode.lib.engine.equipment import Mode


def kept(db: psycopg.Connection) -> dict[int, str]:
    return {
        int(number): status
        for number, status in db.execute(
            "SELECT execution_id, status FROM workflow_executions WHERE gone_at IS NULL"
        ).fetchall()
    }


def test_all_executions_of_all_states_are_kept_with_their_workflows_names(
    syncing: Syncing, n8n: N8n, db: psycopg.Connection
) -> None:
    n8n.many(2 * MOST)
    for status in ("error", "crashed", "canceled", "running", "waiting", "new", "unknown"):
        n8n.ran("w2", status)
    result = syncing.syncs()
    assert (result.error, result.data["new"]) == (None, 2 * MOST + 7)
    assert kept(db) == {run.id: run.status for run in n8n.runs.values()}
    assert db.execute("SELECT DISTINCT workflow_id, workflow_name FROM workflow_executions ORDER BY 1").fetchall() == [
        ("w1", "Invoice sync"), ("w2", "Nightly export"),
    ]  # fmt: skip
    last = db.execute("SELECT started_at, stopped_at FROM workflow_executions WHERE execution_id = '500'").fetchone()
    assert last == (n8n.runs[500].started, n8n.runs[500].stopped)
    assert n8n.paths() == ["list", "workflows", "list", "list"]


def test_a_workflow_whose_name_holds_what_postgresql_cannot_is_read_as_any_other(
    syncing: Syncing, n8n: N8n, db: psycopg.Connection
) -> None:
    n8n.workflow("w1", "Invoice\0 sync")
    n8n.many(3)
    assert syncing.syncs().data["new"] == 3
    assert db.execute("SELECT DISTINCT workflow_name FROM workflow_executions").fetchall() == [("Invoice\ufffd sync",)]


def test_a_sync_with_nothing_new_is_one_request(syncing: Syncing, n8n: N8n) -> None:
    n8n.many(3 * MOST)
    syncing.syncs()
    assert syncing.syncs().data["new"] == 0
    assert n8n.paths() == ["list"]


def test_pages_are_read_only_down_to_what_is_known(syncing: Syncing, n8n: N8n) -> None:
    n8n.many(4 * MOST)
    syncing.syncs()
    n8n.many(MOST + 5)
    assert syncing.syncs().data["new"] == MOST + 5
    assert n8n.paths() == ["list", "list"]


def test_what_was_running_is_looked_at_again_until_it_has_ended(
    syncing: Syncing, n8n: N8n, db: psycopg.Connection
) -> None:
    run = n8n.ran(status="running")
    n8n.many(2 * MOST)
    syncing.syncs()
    assert syncing.syncs().data["changed"] == 0
    assert n8n.paths() == ["list", "one"]
    n8n.end(run, "error")
    assert syncing.syncs().data["changed"] == 1
    assert kept(db)[run.id] == "error"
    syncing.syncs()
    assert n8n.paths() == ["list"]


def test_many_open_executions_are_looked_at_in_two_requests(syncing: Syncing, n8n: N8n, db: psycopg.Connection) -> None:
    open_ = [n8n.ran(status="waiting") for _ in range(30)] + [n8n.ran(status="running") for _ in range(30)]
    n8n.many(2 * MOST)
    syncing.syncs()
    syncing.syncs()
    assert n8n.paths() == ["list", "waiting", "running"]
    n8n.end(open_[0], "success")
    syncing.syncs()
    assert n8n.paths() == ["list", "waiting", "running", "one"]
    assert kept(db)[open_[0].id] == "success"


def test_a_server_without_lists_of_open_executions_is_asked_by_id(
    syncing: Syncing, n8n: N8n, db: psycopg.Connection
) -> None:
    n8n.statuses = ("error", "success")
    open_ = [n8n.ran(status="waiting") for _ in range(4)]
    n8n.many(2 * MOST)
    syncing.syncs()
    n8n.end(open_[3])
    assert syncing.syncs().data["changed"] == 1
    assert n8n.paths() == ["list", "waiting", "running", "one", "one", "one", "one"]


def test_an_execution_that_is_hidden_while_it_waits_is_found_by_its_id(
    syncing: Syncing, n8n: N8n, db: psycopg.Connection
) -> None:
    run = n8n.ran(status="waiting")
    syncing.syncs()
    run.hidden = True
    n8n.many(3)
    syncing.syncs()
    assert n8n.paths() == ["list", "one"]
    run.status, run.stopped = "crashed", run.started
    syncing.syncs()
    assert kept(db)[run.id] == "crashed"


def test_one_that_was_hidden_from_the_beginning_is_found_by_the_next_morning(
    syncing: Syncing, n8n: N8n, db: psycopg.Connection
) -> None:
    n8n.many(3)
    late = n8n.ran(status="waiting", hidden=True)
    n8n.many(MOST)
    syncing.syncs()
    assert late.id not in kept(db)
    n8n.end(late)
    syncing.at.advance(timedelta(days=1))
    report = syncing.syncs().data["completeness"]
    assert (report["at_source"], report["stored"], report["repaired"], report["gone"]) == (254, 254, 1, 0)
    assert kept(db)[late.id] == "success"


def test_what_n8n_forgets_stays_here_and_is_told(syncing: Syncing, n8n: N8n, db: psycopg.Connection) -> None:
    n8n.many(10)
    waiting = n8n.ran(status="waiting")
    syncing.syncs()
    n8n.prune(1, 2, 3, waiting.id)
    assert syncing.syncs().data["gone"] == 1  # the one that was looked at again
    syncing.at.advance(timedelta(days=1))
    assert syncing.syncs().data["completeness"]["gone"] == 3
    assert db.execute("SELECT count(*), count(gone_at) FROM workflow_executions").fetchone() == (11, 4)
    assert syncing.syncs().data["gone"] == 0


def test_an_n8n_that_shows_no_execution_any_more_is_warned_of(
    syncing: Syncing, n8n: N8n, db: psycopg.Connection
) -> None:
    n8n.many(20)
    syncing.syncs()
    n8n.prune(*range(1, 19))
    syncing.at.advance(timedelta(days=1))
    syncing.syncs()
    n8n.many(8)
    syncing.syncs()
    assert db.execute("SELECT title FROM notifications").fetchall() == []
    n8n.prune(*list(n8n.runs))
    syncing.at.advance(timedelta(days=1))
    syncing.syncs()
    assert db.execute("SELECT severity, title FROM notifications").fetchall() == [
        ("WARN", "n8n: 10 of 10 executions are gone at the source since Wed 11 Mar 13:30")
    ]


def test_an_n8n_that_began_anew_is_read_from_its_beginning(syncing: Syncing, n8n: N8n, db: psycopg.Connection) -> None:
    n8n.many(4 * MOST)
    syncing.syncs()
    n8n.prune(*list(n8n.runs))
    n8n.ran(id=1, status="error")
    n8n.many(3 * MOST)
    syncing.syncs()
    assert kept(db)[1] == "error"
    n8n.many(5)
    syncing.syncs()
    assert n8n.paths() == ["list"]


def test_a_workflow_renamed_is_known_by_its_new_name_from_the_next_day(
    syncing: Syncing, n8n: N8n, db: psycopg.Connection
) -> None:
    n8n.ran("w1")
    syncing.syncs()
    n8n.workflow("w1", "Invoices")
    n8n.ran("w1")
    syncing.syncs()
    syncing.at.advance(timedelta(days=1))
    n8n.ran("w1")
    syncing.syncs()
    names = db.execute("SELECT workflow_name FROM workflow_executions ORDER BY execution_id").fetchall()
    assert [name for (name,) in names] == ["Invoice sync", "Invoice sync", "Invoices"]


def test_requests_are_counted_and_the_key_is_in_none_of_the_addresses(
    syncing: Syncing, n8n: N8n, db: psycopg.Connection
) -> None:
    n8n.many(3)
    syncing.syncs()
    row = db.execute("SELECT service, sum(calls), sum(errors) FROM api_usage GROUP BY service").fetchall()
    assert row == [("n8n", len(n8n.calls), 0)]
    assert not any(KEY in str(call.query) for call in n8n.calls)


def test_a_refused_key_is_told_of_once_at_once_though_the_scan_that_syncs_fails_with_it(
    syncing: Syncing, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("N8N_API_KEY", "another")
    result = syncing.app.runner.run("periodic_scan", Mode(scheduled=True)).result
    assert (result.outcome, result.error_category) == ("failed", "auth")
    assert db.execute("SELECT type, title FROM notifications").fetchall() == [
        ("credentials", "sync n8n failed and will not mend itself")
    ]
