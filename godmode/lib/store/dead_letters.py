"""dead_letter_jobs: work that was given up on and waits for a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb


def bury(conn: Connection, type_: str, payload: Mapping[str, Any], attempts: int, error: str, now: datetime) -> None:
    """Add a dead letter, with the error of its last attempt."""
    conn.execute(
        """
        INSERT INTO dead_letter_jobs (type, payload, attempts, error, created_at, updated_at)
        VALUES (%s, %s, %s, %s, %s, %s)
        """,
        (type_, Jsonb(payload), attempts, error, now, now),
    )


def count_open(conn: Connection) -> int:
    """How many wait."""
    row = conn.execute("SELECT count(*) FROM dead_letter_jobs WHERE status = 'open' AND NOT archived").fetchone()
    return int(row[0]) if row else 0
