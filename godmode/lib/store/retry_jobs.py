"""retry_jobs: failed work that waits for its next attempt. One row is held by at most one process at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from godmode.lib.store.controls import COLUMNS as CONTROL_COLUMNS
from godmode.lib.store.controls import Controls

EXPIRED = "its point has passed"


class RetryRow(Struct, frozen=True):
    """One piece of work. `errors` is a list of the newest failed attempts' `{"at", "category", "error"}`."""

    id: int
    type: str
    payload: Any
    status: str
    attempts: int
    max_attempts: int
    run_at: datetime
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    unique_key: str | None
    owner_host: str | None
    owner_pid: int | None
    owner_started: str | None
    lease_until: datetime | None
    errors: Any
    note: str | None
    archived: bool

    @property
    def owner(self) -> tuple[str | None, int | None, str | None]:
        return self.owner_host, self.owner_pid, self.owner_started


_COLUMNS = ", ".join(RetryRow.__struct_fields__)
_OF_ROW = ", ".join(f"r.{name}" for name in RetryRow.__struct_fields__)


def enqueue(
    conn: Connection,
    type: str,
    payload: Mapping[str, Any],
    *,
    now: datetime,
    unique_key: str | None = None,
    expires_at: datetime | None = None,
    run_at: datetime | None = None,
    max_attempts: int = 5,
) -> int | None:
    """Add work to be done from `run_at` on (by default now); its number.

    Nothing is added, and None returned, while work of the same `unique_key` is open. From `expires_at` on it is
    no longer done, but marked as expired.
    """
    row = conn.execute(
        """
        INSERT INTO retry_jobs (type, payload, unique_key, expires_at, run_at, max_attempts, created_at, updated_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (unique_key) WHERE status IN ('pending', 'running') DO NOTHING
        RETURNING id
        """,
        (type, Jsonb(payload), unique_key, expires_at, run_at or now, max_attempts, now, now),
    ).fetchone()
    return int(row[0]) if row else None


def claim(
    conn: Connection, limit: int, *, owner: tuple[str, int, str], lease_until: datetime, now: datetime
) -> Sequence[RetryRow]:
    """Take the rows that have been ready the longest, at most `limit`, in the order in which they are to be done."""
    host, pid, started = owner
    with conn.cursor(row_factory=class_row(RetryRow)) as cursor:
        taken = cursor.execute(
            f"""
            UPDATE retry_jobs r
            SET status = 'running', owner_host = %(host)s, owner_pid = %(pid)s, owner_started = %(started)s,
                lease_until = %(lease)s, updated_at = %(now)s
            WHERE id = ANY (ARRAY(
                SELECT id FROM retry_jobs
                WHERE status = 'pending' AND NOT archived AND run_at <= %(now)s
                  AND (expires_at IS NULL OR expires_at > %(now)s)
                ORDER BY run_at, id LIMIT %(limit)s
                FOR UPDATE SKIP LOCKED))
            RETURNING {_OF_ROW}
            """,
            {"host": host, "pid": pid, "started": started, "lease": lease_until, "now": now, "limit": limit},
        ).fetchall()
    return sorted(taken, key=lambda row: (row.run_at, row.id))


def claim_one(
    conn: Connection, number: int, *, owner: tuple[str, int, str], lease_until: datetime, now: datetime
) -> RetryRow | None:
    """Take this row, whatever its time; None where it does not wait, or somebody else took it."""
    host, pid, started = owner
    return next(
        iter(
            _rows(
                conn,
                f"""
                UPDATE retry_jobs r
                SET status = 'running', owner_host = %s, owner_pid = %s, owner_started = %s,
                    lease_until = %s, updated_at = %s
                WHERE id = %s AND status = 'pending' AND NOT archived
                RETURNING {_OF_ROW}
                """,
                host, pid, started, lease_until, now, number,
            )
        ),
        None,
    )  # fmt: skip


class Told(Struct, frozen=True):
    """The audit row of an attempt (see audit.py)."""

    success: bool | None
    error: str | None
    duration_ms: int
    data: Mapping[str, Any]
    run_id: str
    host: str


def settle(
    conn: Connection,
    row: RetryRow,
    status: str,
    now: datetime,
    *,
    attempts: int,
    run_at: datetime | None = None,
    errors: Sequence[Mapping[str, Any]] | None = None,
    note: str | None = None,
    told: Told | None = None,
) -> tuple[bool, Controls | None]:
    """Write what became of a running row, if it is still held as it was seen, and its audit row in any case.

    None leaves `run_at` or `errors` as they are. Returned are whether it was still held, and the controls as they
    are now, for the gate of the next row: one statement, so that a row costs one round trip and one commit.
    """
    host, pid, started = row.owner
    found = conn.execute(
        f"""
        WITH done AS (
            UPDATE retry_jobs SET
                status = %(status)s, attempts = %(attempts)s, run_at = COALESCE(%(run_at)s, run_at),
                errors = COALESCE(%(errors)s, errors), note = %(note)s, updated_at = %(now)s,
                owner_host = NULL, owner_pid = NULL, owner_started = NULL, lease_until = NULL
            WHERE id = %(id)s AND status = 'running'
              AND (owner_host, owner_pid, owner_started) IS NOT DISTINCT FROM
                  (%(host)s::text, %(pid)s::integer, %(started)s::text)
            RETURNING id
        ), told AS (
            INSERT INTO agent_audit_log
                (ts, action, action_type, success, error, duration_ms, output_data, run_id, host)
            SELECT %(now)s, %(type)s, 'retry', %(success)s, %(error)s::text, %(ms)s,
                   %(data)s || CASE WHEN EXISTS (SELECT FROM done) THEN '{{}}'
                                    ELSE '{{"outcome": "lost to another process"}}' END::jsonb,
                   %(run_id)s, %(by)s
            WHERE %(tell)s
        )
        SELECT EXISTS (SELECT FROM done), c.id, {CONTROL_COLUMNS} FROM (SELECT) one LEFT JOIN agent_controls c ON true
        """,
        {
            "id": row.id, "status": status, "attempts": attempts, "run_at": run_at, "note": note, "now": now,
            "errors": Jsonb(errors) if errors is not None else None, "host": host, "pid": pid, "started": started,
            "type": row.type, **_values(told),
        },
    ).fetchone()  # fmt: skip
    assert found is not None
    return found[0], Controls(*found[2:]) if found[1] is not None else None


