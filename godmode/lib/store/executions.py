"""workflow_executions: each execution once, its newest state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import class_row

from godmode.lib.kernel import Gone, Record
from godmode.lib.store.ingest import Stored

FAILED = "status IN ('error', 'crashed') AND retry_success_id IS NULL AND NOT archived"


def store(conn: Connection, source: str, records: Sequence[Record], authority: str, now: datetime) -> Stored:
    """Store a batch in one transaction: new executions, and those whose state changed. `noted_at` is when that was.

    A success that retries a failed execution is written to that one as well: it is no failure any more.
    """
    newest = list({r.id: dict(r.fields) | {"id": r.id} for r in records}.values())
    fields = (
        "id", "workflow_id", "workflow_name", "status", "mode", "started_at", "stopped_at", "retry_of",
        "retry_success_id",
    )  # fmt: skip
    with conn.transaction():
        rows = conn.execute(
            """
            INSERT INTO workflow_executions AS e
                (execution_id, workflow_id, workflow_name, status, mode, started_at, stopped_at, retry_of,
                 retry_success_id, noted_at)
            SELECT id, workflow_id, workflow_name, status, mode, started_at::timestamptz, stopped_at::timestamptz,
                   retry_of, retry_success_id, %(now)s
            FROM unnest(%(id)s::text[], %(workflow_id)s::text[], %(workflow_name)s::text[], %(status)s::text[],
                        %(mode)s::text[], %(started_at)s::text[], %(stopped_at)s::text[], %(retry_of)s::text[],
                        %(retry_success_id)s::text[])
                AS r (id, workflow_id, workflow_name, status, mode, started_at, stopped_at, retry_of, retry_success_id)
            ON CONFLICT (execution_id) DO UPDATE SET
                workflow_id = EXCLUDED.workflow_id, status = EXCLUDED.status, mode = EXCLUDED.mode,
                workflow_name = COALESCE(EXCLUDED.workflow_name, e.workflow_name),
                started_at = EXCLUDED.started_at, stopped_at = EXCLUDED.stopped_at, retry_of = EXCLUDED.retry_of,
                retry_success_id = COALESCE(EXCLUDED.retry_success_id, e.retry_success_id),
                noted_at = EXCLUDED.noted_at, gone_at = NULL
            WHERE (e.status, e.started_at, e.stopped_at, e.workflow_id)
                  IS DISTINCT FROM (EXCLUDED.status, EXCLUDED.started_at, EXCLUDED.stopped_at, EXCLUDED.workflow_id)
               OR e.retry_success_id IS DISTINCT FROM COALESCE(EXCLUDED.retry_success_id, e.retry_success_id)
               OR e.gone_at IS NOT NULL
            RETURNING xmax = 0
            """,
            {name: [row[name] for row in newest] for name in fields} | {"now": now},
        ).fetchall()
        conn.execute(
            """
            UPDATE workflow_executions e SET retry_success_id = r.execution_id
            FROM workflow_executions r
            WHERE r.execution_id = ANY(%s) AND r.status = 'success'
              AND e.execution_id = r.retry_of AND e.retry_success_id IS NULL
            """,
            ([row["id"] for row in newest],),
        )
    new = sum(row[0] for row in rows)
    return Stored(new, len(rows) - new, len(newest) - len(rows))


def remove(conn: Connection, source: str, gone: Sequence[Gone], now: datetime) -> int:
    """Note that n8n no longer has these; how many it had until now. What is known of them stays."""
    return conn.execute(
        "UPDATE workflow_executions SET gone_at = %s WHERE execution_id = ANY(%s) AND gone_at IS NULL",
        (now, [g.id for g in gone]),
    ).rowcount


def absent(conn: Connection, source: str, ids: Sequence[str]) -> list[str]:
    """Those of the ids that are not stored, or are stored as gone."""
    rows = conn.execute(
        """
        SELECT id FROM unnest(%s::text[]) AS wanted (id)
        WHERE NOT EXISTS (SELECT FROM workflow_executions WHERE execution_id = wanted.id AND gone_at IS NULL)
        """,
        (list(ids),),
    )
    return [row[0] for row in rows]


def ids(conn: Connection, source: str) -> Iterator[str]:
    """The ids of all executions that n8n had when it was last asked, read in pages of 10,000."""
    last = ""
    while True:
        rows = conn.execute(
            """
            SELECT execution_id FROM workflow_executions WHERE execution_id > %s AND gone_at IS NULL
            ORDER BY execution_id LIMIT 10000
            """,
            (last,),
        ).fetchall()
        if not rows:
            return
        yield from (row[0] for row in rows)
        last = rows[-1][0]


@dataclass(frozen=True)
class Failing:
    """A workflow's failures since a moment. `name` is None where n8n did not tell it."""

    workflow_id: str
    name: str | None
    count: int


