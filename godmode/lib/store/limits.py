"""rate_limit_buckets and api_usage: the limits of the services, kept by all processes and hosts together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg import Connection
from psycopg.rows import class_row

from godmode.lib.kernel import Rate


@dataclass(frozen=True)
class Turn:
    """What came of asking for one call: it may go (`wait` zero), or asks again after `wait`; or the day is used up."""

    wait: timedelta = timedelta(0)
    spent: bool = False


@dataclass(frozen=True)
class Budget:
    """At most `calls` to a service on the day that began at `since`, those made before it was set among them."""

    service: str
    calls: int
    since: datetime

    @property
    def bucket(self) -> str:
        return f"{self.service}.day"


SHORTEST = timedelta(milliseconds=1)
DAY_MS = 86_400_000


def take(
    conn: Connection, name: str, rate: Rate, budget: Budget | None, now: datetime, late: timedelta = timedelta(0)
) -> Turn:
    """Take room for one call in the bucket `name`, and one call of the day's budget; or neither, and how long to wait.

    Calls are spaced evenly, so no window of `rate.per` holds more than `rate.calls`, wherever it begins. A call that
    comes a little late, by up to `late`, does not delay those after it; a window may be shorter by so much. A
    `next_at` that lies further ahead than a full window was written by a clock that has been set back: it does not
    count. Of the day are the calls that took room in its bucket, or as many as api_usage has, which also knows those
    of before there was a budget.
    """
    row = conn.execute(
        """
        WITH before AS (
            SELECT next_at, blocked_until FROM rate_limit_buckets WHERE name = %(name)s
        ), counted AS (
            SELECT COALESCE(sum(calls), 0) AS calls FROM api_usage
            WHERE service = %(service)s::text AND hour >= %(since)s::timestamptz
        ), day AS (
            SELECT greatest(calls, (
                SELECT used FROM rate_limit_buckets
                WHERE name = %(day)s::text AND window_start >= %(since)s::timestamptz
            )) >= %(budget)s::bigint AS spent
            FROM counted
        ), pace AS (
            INSERT INTO rate_limit_buckets AS b (name, capacity, used, window_ms, window_start, next_at)
            SELECT %(name)s, %(calls)s, 1, %(ms)s, %(now)s, %(now)s + %(step)s
            WHERE NOT COALESCE((SELECT spent FROM day), false)
            ON CONFLICT (name) DO UPDATE SET
                capacity = EXCLUDED.capacity, window_ms = EXCLUDED.window_ms, next_at =
                    CASE WHEN b.next_at BETWEEN %(now)s - %(late)s AND %(now)s THEN b.next_at + %(step)s
                         ELSE EXCLUDED.next_at END,
                used = CASE WHEN b.window_start + %(per)s > %(now)s THEN b.used + 1 ELSE 1 END,
                window_start = CASE WHEN b.window_start + %(per)s > %(now)s THEN b.window_start ELSE %(now)s END
            WHERE (b.next_at IS NULL OR b.next_at <= %(now)s OR b.next_at > %(now)s + %(per)s)
              AND (b.blocked_until IS NULL OR b.blocked_until <= %(now)s)
            RETURNING 1
        ), budget AS (
            INSERT INTO rate_limit_buckets AS d (name, capacity, used, window_ms, window_start)
            SELECT %(day)s::text, %(budget)s::bigint, counted.calls + 1, %(day_ms)s, %(since)s::timestamptz
            FROM pace, counted WHERE %(day)s::text IS NOT NULL
            ON CONFLICT (name) DO UPDATE SET
                capacity = EXCLUDED.capacity,
                used = CASE WHEN d.window_start < EXCLUDED.window_start THEN EXCLUDED.used
                            ELSE greatest(d.used + 1, EXCLUDED.used) END,
                window_start = EXCLUDED.window_start
            WHERE d.window_start < EXCLUDED.window_start OR d.used < EXCLUDED.capacity
            RETURNING 1
        )
        SELECT
            EXISTS (SELECT FROM pace),
            %(day)s::text IS NOT NULL AND (COALESCE((SELECT spent FROM day), false)
                OR EXISTS (SELECT FROM pace) AND NOT EXISTS (SELECT FROM budget)),
            (SELECT greatest(next_at, blocked_until) FROM before)
        """,
        {
            "name": name, "calls": rate.calls, "per": rate.per, "ms": round(rate.per.total_seconds() * 1000),
            "step": rate.per / rate.calls, "now": now, "late": late, "day_ms": DAY_MS,
            "service": budget.service if budget else None,
            "day": budget.bucket if budget else None, "budget": budget.calls if budget else None,
            "since": budget.since if budget else None,
        },
    ).fetchone()  # fmt: skip
    assert row is not None
    taken, spent, free_at = row
    if spent or taken:
        return Turn(spent=spent)
    return Turn(wait=max(free_at - now, SHORTEST) if free_at else SHORTEST)


def block(conn: Connection, name: str, until: datetime) -> None:
    """Keep everybody from a service until then; an earlier end than the present one changes nothing."""
    conn.execute(
        """
        UPDATE rate_limit_buckets SET blocked_until = %(until)s
        WHERE name = %(name)s AND (blocked_until IS NULL OR blocked_until < %(until)s)
        """,
        {"name": name, "until": until},
    )


def count(conn: Connection, service: str, hour: datetime, *, ms: int, error: bool, throttled: bool) -> None:
    """Count one call to a service in the hour that begins then."""
    conn.execute(
        """
        INSERT INTO api_usage AS u (service, hour, calls, errors, throttled, duration_ms)
        VALUES (%(service)s, %(hour)s, 1, %(errors)s, %(throttled)s, %(ms)s)
        ON CONFLICT (service, hour) DO UPDATE SET
            calls = u.calls + 1, errors = u.errors + EXCLUDED.errors,
            throttled = u.throttled + EXCLUDED.throttled, duration_ms = u.duration_ms + EXCLUDED.duration_ms
        """,
        {"service": service, "hour": hour, "ms": ms, "errors": int(error), "throttled": int(throttled)},
    )


@dataclass(frozen=True)
class Usage:
    """What a service was asked since a moment. `duration_ms` is the sum of all calls."""

    service: str
    calls: int
    errors: int
    throttled: int
    duration_ms: int


def usage(conn: Connection, since: datetime) -> Sequence[Usage]:
    """The usage of every service from the hour that holds `since`."""
    with conn.cursor(row_factory=class_row(Usage)) as cursor:
        return cursor.execute(
            """
            SELECT service, sum(calls)::bigint AS calls, sum(errors)::bigint AS errors,
                   sum(throttled)::bigint AS throttled, sum(duration_ms)::bigint AS duration_ms
            FROM api_usage WHERE hour > %(since)s - interval '1 hour' GROUP BY service ORDER BY service
            """,
            {"since": since},
        ).fetchall()
