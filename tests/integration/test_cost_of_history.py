"""What a run, the digest and the status page read stands in an index, however long the history is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from godmode import registry
from godmode.commands import status, terminal
from godmode.lib.clock import FixedClock
from godmode.lib.config import Config
from godmode.lib.engine import incidents as life
from godmode.lib.engine.equipment import Mode
from godmode.lib.kernel import Incident, Notification, Proposal, Severity
from godmode.lib.store import given_up, idleness, incident_rows, incidents, outbox, proposals
from godmode.lib.store.given_up import Letter
from godmode.wiring import App

NOW = datetime(2026, 3, 10, 18, 30, tzinfo=UTC)
ROWS = 20_000
HISTORY = {
    "agent_audit_log": "(ts, action, archived) SELECT at, 'x', n %% 2 = 0",
    "agent_actions": "(key, kind, state, started_at, finished_at) SELECT 'k' || n, 'x', 'done', at, at",
    "retry_jobs": "(type, status, run_at, updated_at) SELECT 'x', 'completed', at, at",
    "dead_letter_jobs": "(type, status, created_at) SELECT 'x', 'dismissed', at",
    "incidents": "(type, title, status, opened_at, resolved_at) SELECT 'x', 'x', 'resolved', at, at",
    "proposals": "(title, status, dedup_key, created_at, updated_at) SELECT 'x', 'rejected', 'k' || n, at, at",
    "corrections": "(title, applied_at) SELECT 'x', at",
    "memory_items": "(key, value, source_type, occurred_at) SELECT 'k' || n, 'word ' || n, 'chatlogs', at",
    "workflow_executions": "(execution_id, workflow_id, status, started_at) SELECT 'k' || n, 'w', 'success', at",
    "api_usage": "(service, hour) SELECT 'x', at",
    "notifications": "(type, title, status, dedup_key, created_at, sent_at) SELECT 'x', 'x', 'sent', 'k' || n, at, at",
}


class Explained(psycopg.Cursor[Any]):
    """A cursor that asks for the plan of each statement before it executes it."""

    scanned: set[str]

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        if re.match(r"\s*(SELECT|INSERT|UPDATE|WITH)\b", query):
            plan = psycopg.Cursor(self.connection).execute(f"EXPLAIN {query}", params).fetchall()
            self.scanned.update(re.findall(r"Seq Scan on (\w+)", str(plan)))
        return super().execute(query, params, **options)


@pytest.fixture
def app(db: psycopg.Connection, config: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    config.path.parent.mkdir(parents=True)
    (config.path.parent / "chats").mkdir()
    config.path.write_text('[sources.chatlogs]\npath = "chats"\n')
    terminal.config.cache_clear()
    for table, columns in HISTORY.items():
        db.execute(
            f"INSERT INTO {table} {columns} FROM (SELECT n, %s - n * interval '1 hour' AS at"
            f" FROM generate_series(1, {ROWS}) n) rows",
            (NOW,),
        )
    db.execute("ANALYZE")
    monkeypatch.setattr(Explained, "scanned", set(), raising=False)
    made = App(terminal.config(), clock=FixedClock(NOW))
    made.store.conn.cursor_factory = Explained
    yield made
    made.store.close()


def test_no_run_scans_a_table_of_history(app: App) -> None:
    for job in ("daily_digest", "run_watchers", "periodic_scan", "health_monitor", "cleanup_old_data"):
        assert app.runner.run(job, Mode(again=job != "daily_digest")).result.error is None
    assert Explained.scanned & HISTORY.keys() == set()


def test_a_skipped_run_scans_no_table_of_history(app: App) -> None:
    app.runner.run("health_monitor")
    assert app.runner.run("health_monitor").result.reason == "already_ran"
    assert Explained.scanned & HISTORY.keys() == set()


def test_the_status_page_scans_no_table_of_history(app: App) -> None:
    status.look(app)
    assert Explained.scanned & HISTORY.keys() == set()


def test_storing_a_finding_or_a_message_scans_no_table_of_history(app: App) -> None:
    conn = app.store.conn
    assert proposals.put(conn, Proposal("x", "x", 0.9, {}, "new"), NOW) == "new"
    assert proposals.put(conn, Proposal("x", "x", 0.9, {}, "k1"), NOW) == "decided"
    outbox.put(conn, Notification("x", Severity.INFO, "x", "", "new"), "run", NOW)
    assert Explained.scanned & HISTORY.keys() == set()


@pytest.mark.parametrize("name", registry.WATCHERS)
def test_no_watcher_scans_a_table_of_history(app: App, name: str) -> None:
    list(app.watchers()[name].look(app.store, NOW))
    assert Explained.scanned & HISTORY.keys() == set()


@pytest.mark.parametrize("name", registry.DETECTORS)
def test_no_detector_scans_a_table_of_history(app: App, name: str) -> None:
    list(app.detectors()[name].look(app.store, NOW, timedelta(days=1)))
    assert Explained.scanned & HISTORY.keys() == set()


def test_what_a_detector_asks_of_one_thing_scans_no_table_of_history(app: App) -> None:
    conn, since = app.store.conn, NOW - timedelta(days=14)
    idleness.reads(conn, "sync_notion", since, NOW)
    idleness.calls(conn, "notion", since, NOW)
    for type_, via in (("custom", []), ("notification", ["telegram"])):
        letter = Letter(1, type_, via, since, 5, None, None, 1)
        given_up.ended_since(conn, letter, NOW)
    assert Explained.scanned & HISTORY.keys() == set()


def test_keeping_and_telling_of_incidents_scans_no_table_of_history(app: App) -> None:
    conn = app.store.conn
    found = Incident("x", Severity.WARN, "x", "x:new")
    row, _ = life.place(incident_rows.load(conn, "x", NOW, life.BACK), found, NOW)
    incident_rows.save(conn, row)
    incident_rows.away(conn, ["x"], NOW, since=life.BACK, flapping=life.BACK)
    incident_rows.untold(conn, NOW, [])
    incidents.listed(conn, NOW)
    incidents.decide(conn, row.id, "acknowledged", NOW, by="her")
    assert Explained.scanned & HISTORY.keys() == set()
