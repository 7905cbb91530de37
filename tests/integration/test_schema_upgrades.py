"""Every schema that was released becomes the newest one, with data in it and while jobs run."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fakes.installation import Operator

from godmode.lib import config as configuration
from godmode.lib.errors import Usage
from godmode.lib.kernel import Outcome
from godmode.lib.store import migrate
from godmode.wiring import App

# A row in every table, as the first schema knows them; later ones may only add to it.
DATA = """
INSERT INTO agent_audit_log (action) VALUES ('daily_digest');
INSERT INTO agent_actions (key, kind, state, finished_at) VALUES ('k', 'message', 'done', '2026-01-01Z');
INSERT INTO job_state (job, slot, state) VALUES ('daily_digest', '2026-01-01', 'succeeded');
INSERT INTO retry_jobs (type, payload) VALUES ('custom', '{"do": "notify", "title": "t"}');
INSERT INTO dead_letter_jobs (type) VALUES ('job');
INSERT INTO incidents (type, title, dedup_key) VALUES ('repeated_failures', 'Workflow A failed 3 times', 'a');
INSERT INTO incidents (type, title, status, resolved_at) VALUES ('x', 'x', 'resolved', '2026-01-01Z');
INSERT INTO proposals (title, dedup_key) VALUES ('p', 'p');
INSERT INTO corrections (proposal_id, title) SELECT id, title FROM proposals;
INSERT INTO memory_items (key, value) VALUES ('k', 'v');
INSERT INTO data_source_sync (source_name) VALUES ('n8n');
INSERT INTO workflow_executions (execution_id, workflow_id, status) VALUES ('1', '1', 'success');
INSERT INTO rate_limit_buckets (name, capacity, window_ms) VALUES ('n8n', 20, 1000);
INSERT INTO api_usage (service, hour, calls) VALUES ('n8n', '2026-01-01Z', 5);
INSERT INTO notifications (type, title) VALUES ('job_failing', 't');
INSERT INTO communication_allowlist (address) VALUES ('+15125550100');
"""
RELEASED = range(1, migrate.newest() + 1)


@pytest.fixture
def at_version(empty_database_url: str, tmp_path: Path) -> Any:
    """Makes the test's database one of an earlier version, with data."""

    def make(version: int) -> psycopg.Connection:
        folder = tmp_path / f"migrations-{version}"
        folder.mkdir()
        for migration in migrate.migrations()[:version]:
            shutil.copy(migration.path, folder)
        conn = psycopg.connect(empty_database_url, autocommit=True)
        migrate.apply(conn, folder)
        conn.execute(DATA.encode())
        return conn

    return make


def schema(conn: psycopg.Connection) -> list[tuple[Any, ...]]:
    """Columns, constraints, indexes and triggers, as far as they can be told apart."""
    return conn.execute(
        """
        SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
        WHERE table_schema = 'public'
        UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', '' FROM pg_constraint
            WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT tablename, indexname, indexdef, '', '' FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), '', '' FROM pg_trigger
            WHERE NOT tgisinternal
        ORDER BY 1, 2, 3
        """
    ).fetchall()


def count(conn: psycopg.Connection) -> dict[str, int]:
    names = conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {name: (conn.execute(f"SELECT count(*) FROM {name}".encode()).fetchone() or (0,))[0] for (name,) in names}


@pytest.mark.parametrize("version", RELEASED)
def test_a_released_schema_becomes_the_newest_with_all_its_rows(
    version: int, at_version: Any, db: psycopg.Connection
) -> None:
    with at_version(version) as conn:
        before = count(conn)
        migrate.apply(conn)
        after = count(conn)
        assert {name: after[name] for name in before if name != "schema_migrations"} == {
            name: rows for name, rows in before.items() if name != "schema_migrations"
        }
        assert schema(conn) == schema(db)


def test_jobs_that_run_while_the_schema_changes_work_or_say_what_to_do(
    at_version: Any, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_version(1).close()
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    came: list[Outcome] = []
    refused: list[str] = []

    def job() -> None:
        app = App(configuration.load())
        try:
            came.append(app.runner.run("process_retry_queue").result.outcome)
        except Usage as e:
            refused.append(str(e))
        finally:
            app.store.close()

    def change() -> None:
        with psycopg.connect(empty_database_url, autocommit=True) as conn:
            migrate.apply(conn)

    job()
    changing = threading.Thread(target=change)
    changing.start()
    while changing.is_alive():
        job()
    job()

    assert Outcome.FAILED not in came
    assert all("`godmode db migrate`" in line for line in refused)
    assert came, "not even the job after the change worked"


@pytest.mark.parametrize("version", [1, migrate.newest()])
def test_the_stop_reaches_all_hosts_also_before_the_database_is_migrated_or_after_a_downgrade(
    version: int, at_version: Any, empty_database_url: str, tmp_path: Path
) -> None:
    with at_version(version) as conn:
        if version > 1:
            conn.execute(
                "INSERT INTO schema_migrations (version, name, checksum) VALUES (%s, 'x', 'x')", (version + 1,)
            )
        (tmp_path / "her").mkdir()
        said = Operator(tmp_path / "her").types("killswitch", "on", "--json", DATABASE_URL=empty_database_url)
        assert (said.returncode, json.loads(said.stdout)["database"]) == (0, True)
        assert conn.execute("SELECT kill_switch FROM agent_controls").fetchone() == (True,)
