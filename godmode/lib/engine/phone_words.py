"""What is answered to the phone."""

from __future__ import annotations

from datetime import datetime, tzinfo

from msgspec import Struct
from psycopg import Connection

from godmode.lib import approval
from godmode.lib.approval import APPROVED, Approval
from godmode.lib.engine.approvals import UNKNOWN_REMEDY, is_known
from godmode.lib.kernel import Button, Skip
from godmode.lib.store import controls, figures, job_state
from godmode.lib.store.proposals import Decided, ProposalRow

KNOWN = "I know /status and /kill [reason]; all else is for the terminal."
NOT_FROM_HERE = "Only the terminal can allow work again: `godmode killswitch off`."
PROMISE = "It is carried out now; where that cannot be, within a minute."
NOT_OURS = "That button is of another version; nothing was decided."
LAST = "The kill switch is being turned on, and this is the last message. `godmode killswitch off` allows work again."


class Said(Struct, frozen=True):
    """A reply, and what stands under it. `came_to` is what it is counted as, `work` the place in the retry queue of
    what follows from a yes to `proposal`."""

    came_to: str
    text: str
    buttons: tuple[Button, ...] = ()
    work: int | None = None
    proposal: int = 0


def decided(wanted: Approval, came: Decided | Skip, zone: tzinfo) -> Said:
    """What became of a press."""
    number, verdict = wanted.proposal, wanted.verdict
    if isinstance(came, Skip):
        return Said("refused", f"Proposal {number} was not {verdict}: {came.message}; {came.fix}.")
    row = came.row
    if row is None:
        return Said("missing", f"There is no proposal {number}.")
    unknown = row.remedy and verdict == APPROVED and not is_known(came)
    remedy = f" But {UNKNOWN_REMEDY}." if unknown else f" {PROMISE}" if came.work else ""
    if came.came_to == "decided":
        return Said(verdict, f"Proposal {number} {verdict}.{remedy}", work=came.work, proposal=number)
    if came.came_to == "changed":
        text = f"Proposal {number} has changed since you were told; nothing was decided. It is now:\n{_shown(row)}"
        return Said("changed", text, approval.buttons(row.id, row.shown))
    when = f", {_at(row.decided_at, zone)}" if row.decided_at else ""
    already = "already" if came.came_to == "already" else "no longer open: it was"
    return Said("over", f"Proposal {number} is {already} {row.status}{when}.{remedy if already == 'already' else ''}")


def _shown(row: ProposalRow) -> str:
    summary = row.evidence.get("summary")
    return row.title + (f"\n{summary}" if isinstance(summary, str) and summary else "")


def status(conn: Connection, now: datetime, zone: tzinfo) -> str:
    """How everything is, in a few lines. What looks for trouble is named with when it last did."""
    held, waits, rows = controls.read(conn), figures.backlog(conn), job_state.all_rows(conn)
    states = {name: "on" if getattr(held, name) else "off" for name in ("kill_switch", *controls.NAMES)}
    last = {row.job: row.last_success_at for row in rows}
    failing = [f"{row.job} ({row.consecutive_failures})" for row in rows if row.consecutive_failures]
    worst = [f"{i.severity}: {' '.join(i.title.split())[:100]}" for i in figures.open_incidents(conn, now, limit=3)]
    return "\n".join(
        [
            f"godmode, {_at(now, zone)}",
            ", ".join(f"{name} {state}" for name, state in states.items()),
            f"{waits.incidents} open incidents, looked for {_at(last.get('run_watchers'), zone)}",
            *worst,
            f"failing jobs: {', '.join(failing)}" if failing else "no job failed the last time it ran",
            f"waiting: {waits.proposals} proposals, {waits.messages} messages, {waits.retries} retries, "
            f"{waits.dead_letters} given up",
            f"last scan {_at(last.get('periodic_scan'), zone)}, last digest {_at(last.get('daily_digest'), zone)}",
        ]
    )


def _at(at: datetime | None, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%a %d %b %H:%M}" if at else "never"
