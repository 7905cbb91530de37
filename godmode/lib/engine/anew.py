"""Work that was given up on starts anew, as the operator has it from `godmode queue retry dead:N`."""

from __future__ import annotations

from datetime import datetime

from psycopg import Connection

from godmode.lib.errors import Usage
from godmode.lib.store import dead_letters, retry_jobs
from godmode.lib.store.dead_letters import DeadLetter


def start(conn: Connection, letter: DeadLetter, now: datetime) -> int | None:
    """The number in the queue under which it runs; None where the letter is not open. In the caller's transaction.

    Raises Usage where the same work is open already.
    """
    before = retry_jobs.one(conn, letter.retry_job_id) if letter.retry_job_id else None
    key = before.unique_key if before else None
    number = retry_jobs.enqueue(conn, letter.type, letter.payload, now=now, unique_key=key)
    if number is None:
        raise Usage(
            f'work of key "{key}" is open already', f"`godmode queue dismiss dead:{letter.id}` if it does as well"
        )
    return number if dead_letters.close(conn, letter.id, "retried", f"as {number}", now) else None
