"""The digest's and the status page's figures: counts of what is recent, each read through an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import class_row


@dataclass(frozen=True)
class Figures:
    """What happened since a moment (specification, Daily digest)."""

    new_proposals: int
    new_incidents: int
    corrections_applied: int
    workflows_executed: int
    workflows_failed: int
    api_calls: int
    new_messages: int


def since(conn: Connection, at: datetime) -> Figures:
    """The digest's metrics; incidents without INFO, failed workflows without those retried with success.

    A workflow's run counts when it ended, so that each counts once; one that takes longer than a day does not count.
    API calls are counted by the hour, so those of the hour that the moment lies in count from its beginning.
    """
    with conn.cursor(row_factory=class_row(Figures)) as cursor:
        row = cursor.execute(
            """
            WITH ended AS (
                SELECT status, retry_success_id FROM workflow_executions
                WHERE started_at >= %(at)s - interval '1 day' AND NOT archived
                  AND COALESCE(stopped_at, CASE WHEN status NOT IN ('new', 'running', 'waiting') THEN started_at END)
                      >= %(at)s
            )
            SELECT
                (SELECT count(*) FROM proposals WHERE created_at >= %(at)s AND NOT archived) AS new_proposals,
                (SELECT count(*) FROM incidents
                 WHERE opened_at >= %(at)s AND severity <> 'INFO' AND NOT archived) AS new_incidents,
                (SELECT count(*) FROM corrections WHERE applied_at >= %(at)s AND NOT archived) AS corrections_applied,
                (SELECT count(*) FROM ended) AS workflows_executed,
                (SELECT count(*) FROM ended
                 WHERE status IN ('error', 'crashed') AND retry_success_id IS NULL) AS workflows_failed,
                (SELECT COALESCE(sum(calls), 0)::bigint FROM api_usage
                 WHERE hour >= date_trunc('hour', %(at)s::timestamptz, 'UTC')) AS api_calls,
                (SELECT COALESCE(sum((output_data #>> '{data,new}')::bigint), 0)::bigint FROM agent_audit_log
                 WHERE action = 'sync_chatlogs' AND ts >= %(at)s AND NOT archived) AS new_messages
            """,
            {"at": at},
        ).fetchone()
    assert row is not None
    return row


@dataclass(frozen=True)
class OpenIncident:
    """An incident that is not resolved: `open` or `acknowledged`."""

    id: int
    severity: str
    title: str
    opened_at: datetime
    occurrences: int
    type: str = ""
    status: str = "open"


def open_incidents(conn: Connection, now: datetime, limit: int = 20) -> Sequence[OpenIncident]:
    """Incidents not yet resolved, the most severe and oldest first, without INFO and without those she muted."""
    with conn.cursor(row_factory=class_row(OpenIncident)) as cursor:
        return cursor.execute(
            """
            SELECT id, severity, title, opened_at, occurrences, type, status FROM incidents i
            WHERE status <> 'resolved' AND severity <> 'INFO' AND NOT archived
              AND NOT EXISTS (
                  SELECT FROM incident_mutes m
                  WHERE m.type = i.type AND m.lifted_at IS NULL AND m.until > %s)
            ORDER BY severity, opened_at LIMIT %s
            """,
            (now, limit),
        ).fetchall()


@dataclass(frozen=True)
class Backlog:
    """What waits for its time or for a person."""

    retries: int
    dead_letters: int
    messages: int
    proposals: int
    incidents: int


def backlog(conn: Connection) -> Backlog:
    """Counts of everything that waits."""
    with conn.cursor(row_factory=class_row(Backlog)) as cursor:
        row = cursor.execute(
            """
            SELECT
                (SELECT count(*) FROM retry_jobs WHERE status IN ('pending', 'running') AND NOT archived) AS retries,
                (SELECT count(*) FROM dead_letter_jobs WHERE status = 'open' AND NOT archived) AS dead_letters,
                (SELECT count(*) FROM notifications
                 WHERE status IN ('pending', 'held', 'sending') AND NOT archived) AS messages,
                (SELECT count(*) FROM proposals WHERE status = 'open' AND NOT archived) AS proposals,
                (SELECT count(*) FROM incidents WHERE status <> 'resolved' AND NOT archived) AS incidents
            """
        ).fetchone()
    assert row is not None
    return row
