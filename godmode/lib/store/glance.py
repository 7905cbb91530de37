"""What the status page and the metrics look up beside the figures: each statement reads a few rows by an index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row


def installed_at(conn: Connection) -> datetime | None:
    """When the schema was made: no slot from before it was ever due."""
    row = conn.execute("SELECT min(applied_at) FROM schema_migrations").fetchone()
    return row[0] if row else None


@dataclass(frozen=True)
class Urgent:
    """A message of SEV0 or SEV1 that has not gone out yet."""

    id: int
    severity: str
    title: str
    status: str
    created_at: datetime


def urgent(conn: Connection, until: datetime, limit: int = 20) -> Sequence[Urgent]:
    """Urgent messages that were written before then and still wait, the most severe and oldest first."""
    with conn.cursor(row_factory=class_row(Urgent)) as cursor:
        return cursor.execute(
            """
            SELECT id, severity, title, status, created_at FROM notifications
            WHERE status IN ('pending', 'held', 'sending') AND NOT archived
              AND severity IN ('SEV0', 'SEV1') AND created_at <= %s
            ORDER BY severity, created_at LIMIT %s
            """,
            (until, limit),
        ).fetchall()


def missed(conn: Connection) -> Mapping[str, Mapping[str, Any]]:
    """The slots that never ran before each job's newest run: `{"from", "to", "count"}` by job."""
    rows = conn.execute(
        """
        SELECT j.job, m.output_data FROM job_state j CROSS JOIN LATERAL (
            SELECT output_data FROM agent_audit_log
            WHERE action = j.job AND action_type = 'missed' AND ts >= j.started_at AND NOT archived
            ORDER BY ts DESC LIMIT 1) m
        """
    ).fetchall()
    return {str(job): data for job, data in rows}


def open_by_severity(conn: Connection) -> Mapping[str, int]:
    """How many incidents are not resolved, by severity; a severity without any is left out."""
    rows = conn.execute(
        "SELECT severity, count(*) FROM incidents WHERE status <> 'resolved' AND NOT archived GROUP BY severity"
    ).fetchall()
    return {str(severity): int(count) for severity, count in rows}
