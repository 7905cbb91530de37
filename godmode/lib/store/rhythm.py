"""What watchers ask of workflow_executions: how many fail, and when each workflow runs; each through an index, and
of every workflow a bounded number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import class_row

MOST_WORKFLOWS = 1000
MOST_RUNS = 5000  # of all workflows together
MOST_OF_ONE = 500

# From one workflow to the next in executions_of_workflow, whatever the number of their executions.
_EACH = f"""
    RECURSIVE each AS (
        (SELECT workflow_id, 1 AS number FROM workflow_executions WHERE NOT archived ORDER BY workflow_id LIMIT 1)
        UNION ALL
        SELECT (SELECT w.workflow_id FROM workflow_executions w
                WHERE NOT w.archived AND w.workflow_id > each.workflow_id ORDER BY w.workflow_id LIMIT 1), number + 1
        FROM each WHERE each.workflow_id IS NOT NULL AND number < {MOST_WORKFLOWS}
    )"""
_ENDED = "status IN ('success', 'error', 'crashed')"
_FAILED = "status IN ('error', 'crashed') AND retry_success_id IS NULL"


class Rate(Struct, frozen=True):
    """How many runs ended, and how many of them failed and were not retried with success."""

    count: int
    failed: int


def rate(conn: Connection, since: datetime, now: datetime, besides: Sequence[str]) -> Rate:
    """The newest runs of all workflows that began after `since`, those of some workflows apart."""
    with conn.cursor(row_factory=class_row(Rate)) as cursor:
        row = cursor.execute(
            f"""
            SELECT count(*) AS count, count(*) FILTER (WHERE {_FAILED}) AS failed
            FROM (SELECT status, retry_success_id, workflow_id FROM workflow_executions
                  WHERE started_at > %(since)s AND started_at <= %(now)s AND NOT archived
                  ORDER BY started_at DESC LIMIT {MOST_RUNS}) newest
            WHERE {_ENDED} AND workflow_id <> ALL(%(besides)s)
            """,
            {"since": since, "now": now, "besides": list(besides)},
        ).fetchone()
    assert row is not None
    return row


class RateOfOne(Struct, frozen=True):
    """The same of one workflow; `errors` are the newest messages of its failures, with `times`."""

    workflow_id: str
    name: str | None
    count: int
    failed: int
    times: list[datetime]
    errors: list[str | None]


def rates(conn: Connection, since: datetime, now: datetime, least: int, besides: Sequence[str]) -> Sequence[RateOfOne]:
    """The workflows with at least `least` runs after `since` of which some failed, but for `besides`."""
    with conn.cursor(row_factory=class_row(RateOfOne)) as cursor:
        return cursor.execute(
            f"""
            WITH {_EACH}
            SELECT each.workflow_id, max(workflow_name) AS name, count(*) AS count,
                   count(*) FILTER (WHERE {_FAILED}) AS failed,
                   (array_agg(started_at ORDER BY started_at DESC) FILTER (WHERE {_FAILED}))[1:50] AS times,
                   (array_agg(left(error, 500) ORDER BY started_at DESC) FILTER (WHERE {_FAILED}))[1:3] AS errors
            FROM each CROSS JOIN LATERAL (
                SELECT w.workflow_name, w.status, w.retry_success_id, w.started_at, w.error FROM workflow_executions w
                WHERE w.workflow_id = each.workflow_id AND NOT w.archived
                  AND w.started_at > %(since)s AND w.started_at <= %(now)s
                ORDER BY w.started_at DESC LIMIT {MOST_OF_ONE}
            ) newest
            WHERE {_ENDED} AND each.workflow_id <> ALL(%(besides)s)
            GROUP BY each.workflow_id HAVING count(*) >= %(least)s AND count(*) FILTER (WHERE {_FAILED}) > 0
            ORDER BY each.workflow_id
            """,
            {"since": since, "now": now, "least": least, "besides": list(besides)},
        ).fetchall()


def known_to_fail(conn: Connection) -> list[str]:
    """The workflows that an unresolved incident of repeated failures speaks for."""
    rows = conn.execute(
        """
        SELECT related_workflow_id FROM incidents
        WHERE status <> 'resolved' AND NOT archived AND type = 'repeated_failures'
          AND related_workflow_id IS NOT NULL LIMIT 1000
        """
    ).fetchall()
    return [row[0] for row in rows]


class Life(Struct, frozen=True):
    """When a workflow first and last began to run; `noted_at` is when its last run was read."""

    workflow_id: str
    name: str | None
    first: datetime
    last: datetime
    noted_at: datetime | None


def lives(conn: Connection, until: datetime) -> Sequence[Life]:
    """Every workflow that ran by then."""
    with conn.cursor(row_factory=class_row(Life)) as cursor:
        return cursor.execute(
            f"""
            WITH {_EACH}
            SELECT each.workflow_id, newest.workflow_name AS name, oldest.started_at AS first,
                   newest.started_at AS last, newest.noted_at
            FROM each
            CROSS JOIN LATERAL (
                SELECT w.started_at, w.workflow_name, w.noted_at FROM workflow_executions w
                WHERE w.workflow_id = each.workflow_id AND NOT w.archived AND w.started_at <= %(until)s
                ORDER BY w.started_at DESC LIMIT 1) newest
            CROSS JOIN LATERAL (
                SELECT w.started_at FROM workflow_executions w
                WHERE w.workflow_id = each.workflow_id AND NOT w.archived AND w.started_at IS NOT NULL
                ORDER BY w.started_at LIMIT 1) oldest
            ORDER BY each.workflow_id
            """,
            {"until": until},
        ).fetchall()


class Window(Struct, frozen=True):
    """A stretch of the past in which a workflow is asked about."""

    workflow_id: str
    begins: datetime
    ends: datetime


class Runs(Struct, frozen=True):
    """What was in a window: how many runs (counted up to a bound), and the first one after its beginning,
    even where that lies behind its end."""

    count: int
    next: datetime | None


MOST_IN_WINDOW = 50
AHEAD = timedelta(days=8)


def runs(conn: Connection, windows: Sequence[Window], most: int = MOST_IN_WINDOW) -> Sequence[Runs]:
    """What was in each window, in their order; counted up to `most`."""
    with conn.cursor(row_factory=class_row(Runs)) as cursor:
        return cursor.execute(
            """
            SELECT inside.count, ahead.next
            FROM unnest(%(ids)s::text[], %(begins)s::timestamptz[], %(ends)s::timestamptz[])
                WITH ORDINALITY AS asked (workflow_id, begins, ends, number)
            CROSS JOIN LATERAL (
                SELECT count(*) AS count FROM (
                    SELECT FROM workflow_executions w
                    WHERE w.workflow_id = asked.workflow_id AND NOT w.archived
                      AND w.started_at > asked.begins AND w.started_at <= asked.ends LIMIT %(most)s) few
            ) inside
            LEFT JOIN LATERAL (
                SELECT w.started_at AS next FROM workflow_executions w
                WHERE w.workflow_id = asked.workflow_id AND NOT w.archived
                  AND w.started_at > asked.begins AND w.started_at <= asked.begins + %(ahead)s
                ORDER BY w.started_at LIMIT 1) ahead ON true
            ORDER BY asked.number
            """,
            {
                "ids": [w.workflow_id for w in windows], "begins": [w.begins for w in windows],
                "ends": [w.ends for w in windows], "ahead": AHEAD, "most": most,
            },
        ).fetchall()  # fmt: skip
