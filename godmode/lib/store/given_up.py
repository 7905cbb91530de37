"""Work that was given up on, and how the same kind of work has ended since; each statement through an index by time.

A message is of the kind of its ways (`notification by telegram`): what went out by the same ways says whether that
would now. Other work is of the kind of its type.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import class_row

MOST_LETTERS = 500
MOST_OUTCOMES = 50  # of a kind, the newest


class Letter(Struct, frozen=True):
    """A dead letter that waits. `category` is that of its last error, None where nobody kept it; `via` are the ways of
    its message, [] of other work; `waiting` is how many of its kind wait, itself among them."""

    id: int
    type: str
    via: list[str]
    at: datetime
    attempts: int
    error: str | None
    category: str | None
    waiting: int


# A message's number is read as text: what another program wrote into a payload need not be one.
_OLDEST = f"""
    SELECT DISTINCT ON (type, via) id, type, via, created_at AS at, attempts, left(error, 300) AS error, category,
           (count(*) OVER (PARTITION BY type, via))::int AS waiting
    FROM (
        SELECT l.id, l.type, l.created_at, l.attempts, l.error, l.errors -> -1 ->> 'category' AS category,
               COALESCE(n.via, '{{}}') AS via, l.payload
        FROM (SELECT * FROM dead_letter_jobs
              WHERE status = 'open' AND NOT archived AND created_at > %(since)s AND created_at <= %(until)s
                AND type = ANY(%(types)s)
              ORDER BY created_at, id LIMIT {MOST_LETTERS}) l
        LEFT JOIN notifications n ON l.type = 'notification' AND l.payload ->> 'id' ~ '^[0-9]{{1,18}}$'
            AND n.id = CASE WHEN l.payload ->> 'id' ~ '^[0-9]{{1,18}}$' THEN (l.payload ->> 'id')::bigint END
    ) letters
    WHERE (category IS NULL OR category = ANY(%(categories)s)) AND (type <> 'notification' OR via <> '{{}}')
      AND NOT EXISTS (
        SELECT FROM dead_letter_jobs e
        WHERE e.type = letters.type AND e.created_at > %(since)s AND e.created_at < letters.created_at
          AND e.status = 'retried' AND e.payload = letters.payload AND NOT e.archived)
    ORDER BY type, via, created_at, id"""


def oldest(
    conn: Connection, since: datetime, until: datetime, types: Sequence[str], categories: Sequence[str]
) -> Sequence[Letter]:
    """Of each kind the letter that waits the longest, of those given up on after `since` by an error of these
    categories; without what was started anew before, and was given up on again."""
    asked = {"since": since, "until": until, "types": list(types), "categories": list(categories)}
    with conn.cursor(row_factory=class_row(Letter)) as cursor:
        return cursor.execute(_OLDEST, asked).fetchall()


class Ended(Struct, frozen=True):
    """How a piece of work of a kind ended."""

    at: datetime
    worked: bool


_MESSAGES = f"""
    SELECT updated_at AS at, status = 'sent' AS worked FROM notifications
    WHERE created_at > %(since)s AND created_at <= %(until)s AND via = %(via)s::text[] AND NOT archived
      AND status IN ('sent', 'failed')
    ORDER BY created_at DESC LIMIT {MOST_OUTCOMES}"""
_RETRIES = f"""
    SELECT ts AS at, success AS worked FROM agent_audit_log
    WHERE action = %(type)s AND ts > %(since)s AND ts <= %(until)s AND NOT archived
      AND action_type = 'retry' AND success IS NOT NULL
    ORDER BY ts DESC LIMIT {MOST_OUTCOMES}"""


def ended_since(conn: Connection, letter: Letter, until: datetime) -> Sequence[Ended]:
    """How work of the letter's kind ended after it was given up on, the newest first."""
    asked = {"type": letter.type, "via": letter.via, "since": letter.at, "until": until}
    with conn.cursor(row_factory=class_row(Ended)) as cursor:
        return cursor.execute(_MESSAGES if letter.via else _RETRIES, asked).fetchall()
