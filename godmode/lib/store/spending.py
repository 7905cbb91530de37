"""What watchers ask of rate_limit_buckets and api_usage: how full, and how much at which hour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import class_row


class Bucket(Struct, frozen=True):
    """A limit in its present window."""

    name: str
    capacity: float
    used: float
    window_ms: int
    ends: datetime


def buckets(conn: Connection, now: datetime, shortest: timedelta) -> Sequence[Bucket]:
    """The limits whose window is not over, those of windows shorter than `shortest` apart. One row for a limit."""
    with conn.cursor(row_factory=class_row(Bucket)) as cursor:
        return cursor.execute(
            """
            SELECT name, capacity, used, window_ms,
                window_start + least(window_ms, 366 * 86400000::bigint) * interval '1 millisecond' AS ends
            FROM rate_limit_buckets
            WHERE window_ms >= %(shortest)s AND window_start <= %(now)s
              AND window_start + least(window_ms, 366 * 86400000::bigint) * interval '1 millisecond' > %(now)s
            ORDER BY used / capacity DESC, name LIMIT 200
            """,
            {"now": now, "shortest": round(shortest.total_seconds() * 1000)},
        ).fetchall()


class Hour(Struct, frozen=True):
    """What a service was asked in the hour that began at `hour`; `first` is the first hour that is known of it."""

    service: str
    hour: datetime
    calls: int
    errors: int
    throttled: int
    first: datetime


def hours(conn: Connection, wanted: Sequence[datetime]) -> Sequence[Hour]:
    """The usage of every service in these hours, each named by its beginning."""
    with conn.cursor(row_factory=class_row(Hour)) as cursor:
        return cursor.execute(
            """
            SELECT u.service, u.hour, u.calls, u.errors, u.throttled, f.hour AS first
            FROM api_usage u
            CROSS JOIN LATERAL (
                SELECT hour FROM api_usage o WHERE o.service = u.service ORDER BY o.hour LIMIT 1) f
            WHERE u.hour = ANY(%s) ORDER BY u.service, u.hour LIMIT 5000
            """,
            (list(wanted),),
        ).fetchall()