def _values(told: Told | None) -> dict[str, Any]:
    row = told or Told(None, None, 0, {}, "", "")
    return {
        "tell": told is not None, "success": row.success, "error": row.error, "ms": row.duration_ms,
        "data": Jsonb(row.data), "run_id": row.run_id, "by": row.host,
    }  # fmt: skip


def give_back(conn: Connection, rows: Sequence[RetryRow], now: datetime) -> None:
    """Let go of rows that one process claimed and did not begin, as they were before."""
    if not rows:
        return
    host, pid, started = rows[0].owner
    conn.execute(
        """
        UPDATE retry_jobs SET
            status = 'pending', updated_at = %s,
            owner_host = NULL, owner_pid = NULL, owner_started = NULL, lease_until = NULL
        WHERE id = ANY (%s) AND status = 'running'
          AND (owner_host, owner_pid, owner_started) IS NOT DISTINCT FROM (%s::text, %s::integer, %s::text)
        """,
        (now, [row.id for row in rows], host, pid, started),
    )


def expire(conn: Connection, now: datetime, limit: int = 100) -> Sequence[RetryRow]:
    """Mark waiting rows whose `expires_at` has passed as expired, at most `limit`; these rows."""
    with conn.cursor(row_factory=class_row(RetryRow)) as cursor:
        return cursor.execute(
            f"""
            UPDATE retry_jobs r SET status = 'expired', note = %(note)s, updated_at = %(now)s
            WHERE id = ANY (ARRAY(
                SELECT id FROM retry_jobs
                WHERE status = 'pending' AND NOT archived AND expires_at <= %(now)s
                LIMIT %(limit)s
                FOR UPDATE SKIP LOCKED))
            RETURNING {_OF_ROW}
            """,
            {"note": EXPIRED, "now": now, "limit": limit},
        ).fetchall()


def running(conn: Connection, limit: int = 100) -> Sequence[RetryRow]:
    """The rows that some process holds, of each process in the order in which it does them."""
    return _rows(
        conn,
        f"""
        SELECT {_COLUMNS} FROM retry_jobs
        WHERE status = 'running' AND NOT archived ORDER BY run_at, id LIMIT %s
        """,
        limit,
    )


def waiting(conn: Connection, limit: int = 1000) -> Sequence[RetryRow]:
    """What is running or waits, in the order of its time."""
    return _rows(
        conn,
        f"""
        SELECT {_COLUMNS} FROM retry_jobs
        WHERE status IN ('pending', 'running') AND NOT archived ORDER BY run_at, id LIMIT %s
        """,
        limit,
    )


def ready(conn: Connection, now: datetime, limit: int) -> Sequence[RetryRow]:
    """What a run would take now, in its order."""
    return _rows(
        conn,
        f"""
        SELECT {_COLUMNS} FROM retry_jobs
        WHERE status = 'pending' AND NOT archived AND run_at <= %s AND (expires_at IS NULL OR expires_at > %s)
        ORDER BY run_at, id LIMIT %s
        """,
        now,
        now,
        limit,
    )


def one(conn: Connection, number: int) -> RetryRow | None:
    """A row by its number."""
    return next(iter(_rows(conn, f"SELECT {_COLUMNS} FROM retry_jobs WHERE id = %s", number)), None)


def _rows(conn: Connection, statement: str, *values: object) -> Sequence[RetryRow]:
    with conn.cursor(row_factory=class_row(RetryRow)) as cursor:
        return cursor.execute(statement, values).fetchall()


def counts(conn: Connection, now: datetime) -> dict[str, int]:
    """How many rows wait, are ready, are held, and were completed within the last day."""
    row = conn.execute(
        """
        SELECT count(*) FILTER (WHERE status = 'pending'),
               count(*) FILTER (WHERE status = 'pending' AND run_at <= %(now)s),
               count(*) FILTER (WHERE status = 'running'),
               (SELECT count(*) FROM retry_jobs
                WHERE status = 'completed' AND NOT archived AND updated_at >= %(now)s - interval '1 day')
        FROM retry_jobs WHERE status IN ('pending', 'running') AND NOT archived
        """,
        {"now": now},
    ).fetchone()
    return dict(zip(("waiting", "ready", "running", "completed_last_day"), row or (), strict=True))


def hasten(conn: Connection, number: int, now: datetime) -> bool:
    """Let a waiting row run at the next chance; whether it waited."""
    done = conn.execute(
        "UPDATE retry_jobs SET run_at = %s, updated_at = %s WHERE id = %s AND status = 'pending'", (now, now, number)
    )
    return done.rowcount == 1


def dismiss(conn: Connection, number: int, reason: str, now: datetime) -> bool:
    """Flag a waiting row as not wanted any more; whether it waited."""
    done = conn.execute(
        """
        UPDATE retry_jobs SET status = 'dismissed', note = %s, updated_at = %s WHERE id = %s AND status = 'pending'
        """,
        (reason, now, number),
    )
    return done.rowcount == 1
