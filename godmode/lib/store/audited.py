"""What the audit log says of the last minutes: read through an index of its own for each question, and never more
than a bounded number of rows, however much went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import class_row

MOST_ACTIONS = 5000  # different actions that failed, ever, of which the last minutes are looked at
NEWEST = 10_000  # failures among which further actions are looked for, where names are as many as their failures
MOST_ROWS = 1000  # of one action
TEXT = 500  # characters of an error

# What failed because it was not to be, or of which another message tells: a recipient that was refused, a drill.
_NO_TROUBLE = (
    "error IS DISTINCT FROM 'Kill switch is active' AND action_type NOT IN ('retry', 'allowlist') AND action <> 'drill'"
)


class Failing(Struct, frozen=True):
    """Failures of one action; `times` and `errors` are those of the newest, newest first."""

    action: str
    count: int
    times: list[datetime]
    errors: list[str | None]


def failing(conn: Connection, since: datetime, now: datetime, least: int) -> Sequence[Failing]:
    """The actions that failed at least so often after `since`, those with the most failures first.

    From one action to the next in the index, then the newest rows of each: a million failures of one action cost a
    bounded count, and hide no other. Beside these the actions of the newest failures: names that hold an id, of which
    there are ever more, hide none that comes after them in the alphabet. Rows of the future were written by a clock
    that has been set back.
    """
    with conn.cursor(row_factory=class_row(Failing)) as cursor:
        return cursor.execute(
            f"""
            WITH RECURSIVE step AS (
                (SELECT action, 1 AS number FROM agent_audit_log
                 WHERE success = false AND NOT archived ORDER BY action LIMIT 1)
                UNION ALL
                SELECT (SELECT a.action FROM agent_audit_log a
                        WHERE a.success = false AND NOT a.archived AND a.action > step.action
                        ORDER BY a.action LIMIT 1), number + 1
                FROM step WHERE step.action IS NOT NULL AND number < {MOST_ACTIONS}
            ), looked_at AS (
                SELECT action FROM step
                UNION
                (SELECT action FROM (
                    SELECT action FROM agent_audit_log
                    WHERE success = false AND NOT archived AND ts > %(since)s AND ts <= %(now)s
                    ORDER BY ts DESC LIMIT {NEWEST}) newest
                 GROUP BY action HAVING count(*) >= %(least)s)
            )
            SELECT step.action, count(*) AS count, (array_agg(ts ORDER BY ts DESC))[1:50] AS times,
                   (array_agg(left(error, {TEXT}) ORDER BY ts DESC))[1:3] AS errors
            FROM looked_at AS step CROSS JOIN LATERAL (
                SELECT a.ts, a.error, a.action_type FROM agent_audit_log a
                WHERE a.action = step.action AND a.success = false AND NOT a.archived
                  AND a.ts > %(since)s AND a.ts <= %(now)s
                ORDER BY a.ts DESC LIMIT {MOST_ROWS}
            ) newest
            WHERE {_NO_TROUBLE}
            GROUP BY step.action HAVING count(*) >= %(least)s ORDER BY count(*) DESC, step.action
            """,
            {"since": since, "now": now, "least": least},
        ).fetchall()


def told_jobs(conn: Connection, since: datetime) -> frozenset[str]:
    """The jobs of whose failures, or whose recovery from them, she was told after `since`, or is being told of."""
    rows = conn.execute(
        """
        SELECT job FROM job_state WHERE alerted
        UNION
        SELECT split_part(dedup_key, ':', 2) FROM notifications
        WHERE type IN ('job_failing', 'job_recovered', 'permanent_failure') AND created_at > %s AND NOT archived
        """,
        (since,),
    ).fetchall()
    return frozenset(row[0] for row in rows)


RUNS_BACK = 200  # runs of a sync among which the first that read all is looked for: more than an hour has


class Slow(Struct, frozen=True):
    """Runs of one job that took long; `ms` is the longest."""

    action: str
    count: int
    ms: int
    times: list[datetime]


def slow(conn: Connection, since: datetime, now: datetime, ms: int) -> Sequence[Slow]:
    """The jobs with runs of at least so many milliseconds (at the least 1000) after `since`, the slowest first.

    Without godmode's own syncs of a source up to the first that read all of it, and without the scans in which these
    ran: that they take long, and end well, is as it should be. What other systems ran counts whatever they call its
    type, but for their queries (see `queries_ms`); godmode itself notes a duration of jobs only.
    """
    with conn.cursor(row_factory=class_row(Slow)) as cursor:
        return cursor.execute(
            f"""
            WITH newest AS (
                SELECT action, duration_ms, ts, success, run_id FROM agent_audit_log
                WHERE duration_ms >= 1000 AND NOT archived AND ts > %(since)s AND ts <= %(now)s
                  AND duration_ms > %(ms)s AND action_type <> 'database'
                ORDER BY ts DESC LIMIT {MOST_ROWS}
            ), read AS (
                SELECT action, (
                    SELECT min(ts) FROM (
                        SELECT a.ts, a.success, a.output_data FROM agent_audit_log a
                        WHERE a.action = slow.action AND NOT a.archived AND a.ts <= %(now)s
                        ORDER BY a.ts DESC LIMIT {RUNS_BACK}) runs
                    WHERE success AND (output_data #> '{{data,more}}') IS NULL) AS at
                FROM (SELECT DISTINCT action FROM newest WHERE starts_with(action, 'sync_')) slow
            ), first AS (
                SELECT newest.ts, newest.action FROM newest JOIN read USING (action)
                WHERE newest.success AND newest.run_id IS NOT NULL AND (read.at IS NULL OR newest.ts <= read.at)
            )
            SELECT action, count(*) AS count, max(duration_ms) AS ms, (array_agg(ts ORDER BY ts DESC))[1:50] AS times
            FROM newest
            WHERE NOT EXISTS (
                SELECT FROM first
                WHERE (first.action = newest.action AND first.ts = newest.ts)
                   OR (newest.action = 'periodic_scan' AND first.ts <= newest.ts
                       AND first.ts >= newest.ts - newest.duration_ms * interval '1 millisecond'))
            GROUP BY action ORDER BY max(duration_ms) DESC
            """,
            {"since": since, "now": now, "ms": ms},
        ).fetchall()


class Outcomes(Struct, frozen=True):
    """How many outcomes there were among the newest MOST_OUTCOMES rows, how many of them were failures, and whether
    there were more rows."""

    count: int
    failed: int
    more: bool


MOST_OUTCOMES = 5000


def outcomes(conn: Connection, since: datetime, now: datetime) -> Outcomes:
    """The newest outcomes after `since`, without what was skipped by rule."""
    with conn.cursor(row_factory=class_row(Outcomes)) as cursor:
        row = cursor.execute(
            f"""
            SELECT count(*) FILTER (WHERE counts) AS count, count(*) FILTER (WHERE counts AND NOT success) AS failed,
                   count(*) >= {MOST_OUTCOMES} AS more
            FROM (SELECT success, {_NO_TROUBLE} AND action_type <> 'database' AS counts FROM agent_audit_log
                  WHERE ts > %(since)s AND ts <= %(now)s AND NOT archived AND success IS NOT NULL
                  ORDER BY ts DESC LIMIT {MOST_OUTCOMES}) newest
            """,
            {"since": since, "now": now},
        ).fetchone()
    assert row is not None
    return row


class Missed(Struct, frozen=True):
    """Slots of a job that never ran, as the run after them noted."""

    action: str
    ts: datetime
    first: str
    last: str
    count: int


def missed(conn: Connection, since: datetime, now: datetime) -> Sequence[Missed]:
    """The notes of missed slots after `since`, the newest first."""
    with conn.cursor(row_factory=class_row(Missed)) as cursor:
        return cursor.execute(
            f"""
            SELECT action, ts,
                   COALESCE(output_data ->> 'from', '') AS first, COALESCE(output_data ->> 'to', '') AS last,
                   CASE WHEN jsonb_typeof(output_data -> 'count') = 'number'
                        THEN (output_data ->> 'count')::numeric::bigint ELSE 1 END AS count
            FROM agent_audit_log
            WHERE action_type = 'missed' AND NOT archived AND ts > %(since)s AND ts <= %(now)s
            ORDER BY ts DESC LIMIT {MOST_ROWS}
            """,
            {"since": since, "now": now},
        ).fetchall()


def queries_ms(conn: Connection, since: datetime, now: datetime) -> list[int]:
    """How long what others wrote down of their queries took, after `since`; the newest few hundred."""
    rows = conn.execute(
        """
        SELECT duration_ms FROM agent_audit_log
        WHERE action_type = 'database' AND NOT archived AND ts > %s AND ts <= %s AND duration_ms IS NOT NULL
        ORDER BY ts DESC LIMIT 500
        """,
        (since, now),
    ).fetchall()
    return [int(row[0]) for row in rows]


def newest(conn: Connection, now: datetime) -> int:
    """How many of the newest hundred rows there are: a small read, to measure how fast the database answers."""
    row = conn.execute(
        """
        SELECT count(*) FROM (
            SELECT id FROM agent_audit_log WHERE ts <= %s AND NOT archived ORDER BY ts DESC, id DESC LIMIT 100) newest
        """,
        (now,),
    ).fetchone()
    return int(row[0]) if row else 0


def skipped_before(conn: Connection, job: str, at: datetime) -> bool:
    """Whether the last that was known of a job before then is that a rule skipped it."""
    row = conn.execute(
        """
        SELECT success IS NULL OR error = 'Kill switch is active' FROM agent_audit_log
        WHERE action = %s AND action_type = 'job' AND ts < %s AND NOT archived ORDER BY ts DESC LIMIT 1
        """,
        (job, at),
    ).fetchone()
    return bool(row and row[0])
