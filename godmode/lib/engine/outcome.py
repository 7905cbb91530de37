"""What came of her word, in a line: the same at the terminal and on the phone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from psycopg import Connection

from godmode.lib.engine.remedies.contract import Change
from godmode.lib.kernel import JobResult, Outcome
from godmode.lib.store import dead_letters, proposals, retry_jobs
from godmode.lib.store.dead_letters import DeadLetter
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
    goes_on = rest(conn, work, local) if work is not None else ""
    if not goes_on:
        return f"proposal {number} {word}, but {said}"
    so_far = "could not be carried out" if work is not None and work.status == "dead" else "not carried out yet"
    return f"proposal {number} {word}, but {so_far}: {said}; {goes_on}"


def rest(conn: Connection, work: RetryRow, local: Local) -> str:
    """How what was not done goes on; "" where nothing is left to do."""
    if work.status in ("pending", "running"):
        when = f"it is tried again {local(work.run_at)}" if work.attempts else "it waits for its turn"
        return f"{when} (`godmode queue show {work.id}`)"
    if work.status == "dead":
        return _of_dead(dead_letters.of_retry(conn, work.id))
    if work.status == "dismissed":
        return f"its work was dismissed: {work.note} (`godmode queue show {work.id}`)"
    return ""


def _of_dead(letter: DeadLetter | None) -> str:
    if letter is None:
        return "`godmode queue dead` has it"
    if letter.status == "dismissed":
        return f"its work was dismissed: {letter.note} (`godmode queue show dead:{letter.id}`)"
    return f"`godmode queue retry dead:{letter.id}` tries again"
