"""incident_mutes: types of incidents that are kept, but not told of, until a date."""

from __future__ import annotations

from datetime import datetime

from psycopg import Connection


def put(conn: Connection, type_: str, until: datetime, now: datetime, reason: str = "") -> int:
    """Mute a type until then; the mute's number."""
    row = conn.execute(
        "INSERT INTO incident_mutes (type, until, reason, created_at) VALUES (%s, %s, %s, %s) RETURNING id",
        (type_, until, reason, now),
    ).fetchone()
    assert row is not None
    return int(row[0])


def lift(conn: Connection, mute_id: int, now: datetime) -> bool:
    """End a mute before its time; whether it was in force."""
    done = conn.execute(
        "UPDATE incident_mutes SET lifted_at = %(now)s WHERE id = %(id)s AND lifted_at IS NULL AND until > %(now)s",
        {"id": mute_id, "now": now},
    )
    return done.rowcount == 1


def muted(conn: Connection, type_: str, now: datetime) -> bool:
    """Whether a mute of this type is in force."""
    row = conn.execute(
        "SELECT EXISTS (SELECT FROM incident_mutes WHERE type = %s AND lifted_at IS NULL AND until > %s)",
        (type_, now),
    ).fetchone()
    return bool(row and row[0])
