"""dead_letter_jobs: work that was given up on and waits for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb


class DeadLetter(Struct, frozen=True):
    """One piece of work given up on. `status` is open, retried or dismissed; `errors` as in retry_jobs."""

    id: int
    retry_job_id: int | None
    type: str
    payload: Any
    attempts: int
    error: str | None
    errors: Any
    status: str
    note: str | None
    created_at: datetime
    updated_at: datetime
    archived: bool


_COLUMNS = ", ".join(DeadLetter.__struct_fields__)


def bury(
    conn: Connection,
    type_: str,
    payload: Any,
    attempts: int,
    error: str,
    now: datetime,
    *,
    retry_job_id: int | None = None,
    errors: Sequence[Mapping[str, Any]] = (),
) -> int:
    """Add a dead letter, with the error of its last attempt, and with those before where they are known; its number."""
    row = conn.execute(
        """
        INSERT INTO dead_letter_jobs (type, payload, attempts, error, created_at, updated_at, retry_job_id, errors)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
        """,
        (type_, Jsonb(payload), attempts, error, now, now, retry_job_id, Jsonb(list(errors))),
    ).fetchone()
    assert row is not None
    return int(row[0])


def count_open(conn: Connection) -> int:
    """How many wait."""
    row = conn.execute("SELECT count(*) FROM dead_letter_jobs WHERE status = 'open' AND NOT archived").fetchone()
    return int(row[0]) if row else 0


def waiting(conn: Connection, limit: int = 1000) -> Sequence[DeadLetter]:
    """Those that wait, the oldest first."""
    return _rows(
        conn,
        f"""
        SELECT {_COLUMNS} FROM dead_letter_jobs
        WHERE status = 'open' AND NOT archived ORDER BY created_at, id LIMIT %s
        """,
        limit,
    )


def one(conn: Connection, number: int) -> DeadLetter | None:
    """A dead letter by its number."""
    return next(iter(_rows(conn, f"SELECT {_COLUMNS} FROM dead_letter_jobs WHERE id = %s", number)), None)


def of_retry(conn: Connection, retry_job_id: int) -> DeadLetter | None:
    """The dead letter that a row of the retry queue became."""
    statement = f"SELECT {_COLUMNS} FROM dead_letter_jobs WHERE retry_job_id = %s ORDER BY id DESC LIMIT 1"
    return next(iter(_rows(conn, statement, retry_job_id)), None)


def _rows(conn: Connection, statement: str, *values: object) -> Sequence[DeadLetter]:
    with conn.cursor(row_factory=class_row(DeadLetter)) as cursor:
        return cursor.execute(statement, values).fetchall()


def close(conn: Connection, number: int, status: str, note: str | None, now: datetime) -> bool:
    """Flag an open dead letter as `retried` or `dismissed`; whether it was open."""
    done = conn.execute(
        """
        UPDATE dead_letter_jobs SET status = %s, note = %s, updated_at = %s WHERE id = %s AND status = 'open'
        """,
        (status, note, now, number),
    )
    return done.rowcount == 1


def reopen(conn: Connection, number: int, note: str, now: datetime) -> bool:
    """Let a dead letter that was retried wait again; whether it was."""
    done = conn.execute(
        """
        UPDATE dead_letter_jobs SET status = 'open', note = %s, updated_at = %s WHERE id = %s AND status = 'retried'
        """,
        (note, now, number),
    )
    return done.rowcount == 1
