"""corrections: what was changed by a proposal that she approved, from what to what, and whether it was taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from godmode.lib.store.idleness import FOUND_NOTHING


@dataclass(frozen=True)
class Correction:
    """One change. `figure` is what was counted when it was applied, `{"what", "value", "counted", "of"}`, None where
    nothing was."""

    id: int
    proposal_id: int | None
    title: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    applied_at: datetime
    undone_at: datetime | None
    figure: dict[str, Any] | None


_COLUMNS = ", ".join(Correction.__dataclass_fields__)


def add(
    conn: Connection,
    proposal_id: int,
    title: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    figure: Mapping[str, Any] | None,
    now: datetime,
) -> int:
    """Note a change that was made; its number."""
    row = conn.execute(
        """
        INSERT INTO corrections (proposal_id, title, before, after, figure, applied_at)
        VALUES (%s, %s, %s, %s, %s, %s) RETURNING id
        """,
        (
            proposal_id, title, Jsonb(dict(before)), Jsonb(dict(after)),
            Jsonb(dict(figure)) if figure is not None else None, now,
        ),
    ).fetchone()  # fmt: skip
    assert row is not None
    return int(row[0])


def of(conn: Connection, proposal_id: int) -> Correction | None:
    """The newest correction of a proposal."""
    with conn.cursor(row_factory=class_row(Correction)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM corrections WHERE proposal_id = %s ORDER BY id DESC LIMIT 1", (proposal_id,)
        ).fetchone()


def undo(conn: Connection, number: int, now: datetime) -> bool:
    """Note that a change was taken back; whether it was not before."""
    done = conn.execute("UPDATE corrections SET undone_at = %s WHERE id = %s AND undone_at IS NULL", (now, number))
    return done.rowcount == 1


def applied_between(conn: Connection, begin: datetime, end: datetime, limit: int = 50) -> Sequence[Correction]:
    """What was changed in a stretch of time (its end not included) and stands, the oldest first."""
    with conn.cursor(row_factory=class_row(Correction)) as cursor:
        return cursor.execute(
            f"""
            SELECT {_COLUMNS} FROM corrections
            WHERE applied_at >= %s AND applied_at < %s AND undone_at IS NULL AND NOT archived
            ORDER BY applied_at, id LIMIT %s
            """,
            (begin, end, limit),
        ).fetchall()


WEEK = timedelta(days=7)

# What can be counted over a week, of a workflow, a job or a type: each reads that week through an index.
COUNTED = {
    "failed_runs": """
        SELECT count(*) FROM workflow_executions
        WHERE workflow_id = %s AND started_at > %s AND started_at <= %s
          AND status IN ('error', 'crashed') AND retry_success_id IS NULL AND NOT archived""",
    "failed_jobs": """
        SELECT count(*) FROM agent_audit_log
        WHERE action = %s AND ts > %s AND ts <= %s AND success = false AND action_type = 'job' AND NOT archived""",
    "idle_syncs": f"""
        SELECT count(*) FROM agent_audit_log
        WHERE action = %s AND ts > %s AND ts <= %s AND success AND action_type = 'job' AND NOT archived
          AND {FOUND_NOTHING}""",
    "incidents": """
        SELECT count(*) FROM incidents
        WHERE type = %s AND opened_at > %s AND opened_at <= %s AND NOT archived""",
    "dead_letters": """
        SELECT count(*) FROM dead_letter_jobs
        WHERE type = %s AND created_at > %s AND created_at <= %s AND NOT archived""",
}


def count(conn: Connection, counted: str, of: str, now: datetime) -> int:
    """How many there were in the week before `now`."""
    row = conn.execute(COUNTED[counted], (of, now - WEEK, now)).fetchone()
    return int(row[0]) if row else 0
