"""communication_allowlist: whom messages may go to. A removed address keeps its row, with when it was removed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import class_row

PURPOSES = ("call", "sms", "message")


class Allowed(Struct, frozen=True):
    """One address and what it may be used for."""

    address: str
    name: str | None
    purposes: list[str]
    created_at: datetime


def entries(conn: Connection) -> Sequence[Allowed]:
    """The addresses that stand, the oldest first."""
    with conn.cursor(row_factory=class_row(Allowed)) as cursor:
        return cursor.execute(
            """
            SELECT address, name, purposes, created_at FROM communication_allowlist
            WHERE removed_at IS NULL ORDER BY created_at, id
            """
        ).fetchall()


def allowed(conn: Connection, address: str, purpose: str) -> bool:
    """Whether this address may be reached by this one of PURPOSES."""
    row = conn.execute(
        """
        SELECT FROM communication_allowlist
        WHERE address = %s AND %s = ANY(purposes) AND removed_at IS NULL
        """,
        (address, purpose),
    ).fetchone()
    return row is not None


def add(conn: Connection, address: str, name: str | None, purposes: Sequence[str], now: datetime) -> None:
    """Let an address in; one that stands there gets the new name and purposes."""
    conn.execute(
        """
        INSERT INTO communication_allowlist AS a (address, name, purposes, created_at)
        VALUES (%s, %s, %s, %s)
        ON CONFLICT (address) WHERE removed_at IS NULL
        DO UPDATE SET name = COALESCE(EXCLUDED.name, a.name), purposes = EXCLUDED.purposes
        """,
        (address, name, list(purposes), now),
    )


def remove(conn: Connection, address: str, now: datetime) -> bool:
    """Take an address out from now on; whether it stood there."""
    return (
        conn.execute(
            "UPDATE communication_allowlist SET removed_at = %s WHERE address = %s AND removed_at IS NULL",
            (now, address),
        ).rowcount
        > 0
    )
