"""What the report tells of a stretch of days: each statement reads these days by an index, and gives few rows.

`starts` are the moments at which the days begin, in order; a day's number is its place among them, from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row


@dataclass(frozen=True)
class Runs:
    """A job's runs of a day; `day` is None for all days together. Durations (ms) are those of runs that worked."""

    job: str
    day: int | None
    succeeded: int
    failed: int
    skipped: int
    missed: int
    median_ms: float | None
    p95_ms: float | None
    longest_ms: int | None


def runs(conn: Connection, jobs: Sequence[str], starts: Sequence[datetime], until: datetime) -> Sequence[Runs]:
    """How often each job ran, and how long it took, by day and in all. Slots missed count on the day of the note."""
    return _rows(
        conn,
        Runs,
        """
        SELECT action AS job, day,
            count(*) FILTER (WHERE outcome = 'succeeded') AS succeeded,
            count(*) FILTER (WHERE outcome = 'failed') AS failed,
            count(*) FILTER (WHERE outcome = 'skipped') AS skipped,
            COALESCE(sum(missed), 0)::bigint AS missed,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ms) FILTER (WHERE outcome = 'succeeded') AS median_ms,
            percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms) FILTER (WHERE outcome = 'succeeded') AS p95_ms,
            max(duration_ms) FILTER (WHERE outcome = 'succeeded') AS longest_ms
        FROM (
            SELECT action, duration_ms, width_bucket(ts, %(starts)s::timestamptz[]) - 1 AS day,
                CASE action_type WHEN 'job' THEN output_data ->> 'outcome' END AS outcome,
                CASE action_type WHEN 'missed' THEN (output_data ->> 'count')::bigint END AS missed
            FROM agent_audit_log
            WHERE action = ANY (%(jobs)s) AND action_type IN ('job', 'missed') AND ts >= %(since)s AND ts < %(until)s
              AND NOT archived
        ) runs
        GROUP BY GROUPING SETS ((action, day), (action)) ORDER BY action, day
        """,
        jobs=list(jobs),
        starts=list(starts),
        since=starts[0],
        until=until,
    )


@dataclass(frozen=True)
class IncidentRow:
    """An incident that was open at some time of these days."""

    id: int
    type: str
    severity: str
    title: str
    status: str
    occurrences: int
    opened_at: datetime
    acknowledged_at: datetime | None
    resolved_at: datetime | None


def incidents(conn: Connection, since: datetime, until: datetime, limit: int) -> Sequence[IncidentRow]:
    """The incidents that were open at some time since then, the newest first."""
    columns = ", ".join(IncidentRow.__dataclass_fields__)
    return _rows(
        conn,
        IncidentRow,
        f"""
        (SELECT {columns} FROM incidents
         WHERE status <> 'resolved' AND NOT archived AND opened_at < %(until)s
         ORDER BY severity, opened_at LIMIT %(limit)s)
        UNION ALL
        (SELECT {columns} FROM incidents
         WHERE status = 'resolved' AND NOT archived AND resolved_at >= %(since)s AND opened_at < %(until)s
         ORDER BY resolved_at DESC LIMIT %(limit)s)
        ORDER BY opened_at DESC, id DESC LIMIT %(limit)s
        """,
        since=since,
        until=until,
        limit=limit,
    )


@dataclass(frozen=True)
class Routed:
    """So many messages of a type that went the same way and came to the same. `via` is empty for the digest."""

    type: str
    severity: str
    via: list[str] | None
    channel: str | None
    status: str
    count: int


def routed(conn: Connection, since: datetime, until: datetime, limit: int) -> Sequence[Routed]:
    """The messages of these days, by type, route and what became of them; the most frequent first."""
    return _rows(
        conn,
        Routed,
        """
        SELECT type, severity, via, channel, status, count(*) AS count FROM notifications
        WHERE created_at >= %(since)s AND created_at < %(until)s AND NOT archived
        GROUP BY type, severity, via, channel, status
        ORDER BY count(*) DESC, type, severity, status LIMIT %(limit)s
        """,
        since=since,
        until=until,
        limit=limit,
    )


@dataclass(frozen=True)
class Reached:
    """How often she was reached by a way on a day."""

    day: int
    way: str
    count: int


def reached(conn: Connection, starts: Sequence[datetime], until: datetime) -> Sequence[Reached]:
    """What was taken of her attention, by day and way."""
    return _rows(
        conn,
        Reached,
        """
        SELECT width_bucket(at, %(starts)s::timestamptz[]) - 1 AS day, way, count(*) AS count
        FROM (
            SELECT (try ->> 'at')::timestamptz AS at, try ->> 'way' AS way
            FROM notifications CROSS JOIN jsonb_array_elements(tries) AS try
            WHERE tried_at >= %(since)s
        ) tried
        WHERE at >= %(since)s AND at < %(until)s GROUP BY 1, 2 ORDER BY 1, 2
        """,
        starts=list(starts),
        since=starts[0],
        until=until,
    )


