"""notifications: the outbox. Every message is a row here before it is anything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from godmode.lib.errors import storable
from godmode.lib.kernel import Notification

WINDOW = timedelta(hours=4)  # how long the same trouble stays one message after it was sent
DAY = timedelta(days=1)  # how long, once it has lasted that long
AGAIN = ":again:"  # what follows it in a dedup_key tells one more message of the same trouble from those before


@dataclass(frozen=True)
class Message:
    """One row of the outbox. `via` is None until it is routed, and empty for the digest."""

    id: int
    type: str
    severity: str
    title: str
    body: str
    status: str
    count: int
    created_at: datetime
    sent_at: datetime | None
    via: list[str] | None = None
    brief: str = ""
    buttons: list[list[str]] = field(default_factory=list)


COLUMNS = ", ".join(Message.__dataclass_fields__)


def put(
    conn: Connection, note: Notification, run_id: str, now: datetime, *, window: timedelta | None = WINDOW
) -> Message:
    """Add a message, or return the one that is there for the same trouble, with the text it has.

    The same trouble has the same `dedup_key`, and a message at least as severe that waits, or was sent within
    `window`; it is counted there, once for each run. With no window the key is one message's for ever, uncounted.
    What PostgreSQL's text cannot hold (NUL, half a surrogate pair) is left out.
    """
    values = {
        "type": note.type, "severity": note.severity, "title": storable(note.title), "body": storable(note.body),
        "brief": storable(note.brief), "carries": list(note.carries),
        "buttons": Jsonb([[button.label, button.data] for button in note.buttons]),
        "key": note.dedup_key, "run_id": run_id, "now": now, "window": window,
    }  # fmt: skip
    with conn.transaction(), conn.cursor(row_factory=class_row(Message)) as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (note.dedup_key,))
        there = cursor.execute(
            f"""
            UPDATE notifications SET
                count = CASE WHEN %(window)s::interval IS NULL OR run_id = %(run_id)s THEN count ELSE count + 1 END
            WHERE id = (
                SELECT id FROM notifications
                WHERE dedup_key = %(key)s AND NOT archived
                  AND array_position('{{SEV0,SEV1,WARN,INFO}}', severity)
                      <= array_position('{{SEV0,SEV1,WARN,INFO}}', %(severity)s::text)
                  AND (%(window)s::interval IS NULL
                       OR status IN ('pending', 'held', 'sending', 'failed')
                       OR status IN ('sent', 'uncertain') AND created_at >= %(now)s - %(window)s::interval)
                ORDER BY created_at DESC, id DESC LIMIT 1)
            RETURNING {COLUMNS}
            """,
            values,
        ).fetchone()
        if there is not None:
            return there
        new = cursor.execute(
            f"""
            INSERT INTO notifications
                (type, severity, title, body, brief, carries, buttons, dedup_key, run_id, created_at, updated_at)
            VALUES (%(type)s, %(severity)s, %(title)s, %(body)s, %(brief)s, %(carries)s, %(buttons)s, %(key)s,
                    %(run_id)s, %(now)s, %(now)s)
            RETURNING {COLUMNS}
            """,
            values,
        ).fetchone()
        assert new is not None
        return new


def lasting(conn: Connection, dedup_key: str, now: datetime) -> timedelta:
    """The window of a trouble that is seen at every look: WINDOW on its first day, and DAY afterwards."""
    row = conn.execute(
        """
        SELECT FROM notifications
        WHERE dedup_key = %s AND created_at > %s AND created_at <= %s AND NOT archived LIMIT 1
        """,
        (dedup_key, now - 2 * DAY, now - DAY),
    ).fetchone()
    return WINDOW if row is None else DAY


def one(conn: Connection, message_id: int) -> Message | None:
    """One message by its number."""
    with conn.cursor(row_factory=class_row(Message)) as cursor:
        return cursor.execute(f"SELECT {COLUMNS} FROM notifications WHERE id = %s", (message_id,)).fetchone()


def of_key(conn: Connection, dedup_key: str) -> Message | None:
    """The newest message of a key."""
    with conn.cursor(row_factory=class_row(Message)) as cursor:
        return cursor.execute(
            f"""
            SELECT {COLUMNS} FROM notifications
            WHERE dedup_key = %s AND NOT archived ORDER BY created_at DESC LIMIT 1
            """,
            (dedup_key,),
        ).fetchone()


def route(
    conn: Connection,
    message_id: int,
    via: Sequence[str],
    due_at: datetime | None,
    now: datetime,
    *,
    at_most_an_hour: int | None = None,
) -> Message:
    """Decide once how a message goes: held until `due_at`, or pending; without a way it waits for the digest.

    Where as many of its type as are allowed went out, or wait to, in the last 60 minutes, it is for the digest too;
    they are counted under a lock, so that two hosts cannot both send the last one. One that has a route keeps it.
    """
    with conn.transaction(), conn.cursor(row_factory=class_row(Message)) as cursor:
        if at_most_an_hour is not None and via:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('notifications at most an hour', 0))")
            if _within_an_hour(conn, message_id, now) >= at_most_an_hour:
                via, due_at = (), None
        row = cursor.execute(
            f"""
            UPDATE notifications SET
                via = COALESCE(via, %(via)s::text[]),
                due_at = CASE WHEN via IS NULL THEN %(due_at)s ELSE due_at END,
                status = CASE WHEN via IS NULL AND %(due_at)s::timestamptz IS NOT NULL THEN 'held' ELSE status END,
                updated_at = %(now)s
            WHERE id = %(id)s RETURNING {COLUMNS}
            """,
            {"id": message_id, "via": list(via), "due_at": due_at, "now": now},
        ).fetchone()
        assert row is not None
        return row


def _within_an_hour(conn: Connection, message_id: int, now: datetime) -> int:
    """How many others of its type went out in the last 60 minutes, or are about to."""
    row = conn.execute(
        """
        SELECT count(*) FROM notifications other, notifications this
        WHERE this.id = %(id)s AND other.id <> this.id AND other.type = this.type AND other.via <> '{}'
          AND other.status NOT IN ('digested', 'suppressed') AND NOT other.archived
          AND other.created_at > %(now)s - interval '1 day'
          AND COALESCE(other.sent_at, other.updated_at) > %(now)s - interval '1 hour'
        """,
        {"id": message_id, "now": now},
    ).fetchone()
    return int(row[0]) if row else 0


def mark(conn: Connection, message_id: int, status: str, now: datetime, *, error: str | None = None) -> None:
    """Write what became of a message; what it carried was told of as soon as it was sent, or may have been."""
    conn.execute(
        """
        WITH this AS (
            UPDATE notifications SET
                status = %(status)s, updated_at = %(now)s, error = %(error)s, taken_by = NULL,
                sent_at = CASE WHEN %(status)s = 'sent' THEN %(now)s ELSE sent_at END
            WHERE id = %(id)s RETURNING id, status, carries
        )
        UPDATE notifications n SET status = 'digested', folded_into = this.id, due_at = NULL, updated_at = %(now)s
        FROM this
        WHERE n.id = ANY(this.carries) AND n.id <> this.id AND n.status IN ('pending', 'held')
          AND this.status IN ('sent', 'uncertain')
        """,
        {"id": message_id, "status": status, "now": now, "error": error},
    )


def hold(
    conn: Connection,
    message_id: int,
    by: str,
    now: datetime,
    *,
    error: str,
    via: Sequence[str] = (),
    due_at: datetime | None = None,
) -> None:
    """Put a message off that the run `by` has: until `due_at`, then by `via`; or for the next digest."""
    conn.execute(
        """
        UPDATE notifications SET
            status = 'held', via = %s, due_at = %s, error = %s, taken_by = NULL, updated_at = %s
        WHERE id = %s AND taken_by = %s AND status IN ('pending', 'held', 'sending', 'failed')
        """,
        (list(via), due_at, error, now, message_id, by),
    )


def put_back(conn: Connection, message_id: int, by: str, now: datetime) -> None:
    """Let a message that the run `by` has wait, by the ways that it has, for whoever sends what was left."""
    conn.execute(
        """
        UPDATE notifications SET status = 'pending', taken_by = NULL, updated_at = %s
        WHERE id = %s AND taken_by = %s AND status IN ('pending', 'sending')
        """,
        (now, message_id, by),
    )


def reword(conn: Connection, message_id: int, body: str, now: datetime) -> bool:
    """Give a message another text, as long as it was never tried; whether that was so."""
    done = conn.execute(
        """
        UPDATE notifications SET body = %s, updated_at = %s
        WHERE id = %s AND status IN ('pending', 'held') AND channel IS NULL
        """,
        (storable(body), now, message_id),
    )
    return done.rowcount == 1


def again(dedup_key: str, now: datetime) -> str:
    """The key of one more message of the same trouble, which `over` ends with the others."""
    return f"{dedup_key}{AGAIN}{now:%Y%m%dT%H%M%S}"


def over(conn: Connection, dedup_key: str, now: datetime) -> int:
    """The trouble is over: what still waits to tell of it is not told any more; how many messages that were."""
    return conn.execute(
        f"""
        UPDATE notifications SET status = 'suppressed', error = 'no longer the case', updated_at = %s
        WHERE split_part(dedup_key, '{AGAIN}', 1) = %s AND status IN ('pending', 'held') AND NOT archived
        """,
        (now, dedup_key),
    ).rowcount


def was_heard(conn: Connection, dedup_key: str) -> bool:
    """Whether the newest message with this key reached her, by itself or in a digest."""
    newest = conn.execute(
        """
        SELECT status IN ('sent', 'digested') FROM notifications
        WHERE dedup_key = %s AND NOT archived ORDER BY created_at DESC LIMIT 1
        """,
        (dedup_key,),
    ).fetchone()
    return bool(newest and newest[0])


def works_again(conn: Connection, job: str, now: datetime) -> None:
    """A job works again: what still waits to tell that it fails is not told any more, since its recovery is."""
    conn.execute(
        """
        UPDATE notifications SET status = 'suppressed', error = 'no longer the case', updated_at = %s
        WHERE type IN ('job_failing', 'credentials') AND split_part(dedup_key, ':', 2) = %s
          AND status IN ('pending', 'held') AND NOT archived
        """,
        (now, job),
    )
