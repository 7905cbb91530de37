"""What watchers ask of queues and claims: how deep, how old, held by whom; each a bounded count through an index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import class_row

MOST = 10_000  # as far as is counted


class Depth(Struct, frozen=True):
    """How much work waits in the retry queue, and the oldest moment at which some of it was to be done."""

    count: int
    oldest: datetime | None


def depth(conn: Connection) -> Depth:
    """The work that waits or is under way, counted up to MOST."""
    with conn.cursor(row_factory=class_row(Depth)) as cursor:
        row = cursor.execute(
            f"""
            SELECT count(*) AS count, min(run_at) AS oldest FROM (
                SELECT run_at FROM retry_jobs WHERE status IN ('pending', 'running') AND NOT archived
                ORDER BY run_at, id LIMIT {MOST}) waiting
            """
        ).fetchone()
    assert row is not None
    return row


class Buried(Struct, frozen=True):
    """New dead letters of one type; `errors` are those of the newest."""

    type: str
    count: int
    numbers: list[int]
    times: list[datetime]
    errors: list[str | None]


def buried(conn: Connection, since: datetime, now: datetime) -> Sequence[Buried]:
    """The dead letters that were added after `since` and still wait, by type, the most frequent first."""
    with conn.cursor(row_factory=class_row(Buried)) as cursor:
        return cursor.execute(
            f"""
            SELECT type, count(*) AS count, (array_agg(id ORDER BY created_at DESC))[1:20] AS numbers,
                   (array_agg(created_at ORDER BY created_at DESC))[1:50] AS times,
                   (array_agg(left(error, 500) ORDER BY created_at DESC))[1:3] AS errors
            FROM (SELECT id, type, created_at, error FROM dead_letter_jobs
                  WHERE status = 'open' AND NOT archived AND created_at > %s AND created_at <= %s
                  ORDER BY created_at DESC LIMIT {MOST}) newest
            GROUP BY type ORDER BY count(*) DESC, type
            """,
            (since, now),
        ).fetchall()


class Claim(Struct, frozen=True):
    """Something held by a process that has not let go of it. `kind` is job, retry or action."""

    kind: str
    name: str
    owner: str | None
    since: datetime | None
    lease_until: datetime | None


def stuck(conn: Connection, before: datetime, limit: int = 100) -> Sequence[Claim]:
    """What is held under a lease that was over before then, the oldest first."""
    with conn.cursor(row_factory=class_row(Claim)) as cursor:
        return cursor.execute(
            """
            (SELECT 'job' AS kind, job AS name, owner_host AS owner, started_at AS since, lease_until
             FROM job_state WHERE state = 'running' AND lease_until < %(before)s)
            UNION ALL
            (SELECT 'retry', id::text, owner_host, updated_at, lease_until FROM retry_jobs
             WHERE status = 'running' AND NOT archived AND run_at < %(before)s AND lease_until < %(before)s
             ORDER BY run_at, id LIMIT %(limit)s)
            UNION ALL
            (SELECT 'action', key, owner_host, started_at, lease_until FROM agent_actions
             WHERE state = 'started' AND started_at < %(before)s AND lease_until < %(before)s
             ORDER BY started_at LIMIT %(limit)s)
            ORDER BY lease_until LIMIT %(limit)s
            """,
            {"before": before, "limit": limit},
        ).fetchall()
