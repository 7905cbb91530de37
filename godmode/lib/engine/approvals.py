"""Her word on a proposal, from the terminal or from the phone: by one function, through the gate."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from psycopg import Connection

from godmode.lib.approval import APPROVED, Approval
from godmode.lib.engine import gate, killswitch
from godmode.lib.kernel import Every, Job, Skip
from godmode.lib.store import controls, proposals
from godmode.lib.store.proposals import Decided

NO_REMEDY_YET = "its remedy is not carried out: this version keeps your word and does no more"

# What the gate has to grant. It is her own hand and no job of a schedule, so `jobs_enabled` does not hold for it.
_APPROVAL = Job(
    "approve_proposal",
    "approve a proposal",
    Every(seconds=1),
    None,
    needs=frozenset({"write_enabled"}),
    ignores=frozenset({"jobs_disabled"}),
)


def decide(
    conn: Connection, state: Path, wanted: Approval, now: datetime, *, by: str, reason: str = ""
) -> Decided | Skip:
    """Approve or reject, in one transaction with its audit row; or the gate's "no" to an approval.

    A rejection stops something, so it needs nothing of the gate.
    """
    with conn.transaction():
        if wanted.verdict == APPROVED:
            held = controls.read(conn)
            facts = gate.Facts(kill_switch=killswitch.is_on(state, held), lacking=gate.controls_off(held))
            no = gate.decide(_APPROVAL, facts)
            if isinstance(no, Skip):
                return no
        return proposals.decide(conn, wanted.proposal, wanted.verdict, now, by=by, shown=wanted.shown, reason=reason)
