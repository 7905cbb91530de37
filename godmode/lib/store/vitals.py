"""How the database itself is: its size, its clock, its last vacuum. Read from the server's own statistics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import class_row


@dataclass(frozen=True)
class Vitals:
    """`at` is the server's clock, `frozen_age` how many transactions lie behind (2^31 stop the server)."""

    at: datetime
    started_at: datetime
    version: str
    size: int
    frozen_age: int


def vitals(conn: Connection) -> Vitals:
    """One statement, so that its time is the database's latency."""
    with conn.cursor(row_factory=class_row(Vitals)) as cursor:
        row = cursor.execute(
            """
            SELECT clock_timestamp() AS at, pg_postmaster_start_time() AS started_at,
                   split_part(current_setting('server_version'), ' ', 1) AS version,
                   pg_database_size(oid) AS size, age(datfrozenxid) AS frozen_age
            FROM pg_database WHERE datname = current_database()
            """
        ).fetchone()
    assert row is not None
    return row


@dataclass(frozen=True)
class Table:
    """A table's rows, those of them that only a vacuum gives back, and when it was last vacuumed (None: never)."""

    name: str
    live: int
    dead: int
    vacuumed_at: datetime | None


def tables(conn: Connection) -> list[Table]:
    """Every table of this schema."""
    with conn.cursor(row_factory=class_row(Table)) as cursor:
        return cursor.execute(
            """
            SELECT relname AS name, n_live_tup AS live, n_dead_tup AS dead,
                   greatest(last_vacuum, last_autovacuum) AS vacuumed_at
            FROM pg_stat_user_tables WHERE schemaname = current_schema() ORDER BY relname
            """
        ).fetchall()
