"""What the health monitor saw earlier (agent_audit_log), what it told, and what came while it could not write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb


@dataclass(frozen=True)
class Checkup:
    """One earlier run: when it ended, and its data."""

    at: datetime
    data: Mapping[str, Any]


def before(conn: Connection, job: str, at: datetime) -> Checkup | None:
    """The newest run that ended well before a moment."""
    row = conn.execute(
        """
        SELECT ts, output_data->'data' FROM agent_audit_log
        WHERE action = %s AND ts < %s AND action_type = 'job' AND success AND NOT archived
        ORDER BY ts DESC LIMIT 1
        """,
        (job, at),
    ).fetchone()
    return Checkup(row[0], row[1] if isinstance(row[1], dict) else {}) if row else None


def last_told(conn: Connection, type_: str, since: datetime) -> datetime | None:
    """When the newest message of a type that goes out by itself was sent, or was put into the outbox to be sent."""
    row = conn.execute(
        """
        SELECT COALESCE(sent_at, created_at) FROM notifications
        WHERE type = %s AND created_at > %s AND via <> '{}' AND status NOT IN ('digested', 'suppressed')
          AND NOT archived
        ORDER BY created_at DESC LIMIT 1
        """,
        (type_, since),
    ).fetchone()
    return row[0] if row else None


@dataclass(frozen=True)
class Spooled:
    """An audit row that waited in the state folder, and the message that went out with it, where one did."""

    id: str
    at: datetime
    action: str
    success: bool | None
    error: str | None
    data: Mapping[str, Any] = field(default_factory=dict)
    message: Mapping[str, str] = field(default_factory=dict)


def take_over(conn: Connection, rows: Sequence[Spooled], host: str) -> int:
    """Write what waited, in one transaction, each by its id at most once, however often it is handed in."""
    taken = 0
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('spool', 0))")
        for row in rows:
            taken += _audited(conn, row, host)
    return taken


def _audited(conn: Connection, row: Spooled, host: str) -> bool:
    fresh = conn.execute(
        """
        INSERT INTO agent_audit_log (ts, action, action_type, success, error, output_data, run_id, host)
        SELECT %(at)s, %(action)s, 'fallback', %(success)s, %(error)s, %(data)s, %(id)s, %(host)s
        WHERE NOT EXISTS (SELECT FROM agent_audit_log WHERE run_id = %(id)s)
        RETURNING id
        """,
        {
            "at": row.at, "action": row.action, "success": row.success, "error": row.error,
            "data": Jsonb(dict(row.data)), "id": row.id, "host": host,
        },
    ).fetchone()  # fmt: skip
    if fresh is None:
        return False
    if row.message:
        _told(conn, row)
    return True


def _told(conn: Connection, row: Spooled) -> None:
    """The outbox's row of a message that is out already, so that it counts among those of its hour."""
    conn.execute(
        """
        INSERT INTO notifications (type, severity, title, body, dedup_key, status, via, channel, recipient, run_id,
                                   created_at, updated_at, sent_at)
        VALUES ('health_alert', 'SEV1', %(title)s, %(body)s, %(key)s, %(status)s, ARRAY[%(way)s], %(channel)s, %(to)s,
                %(key)s, %(at)s, %(at)s, %(at)s)
        """,
        {"key": row.id, "at": row.at, **row.message},
    )