def failing(conn: Connection, since: datetime | None) -> Sequence[Failing]:
    """The workflows of which failures were read after `since` (None: ever), without those retried with success."""
    with conn.cursor(row_factory=class_row(Failing)) as cursor:
        return cursor.execute(
            f"""
            SELECT workflow_id, max(workflow_name) AS name, count(*) AS count FROM workflow_executions
            WHERE noted_at > COALESCE(%(since)s::timestamptz, '-infinity') AND {FAILED}
            GROUP BY workflow_id ORDER BY workflow_id
            """,
            {"since": since},
        ).fetchall()


@dataclass(frozen=True)
class Failure:
    """One failed execution. `error` is None as long as nobody asked n8n for it."""

    execution_id: str
    stopped_at: datetime | None
    error: str | None


def failures(conn: Connection, workflow_id: str, since: datetime | None, limit: int) -> tuple[int, Sequence[Failure]]:
    """How many failures of a workflow were read after `since`, and the latest few of them, newest first."""
    where = f"workflow_id = %(workflow)s AND noted_at > COALESCE(%(since)s::timestamptz, '-infinity') AND {FAILED}"
    values = {"workflow": workflow_id, "since": since, "limit": limit}
    row = conn.execute(f"SELECT count(*) FROM workflow_executions WHERE {where}", values).fetchone()
    with conn.cursor(row_factory=class_row(Failure)) as cursor:
        latest = cursor.execute(
            f"""
            SELECT execution_id, stopped_at, error FROM workflow_executions WHERE {where}
            ORDER BY COALESCE(stopped_at, started_at, noted_at) DESC, execution_id DESC LIMIT %(limit)s
            """,
            values,
        ).fetchall()
    return int(row[0]) if row else 0, latest


def workflow_of(conn: Connection, execution_id: str) -> tuple[str, str | None] | None:
    """The workflow of an execution: its id and its name."""
    row = conn.execute(
        "SELECT workflow_id, workflow_name FROM workflow_executions WHERE execution_id = %s", (execution_id,)
    ).fetchone()
    return (row[0], row[1]) if row else None


def recovered(conn: Connection, workflow_id: str, before: datetime) -> datetime | None:
    """When a workflow last failed, if it succeeded after that and has not failed since `before`; else None."""
    row = conn.execute(
        f"""
        SELECT failed.at FROM (
            SELECT COALESCE(stopped_at, started_at, noted_at) AS at, started_at, noted_at FROM workflow_executions
            WHERE workflow_id = %(workflow)s AND {FAILED} ORDER BY started_at DESC LIMIT 1) failed
        WHERE greatest(failed.at, failed.noted_at) <= %(before)s AND EXISTS (
            SELECT FROM workflow_executions w
            WHERE w.workflow_id = %(workflow)s AND w.started_at > failed.started_at AND w.status = 'success'
              AND NOT w.archived)
        """,
        {"workflow": workflow_id, "before": before},
    ).fetchone()
    return row[0] if row else None


def note_errors(conn: Connection, errors: Mapping[str, str]) -> None:
    """Keep why executions failed."""
    conn.execute(
        """
        UPDATE workflow_executions e SET error = r.error
        FROM unnest(%s::text[], %s::text[]) AS r (id, error) WHERE e.execution_id = r.id
        """,
        (list(errors), list(errors.values())),
    )
