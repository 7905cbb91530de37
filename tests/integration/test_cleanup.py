"""cleanup_old_data: what is old is flagged, in bounded batches, through an index, and left out of history."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from godmode.lib.clock import FixedClock
from godmode.lib.config import Config
from godmode.lib.engine.equipment import Mode
from godmode.lib.store import archive, audit
from godmode.wiring import App

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
AGAIN = Mode(again=True)


@pytest.fixture
def app(config: Config) -> Iterator[App]:
    made = App(config, clock=FixedClock(NOW))
    yield made
    made.store.close()


def days(n: float) -> datetime:
    return NOW - timedelta(days=n)


def archived(db: psycopg.Connection, table: str) -> list[bool]:
    return [row[0] for row in db.execute(f"SELECT archived FROM {table} ORDER BY id").fetchall()]


def test_rows_are_archived_from_the_specified_age_and_none_before(app: App, db: psycopg.Connection) -> None:
    for age in (365.01, 364.99):
        db.execute("INSERT INTO agent_audit_log (ts, action) VALUES (%s, 'x')", (days(age),))
    for status, age in (("completed", 30.01), ("completed", 29.99), ("pending", 300), ("failed", 300)):
        db.execute("INSERT INTO retry_jobs (type, status, updated_at) VALUES ('x', %s, %s)", (status, days(age)))
    for status, age in (("resolved", 90.01), ("resolved", 89.99), ("open", 300)):
        at = days(age) if status == "resolved" else None
        db.execute("INSERT INTO incidents (type, title, status, resolved_at) VALUES ('x', 'x', %s, %s)", (status, at))

    data = app.runner.run("cleanup_old_data").result.data

    assert data["archived"] == {"agent_audit_log": 1, "retry_jobs": 1, "incidents": 1}
    assert archived(db, "agent_audit_log")[:2] == [True, False]
    assert archived(db, "retry_jobs") == [True, False, False, False]
    assert archived(db, "incidents") == [True, False, False]


def test_many_rows_are_archived_in_several_short_transactions(app: App, db: psycopg.Connection) -> None:
    count = 2 * archive.BATCH + 1
    db.execute(
        "INSERT INTO agent_audit_log (ts, action) SELECT %s, 'old' FROM generate_series(1, %s)", (days(400), count)
    )
    assert app.runner.run("cleanup_old_data").result.data["archived"]["agent_audit_log"] == count
    batches = db.execute(
        "SELECT count(*) FROM agent_audit_log WHERE archived GROUP BY xmin ORDER BY count(*) DESC"
    ).fetchall()
    assert batches == [(archive.BATCH,), (archive.BATCH,), (1,)]


def test_a_dry_run_says_how_many_and_archives_none(app: App, db: psycopg.Connection) -> None:
    db.execute("INSERT INTO agent_audit_log (ts, action) VALUES (%s, 'x')", (days(400),))
    result = app.runner.run("cleanup_old_data", Mode(dry_run=True)).result
    assert result.data["would_archive"] == {"agent_audit_log": 1, "retry_jobs": 0, "incidents": 0}
    assert archived(db, "agent_audit_log") == [False]


def test_history_leaves_archived_rows_out(app: App, db: psycopg.Connection) -> None:
    db.execute("INSERT INTO agent_audit_log (ts, action) VALUES (%s, 'old')", (days(400),))
    app.runner.run("cleanup_old_data")
    assert [row.action for row in audit.recent(app.store.conn, limit=10)] == ["cleanup_old_data"]


@pytest.mark.parametrize(
    ("rule", "index"),
    list(zip(archive.RULES, ("audit_recent", "retry_completed", "incidents_resolved"), strict=True)),
    ids=[rule.table for rule in archive.RULES],
)
def test_a_batch_finds_its_rows_by_an_index(db: psycopg.Connection, rule: archive.Rule, index: str) -> None:
    filled = {
        "agent_audit_log": "(ts, action) SELECT %s - n * interval '1 hour', 'x'",
        "retry_jobs": "(updated_at, type, status) SELECT %s - n * interval '1 hour', 'x', 'completed'",
        "incidents": "(resolved_at, type, title, status) SELECT %s - n * interval '1 hour', 'x', 'x', 'resolved'",
    }[rule.table]
    for _ in range(2):  # those that are archived already cost nothing
        db.execute(f"UPDATE {rule.table} SET archived = true")
        db.execute(f"INSERT INTO {rule.table} {filled} FROM generate_series(1, 20000) n", (NOW,))
    db.execute(f"ANALYZE {rule.table}")
    plan = db.execute(
        "EXPLAIN " + archive.statement(rule), {"before": NOW - timedelta(days=700), "batch": archive.BATCH}
    ).fetchall()
    text = "\n".join(line for (line,) in plan)
    assert index in text
    assert f"Seq Scan on {rule.table}" not in text
