"""incidents, as watchers keep them: one unresolved row for a type and hour, with the subjects that joined it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, field
from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from godmode.lib.store import foreign

LIFE = 100  # changes of state that are kept of one incident, the newest

TITLE = 500  # characters of a title that are kept and told, whoever wrote it
Subjects = list[dict[str, Any]]


class Row(Struct):
    """An incident of a watcher. `subjects` are `{key, title, severity, workflow, occurrences, first_at, last_at,
    evidence}`; `told` counts the messages since it was last opened. `id` is 0 before it is stored.

    Another system's row may hold anything there: what is no such thing is left out, so that one row stops no other.
    """

    type: str
    severity: str
    title: str
    opened_at: datetime
    last_seen_at: datetime
    id: int = 0
    status: str = "open"
    related_workflow_id: str | None = None
    dedup_key: str | None = None
    occurrences: int = 1
    subjects: Subjects = field(default_factory=list)
    evidence: dict[str, Any] = field(default_factory=dict)
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    reopened: int = 0
    flapping: bool = False
    told: int = 0
    told_at: datetime | None = None
    life: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Rows of other systems are told of too, whatever they put in here."""
        self.title = short(self.title)
        self.subjects, self.life = foreign.subjects(self.subjects), foreign.life(self.life)
        self.evidence = foreign.evidence(self.evidence)

    def note(self, at: datetime, what: str, **more: Any) -> None:
        """Add a change of state to its life."""
        self.life = [*self.life[1 - LIFE :], {"at": at.isoformat(), "what": what, **more}]


def short(title: str) -> str:
    """A title, cut where it is no title any more."""
    return title if len(title) <= TITLE else f"{title[: TITLE - 1]}…"


NAMES = tuple(Row.__struct_fields__)
COLUMNS = ", ".join(NAMES)
_KEPT = "watcher IS NOT NULL AND watcher = ANY(COALESCE(%(watchers)s::text[], ARRAY[watcher]))"
_STORED = tuple(name for name in NAMES if name != "id")


def load(conn: Connection, type_: str, now: datetime, back: timedelta) -> list[Row]:
    """The incidents of a watcher that new sightings may belong to: unresolved, or resolved or seen within `back`.

    Within a transaction: whoever else keeps incidents of this type waits until it ends, so that two hosts that see
    the same trouble at once make one row of it; and so does her word on one of them. The newest stand first.
    """
    conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('godmode.incidents ' || %s, 0))", (type_,))
    with conn.cursor(row_factory=class_row(Row)) as cursor:
        return cursor.execute(
            f"""
            SELECT {COLUMNS} FROM incidents
            WHERE type = %(type)s AND watcher IS NOT NULL AND NOT archived
              AND (status <> 'resolved' OR greatest(resolved_at, last_seen_at) > %(now)s - %(back)s)
            ORDER BY opened_at DESC, id DESC FOR UPDATE
            """,
            {"type": type_, "now": now, "back": back},
        ).fetchall()


def save(conn: Connection, row: Row) -> None:
    """Store a row that was loaded, or a new one, which gets its number. The watcher is named as its type.

    A key that another unresolved incident has (another system's, or one that a clock set ahead has opened) is left to
    that one: it gets one of its own when it is told.
    """
    if row.status != "resolved" and _is_taken(conn, row):
        row.dedup_key = None
    values = {name: getattr(row, name) for name in NAMES}
    values |= {name: Jsonb(values[name]) for name in ("subjects", "evidence", "life")}
    if row.id:
        sets = ", ".join(f"{name} = %({name})s" for name in _STORED)
        conn.execute(f"UPDATE incidents SET {sets} WHERE id = %(id)s", values)
        return
    new = conn.execute(
        f"""
        INSERT INTO incidents ({", ".join(_STORED)}, watcher)
        VALUES ({", ".join(f"%({name})s" for name in _STORED)}, %(type)s) RETURNING id
        """,
        values,
    ).fetchone()
    assert new is not None
    row.id = int(new[0])


