"""agent_actions: the intent before an outside effect, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from godmode.lib.store.controls import SWITCH_LOCK


@dataclass(frozen=True)
class ActionRow:
    """One action. `state` is started, done, failed or uncertain; `history` has each change of it, oldest first."""

    id: int
    key: str
    kind: str
    target: str | None
    state: str
    attempts: int
    job: str | None
    run_id: str | None
    owner_host: str | None
    owner_pid: int | None
    owner_started: str | None
    lease_until: datetime | None
    started_at: datetime
    finished_at: datetime | None
    provider_id: str | None
    error: str | None
    history: list[dict[str, Any]]


@dataclass(frozen=True)
class Intent:
    """An action at one of its attempts, counted from 1: what was seen or begun, and may be settled by that alone."""

    id: int
    attempt: int


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
) -> Intent | None:
    """Write the intent and return it, if the switch is off, the run still holds its claim and the key is free.

    A key is free when it was never used, or failed. One statement, hence one round trip and one commit: the controls
    row is locked for share and read again after any wait, so an intent is either seen by `killswitch on` or not
    written. Sharers of a row lock overtake who waits to write it; the advisory lock is fair, so that intents without
    end do not keep the switch from being set.
    """
    host, pid, started = owner
    row = conn.execute(
        """
        WITH allowed AS (
            SELECT FROM agent_controls
            WHERE NOT kill_switch AND pg_advisory_xact_lock_shared(%(switch)s) IS NOT NULL FOR SHARE
        ), mine AS (
            SELECT FROM job_state WHERE job = %(job)s AND run_id = %(run_id)s AND state = 'running' FOR SHARE
        )
        INSERT INTO agent_actions AS a (key, kind, target, job, run_id, owner_host, owner_pid, owner_started,
                                        lease_until, started_at, history)
        SELECT %(key)s, %(kind)s, %(target)s, %(job)s, %(run_id)s, %(host)s, %(pid)s, %(started)s, %(lease)s, %(now)s,
               jsonb_build_array(jsonb_build_object('at', %(now)s, 'state', 'started', 'run', %(run_id)s::text,
                                                    'host', %(host)s::text, 'pid', %(pid)s::integer))
        FROM allowed, mine
        ON CONFLICT (key) DO UPDATE SET
            state = 'started', attempts = a.attempts + 1, target = EXCLUDED.target, job = EXCLUDED.job,
            run_id = EXCLUDED.run_id, owner_host = EXCLUDED.owner_host, owner_pid = EXCLUDED.owner_pid,
            owner_started = EXCLUDED.owner_started, lease_until = EXCLUDED.lease_until,
            started_at = EXCLUDED.started_at, finished_at = NULL, error = NULL,
            history = a.history || EXCLUDED.history
        WHERE a.state = 'failed'
        RETURNING id, attempts
        """,
        {
            "switch": SWITCH_LOCK, "key": key, "kind": kind, "target": target, "job": job, "run_id": run_id,
            "host": host, "pid": pid, "started": started, "lease": lease_until, "now": now,
        },
    ).fetchone()  # fmt: skip
    return Intent(*row) if row else None


def by_key(conn: Connection, key: str) -> ActionRow | None:
    """The action of a key."""
    with conn.cursor(row_factory=class_row(ActionRow)) as cursor:
        return cursor.execute(f"SELECT {_COLUMNS} FROM agent_actions WHERE key = %s", (key,)).fetchone()


def of_keys(conn: Connection, keys: Sequence[str]) -> dict[str, ActionRow]:
    """The actions of these keys, those of them that were ever begun."""
    with conn.cursor(row_factory=class_row(ActionRow)) as cursor:
        rows = cursor.execute(f"SELECT {_COLUMNS} FROM agent_actions WHERE key = ANY(%s)", (list(keys),)).fetchall()
    return {row.key: row for row in rows}


def note(conn: Connection, key: str, kind: str, target: str, now: datetime, provider_id: str) -> None:
    """Write an action that the operator's own command has done, outside of any run."""
    conn.execute(
        """
        INSERT INTO agent_actions (key, kind, target, state, started_at, finished_at, provider_id)
        VALUES (%s, %s, %s, 'done', %s, %s, %s)
        ON CONFLICT (key) DO UPDATE SET state = 'done', finished_at = EXCLUDED.finished_at, error = NULL
        """,
        (key, kind, target, now, now, provider_id),
    )


def matching(conn: Connection, word: str, limit: int) -> Sequence[ActionRow]:
    """The newest actions whose number is `word` or whose key contains it."""
    with conn.cursor(row_factory=class_row(ActionRow)) as cursor:
        return cursor.execute(
            f"""
            SELECT {_COLUMNS} FROM agent_actions
            WHERE (id::text = %(word)s OR strpos(key, %(word)s) > 0) AND NOT archived
            ORDER BY id DESC LIMIT %(limit)s
            """,
            {"word": word, "limit": limit},
        ).fetchall()


def under_way(conn: Connection) -> Sequence[ActionRow]:
    """Every action that was begun and has no outcome yet, the oldest first."""
    with conn.cursor(row_factory=class_row(ActionRow)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM agent_actions WHERE state = 'started' ORDER BY started_at"
        ).fetchall()


def begun(conn: Connection, prefix: str) -> Sequence[ActionRow]:
    """The actions whose key begins so, that were begun and have no outcome yet."""
    with conn.cursor(row_factory=class_row(ActionRow)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM agent_actions WHERE state = 'started' AND starts_with(key, %s)", (prefix,)
        ).fetchall()


def settle(
    conn: Connection,
    intent: Intent,
    state: str,
    now: datetime,
    *,
    provider_id: str | None = None,
    error: str | None = None,
) -> bool:
    """Write what became of an action that is `started`, or what was learnt later of an `uncertain` one.

    False when it is settled, or somebody has begun it anew, since the intent was seen.
    """
    done = conn.execute(
        """
        UPDATE agent_actions SET
            state = %(state)s, finished_at = %(now)s, provider_id = %(provider_id)s, error = %(error)s,
            history = history || jsonb_build_object('at', %(now)s, 'state', %(state)s::text, 'error', %(error)s::text,
                                                    'provider_id', %(provider_id)s::text)
        WHERE id = %(id)s AND attempts = %(attempt)s AND state IN ('started', 'uncertain')
        """,
        {
            "state": state, "now": now, "provider_id": provider_id, "error": error,
            "id": intent.id, "attempt": intent.attempt,
        },
    )  # fmt: skip
    return done.rowcount == 1
