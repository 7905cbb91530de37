"""The company's own word as it is now: canonical pages, as the detectors compare them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import class_row


class CanonicalPage(Struct, frozen=True):
    """A current canonical item. `text` is cut at 4,000 characters, `edited` None where the source does not say.

    `stored` is when godmode first read it as it is now.
    """

    id: int
    key: str
    title: str
    text: str
    edited: datetime | None
    stored: datetime


def canonical(conn: Connection, most: int = 5_000) -> Sequence[CanonicalPage]:
    """The pages that hold now, in the order in which they were stored; of more than `most` the newest."""
    with conn.cursor(row_factory=class_row(CanonicalPage)) as cursor:
        found = cursor.execute(
            """
            SELECT id, key, COALESCE(NULLIF(fields ->> 'title', ''), left(split_part(value, E'\n', 1), 80)) AS title,
                   left(value, 4000) AS text, occurred_at AS edited, created_at AS stored
            FROM memory_items
            WHERE authority = 'canonical' AND superseded_at IS NULL AND NOT archived
            ORDER BY id DESC LIMIT %s
            """,
            (most,),
        ).fetchall()
    return list(reversed(found))
