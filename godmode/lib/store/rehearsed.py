"""What a rehearsal looks at between two of its steps: every message, and when the retry queue has something to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import class_row

from godmode.lib.store.deliveries import GRACE


class Told(Struct, frozen=True):
    """A message and how it stands; `via` is None before it is routed, and empty for the digest."""

    id: int
    type: str
    severity: str
    title: str
    body: str
    status: str
    via: list[str] | None
    created_at: datetime
    due_at: datetime | None
    error: str | None


_COLUMNS = ", ".join(Told.__struct_fields__)


def messages(conn: Connection) -> Sequence[Told]:
    """Every message, in their order: a rehearsal's database has those of a day or two."""
    with conn.cursor(row_factory=class_row(Told)) as cursor:
        return cursor.execute(f"SELECT {_COLUMNS} FROM notifications ORDER BY id").fetchall()


def runs(conn: Connection) -> dict[str, dict[str, int]]:
    """How many runs of each job came to which outcome. A slot that was skipped for one reason counts once."""
    found: dict[str, dict[str, int]] = {}
    rows = conn.execute(
        """
        SELECT action, output_data ->> 'outcome', count(*) FROM agent_audit_log
        WHERE action_type = 'job' GROUP BY 1, 2 ORDER BY 1, 2
        """
    )
    for job, outcome, count in rows:
        found.setdefault(job, {})[outcome] = count
    return found


def queue_is_due(conn: Connection) -> datetime | None:
    """When the retry queue's job next has something to do; None while nothing waits for it.

    A message that is on its way is looked after from GRACE on.
    """
    row = conn.execute(
        """
        SELECT least(
            (SELECT min(run_at) FROM retry_jobs WHERE status IN ('pending', 'running') AND NOT archived),
            (SELECT min(COALESCE(due_at, updated_at + %s)) FROM notifications
             WHERE status IN ('pending', 'held', 'sending') AND type <> 'daily_digest'
               AND (via IS NULL OR via <> '{}') AND NOT archived))
        """,
        (GRACE,),
    ).fetchone()
    return row[0] if row else None


def digested(conn: Connection, at: datetime) -> None:
    """Write that a digest went out, so that the next one is not the first there ever was."""
    conn.execute(
        """
        INSERT INTO notifications (type, severity, title, body, dedup_key, status, via, created_at, updated_at, sent_at)
        VALUES ('daily_digest', 'INFO', 'Daily digest', '', 'daily_digest:before', 'sent', '{message}',
                %(at)s, %(at)s, %(at)s)
        """,
        {"at": at},
    )
