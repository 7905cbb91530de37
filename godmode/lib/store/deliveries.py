"""notifications under way: which run is at a message. Only that run begins its next way, so that no two go two ways.

A run takes a message, and compares before each way and each effect whether it still has it. Who takes one over from
another run looks afterwards whether an action of it is under way (store/actions.py): an intent is written before the
comparison and a take-over before that look, so of two runs at least one sees the other.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from psycopg import Connection
from psycopg.rows import class_row

from godmode.lib.store.outbox import COLUMNS, Message

GRACE = timedelta(seconds=20)  # how long a message is left to the run that is at it


def take(conn: Connection, message_id: int, by: str, now: datetime) -> Message | None:
    """Take a message that is not at its end for the run `by`, as it stands now; None while another run is at it.

    That one is, until it has been silent for GRACE, or no longer holds its job's claim and so can begin nothing.
    """
    with conn.cursor(row_factory=class_row(Message)) as cursor:
        return cursor.execute(
            f"""
            UPDATE notifications n SET taken_by = %(by)s, updated_at = %(now)s
            WHERE id = %(id)s AND status IN ('pending', 'held', 'sending', 'failed')
              AND (taken_by IS NULL OR taken_by = %(by)s OR updated_at <= %(until)s
                   OR NOT EXISTS (SELECT FROM job_state j WHERE j.run_id = n.taken_by AND j.state = 'running'))
            RETURNING {COLUMNS}
            """,
            {"id": message_id, "by": by, "now": now, "until": now - GRACE},
        ).fetchone()


def take_over(conn: Connection, message_id: int, by: str, now: datetime) -> Message | None:
    """Take a message that was left half way; None when another run has been at it since it was seen."""
    with conn.cursor(row_factory=class_row(Message)) as cursor:
        return cursor.execute(
            f"""
            UPDATE notifications SET taken_by = %(by)s, updated_at = %(now)s
            WHERE id = %(id)s AND status IN ('pending', 'sending') AND updated_at <= %(until)s
            RETURNING {COLUMNS}
            """,
            {"id": message_id, "by": by, "now": now, "until": now - GRACE},
        ).fetchone()


def begin(conn: Connection, message_id: int, by: str, now: datetime, *, channel: str, recipient: str) -> bool:
    """Write which way a message is going; False when the run `by` no longer has it."""
    done = conn.execute(
        """
        UPDATE notifications SET
            status = 'sending', channel = %(channel)s, recipient = %(recipient)s, error = NULL, updated_at = %(now)s
        WHERE id = %(id)s AND taken_by = %(by)s AND status IN ('pending', 'held', 'sending', 'failed')
        """,
        {"id": message_id, "by": by, "now": now, "channel": channel, "recipient": recipient},
    )
    return done.rowcount == 1


def has(conn: Connection, message_id: int, by: str) -> bool:
    """Whether the run `by` still has a message."""
    row = conn.execute("SELECT taken_by FROM notifications WHERE id = %s", (message_id,)).fetchone()
    return row is not None and row[0] == by


def fail(conn: Connection, message_id: int, by: str, now: datetime, error: str | None) -> bool:
    """Write that no way delivered it; False, and nothing is written, when the run `by` no longer has it."""
    done = conn.execute(
        """
        UPDATE notifications SET status = 'failed', taken_by = NULL, error = %(error)s, updated_at = %(now)s
        WHERE id = %(id)s AND taken_by = %(by)s AND status IN ('pending', 'held', 'sending', 'failed')
        """,
        {"id": message_id, "by": by, "now": now, "error": error},
    )
    return done.rowcount == 1
