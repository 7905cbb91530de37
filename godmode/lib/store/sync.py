"""data_source_sync: how far each source has been read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb


@dataclass(frozen=True)
class SyncState:
    """What is known of a source; the defaults are those of one never read. `items_synced` is of the last sync.

    `limited` says why the last sync, though it ended well, did not read all. `completeness` is what the last
    comparison came to: `at_source`, `stored`, `repaired`, `gone`, `at`; {} before the first.
    """

    source_name: str
    last_sync_started_at: datetime | None = None
    last_sync_completed_at: datetime | None = None
    last_sync_success: bool | None = None
    items_synced: int = 0
    last_error: str | None = None
    last_skipped: list[dict[str, Any]] = field(default_factory=list)
    limited: str | None = None
    compared_at: datetime | None = None
    completeness: dict[str, Any] = field(default_factory=dict)


_COLUMNS = ", ".join(SyncState.__dataclass_fields__)


def all_rows(conn: Connection) -> Sequence[SyncState]:
    """Every source that was ever tried."""
    with conn.cursor(row_factory=class_row(SyncState)) as cursor:
        return cursor.execute(f"SELECT {_COLUMNS} FROM data_source_sync ORDER BY source_name").fetchall()


def cursor_of(conn: Connection, source: str) -> dict[str, Any]:
    """The kept cursor of a source, {} the first time."""
    row = conn.execute("SELECT cursor FROM data_source_sync WHERE source_name = %s", (source,)).fetchone()
    return dict(row[0]) if row else {}


def hold_cursor(conn: Connection, source: str) -> dict[str, Any]:
    """The cursor, for who moves it: everybody else waits until the transaction ends."""
    conn.execute("INSERT INTO data_source_sync (source_name) VALUES (%s) ON CONFLICT DO NOTHING", (source,))
    row = conn.execute("SELECT cursor FROM data_source_sync WHERE source_name = %s FOR UPDATE", (source,)).fetchone()
    return dict(row[0]) if row else {}


def begin(conn: Connection, source: str, now: datetime) -> datetime | None:
    """A sync starts; when the last complete one ended."""
    row = conn.execute(
        """
        INSERT INTO data_source_sync (source_name, last_sync_started_at) VALUES (%s, %s)
        ON CONFLICT (source_name) DO UPDATE SET last_sync_started_at = EXCLUDED.last_sync_started_at
        RETURNING last_sync_completed_at
        """,
        (source, now),
    ).fetchone()
    return row[0] if row else None


def keep_cursor(conn: Connection, source: str, cursor: Mapping[str, Any]) -> None:
    """All up to this cursor is stored."""
    conn.execute("UPDATE data_source_sync SET cursor = %s WHERE source_name = %s", (Jsonb(cursor), source))


def end(
    conn: Connection,
    source: str,
    now: datetime,
    *,
    items: int,
    skipped: Sequence[Mapping[str, Any]],
    error: str | None,
    limited: str | None = None,
) -> None:
    """A sync ended; `last_sync_completed_at` moves only when it succeeded and read all."""
    conn.execute(
        """
        UPDATE data_source_sync SET
            last_sync_success = %(ok)s, items_synced = %(items)s, last_error = %(error)s, last_skipped = %(skipped)s,
            limited = %(limited)s,
            last_sync_completed_at =
                CASE WHEN %(ok)s AND %(limited)s::text IS NULL THEN %(now)s ELSE last_sync_completed_at END
        WHERE source_name = %(source)s
        """,
        {
            "source": source, "now": now, "ok": error is None, "items": items, "error": error,
            "limited": limited, "skipped": Jsonb(list(skipped)),
        },
    )  # fmt: skip


def compared_at(conn: Connection, source: str) -> datetime | None:
    """When the ids of a source were last compared; None before its first complete sync."""
    row = conn.execute("SELECT compared_at FROM data_source_sync WHERE source_name = %s", (source,)).fetchone()
    return row[0] if row else None


def compared(conn: Connection, source: str, now: datetime, report: Mapping[str, Any] | None) -> None:
    """A comparison was made, or (without a report) is not needed on this day."""
    conn.execute(
        """
        UPDATE data_source_sync SET compared_at = %(now)s, completeness = COALESCE(%(report)s, completeness)
        WHERE source_name = %(source)s
        """,
        {"source": source, "now": now, "report": None if report is None else Jsonb(dict(report))},
    )


def completed_at(conn: Connection, source: str) -> datetime | None:
    """When a source was last read to its end."""
    row = conn.execute(
        "SELECT last_sync_completed_at FROM data_source_sync WHERE source_name = %s", (source,)
    ).fetchone()
    return row[0] if row else None
