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


@dataclass(frozen=True)
class Unresolved:
    """An incident that is not resolved."""

    id: int
    dedup_key: str | None
    related_workflow_id: str | None
    occurrences: int
    evidence: dict[str, Any]


def unresolved(conn: Connection, type_: str) -> Sequence[Unresolved]:
    """The incidents of a type that are not resolved, oldest first."""
    with conn.cursor(row_factory=class_row(Unresolved)) as cursor:
        return cursor.execute(
            """
            SELECT id, dedup_key, related_workflow_id, occurrences, evidence FROM incidents
            WHERE type = %s AND status <> 'resolved' AND NOT archived ORDER BY opened_at, id
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


def resolve(conn: Connection, id: int, now: datetime) -> None:
    """Close an incident whose trouble is no more; one that is resolved already stays as it is."""
    conn.execute(
        "UPDATE incidents SET status = 'resolved', resolved_at = %s WHERE id = %s AND status <> 'resolved'", (now, id)
    )
