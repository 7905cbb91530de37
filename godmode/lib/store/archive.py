"""Archiving: old rows are flagged, never deleted, in short transactions of bounded size."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg import Connection

BATCH = 1000


@dataclass(frozen=True)
class Rule:
    """Rows of `table` whose `column` is older than `keep`, where `condition` holds, are archived."""

    table: str
    column: str
    condition: str
    keep: timedelta


# Specification, Cleanup. Each condition is that of a partial index on `column`, so a batch reads only its own rows.
RULES = (
    Rule("agent_audit_log", "ts", "true", timedelta(days=365)),
    Rule("retry_jobs", "updated_at", "status = 'completed'", timedelta(days=30)),
    Rule("incidents", "resolved_at", "status = 'resolved'", timedelta(days=90)),
)


def statement(rule: Rule) -> str:
    """The SQL of one batch, with parameters `before` and `batch`.

    An array of ids, not `IN (SELECT …)`, so that the planner never joins the batch with the whole table.
    """
    return f"""
        UPDATE {rule.table} SET archived = true
        WHERE id = ANY (ARRAY(
            SELECT id FROM {rule.table}
            WHERE {rule.condition} AND NOT archived AND {rule.column} < %(before)s
            ORDER BY {rule.column} LIMIT %(batch)s
            FOR UPDATE SKIP LOCKED))
    """


def archive_batch(conn: Connection, rule: Rule, now: datetime) -> int:
    """Archive up to BATCH rows in a transaction of their own; how many there were."""
    return conn.execute(statement(rule), {"before": now - rule.keep, "batch": BATCH}).rowcount


def count_due(conn: Connection, rule: Rule, now: datetime) -> int:
    """How many rows a rule would archive now."""
    row = conn.execute(
        f"SELECT count(*) FROM {rule.table} WHERE {rule.condition} AND NOT archived AND {rule.column} < %s",
        (now - rule.keep,),
    ).fetchone()
    return int(row[0]) if row else 0


def drill(conn: Connection, since: datetime) -> None:
    """Flag what a drill of the kill switch left, so that it does not stand between what really happened."""
    with conn.transaction():
        conn.execute(
            "UPDATE agent_actions SET archived = true WHERE kind = 'drill' AND started_at >= %s AND NOT archived",
            (since,),
        )
        conn.execute(
            """
            UPDATE agent_audit_log SET archived = true
            WHERE (action = 'drill' OR starts_with(action, 'drill_')) AND ts >= %s AND NOT archived
            """,
            (since,),
        )