@dataclass(frozen=True)
class Asked:
    """What a service was asked on a day. Calls are counted by the hour that they began in."""

    service: str
    day: int
    calls: int
    errors: int
    throttled: int


def asked(conn: Connection, starts: Sequence[datetime], until: datetime) -> Sequence[Asked]:
    """The API usage by service and day."""
    return _rows(
        conn,
        Asked,
        """
        SELECT service, width_bucket(hour, %(starts)s::timestamptz[]) - 1 AS day,
            sum(calls)::bigint AS calls, sum(errors)::bigint AS errors, sum(throttled)::bigint AS throttled
        FROM api_usage WHERE hour >= %(since)s AND hour < %(until)s GROUP BY 1, 2 ORDER BY 1, 2
        """,
        starts=list(starts),
        since=starts[0],
        until=until,
    )


@dataclass(frozen=True)
class Moved:
    """How many rows came into the retry queue within an hour, and how many left it. `hour` is None for all before."""

    hour: datetime | None
    came: int
    left: int


def moved(conn: Connection, since: datetime, until: datetime) -> Sequence[Moved]:
    """What the retry queue's depth follows from, by hour; first what was in it at `since`."""
    return _rows(
        conn,
        Moved,
        """
        WITH known AS (
            SELECT created_at, NULL::timestamptz AS ended_at FROM retry_jobs
            WHERE status IN ('pending', 'running') AND NOT archived
            UNION ALL
            SELECT created_at, updated_at FROM retry_jobs
            WHERE status NOT IN ('pending', 'running') AND updated_at >= %(since)s
        ), steps AS (
            SELECT CASE WHEN created_at >= %(since)s THEN date_trunc('hour', created_at, 'UTC') END AS hour,
                1 AS came, 0 AS left
            FROM known WHERE created_at < %(until)s
            UNION ALL
            SELECT date_trunc('hour', ended_at, 'UTC'), 0, 1 FROM known WHERE ended_at < %(until)s
        )
        SELECT hour, sum(came)::bigint AS came, sum("left")::bigint AS "left" FROM steps
        GROUP BY hour ORDER BY hour NULLS FIRST
        """,
        since=since,
        until=until,
    )


@dataclass(frozen=True)
class Letter:
    """Work that was given up on."""

    id: int
    type: str
    attempts: int
    error: str | None
    status: str
    note: str | None
    created_at: datetime


def letters(conn: Connection, since: datetime, until: datetime, limit: int) -> Sequence[Letter]:
    """What was given up on in these days, the newest first."""
    return _rows(
        conn,
        Letter,
        f"""
        SELECT {", ".join(Letter.__dataclass_fields__)} FROM dead_letter_jobs
        WHERE created_at >= %(since)s AND created_at < %(until)s AND NOT archived
        ORDER BY created_at DESC, id DESC LIMIT %(limit)s
        """,
        since=since,
        until=until,
        limit=limit,
    )


@dataclass(frozen=True)
class Found:
    """A proposal, and what became of it."""

    id: int
    type: str
    title: str
    status: str
    confidence: float
    created_at: datetime
    decided_at: datetime | None


def proposals(conn: Connection, since: datetime, until: datetime, limit: int) -> Sequence[Found]:
    """The proposals of these days, the newest first."""
    return _rows(
        conn,
        Found,
        f"""
        SELECT {", ".join(Found.__dataclass_fields__)} FROM proposals
        WHERE created_at >= %(since)s AND created_at < %(until)s AND NOT archived
        ORDER BY created_at DESC, id DESC LIMIT %(limit)s
        """,
        since=since,
        until=until,
        limit=limit,
    )


@dataclass(frozen=True)
class Digest:
    """A daily digest as it was written, and what became of it."""

    created_at: datetime
    body: str
    status: str
    channel: str | None


def digests(conn: Connection, since: datetime, until: datetime) -> Sequence[Digest]:
    """The digests of these days, the newest first."""
    return _rows(
        conn,
        Digest,
        """
        SELECT created_at, body, status, channel FROM notifications
        WHERE type = 'daily_digest' AND created_at >= %(since)s AND created_at < %(until)s AND NOT archived
        ORDER BY created_at DESC LIMIT 200
        """,
        since=since,
        until=until,
    )


def _rows(conn: Connection, kind: type[Any], statement: str, **values: object) -> Sequence[Any]:
    with conn.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(statement, values).fetchall()
