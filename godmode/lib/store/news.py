"""What the digest and the call tell of: waiting messages in groups, what may not have arrived, when she last heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg import Connection
from psycopg.rows import class_row

from godmode.lib.store.outbox import AGAIN

LOOK_BACK = timedelta(days=30)  # an older digest is no beginning for today's figures


@dataclass(frozen=True)
class Group:
    """Waiting messages that say the same; those of SEV0 and SEV1 only where they are the same trouble.

    `body` and `why` (it was held) are the newest one's, `times` is how often all of them happened, `titles` how many
    different ones there are. `told`: an unresolved incident speaks for them. `incident` is the newest one's that they
    tell of, where they do.
    """

    severity: str
    type: str
    told: bool
    ids: list[int]
    titles: int
    times: int
    since: datetime
    title: str
    body: str
    why: str | None
    incident: int | None = None


def groups(conn: Connection) -> Sequence[Group]:
    """All that waits for the next digest, the most severe first, then the oldest."""
    with conn.cursor(row_factory=class_row(Group)) as cursor:
        return cursor.execute(
            f"""
            SELECT severity, type, told, array_agg(id ORDER BY id) AS ids, 1 AS titles,
                sum(count)::int AS times, min(created_at) AS since,
                title,
                (array_agg(body ORDER BY created_at DESC, id DESC))[1] AS body,
                (array_agg(error ORDER BY created_at DESC, id DESC))[1] AS why, max(incident) AS incident
            FROM (
                SELECT n.*, n.trouble IS NOT NULL AND EXISTS (
                    SELECT FROM incidents i
                    WHERE i.dedup_key = n.trouble AND i.status <> 'resolved' AND i.severity <> 'INFO'
                      AND NOT i.archived) AS told,
                    CASE n.type
                        WHEN 'incident' THEN (SELECT max(i.id) FROM incidents i
                                              WHERE i.dedup_key = n.trouble AND NOT i.archived)
                        WHEN 'incident_over' THEN substring(n.dedup_key FROM ':([0-9]{{1,18}}):')::bigint
                    END AS incident
                FROM (SELECT *, split_part(dedup_key, '{AGAIN}', 1) AS trouble FROM notifications) n
                WHERE n.status IN ('pending', 'held') AND n.type NOT IN ('daily_digest', 'morning_call')
                  AND NOT n.archived
            ) waiting
            GROUP BY severity, type, told, title,
                CASE WHEN severity IN ('SEV0', 'SEV1') THEN COALESCE(trouble, id::text) END
            ORDER BY severity = 'INFO', severity, min(created_at), min(id)
            """
        ).fetchall()


@dataclass(frozen=True)
class GivenUp:
    """An open dead letter. `title` is that of the message it is about, `job` and `slot` those of the run."""

    id: int
    type: str
    attempts: int
    error: str | None
    created_at: datetime
    title: str | None
    job: str | None
    slot: str | None


def given_up(conn: Connection, limit: int = 20) -> Sequence[GivenUp]:
    """The dead letters that wait for a person, the newest first."""
    with conn.cursor(row_factory=class_row(GivenUp)) as cursor:
        return cursor.execute(
            """
            SELECT d.id, d.type, d.attempts, d.error, d.created_at, n.title,
                d.payload ->> 'job' AS job, d.payload ->> 'slot' AS slot
            FROM dead_letter_jobs d
            LEFT JOIN notifications n
                ON d.type = 'notification' AND n.id = CASE WHEN d.payload ->> 'id' ~ '^[0-9]{1,18}$'
                                                           THEN (d.payload ->> 'id')::bigint END
            WHERE d.status = 'open' AND NOT d.archived ORDER BY d.created_at DESC, d.id DESC LIMIT %s
            """,
            (limit,),
        ).fetchall()


@dataclass(frozen=True)
class Doubtful:
    """A message that she may not have got (`uncertain`), or surely did not (`failed`)."""

    id: int
    type: str
    severity: str
    title: str
    status: str
    channel: str | None
    created_at: datetime


def doubtful(conn: Connection, since: datetime) -> Sequence[Doubtful]:
    """Messages that came to a doubtful end since then, the newest first.

    Of failed ones only digests and calls that are no dead letter: the others are tried again, or are told of as given
    up on, they or the run that was to send them.
    """
    with conn.cursor(row_factory=class_row(Doubtful)) as cursor:
        return cursor.execute(
            """
            SELECT id, type, severity, title, status, channel, created_at FROM notifications n
            WHERE (status = 'uncertain' OR status = 'failed' AND type IN ('daily_digest', 'morning_call')
                   AND NOT EXISTS (
                       SELECT FROM dead_letter_jobs d
                       WHERE d.status = 'open' AND NOT d.archived
                         AND (d.type = 'notification' AND d.payload ->> 'id' = n.id::text
                              OR d.type = 'job' AND d.payload ->> 'job' = n.type
                                 AND n.dedup_key = n.type || ':' || (d.payload ->> 'slot'))))
              AND created_at >= %(since)s - interval '2 days' AND updated_at >= %(since)s AND NOT archived
            ORDER BY created_at DESC, id DESC
            """,
            {"since": since},
        ).fetchall()


@dataclass(frozen=True)
class Unsettled:
    """Something done outside that is no message, and of which nobody knows whether it happened."""

    id: int
    kind: str
    target: str | None
    finished_at: datetime


def unsettled(conn: Connection, since: datetime) -> Sequence[Unsettled]:
    """What was done outside since then and is in doubt, messages apart; the newest first."""
    with conn.cursor(row_factory=class_row(Unsettled)) as cursor:
        return cursor.execute(
            """
            SELECT id, kind, target, finished_at FROM agent_actions
            WHERE state = 'uncertain' AND finished_at >= %s AND key NOT LIKE 'notification:%%' AND NOT archived
            ORDER BY finished_at DESC
            """,
            (since,),
        ).fetchall()


def last_digest(conn: Connection, before: datetime) -> datetime | None:
    """When the last digest that went out, or may have, was written: what it tells of ends there."""
    row = conn.execute(
        """
        SELECT created_at FROM notifications
        WHERE type = 'daily_digest' AND status IN ('sent', 'uncertain') AND created_at < %(before)s
          AND created_at >= %(before)s - %(back)s AND NOT archived
        ORDER BY created_at DESC LIMIT 1
        """,
        {"before": before, "back": LOOK_BACK},
    ).fetchone()
    return row[0] if row else None
