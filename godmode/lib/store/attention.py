"""notifications.tries: what was taken of the operator's attention, counted by way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from psycopg import Connection
from psycopg.types.json import Jsonb

WAYS = ("call", "sms", "message")
WEEK = timedelta(days=7)


def take(
    conn: Connection,
    message_id: int,
    way: str,
    channel: str,
    now: datetime,
    limits: Iterable[tuple[int, timedelta]],
) -> bool:
    """Note that a message takes this way now, unless a limit (so many within so long) is reached; whether it may.

    Counted under a lock, so that of two hosts only one takes what is left.
    """
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('attention ' || %s, 0))", (way,))
        if any(counts(conn, now - window).get(way, 0) >= most for most, window in limits):
            return False
        conn.execute(
            "UPDATE notifications SET tries = tries || %s, tried_at = %s WHERE id = %s",
            (Jsonb([{"way": way, "channel": channel, "at": now.isoformat()}]), now, message_id),
        )
        return True


def counts(conn: Connection, since: datetime) -> Mapping[str, int]:
    """How many calls, SMS and messages there were after a moment."""
    rows = conn.execute(
        """
        SELECT try->>'way', count(*) FROM notifications CROSS JOIN jsonb_array_elements(tries) AS try
        WHERE tried_at > %(since)s AND (try->>'at')::timestamptz > %(since)s
        GROUP BY 1
        """,
        {"since": since},
    ).fetchall()
    return {str(way): int(count) for way, count in rows}


def of_week(conn: Connection, now: datetime) -> Mapping[str, int]:
    """How many calls, SMS and messages there were in the last seven days, the zeros too."""
    counted = counts(conn, now - WEEK)
    return {way: counted.get(way, 0) for way in WAYS}
