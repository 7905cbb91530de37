"""What ran and how it ended, over weeks: jobs and retries from the audit log, workflows from their executions.

Every statement reads a bounded number of the newest rows of its window through an index by time, so that neither ten
years of history nor a million failures in an hour make a look long. `kind` is "job" or "workflow".
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import class_row

MOST_ROWS = 200_000  # of each table that one look reads
MOST_FAILURES = 20_000


class Failure(Struct, frozen=True):
    """One failed run. `error` is cut at 500 characters, None where nobody knows why; `execution` is a workflow's."""

    kind: str
    subject: str
    name: str
    at: datetime
    error: str | None
    execution: str | None = None


class Tally(Struct, frozen=True):
    """What of a subject ended in the hour that begins at `hour`; `ms` is how long all of it took together."""

    kind: str
    subject: str
    name: str
    hour: datetime
    ended: int
    failed: int
    ms: int


# "Kill switch is active" is the operator's own word, and no failure of anything.
_OF_JOBS = """
    action_type IN ('job', 'retry') AND NOT archived AND ts BETWEEN %(since)s AND %(until)s
    AND error IS DISTINCT FROM 'Kill switch is active'"""
_ENDED = "status NOT IN ('new', 'running', 'waiting', 'canceled') AND NOT archived"
_FAILED = "status IN ('error', 'crashed') AND NOT archived"
_BY_ITSELF = "mode IS DISTINCT FROM 'manual'"  # who builds a workflow starts it by hand, and it fails: no trouble

FAILURES = f"""
    (SELECT 'job' AS kind, action AS subject, replace(action, '_', ' ') AS name, ts AS at, left(error, 500) AS error,
            NULL AS execution
     FROM agent_audit_log WHERE success = false AND {_OF_JOBS} ORDER BY ts DESC LIMIT %(most)s)
    UNION ALL
    (SELECT 'workflow', workflow_id, COALESCE(workflow_name, workflow_id), started_at, left(error, 500),
            execution_id
     FROM workflow_executions WHERE {_FAILED} AND {_BY_ITSELF} AND started_at BETWEEN %(since)s AND %(until)s
     ORDER BY started_at DESC LIMIT %(most)s)
    ORDER BY at, subject"""

TALLIES = f"""
    SELECT 'job' AS kind, action AS subject, replace(action, '_', ' ') AS name,
           date_trunc('hour', ts, 'UTC') AS hour, count(*) AS ended, count(*) FILTER (WHERE NOT success) AS failed,
           COALESCE(sum(duration_ms), 0)::bigint AS ms
    FROM (SELECT action, ts, success, duration_ms FROM agent_audit_log
          WHERE success IS NOT NULL AND {_OF_JOBS} AND (%(of)s::text[] IS NULL OR action = ANY(%(of)s))
          ORDER BY ts DESC LIMIT %(most)s) newest
    GROUP BY action, hour
    UNION ALL
    SELECT 'workflow', workflow_id, max(COALESCE(workflow_name, workflow_id)),
           date_trunc('hour', started_at, 'UTC') AS hour, count(*), count(*) FILTER (WHERE failed),
           COALESCE(sum(extract(epoch FROM stopped_at - started_at) * 1000), 0)::bigint
    FROM (SELECT workflow_id, workflow_name, started_at, stopped_at, {_FAILED} AS failed FROM workflow_executions
          WHERE {_ENDED} AND {_BY_ITSELF} AND started_at BETWEEN %(since)s AND %(until)s
            AND (%(of)s::text[] IS NULL OR workflow_id = ANY(%(of)s))
          ORDER BY started_at DESC LIMIT %(most)s) newest
    GROUP BY workflow_id, hour
    ORDER BY hour, subject"""


def failures(conn: Connection, since: datetime, until: datetime, most: int = MOST_FAILURES) -> Sequence[Failure]:
    """What failed, in the order of time; of each kind the newest `most`, without what a person started by hand."""
    return _rows(conn, Failure, FAILURES, since, until, most)


def tallies(
    conn: Connection, since: datetime, until: datetime, most: int = MOST_ROWS, of: Collection[str] | None = None
) -> Sequence[Tally]:
    """What ended and failed by the hour, in the order of time, from the newest `most` rows of each kind.

    With `of` only these jobs and workflows.
    A workflow that a person starts by hand is no measure of how it runs by itself, and is left out.
    """
    return _rows(conn, Tally, TALLIES, since, until, most, of)


def known_since(conn: Connection, since: datetime, until: datetime) -> datetime | None:
    """When the first thing ended that is known of the window; None of an empty one."""
    row = conn.execute(
        """
        SELECT least(
            (SELECT ts FROM agent_audit_log WHERE NOT archived AND ts BETWEEN %(since)s AND %(until)s
             ORDER BY ts LIMIT 1),
            (SELECT started_at FROM workflow_executions
             WHERE NOT archived AND started_at BETWEEN %(since)s AND %(until)s ORDER BY started_at LIMIT 1))
        """,
        {"since": since, "until": until},
    ).fetchone()
    return row[0] if row else None


class Try(Struct, frozen=True):
    """A failure that was tried again: by n8n or the retry queue, or a job's slot. `worked` is whether that did it."""

    kind: str
    subject: str
    name: str
    at: datetime
    worked: bool
    execution: str | None


