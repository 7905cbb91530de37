"""job_state: one row per job, with its newest slot and the run that holds it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, field
from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from godmode.lib.store.controls import COLUMNS as CONTROL_COLUMNS
from godmode.lib.store.controls import Controls


class JobState(Struct, frozen=True):
    """A job's row; the defaults are those of a job that never ran.

    `interval_minutes` is in place of the configured interval, by a proposal that she approved.
    """

    job: str
    enabled: bool = True
    version: int = 0
    slot: str | None = None
    attempt: int = 0
    state: str = "idle"
    run_id: str | None = None
    owner_host: str | None = None
    owner_pid: int | None = None
    owner_started: str | None = None
    lease_until: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    retry_at: datetime | None = None
    last_success_at: datetime | None = None
    consecutive_failures: int = 0
    alerted: bool = False
    last_error: str | None = None
    last_skip: str | None = None
    recent: list[dict[str, Any]] = field(default_factory=list)
    interval_minutes: int | None = None


_NAMES = tuple(JobState.__struct_fields__)
_COLUMNS = ", ".join(f"j.{name}" for name in _NAMES)


class Facts(Struct, frozen=True):
    """What a run asks the database first: one statement, one round trip."""

    schema: int
    controls: Controls | None
    job: JobState


def facts(conn: Connection, job: str) -> Facts:
    """The schema's version, the controls and the job's row. Raises psycopg's UndefinedTable on an empty database,
    UndefinedColumn on one of an older version."""
    row = conn.execute(
        f"""
        SELECT (SELECT max(version) FROM schema_migrations), c.id, {CONTROL_COLUMNS}, {_COLUMNS}
        FROM (SELECT) one LEFT JOIN agent_controls c ON true LEFT JOIN job_state j ON j.job = %s
        """,
        (job,),
    ).fetchone()
    assert row is not None
    split = 2 + len(Controls.__struct_fields__)
    controls = Controls(*row[2:split]) if row[1] is not None else None
    state = JobState(*row[split:]) if row[split] is not None else JobState(job)
    return Facts(row[0] or 0, controls, state)


def all_rows(conn: Connection) -> Sequence[JobState]:
    """Every job that has a row."""
    with conn.cursor(row_factory=class_row(JobState)) as cursor:
        return cursor.execute(f"SELECT {_COLUMNS} FROM job_state j ORDER BY j.job").fetchall()


def of(conn: Connection, job: str) -> JobState:
    """The row of a job."""
    with conn.cursor(row_factory=class_row(JobState)) as cursor:
        row = cursor.execute(f"SELECT {_COLUMNS} FROM job_state j WHERE j.job = %s", (job,)).fetchone()
    return row or JobState(job)


def running(conn: Connection) -> Sequence[JobState]:
    """The rows of jobs that were begun and have no outcome yet."""
    with conn.cursor(row_factory=class_row(JobState)) as cursor:
        return cursor.execute(f"SELECT {_COLUMNS} FROM job_state j WHERE j.state = 'running' ORDER BY j.job").fetchall()


def claim(
    conn: Connection,
    seen: JobState,
    *,
    slot: str,
    attempt: int,
    run_id: str,
    owner: tuple[str, int, str],
    lease_until: datetime,
    now: datetime,
) -> bool:
    """Take the slot if the row is still as it was seen (compare-and-set on `version`); whether it was taken.

    A slot before the stored one (`--again` with the clock set back) is run and leaves that one where it is, or all
    that ran since would be due again.
    """
    host, pid, started = owner
    row = conn.execute(
        """
        INSERT INTO job_state AS j (job, version, slot, attempt, state, run_id,
                                    owner_host, owner_pid, owner_started, lease_until, started_at)
        VALUES (%(job)s, 1, %(slot)s, %(attempt)s, 'running', %(run_id)s,
                %(host)s, %(pid)s, %(started)s, %(lease)s, %(now)s)
        ON CONFLICT (job) DO UPDATE SET
            version = j.version + 1, slot = GREATEST(j.slot, EXCLUDED.slot), attempt = EXCLUDED.attempt,
            state = EXCLUDED.state, run_id = EXCLUDED.run_id, owner_host = EXCLUDED.owner_host,
            owner_pid = EXCLUDED.owner_pid, owner_started = EXCLUDED.owner_started, lease_until = EXCLUDED.lease_until,
            started_at = EXCLUDED.started_at, finished_at = NULL, retry_at = NULL
        WHERE j.version = %(seen)s
        RETURNING j.version
        """,
        {
            "job": seen.job, "slot": slot, "attempt": attempt, "run_id": run_id, "host": host, "pid": pid,
            "started": started, "lease": lease_until, "now": now, "seen": seen.version,
        },
    ).fetchone()  # fmt: skip
    return row is not None


def finish(
    conn: Connection,
    job: str,
    run_id: str,
    *,
    succeeded: bool,
    counts: bool,
    error: str | None,
    retry_at: datetime | None,
    now: datetime,
    entry: dict[str, Any],
) -> tuple[int, bool] | None:
    """Record the end of a run; None when the claim was lost.

    Returned are the number of failures in a row before it, and whether that streak was told of. `entry` joins the
    last 20 outcomes; a run that does not count as a failure leaves the streak as it is, and uses up no attempt.
    """
    row = conn.execute(
        """
        WITH before AS (
            SELECT consecutive_failures, alerted FROM job_state WHERE job = %(job)s AND run_id = %(run_id)s
        )
        UPDATE job_state j SET
            version = j.version + 1,
            state = CASE WHEN %(ok)s THEN 'succeeded' ELSE 'failed' END,
            attempt = CASE WHEN %(ok)s THEN j.attempt ELSE j.attempt - 1 + %(counts)s END,
            finished_at = %(now)s, retry_at = %(retry_at)s, last_error = %(error)s, last_skip = NULL,
            last_success_at = CASE WHEN %(ok)s THEN %(now)s ELSE j.last_success_at END,
            consecutive_failures = CASE WHEN %(ok)s THEN 0
                                        ELSE j.consecutive_failures + %(counts)s END,
            alerted = j.alerted AND NOT %(ok)s,
            recent = (CASE WHEN jsonb_array_length(j.recent) >= 20 THEN j.recent - 0 ELSE j.recent END) || %(entry)s
        FROM before
        WHERE j.job = %(job)s AND j.run_id = %(run_id)s AND j.state = 'running'
        RETURNING before.consecutive_failures, before.alerted
        """,
        {
            "job": job, "run_id": run_id, "ok": succeeded, "counts": int(counts), "now": now, "retry_at": retry_at,
            "error": error, "entry": Jsonb(entry),
        },
    ).fetchone()  # fmt: skip
    return (row[0], row[1]) if row else None


def mark_alerted(conn: Connection, job: str) -> None:
    """The present streak of failures was told of, so that it is not told again until the job has worked."""
    conn.execute("UPDATE job_state SET alerted = true WHERE job = %s", (job,))


def note_skip(conn: Connection, job: str, skip: str) -> None:
    """Remember the newest skip, so that the same one is not audited at every tick."""
    conn.execute(
        """
        INSERT INTO job_state AS j (job, last_skip) VALUES (%s, %s)
        ON CONFLICT (job) DO UPDATE SET last_skip = EXCLUDED.last_skip
        """,
        (job, skip),
    )


def enable(conn: Connection, job: str, enabled: bool) -> None:
    """Switch one job on or off."""
    conn.execute(
        """
        INSERT INTO job_state (job, enabled) VALUES (%s, %s)
        ON CONFLICT (job) DO UPDATE SET enabled = EXCLUDED.enabled
        """,
        (job, enabled),
    )


def intervals(conn: Connection) -> dict[str, int]:
    """The intervals, in minutes, that are in place of the configured ones."""
    rows = conn.execute("SELECT job, interval_minutes FROM job_state WHERE interval_minutes IS NOT NULL ORDER BY job")
    return {job: minutes for job, minutes in rows}


def set_interval(conn: Connection, job: str, minutes: int | None) -> None:
    """Let a job run at another interval than the configured one; None: at that one."""
    conn.execute(
        """
        INSERT INTO job_state (job, interval_minutes) VALUES (%s, %s)
        ON CONFLICT (job) DO UPDATE SET interval_minutes = EXCLUDED.interval_minutes
        """,
        (job, minutes),
    )
