"""audit_seals: finished stretches of the audit log, each hashed with the hash of the one before it.

A row changed, removed or slipped in afterwards is found by reading the log once more. What ends the chain is known by
its newest hash alone, which the digest can tell: kept outside, it also shows when the last seals are gone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
from psycopg import Connection
from psycopg.rows import class_row

from godmode.lib.errors import Transient

STRETCH = 10_000  # rows of a seal: what is read again to seal the next, and named when it is wrong
PAGE = 500  # seals read at once
PATIENCE = "500ms"  # for the transactions that are writing to the log; who writes meanwhile waits as long


@dataclass(frozen=True)
class Seal:
    """One stretch, from and to these ids, with as many rows as were there."""

    id: int
    from_id: int
    to_id: int
    count: int
    previous: str
    hash: str
    at: datetime


@dataclass(frozen=True)
class Verdict:
    """What reading the log again came to: `wrong` says what is, None where everything is as it was sealed."""

    seals: int
    rows: int
    newest: str
    wrong: str | None = None


_COLUMNS = ", ".join(Seal.__dataclass_fields__)

# A row as it is hashed: all but `archived`, in a form that no setting of the session changes.
_ROW = """
    jsonb_build_array(
        id, to_char(ts AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), action, action_type, success, error,
        duration_ms, output_data, run_id, slot, host)::text
"""


def newest(conn: Connection) -> Seal | None:
    """The seal that ends the chain."""
    with conn.cursor(row_factory=class_row(Seal)) as cursor:
        return cursor.execute(f"SELECT {_COLUMNS} FROM audit_seals ORDER BY from_id DESC LIMIT 1").fetchone()


def unsealed(conn: Connection) -> int:
    """How many rows of the log are not sealed yet."""
    last = newest(conn)
    row = conn.execute("SELECT count(*) FROM agent_audit_log WHERE id > %s", (last.to_id if last else 0,)).fetchone()
    return int(row[0]) if row else 0


def horizon(conn: Connection) -> int:
    """The last id of the log, all before it being decided: committed, or a gap for ever.

    A row's id is taken within the transaction that holds the table's lock until it ends, so who has the exclusive
    lock sees no id that is still to come below the highest. Raises Transient where somebody keeps writing.
    """
    try:
        with conn.transaction():
            conn.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
            conn.execute("LOCK TABLE agent_audit_log IN SHARE ROW EXCLUSIVE MODE")
            row = conn.execute("SELECT max(id) FROM agent_audit_log").fetchone()
    except psycopg.errors.LockNotAvailable:
        raise Transient("the audit log is being written to, so its end is not known", "try again later") from None
    return int(row[0] or 0) if row else 0


def seal_next(conn: Connection, until: int, now: datetime) -> Seal | None:
    """Seal the next stretch, no further than `until`; None when there is nothing, or another run has sealed it."""
    last = newest(conn)
    begin, previous = (last.to_id + 1, last.hash) if last else (1, "")
    with conn.transaction():
        end = _end(conn, begin, until)
        if end is None:
            return None
        count, found = _hashed(conn, begin, end, previous, now)
        with conn.cursor(row_factory=class_row(Seal)) as cursor:
            return cursor.execute(
                f"""
                INSERT INTO audit_seals (from_id, to_id, count, previous, hash, at)
                VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (from_id) DO NOTHING RETURNING {_COLUMNS}
                """,
                (begin, end, count, previous, found, now),
            ).fetchone()


def verify(conn: Connection, check: Callable[[], None] = lambda: None) -> Verdict:
    """Read all that is sealed again, in the chain's order; it ends at the first thing that is wrong."""
    before, begin, rows, number = "", 1, 0, 0
    if conn.execute("SELECT FROM agent_audit_log WHERE id < 1 LIMIT 1").fetchone() is not None:
        return Verdict(0, 0, "", "there are rows before the first: slipped in")
    for seal in _chain(conn):
        check()
        if (seal.from_id, seal.previous) != (begin, before):
            return Verdict(
                number, rows, before, f"seal {seal.id} does not follow the one before: one is gone, or changed"
            )
        with conn.transaction():
            count, found = _hashed(conn, seal.from_id, seal.to_id, seal.previous, seal.at)
        if (count, found) != (seal.count, seal.hash):
            return Verdict(number, rows, before, _difference(seal, count))
        before, begin, rows, number = seal.hash, seal.to_id + 1, rows + count, number + 1
    return Verdict(number, rows, before)


def is_known(conn: Connection, beginning: str) -> bool:
    """Whether a seal's hash begins so."""
    row = conn.execute("SELECT EXISTS (SELECT FROM audit_seals WHERE starts_with(hash, %s))", (beginning,)).fetchone()
    return bool(row and row[0])


def _difference(seal: Seal, count: int) -> str:
    where = f"rows {seal.from_id} to {seal.to_id}, sealed on {seal.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if count == seal.count:
        return f"{where}: one was changed since, or their seal {seal.id}"
    other = f"{seal.count - count} removed" if count < seal.count else f"{count - seal.count} slipped in"
    return f"{where}: {seal.count} then, {count} now: {other}"


def _chain(conn: Connection) -> Iterator[Seal]:
    after = 0
    while True:
        with conn.cursor(row_factory=class_row(Seal)) as cursor:
            page = cursor.execute(
                f"SELECT {_COLUMNS} FROM audit_seals WHERE from_id > %s ORDER BY from_id LIMIT %s", (after, PAGE)
            ).fetchall()
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].from_id


def _end(conn: Connection, begin: int, until: int) -> int | None:
    """The last id of a stretch that begins there."""
    row = conn.execute(
        """
        SELECT max(id) FROM (
            SELECT id FROM agent_audit_log WHERE id BETWEEN %s AND %s ORDER BY id LIMIT %s) stretch
        """,
        (begin, until, STRETCH),
    ).fetchone()
    return row[0] if row else None


def _hashed(conn: Connection, begin: int, end: int, previous: str, at: datetime) -> tuple[int, str]:
    """How many rows there are from and to these ids, and their hash; they pass through a few at a time."""
    hashed = hashlib.sha256(f"{previous}\n{begin} {end} {at.astimezone(UTC).isoformat()}\n".encode())
    count = 0
    with conn.cursor(name="audit_rows") as cursor:
        cursor.itersize = 1000
        cursor.execute(f"SELECT {_ROW} FROM agent_audit_log WHERE id BETWEEN %s AND %s ORDER BY id", (begin, end))
        for (row,) in cursor:
            hashed.update(row.encode() + b"\n")
            count += 1
    return count, hashed.hexdigest()
