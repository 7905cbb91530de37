"""notifications, as she looks them up: what was to be told, what became of it, and what told of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import class_row


@dataclass(frozen=True)
class MessageRow:
    """One message. `folded_into` is the number of the one message that told of it, with others."""

    id: int
    created_at: datetime
    type: str
    severity: str
    title: str
    body: str
    status: str
    count: int
    channel: str | None
    error: str | None
    folded_into: int | None


_COLUMNS = ", ".join(f"n.{name}" for name in MessageRow.__dataclass_fields__)


def listed(conn: Connection, *, type_: str | None = None, status: str | None = None, limit: int = 20) -> Sequence[
    MessageRow
]:  # fmt: skip
    """Messages, the newest first; only those of a type or a status, where one is named."""
    with conn.cursor(row_factory=class_row(MessageRow)) as cursor:
        return cursor.execute(
            f"""
            SELECT {_COLUMNS} FROM notifications n
            WHERE (%(type)s::text IS NULL OR n.type = %(type)s) AND (%(status)s::text IS NULL OR n.status = %(status)s)
              AND NOT n.archived
            ORDER BY n.created_at DESC, n.id DESC LIMIT %(limit)s
            """,
            {"type": type_, "status": status, "limit": limit},
        ).fetchall()


def told_by_newest(conn: Connection, type_: str, limit: int = 1000) -> Sequence[MessageRow]:
    """The messages that the newest message of this type told of, among all that told of any; the newest first."""
    with conn.cursor(row_factory=class_row(MessageRow)) as cursor:
        return cursor.execute(
            f"""
            SELECT {_COLUMNS} FROM notifications n
            WHERE n.folded_into = (
                SELECT one.id FROM notifications one
                WHERE one.type = %s AND NOT one.archived
                  AND EXISTS (SELECT FROM notifications other WHERE other.folded_into = one.id)
                ORDER BY one.created_at DESC, one.id DESC LIMIT 1)
            ORDER BY n.created_at DESC, n.id DESC LIMIT %s
            """,
            (type_, limit),
        ).fetchall()
