"""notifications: the outbox. Every message is a row here before it is anything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import class_row

from godmode.lib.kernel import Notification


@dataclass(frozen=True)
class Message:
    """One row of the outbox."""

    id: int
    type: str
    severity: str
    title: str
    body: str
    status: str
    count: int
    created_at: datetime
    sent_at: datetime | None


_COLUMNS = ", ".join(Message.__dataclass_fields__)


def put(conn: Connection, note: Notification, run_id: str, now: datetime) -> Message:
    """Add a message. One with the same `dedup_key` that is there already is returned, with the text it has."""
    with conn.transaction(), conn.cursor(row_factory=class_row(Message)) as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (note.dedup_key,))
        there = cursor.execute(
            f"""
            SELECT {_COLUMNS} FROM notifications
            WHERE dedup_key = %s AND NOT archived ORDER BY created_at DESC LIMIT 1
            """,
            (note.dedup_key,),
        ).fetchone()
        if there is not None:
            return there
        new = cursor.execute(
            f"""
            INSERT INTO notifications (type, severity, title, body, dedup_key, run_id, created_at, updated_at)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING {_COLUMNS}
            """,
            (note.type, note.severity, note.title, note.body, note.dedup_key, run_id, now, now),
        ).fetchone()
        assert new is not None
        return new


def one(conn: Connection, message_id: int) -> Message | None:
    """One message by its number."""
    with conn.cursor(row_factory=class_row(Message)) as cursor:
        return cursor.execute(f"SELECT {_COLUMNS} FROM notifications WHERE id = %s", (message_id,)).fetchone()


def of_key(conn: Connection, dedup_key: str) -> Message | None:
    """The newest message of a key."""
    with conn.cursor(row_factory=class_row(Message)) as cursor:
        return cursor.execute(
            f"""
            SELECT {_COLUMNS} FROM notifications
            WHERE dedup_key = %s AND NOT archived ORDER BY created_at DESC LIMIT 1
            """,
            (dedup_key,),
        ).fetchone()


def mark(
    conn: Connection,
    message_id: int,
    status: str,
    now: datetime,
    *,
    channel: str | None = None,
    recipient: str | None = None,
    error: str | None = None,
) -> None:
    """Write what became of a message."""
    conn.execute(
        """
        UPDATE notifications SET
            status = %(status)s, updated_at = %(now)s, error = %(error)s,
            channel = COALESCE(%(channel)s, channel), recipient = COALESCE(%(recipient)s, recipient),
            sent_at = CASE WHEN %(status)s = 'sent' THEN %(now)s ELSE sent_at END
        WHERE id = %(id)s
        """,
        {
            "id": message_id, "status": status, "now": now, "error": error,
            "channel": channel, "recipient": recipient,
        },
    )  # fmt: skip


def waiting(conn: Connection, limit: int = 100) -> Sequence[Message]:
    """Messages that the next digest carries, the most severe first, then the oldest."""
    with conn.cursor(row_factory=class_row(Message)) as cursor:
        return cursor.execute(
            f"""
            SELECT {_COLUMNS} FROM notifications
            WHERE status IN ('pending', 'held') AND type <> 'daily_digest' AND NOT archived
            ORDER BY severity = 'INFO', severity, created_at LIMIT %s
            """,
            (limit,),
        ).fetchall()


def uncertain(conn: Connection, since: datetime) -> int:
    """How many messages since then may or may not have arrived."""
    row = conn.execute(
        "SELECT count(*) FROM notifications WHERE status = 'uncertain' AND created_at >= %s AND NOT archived",
        (since,),
    ).fetchone()
    return int(row[0]) if row else 0


def digested(conn: Connection, message_ids: Sequence[int], now: datetime) -> None:
    """The digest that carried these messages went out."""
    conn.execute(
        """
        UPDATE notifications SET status = 'digested', updated_at = %s
        WHERE id = ANY(%s) AND status IN ('pending', 'held')
        """,
        (now, list(message_ids)),
    )
