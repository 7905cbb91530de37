"""Reading `memory_items`: what was said in the chats, and facts with their history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, cast

from psycopg.rows import class_row

if TYPE_CHECKING:
    from psycopg import Connection

MOST_CHARACTERS = 10_000_000
BY_HER_WORD = "proposal"  # the reason of what a proposal superseded

Role = Literal["operator", "person", "assistant"]

NEWEST_MESSAGE = """
    SELECT occurred_at FROM memory_items
    WHERE source_type = 'chatlogs' AND superseded_at IS NULL AND NOT archived AND occurred_at <= %s
    ORDER BY occurred_at DESC LIMIT 1"""

# A message of a megabyte is cut in the database, and so is what all together come to: it has to fit a small machine.
MESSAGES = """
    SELECT id, key, occurred_at, text, author, role, conversation, title, thread
    FROM (
        SELECT id, key, occurred_at, left(value, 4000) AS text,
               fields ->> 'author' AS author, fields ->> 'role' AS role, fields ->> 'conversation' AS conversation,
               fields ->> 'title' AS title, fields ->> 'thread' AS thread,
               sum(least(length(value), 4000)) OVER (ORDER BY occurred_at DESC, id DESC) AS characters
        FROM memory_items
        WHERE source_type = 'chatlogs' AND superseded_at IS NULL AND NOT archived
          AND occurred_at BETWEEN %(since)s AND %(until)s
        ORDER BY occurred_at DESC, id DESC LIMIT %(limit)s
    ) newest
    WHERE characters <= %(characters)s
    ORDER BY occurred_at DESC, id DESC"""

ITEM = """
    SELECT id, key, value, authority, source_type, fields, occurred_at, created_at,
           superseded_by, superseded_at, supersede_reason, archived
    FROM memory_items"""

SEARCH = f"""{ITEM}
    WHERE superseded_at IS NULL AND NOT archived AND value ILIKE ALL (%s)
    ORDER BY coalesce(occurred_at, created_at) DESC, id DESC LIMIT %s"""

HISTORY = f"{ITEM} WHERE key = %s ORDER BY id DESC"


@dataclass(frozen=True)
class Message:
    """One chat message. `at` is aware; `text` is cut at 4,000 characters; `thread` is None outside of one."""

    id: int
    key: str
    at: datetime
    author: str
    role: Role
    conversation: str
    title: str
    thread: str | None
    text: str


@dataclass(frozen=True)
class Item:
    """One version of a fact, as it stands in the table. `superseded_at` is None for the current one."""

    id: int
    key: str
    value: str
    authority: str
    source_type: str
    fields: dict[str, Any]
    occurred_at: datetime | None
    created_at: datetime
    superseded_by: int | None
    superseded_at: datetime | None
    supersede_reason: str | None
    archived: bool


def newest_message_at(conn: Connection, until: datetime) -> datetime | None:
    """When the newest chat message up to `until` was said, or None where there is none.

    Later stamps are left out: one message from the future must not move every window.
    """
    row = conn.execute(NEWEST_MESSAGE, (until,)).fetchone()
    return cast(datetime, row[0]) if row else None


def messages(conn: Connection, since: datetime, until: datetime, limit: int = 20_000) -> list[Message]:
    """The chat messages said from `since` to `until` (both included), in the order of time.

    Where there are more than `limit`, the newest `limit` of them, or as many as have MOST_CHARACTERS together.
    """
    asked = {"since": since, "until": until, "limit": limit, "characters": MOST_CHARACTERS}
    rows = conn.execute(MESSAGES, asked).fetchall()
    return [_message(*row) for row in reversed(rows)]


def _message(
    id: int,
    key: str,
    at: datetime,
    text: str,
    author: str | None,
    role: str | None,
    conversation: str | None,
    title: str | None,
    thread: str | None,
) -> Message:
    known = cast(Role, role) if role in ("operator", "assistant") else "person"
    where = conversation or ""
    return Message(id, key, at, author or "", known, where, title or where, thread, text)


def search(conn: Connection, words: str, limit: int) -> list[Item]:
    """The current facts and messages that contain every one of `words` (in any case), newest first.

    Words are parted by blanks and taken literally; without a word, simply the newest.
    """
    patterns = [f"%{_literally(word)}%" for word in words.split()]
    with conn.cursor(row_factory=class_row(Item)) as cursor:
        return cursor.execute(SEARCH, (patterns, limit)).fetchall()


def _literally(word: str) -> str:
    """A word for LIKE. PostgreSQL takes neither NUL nor half a surrogate pair, so no text contains them."""
    storable = word.replace("\0", "").encode("utf-8", "replace").decode()
    return storable.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def history(conn: Connection, key: str) -> list[Item]:
    """Every version of the fact `key`, newest first, the superseded ones too."""
    with conn.cursor(row_factory=class_row(Item)) as cursor:
        return cursor.execute(HISTORY, (key,)).fetchall()


def one(conn: Connection, number: int) -> Item | None:
    """One version of a fact, by its number."""
    with conn.cursor(row_factory=class_row(Item)) as cursor:
        return cursor.execute(f"{ITEM} WHERE id = %s", (number,)).fetchone()


def supersede(conn: Connection, number: int, by: int | None, now: datetime) -> bool:
    """Take a current version as outdated, by her word on a proposal; whether it was current."""
    done = conn.execute(
        """
        UPDATE memory_items SET superseded_at = %s, superseded_by = %s, supersede_reason = %s
        WHERE id = %s AND superseded_at IS NULL
        """,
        (now, by, BY_HER_WORD, number),
    )
    return done.rowcount == 1


def reinstate(conn: Connection, number: int) -> bool:
    """Let a version that was superseded by her word hold again; whether it was, and no other one of its key holds."""
    done = conn.execute(
        """
        UPDATE memory_items old SET superseded_at = NULL, superseded_by = NULL, supersede_reason = NULL
        WHERE id = %s AND supersede_reason = %s
          AND NOT EXISTS (SELECT FROM memory_items new WHERE new.key = old.key AND new.superseded_at IS NULL)
        """,
        (number, BY_HER_WORD),
    )
    return done.rowcount == 1
