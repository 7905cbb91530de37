"""agent_actions: the intent before an outside effect, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import class_row


@dataclass(frozen=True)
class ActionRow:
    """One action. `state` is started, done, failed or uncertain."""

    id: int
    key: str
    kind: str
    target: str | None
    state: str
    job: str | None
    run_id: str | None
    owner_host: str | None
    owner_pid: int | None
    owner_started: str | None
    lease_until: datetime | None
    started_at: datetime
    provider_id: str | None
    error: str | None


_COLUMNS = ", ".join(ActionRow.__dataclass_fields__)


def intend(
    conn: Connection,
    *,
    key: str,
    kind: str,
    target: str,
    job: str,
    run_id: str,
    owner: tuple[str, int, str],
    lease_until: datetime,
    now: datetime,
) -> int | None:
    """Write the intent and return its id, if the switch is off, the run still holds its claim and the key is free.

    A key is free when it was never used, or failed. One statement: the controls row is locked for share and
    read again after any wait, so an intent is either seen by `killswitch on` or not written.
    """
    host, pid, started = owner
    row = conn.execute(
        """
        WITH allowed AS (
            SELECT FROM agent_controls WHERE NOT kill_switch FOR SHARE
        ), mine AS (
            SELECT FROM job_state WHERE job = %(job)s AND run_id = %(run_id)s AND state = 'running' FOR SHARE
        )
        INSERT INTO agent_actions AS a (key, kind, target, job, run_id, owner_host, owner_pid, owner_started,
                                        lease_until, started_at)
        SELECT %(key)s, %(kind)s, %(target)s, %(job)s, %(run_id)s, %(host)s, %(pid)s, %(started)s, %(lease)s, %(now)s
        FROM allowed, mine
        ON CONFLICT (key) DO UPDATE SET
            state = 'started', attempts = a.attempts + 1, target = EXCLUDED.target, job = EXCLUDED.job,
            run_id = EXCLUDED.run_id, owner_host = EXCLUDED.owner_host, owner_pid = EXCLUDED.owner_pid,
            owner_started = EXCLUDED.owner_started, lease_until = EXCLUDED.lease_until,
            started_at = EXCLUDED.started_at, finished_at = NULL, error = NULL
        WHERE a.state = 'failed'
        RETURNING id
        """,
        {
            "key": key, "kind": kind, "target": target, "job": job, "run_id": run_id, "host": host,
            "pid": pid, "started": started, "lease": lease_until, "now": now,
        },
    ).fetchone()  # fmt: skip
    return int(row[0]) if row else None


def by_key(conn: Connection, key: str) -> ActionRow | None:
    """The action of a key."""
    with conn.cursor(row_factory=class_row(ActionRow)) as cursor:
        return cursor.execute(f"SELECT {_COLUMNS} FROM agent_actions WHERE key = %s", (key,)).fetchone()


def under_way(conn: Connection) -> Sequence[ActionRow]:
    """Every action that was begun and has no outcome yet, the oldest first."""
    with conn.cursor(row_factory=class_row(ActionRow)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM agent_actions WHERE state = 'started' ORDER BY started_at"
        ).fetchall()


def settle(
    conn: Connection,
    action_id: int,
    state: str,
    now: datetime,
    *,
    provider_id: str | None = None,
    error: str | None = None,
) -> None:
    """Write what became of an action that is `started`."""
    conn.execute(
        """
        UPDATE agent_actions SET state = %s, finished_at = %s, provider_id = %s, error = %s
        WHERE id = %s AND state = 'started'
        """,
        (state, now, provider_id, error, action_id),
    )
