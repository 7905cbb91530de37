"""Nothing is ever deleted: the database itself refuses."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

TABLES = {
    "agent_controls", "agent_audit_log", "agent_actions", "job_state", "retry_jobs", "dead_letter_jobs",
    "incidents", "incident_mutes", "proposals", "corrections", "memory_items", "data_source_sync",
    "workflow_executions", "rate_limit_buckets", "api_usage", "notifications", "communication_allowlist",
    "schema_migrations",
}  # fmt: skip


def tables(db: psycopg.Connection) -> set[str]:
    rows = db.execute(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
    )
    return {name for (name,) in rows.fetchall()}


def test_the_tables_are_those_of_the_design(db: psycopg.Connection) -> None:
    assert tables(db) == TABLES


@pytest.mark.parametrize("statement", ["DELETE FROM {}", "DELETE FROM ONLY {} WHERE false", "TRUNCATE {} CASCADE"])
def test_every_table_refuses_to_lose_rows(statement: str, db: psycopg.Connection) -> None:
    for name in sorted(tables(db)):
        with pytest.raises(psycopg.errors.RestrictViolation, match="nothing is deleted"):
            db.execute(sql.SQL(statement).format(sql.Identifier(name)))