TRIES = f"""
    SELECT 'workflow' AS kind, f.workflow_id AS subject, COALESCE(f.workflow_name, f.workflow_id) AS name,
           f.started_at AS at, again.status = 'success' AS worked, f.execution_id AS execution
    FROM (SELECT * FROM workflow_executions
          WHERE {_FAILED} AND {_BY_ITSELF} AND retry_of IS NULL AND started_at BETWEEN %(since)s AND %(until)s
          ORDER BY started_at DESC LIMIT %(most)s) f
    CROSS JOIN LATERAL (
        SELECT r.status FROM workflow_executions r
        WHERE r.workflow_id = f.workflow_id AND r.started_at > f.started_at
          AND r.started_at <= f.started_at + interval '10 minutes' AND NOT r.archived
          AND r.status IN ('success', 'error', 'crashed') AND r.execution_id <> f.execution_id
        ORDER BY r.started_at LIMIT 1) again
    UNION ALL
    SELECT 'job', f.action, replace(f.action, '_', ' '), f.ts, again.success, NULL
    FROM (SELECT action, ts, slot FROM agent_audit_log
          WHERE success = false AND output_data ->> 'attempt' = '1' AND {_OF_JOBS} ORDER BY ts DESC LIMIT %(most)s) f
    CROSS JOIN LATERAL (
        SELECT r.success FROM agent_audit_log r
        WHERE r.action = f.action AND r.slot = f.slot AND r.ts > f.ts AND r.ts <= f.ts + interval '1 hour'
          AND r.success IS NOT NULL AND NOT r.archived
        ORDER BY r.ts LIMIT 1) again
    ORDER BY at, subject"""


def tries(conn: Connection, since: datetime, until: datetime, most: int = 5_000) -> Sequence[Try]:
    """Failures of the window that were tried again, a workflow within ten minutes, a job's slot within the hour."""
    return _rows(conn, Try, TRIES, since, until, most)


class Deed(Struct, frozen=True):
    """Something a person did by hand. `kind` is run_workflow, apply_correction, settle_incident or change_page."""

    kind: str
    subject: str
    name: str
    at: datetime
    text: str


DEEDS = """
    (SELECT 'run_workflow' AS kind, workflow_id AS subject, COALESCE(workflow_name, workflow_id) AS name,
            started_at AS at, 'run by hand, ' || status AS text
     FROM workflow_executions
     WHERE mode = 'manual' AND NOT archived AND started_at BETWEEN %(since)s AND %(until)s
     ORDER BY started_at DESC LIMIT %(most)s)
    UNION ALL
    (SELECT 'apply_correction', regexp_replace(title, '[0-9]+', '#', 'g'), title, applied_at, left(title, 200)
     FROM corrections WHERE NOT archived AND applied_at BETWEEN %(since)s AND %(until)s
     ORDER BY applied_at DESC LIMIT %(most)s)
    UNION ALL
    (SELECT 'settle_incident', type, type, acknowledged_at, left(title, 200)
     FROM incidents
     WHERE acknowledged_at >= %(since)s AND opened_at BETWEEN %(since)s AND %(until)s AND NOT archived
     ORDER BY opened_at DESC LIMIT %(most)s)
    UNION ALL
    (SELECT 'change_page', key, COALESCE(fields ->> 'title', left(value, 80)), occurred_at, left(value, 4000)
     FROM memory_items
     WHERE key = ANY (ARRAY(
            SELECT key FROM memory_items
            WHERE authority = 'canonical' AND superseded_at IS NULL AND NOT archived ORDER BY id DESC LIMIT %(most)s))
       AND NOT archived AND occurred_at BETWEEN %(since)s AND %(until)s
       AND EXISTS (SELECT FROM memory_items old
                   WHERE old.key = memory_items.key AND old.id < memory_items.id))
    ORDER BY at, subject"""


def deeds(conn: Connection, since: datetime, until: datetime, most: int = 2_000) -> Sequence[Deed]:
    """What persons did by hand in the window, in the order of time."""
    return _rows(conn, Deed, DEEDS, since, until, most)


class Drained(Struct, frozen=True):
    """A piece of work that left the retry queue, done, at `done`; it had waited since `created`."""

    type: str
    created: datetime
    done: datetime


DRAINED = """
    SELECT type, created_at AS created, updated_at AS done FROM retry_jobs
    WHERE status = 'completed' AND NOT archived AND updated_at BETWEEN %(since)s AND %(until)s
      AND created_at <= updated_at
    ORDER BY updated_at DESC LIMIT %(most)s"""


def drained(conn: Connection, since: datetime, until: datetime, most: int = MOST_FAILURES) -> Sequence[Drained]:
    """What left the retry queue within the window, the oldest first; of more than `most` the newest."""
    return list(reversed(_rows(conn, Drained, DRAINED, since, until, most)))


def _rows(
    conn: Connection, shape: type[Any], statement: str, since: datetime, until: datetime, most: int,
    of: Collection[str] | None = None,
) -> list[Any]:  # fmt: skip
    asked = {"since": since, "until": until, "most": most, "of": None if of is None else sorted(of)}
    with conn.cursor(row_factory=class_row(shape)) as cursor:
        return cursor.execute(statement, asked).fetchall()
