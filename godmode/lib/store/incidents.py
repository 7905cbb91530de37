"""incidents: what is wrong, one unresolved row for each trouble, which grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from godmode.lib.kernel import Incident
from godmode.lib.store import audit, outbox


@dataclass(frozen=True)
class Unresolved:
    """An incident that is not resolved."""

    id: int
    dedup_key: str | None
    related_workflow_id: str | None
    occurrences: int
    evidence: dict[str, Any]


@dataclass(frozen=True)
class IncidentRow:
    """All of an incident; `muted_until` is when its type is told of again, where it is muted.

    `subjects` and `life` are as in incident_rows.Row.
    """

    id: int
    type: str
    severity: str
    title: str
    status: str
    opened_at: datetime
    last_seen_at: datetime
    occurrences: int
    reopened: int
    flapping: bool
    told: int
    told_at: datetime | None
    related_workflow_id: str | None
    watcher: str | None
    dedup_key: str | None
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    archived: bool
    subjects: list[dict[str, Any]]
    evidence: dict[str, Any]
    life: list[dict[str, Any]]
    muted_until: datetime | None


_MUTED = """(SELECT max(m.until) FROM incident_mutes m
             WHERE m.type = i.type AND m.lifted_at IS NULL AND m.until > %(now)s)"""
_COLUMNS = ", ".join(
    f"{_MUTED} AS muted_until" if name == "muted_until" else f"i.{name}" for name in IncidentRow.__dataclass_fields__
)


def listed(conn: Connection, now: datetime, *, resolved: bool = False, limit: int = 200) -> Sequence[IncidentRow]:
    """Incidents that are not resolved, the most severe first, then the oldest; with `resolved` all that are not
    archived, the newest first."""
    which = "true" if resolved else "i.status <> 'resolved'"
    order = "i.opened_at DESC, i.id DESC" if resolved else "i.severity = 'INFO', i.severity, i.opened_at, i.id"
    with conn.cursor(row_factory=class_row(IncidentRow)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM incidents i WHERE {which} AND NOT i.archived ORDER BY {order} LIMIT %(limit)s",
            {"now": now, "limit": limit},
        ).fetchall()


def one(conn: Connection, incident_id: int, now: datetime) -> IncidentRow | None:
    """An incident by its number."""
    with conn.cursor(row_factory=class_row(IncidentRow)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM incidents i WHERE i.id = %(id)s", {"now": now, "id": incident_id}
        ).fetchone()


@dataclass(frozen=True)
class Told:
    """A message that told of an incident."""

    created_at: datetime
    status: str
    title: str
    channel: str | None
    sent_at: datetime | None


def told(conn: Connection, row: IncidentRow, limit: int = 50) -> Sequence[Told]:
    """The messages that told of an incident, its repetitions among them, the oldest first."""
    if row.dedup_key is None:
        return []
    with conn.cursor(row_factory=class_row(Told)) as cursor:
        return cursor.execute(
            f"""
            SELECT created_at, status, title, channel, sent_at FROM notifications
            WHERE type = 'incident' AND created_at >= %(since)s AND NOT archived
              AND split_part(dedup_key, '{outbox.AGAIN}', 1) = %(key)s
            ORDER BY created_at, id LIMIT %(limit)s
            """,
            {"since": row.opened_at, "key": row.dedup_key, "limit": limit},
        ).fetchall()


def decide(
    conn: Connection, incident_id: int, verdict: str, now: datetime, *, by: str, reason: str = ""
) -> IncidentRow | None:
    """Set an incident to `acknowledged` or `resolved`, with its audit row, in one transaction; None where it is so
    already, is over, or is missing. What waits to tell of it is not told any more.
    """
    step = {"at": now.isoformat(), "what": verdict, "by": by} | ({"why": reason} if reason else {})
    before = ("open",) if verdict == "acknowledged" else ("open", "acknowledged")
    at = "acknowledged_at" if verdict == "acknowledged" else "resolved_at"
    with conn.transaction():
        changed = conn.execute(
            f"""
            UPDATE incidents SET status = %(verdict)s, {at} = %(now)s,
                life = CASE WHEN jsonb_typeof(life) <> 'array' THEN jsonb_build_array(life)
                            WHEN jsonb_array_length(life) >= 100 THEN life - 0 ELSE life END || %(step)s::jsonb
            WHERE id = %(id)s AND status = ANY(%(before)s) AND NOT archived
            RETURNING dedup_key, title
            """,
            {"id": incident_id, "verdict": verdict, "now": now, "step": Jsonb(step), "before": list(before)},
        ).fetchone()
        if changed is None:
            return None
        if changed[0]:
            outbox.over(conn, changed[0], now)
        data = {"incident": incident_id, "title": changed[1], "by": by, "reason": reason}
        audit.write(conn, now, f"incident_{verdict}", "decision", success=True, data=data)
        return one(conn, incident_id, now)


def unresolved(conn: Connection, type_: str) -> Sequence[Unresolved]:
    """The incidents of a type that are not resolved and that no watcher keeps, oldest first."""
    with conn.cursor(row_factory=class_row(Unresolved)) as cursor:
        return cursor.execute(
            """
            SELECT id, dedup_key, related_workflow_id, occurrences, evidence FROM incidents
            WHERE type = %s AND watcher IS NULL AND status <> 'resolved' AND NOT archived ORDER BY opened_at, id
            """,
            (type_,),
        ).fetchall()


def put(conn: Connection, found: Incident, now: datetime) -> str:
    """Open an incident, or let the unresolved one of the same key grow: `new`, `grown` or `same`.

    One statement, so that two processes that find the same trouble at once make one row of it. An acknowledged
    incident stays acknowledged.
    """
    row = conn.execute(
        """
        INSERT INTO incidents AS i
            (type, severity, title, dedup_key, related_workflow_id, occurrences, evidence, opened_at, last_seen_at)
        VALUES (%(type)s, %(severity)s, %(title)s, %(key)s, %(workflow)s, %(occurrences)s, %(evidence)s,
                %(now)s, %(now)s)
        ON CONFLICT (dedup_key) WHERE status <> 'resolved' AND NOT archived DO UPDATE SET
            severity = EXCLUDED.severity, title = EXCLUDED.title, evidence = EXCLUDED.evidence,
            occurrences = EXCLUDED.occurrences, last_seen_at = EXCLUDED.last_seen_at
        WHERE (i.title, i.occurrences, i.severity)
              IS DISTINCT FROM (EXCLUDED.title, EXCLUDED.occurrences, EXCLUDED.severity)
        RETURNING xmax = 0
        """,
        {
            "type": found.type, "severity": str(found.severity), "title": found.title, "key": found.dedup_key,
            "workflow": found.related_workflow_id, "occurrences": found.occurrences,
            "evidence": Jsonb(dict(found.evidence)), "now": now,
        },
    ).fetchone()  # fmt: skip
    if row is None:
        return "same"
    return "new" if row[0] else "grown"
