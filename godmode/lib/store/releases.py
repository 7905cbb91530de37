"""notifications whose time has come: held ones, those that a run left half way, and those nobody routed yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from psycopg import Connection
from psycopg.rows import class_row

from godmode.lib.kernel import Notification
from godmode.lib.store.deliveries import GRACE
from godmode.lib.store.outbox import AGAIN, COLUMNS, Message

STALE = timedelta(days=1)  # from then on a message that got nowhere is only told of
CALL_STALE = timedelta(minutes=45)  # a morning call's catch-up


def any_waits(conn: Connection, now: datetime) -> bool:
    """Whether there is anything to release: what a run that finds nothing to do asks."""
    row = conn.execute(
        """
        SELECT EXISTS (
            SELECT FROM notifications
            WHERE status IN ('pending', 'held', 'sending') AND NOT archived AND (via IS NULL OR via <> '{}')
              AND COALESCE(due_at, updated_at) <= %s)
        """,
        (now,),
    ).fetchone()
    return bool(row and row[0])


def left(conn: Connection, now: datetime, limit: int = 20) -> Sequence[Message]:
    """Messages not yet routed, or begun and not ended, the most severe first; the digest's job sees to its own."""
    with conn.cursor(row_factory=class_row(Message)) as cursor:
        return cursor.execute(
            f"""
            SELECT {COLUMNS} FROM notifications
            WHERE (status = 'sending' AND type <> 'daily_digest'
                   OR status = 'pending' AND type NOT IN ('daily_digest', 'morning_call')
                      AND (via IS NULL OR via <> '{{}}'))
              AND updated_at <= %s AND NOT archived
            ORDER BY severity = 'INFO', severity, created_at LIMIT %s
            """,
            (now - GRACE, limit),
        ).fetchall()


def give_up(conn: Connection, now: datetime) -> None:
    """What is too old to go out by itself: begun, so nobody knows; or not, then the next digest tells of it.

    So is all that waited when the kill switch was last changed: switching it off releases no backlog.
    """
    conn.execute(
        """
        UPDATE notifications SET
            status = CASE status WHEN 'sending' THEN 'uncertain' ELSE status END,
            via = '{}', due_at = NULL, updated_at = %(now)s,
            error = CASE status WHEN 'sending' THEN 'its run ended before it could tell' ELSE error END
        WHERE status IN ('pending', 'held', 'sending') AND via IS DISTINCT FROM '{}' AND NOT archived
          AND type <> 'daily_digest'
          AND (created_at <= %(now)s - CASE type WHEN 'morning_call' THEN %(call)s ELSE %(stale)s END
               OR status <> 'sending' AND type <> 'morning_call'
                  AND created_at <= (SELECT kill_switch_changed_at FROM agent_controls))
        """,
        {"now": now, "stale": STALE, "call": CALL_STALE},
    )


def fold(
    conn: Connection, now: datetime, run_id: str, compose: Callable[[Sequence[Message], str], Notification]
) -> Message | None:
    """What of the held messages whose time has come is still the case, as one message; None when nothing is.

    A single one is itself. Several become a new one, made by `compose`, that takes the most severe one's ways.
    """
    with conn.transaction(), conn.cursor(row_factory=class_row(Message)) as cursor:
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('notifications held', 0))")
        _suppress_what_is_over(conn, now)
        rows = cursor.execute(
            f"""
            UPDATE notifications SET
                status = 'pending', due_at = NULL, error = NULL, taken_by = %(run)s, updated_at = %(now)s
            WHERE status = 'held' AND due_at <= %(now)s AND NOT archived
            RETURNING {COLUMNS}
            """,
            {"now": now, "run": run_id},
        ).fetchall()
        if len(rows) < 2:
            return next(iter(rows), None)
        return _one_of(conn, rows, compose(rows, f"held_messages:{min(row.id for row in rows)}:{now:%Y%m%dT%H%M%S}"),
                       run_id, now)  # fmt: skip


def _one_of(conn: Connection, rows: Sequence[Message], note: Notification, run_id: str, now: datetime) -> Message:
    via = next(row.via for row in rows if row.severity == note.severity)
    with conn.cursor(row_factory=class_row(Message)) as cursor:
        made = cursor.execute(
            f"""
            INSERT INTO notifications
                (type, severity, title, body, dedup_key, via, run_id, created_at, updated_at)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING {COLUMNS}
            """,
            (note.type, note.severity, note.title, note.body, note.dedup_key, via, run_id, now, now),
        ).fetchone()
        assert made is not None
    conn.execute(
        "UPDATE notifications SET status = 'digested', folded_into = %s, updated_at = %s WHERE id = ANY(%s)",
        (made.id, now, [row.id for row in rows]),
    )
    return made


def _suppress_what_is_over(conn: Connection, now: datetime) -> None:
    """A job that works again, an incident that was resolved: nobody needs to hear of it now."""
    conn.execute(
        f"""
        UPDATE notifications n SET status = 'suppressed', error = 'no longer the case', updated_at = %(now)s
        WHERE n.status = 'held' AND n.due_at <= %(now)s AND NOT n.archived
          AND (n.type IN ('job_failing', 'credentials')
               AND EXISTS (SELECT FROM job_state j
                           WHERE j.job = split_part(n.dedup_key, ':', 2) AND j.consecutive_failures = 0)
               OR EXISTS (SELECT FROM incidents i
                          WHERE i.dedup_key = split_part(n.dedup_key, '{AGAIN}', 1)
                            AND i.status = 'resolved' AND i.resolved_at >= n.created_at)
               AND NOT EXISTS (SELECT FROM incidents i
                               WHERE i.dedup_key = split_part(n.dedup_key, '{AGAIN}', 1)
                                 AND i.status <> 'resolved' AND NOT i.archived))
        """,
        {"now": now},
    )
