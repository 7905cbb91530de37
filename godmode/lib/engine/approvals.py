"""Her word on a proposal, from the terminal or from the phone: by one function, through the gate.

Her word and the work that follows from it are one transaction, so that a yes is carried out whatever dies; the work is
a row of the retry queue, which is done at once by whoever took the word, else by the queue's next run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from psycopg import Connection, Rollback

from godmode.lib import remedies
from godmode.lib.approval import APPROVED, Approval
from godmode.lib.engine import gate, killswitch
from godmode.lib.errors import BadData
from godmode.lib.kernel import Every, Job, JobContext, JobResult, Skip
from godmode.lib.store import actions, audit, controls, dead_letters, proposals, retry_jobs
from godmode.lib.store.proposals import Decided, ProposalRow

UNKNOWN_REMEDY = "its remedy is not carried out: this version does not know it"
DEADLINE = timedelta(minutes=2)


def job(run: Callable[[JobContext], JobResult] | None) -> Job:
    """What the gate has to grant. It is her own hand and no job of a schedule, so `jobs_enabled` does not hold."""
    return Job(
        "carry_out_proposal",
        "carry out what was approved",
        Every(seconds=1),
        run,
        needs=frozenset({"write_enabled"}),
        ignores=frozenset({"jobs_disabled"}),
        deadline=DEADLINE,
    )


def decide(
    conn: Connection,
    state: Path,
    wanted: Approval,
    now: datetime,
    *,
    by: str,
    reason: str = "",
    reply: str | None = None,
) -> Decided | Skip:
    """Approve or reject, in one transaction with its audit row and the work; or the gate's "no" to an approval.

    A rejection stops something, so it needs nothing of the gate. `reply` is the key of the message that answers her.
    """
    with conn.transaction():
        if wanted.verdict == APPROVED and (no := _refused(conn, state)):
            return no
        came = proposals.decide(conn, wanted.proposal, wanted.verdict, now, by=by, shown=wanted.shown, reason=reason)
        if came.came_to != "decided" or wanted.verdict != APPROVED or not is_known(came):
            return came
        return replace(came, work=_enqueue(conn, wanted.proposal, "apply", now, reply))


def undo(conn: Connection, state: Path, number: int, now: datetime, *, by: str, reason: str = "") -> int | Skip | None:
    """Her word that what was carried out is taken back, with its audit row and the work: that one's number.

    None where it is under way already. The gate's "no" comes as a Skip.
    """
    with conn.transaction():
        if no := _refused(conn, state):
            return no
        work = _enqueue(conn, number, "undo", now, None)
        if work is not None:
            data = {"proposal": number, "by": by, "reason": reason}
            audit.write(conn, now, "proposal_undo", "decision", success=True, data=data)
        return work


def withdraw(conn: Connection, row: ProposalRow, now: datetime, *, by: str, reason: str = "") -> bool:
    """Her word that what she approved, and nobody has begun to do, is not to be done; whether it was not begun.

    It stops something, so it needs nothing of the gate.
    """
    with conn.transaction():
        waited = row.work is None or _dismissed(conn, row.work, now)  # first: from then on nobody begins it
        if waited and not _is_begun(conn, row) and proposals.move(conn, row.id, "undone", "approved"):
            data = {"proposal": row.id, "by": by, "reason": reason}
            audit.write(conn, now, "proposal_withdrawn", "decision", success=True, data=data)
            return True
        raise Rollback
    return False


def _is_begun(conn: Connection, row: ProposalRow) -> bool:
    action = actions.by_key(conn, f"remedy:{row.id}:apply")
    return action is not None and action.state != "failed"


def _dismissed(conn: Connection, work: int, now: datetime) -> bool:
    """Whether work of the queue, or the dead letter that it became, is not done any more."""
    row, why = retry_jobs.one(conn, work), "her yes was taken back"
    if row is None or row.status != "dead":
        return row is None or row.status == "dismissed" or retry_jobs.dismiss(conn, work, why, now)
    letter = dead_letters.of_retry(conn, work)
    return letter is None or letter.status == "dismissed" or dead_letters.close(conn, letter.id, "dismissed", why, now)


def is_known(came: Decided) -> bool:
    """Whether the proposal has a remedy that this version carries out."""
    try:
        return bool(came.row and came.row.remedy and remedies.read(came.row.remedy))
    except BadData:
        return False


def _refused(conn: Connection, state: Path) -> Skip | None:
    held = controls.read(conn)
    facts = gate.Facts(kill_switch=killswitch.is_on(state, held), lacking=gate.controls_off(held))
    no = gate.decide(job(None), facts)
    return no if isinstance(no, Skip) else None


def _enqueue(conn: Connection, number: int, do: str, now: datetime, reply: str | None) -> int | None:
    payload: dict[str, Any] = {"proposal": number, "do": do} | ({"reply": reply} if reply else {})
    work = retry_jobs.enqueue(conn, "remedy", payload, now=now, unique_key=f"remedy:{number}:{do}")
    if work is not None:
        proposals.note_work(conn, number, work)
    return work