def _is_taken(conn: Connection, row: Row) -> bool:
    taken = conn.execute(
        """
        SELECT EXISTS (SELECT FROM incidents
                       WHERE dedup_key = %s AND id <> %s AND status <> 'resolved' AND NOT archived)
        """,
        (row.dedup_key, row.id),
    ).fetchone()
    return bool(taken and taken[0])


def away(
    conn: Connection, watchers: Sequence[str] | None, now: datetime, *, since: timedelta, flapping: timedelta
) -> list[Row]:
    """The unresolved incidents of these watchers (None: of any) that nobody has seen for `since`, for `flapping` those
    that flap.

    For the end of a transaction: they are locked, in the order in which `load` locks them. A last sighting in the
    future was written by a clock that has been set back; it counts from now.
    """
    values = {"watchers": watchers if watchers is None else list(watchers), "now": now}
    conn.execute(
        f"""
        UPDATE incidents SET last_seen_at = %(now)s
        WHERE status <> 'resolved' AND NOT archived AND {_KEPT} AND last_seen_at > %(now)s
        """,
        values,
    )
    with conn.cursor(row_factory=class_row(Row)) as cursor:
        return cursor.execute(
            f"""
            SELECT {COLUMNS} FROM incidents
            WHERE status <> 'resolved' AND NOT archived AND {_KEPT}
              AND last_seen_at <= %(now)s - CASE WHEN flapping THEN %(flapping)s ELSE %(since)s END
            ORDER BY opened_at DESC, id DESC FOR UPDATE
            """,
            values | {"since": since, "flapping": flapping},
        ).fetchall()


def of_workflows(conn: Connection, type_: str) -> list[Row]:
    """The unresolved incidents of workflows that no watcher keeps, locked for the end of the transaction."""
    with conn.cursor(row_factory=class_row(Row)) as cursor:
        return cursor.execute(
            f"""
            SELECT {COLUMNS} FROM incidents
            WHERE status <> 'resolved' AND NOT archived AND watcher IS NULL AND type = %s
              AND related_workflow_id IS NOT NULL
            ORDER BY id FOR UPDATE
            """,
            (type_,),
        ).fetchall()


class Again(Struct, frozen=True):
    """How often one of a severity that nobody acknowledges is told again, and how long after the last time."""

    severity: str
    every: timedelta
    times: int


def untold(conn: Connection, now: datetime, again: Sequence[Again], limit: int = 50) -> list[Row]:
    """Open incidents that she has to be told of, or again, the most severe first; none of a type that is muted.

    Time counts in both directions: what a clock told her of that has been set back since is told again in time.
    """
    with conn.cursor(row_factory=class_row(Row)) as cursor:
        return cursor.execute(
            f"""
            SELECT {COLUMNS} FROM incidents i
            WHERE status = 'open' AND NOT archived
              AND (told = 0 OR EXISTS (
                  SELECT FROM unnest(%(severities)s::text[], %(every)s::interval[], %(times)s::integer[])
                      AS again (severity, every, times)
                  WHERE again.severity = i.severity AND i.told <= again.times AND NOT i.flapping
                    AND (i.told_at <= %(now)s - again.every OR i.told_at > %(now)s + again.every)))
              AND NOT EXISTS (
                  SELECT FROM incident_mutes m
                  WHERE m.type = i.type AND m.lifted_at IS NULL AND m.until > %(now)s)
            ORDER BY severity = 'INFO', severity, opened_at LIMIT %(limit)s
            """,
            {
                "now": now, "severities": [a.severity for a in again], "every": [a.every for a in again],
                "times": [a.times for a in again], "limit": limit,
            },
        ).fetchall()  # fmt: skip


def take_to_tell(conn: Connection, row: Row, now: datetime) -> str | None:
    """Count a telling, if nobody else has counted it since it was read (compare-and-set); then its `dedup_key`."""
    taken = conn.execute(
        """
        UPDATE incidents SET told = told + 1, told_at = %(now)s, dedup_key = COALESCE(dedup_key, 'incident:' || id)
        WHERE id = %(id)s AND told = %(told)s AND status = 'open'
        RETURNING dedup_key
        """,
        {"id": row.id, "told": row.told, "now": now},
    ).fetchone()
    return str(taken[0]) if taken else None
