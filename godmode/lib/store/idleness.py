"""How often the syncs of a source found nothing new, from the audit log of some weeks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import class_row

MOST_RUNS = 5_000  # of a sync: more than two weeks of one every five minutes

# As engine/sync.py reports a run; one that reports nothing of the kind is none that found nothing.
FOUND_NOTHING = """output_data #> '{data,new}' = '0' AND output_data #> '{data,changed}' = '0'
    AND COALESCE(output_data #> '{data,gone}', '0') = '0' AND NOT output_data #> '{data}' ? 'more'"""


class Read(Struct, frozen=True):
    """A sync that succeeded, and whether it found nothing new."""

    at: datetime
    idle: bool


def reads(conn: Connection, job: str, since: datetime, until: datetime) -> Sequence[Read]:
    """The syncs of a job that succeeded within the window, the oldest first; of more than MOST_RUNS the newest."""
    with conn.cursor(row_factory=class_row(Read)) as cursor:
        rows = cursor.execute(
            f"""
            SELECT ts AS at, COALESCE({FOUND_NOTHING}, false) AS idle FROM agent_audit_log
            WHERE action = %s AND ts > %s AND ts <= %s AND NOT archived AND action_type = 'job' AND success
            ORDER BY ts DESC LIMIT {MOST_RUNS}
            """,
            (job, since, until),
        ).fetchall()
    return list(reversed(rows))


def calls(conn: Connection, source: str, since: datetime, until: datetime) -> int:
    """How many calls a source's service was asked within the window."""
    row = conn.execute(
        """
        SELECT COALESCE(sum(calls), 0)::bigint FROM api_usage
        WHERE hour >= %s AND hour <= %s AND split_part(service, '.', 1) = %s
        """,
        (since, until, source),
    ).fetchone()
    return int(row[0]) if row else 0
