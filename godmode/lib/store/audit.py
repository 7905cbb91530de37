"""agent_audit_log: every outcome, one row. Rows are never changed but for their `archived` flag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb


class AuditRow(Struct, frozen=True):
    """One outcome. `success` is None for what was skipped by rule."""

    id: int
    ts: datetime
    action: str
    action_type: str
    success: bool | None
    error: str | None
    duration_ms: int | None
    output_data: dict[str, Any]
    run_id: str | None
    slot: str | None


_COLUMNS = ", ".join(AuditRow.__struct_fields__)


def write(
    conn: Connection,
    now: datetime,
    action: str,
    action_type: str,
    *,
    success: bool | None,
    error: str | None = None,
    duration_ms: int | None = None,
    data: Mapping[str, Any] | None = None,
    run_id: str | None = None,
    slot: str | None = None,
    host: str | None = None,
) -> None:
    """Add one row."""
    conn.execute(
        """
        INSERT INTO agent_audit_log
            (ts, action, action_type, success, error, duration_ms, output_data, run_id, slot, host)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (now, action, action_type, success, error, duration_ms, Jsonb(data or {}), run_id, slot, host),
    )


def is_recorded(conn: Connection, job: str, run_id: str) -> bool:
    """Whether the outcome of a job's run stands there."""
    row = conn.execute(
        "SELECT EXISTS (SELECT FROM agent_audit_log WHERE run_id = %s AND action = %s AND action_type = 'job')",
        (run_id, job),
    ).fetchone()
    return bool(row and row[0])


def recent(
    conn: Connection,
    *,
    limit: int,
    since: datetime | None = None,
    action: str | None = None,
    failed: bool = False,
    run_id: str | None = None,
    archived: bool = False,
) -> Sequence[AuditRow]:
    """The newest rows, newest first; archived ones only when asked for."""
    conditions = {
        "NOT archived": not archived,
        "ts >= %(since)s": since is not None,
        "action = %(action)s": action is not None,
        "success = false": failed,
        "run_id = %(run_id)s": run_id is not None,
    }
    where = " AND ".join(c for c, wanted in conditions.items() if wanted) or "true"
    with conn.cursor(row_factory=class_row(AuditRow)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM agent_audit_log WHERE {where} ORDER BY ts DESC, id DESC LIMIT %(limit)s",
            {"since": since, "action": action, "run_id": run_id, "limit": limit},
        ).fetchall()


def search(conn: Connection, words: str, since: datetime, limit: int) -> Sequence[AuditRow]:
    """The newest rows since then that contain all the words, newest first, without what is archived."""
    from godmode.lib.store import matching  # every run imports this module, and none searches

    with conn.cursor(row_factory=class_row(AuditRow)) as cursor:
        return cursor.execute(
            f"""
            SELECT {_COLUMNS} FROM agent_audit_log
            WHERE NOT archived AND ts >= %s
              AND concat_ws(' ', action, action_type, error, run_id, slot, host, output_data::text) ILIKE ALL (%s)
            ORDER BY ts DESC, id DESC LIMIT %s
            """,
            (since, matching.all_of(words), limit),
        ).fetchall()
