"""What came of her word, in a line: the same at the terminal and on the phone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from psycopg import Connection

from godmode.lib.engine.remedies.contract import Change
from godmode.lib.kernel import JobResult, Outcome
from godmode.lib.store import dead_letters, proposals, retry_jobs
from godmode.lib.store.retry_jobs import RetryRow

Local = Callable[[datetime | None], str]


def words(conn: Connection, number: int, word: str, result: JobResult, change: Change | None, local: Local) -> str:
    """`word` is what she said ("is approved"), `change` what the remedy does, `local` a time as she reads it."""
    row = proposals.one(conn, number)
    status, work = (row.status, retry_jobs.one(conn, row.work or 0)) if row else ("gone", None)
    said = result.error or str(result.data.get("message") or result.reason or "")
    if result.outcome is Outcome.SUCCEEDED:
        back = f"; `godmode proposals undo {number}` {change.undo}" if status == "applied" and change else ""
        return f"proposal {number} is {status}: {said}{back if change and change.undo else ''}"
    if work is not None and is_open(work):
        return f"proposal {number} {word}, but not carried out yet: {said}; {waits(work, local)}"
    if work is not None and work.status == "dead":
        letter = dead_letters.of_retry(conn, work.id)
        again = f"`godmode queue retry dead:{letter.id}` tries again" if letter else "`godmode queue dead`"
        return f"proposal {number} {word}, but could not be carried out: {said}; {again}"
    return f"proposal {number} {word}, but {said}"


def is_open(work: RetryRow) -> bool:
    """Whether it is still to be done, or being done."""
    return work.status in ("pending", "running")


def waits(work: RetryRow, local: Local) -> str:
    """How what is still to be done goes on."""
    when = f"it is tried again {local(work.run_at)}" if work.attempts else "it waits for its turn"
    return f"{when} (`godmode queue show {work.id}`)"
