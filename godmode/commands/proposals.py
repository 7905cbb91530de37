"""`godmode proposals [show|approve|reject|undo N]`: what was noticed, what speaks for it, and her word on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from godmode import registry
from godmode.commands import terminal
from godmode.lib import remedies
from godmode.lib.approval import APPROVED, REJECTED, Approval
from godmode.lib.engine.remedies.contract import Change
from godmode.lib.errors import BadData, GodmodeError, Usage
from godmode.lib.kernel import JobContext, JobResult, Outcome, Skip
from godmode.lib.notify.wording import line
from godmode.lib.store import corrections, proposals, retry_jobs
from godmode.lib.store.corrections import Correction
from godmode.lib.store.proposals import Decided, ProposalRow
from godmode.wiring import App

app = typer.Typer(add_completion=False, help="What was noticed, and what speaks for it.", rich_markup_mode=None)
OPEN = "`godmode proposals` lists the open ones"
LONGEST = 2000  # characters of what was seen, or said
Number = Annotated[int, typer.Argument(help="The proposal's number.", min=1, max=2**63 - 1)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Reason = Annotated[str, typer.Option(help="Why, for the audit log.")]
Shown = Annotated[str | None, typer.Option(help="Only as it was shown, by what `show` says.", metavar="SHOWN")]


@app.callback(invoke_without_command=True)
def list_(
    ctx: typer.Context,
    all_: Annotated[bool, typer.Option("--all", help="Also what is decided.")] = False,
    as_json: Json = False,
) -> int:
    """List the open proposals, and what was approved and is not carried out yet."""
    if ctx.invoked_subcommand is not None:
        return 0
    conn = App(terminal.config()).migrated().conn
    rows = [*proposals.waiting(conn), *(proposals.decided(conn) if all_ else proposals.under_way(conn))]
    cells = [
        (row.id, row.status, f"{row.confidence:.2f}", terminal.local(row.updated_at), line(row.title)) for row in rows
    ]
    table = terminal.table(("N", "STATUS", "SURE", "SEEN", "WHAT"), cells)
    nothing = "there are no proposals" if all_ else "no proposals are open"
    terminal.show([asdict(row) for row in rows], as_json, table if rows else nothing)
    return 0


@app.command()
def show(number: Number, as_json: Json = False) -> int:
    """Show one proposal: what speaks for it, what a yes would do, and what came of it."""
    from godmode.lib.engine import outcome

    godmode = App(terminal.config())
    conn = godmode.migrated().conn
    row = _found(godmode, number)
    if row.status == "open":
        proposals.note_shown(conn, row)
    done, change = corrections.of(conn, number), _change(row)
    work = retry_jobs.one(conn, row.work) if row.work else None
    document = asdict(row) | {
        "would": asdict(change) if change else None,
        "correction": asdict(done) if done else None,
        "queue": {"id": work.id, "status": work.status, "note": work.note, "errors": work.errors} if work else None,
    }
    lines = [*_seen(row), *_offered(row, change, _now(godmode, row)), *_came(row, done, change)]
    rest = outcome.rest(conn, work, terminal.local) if work and row.status in ("approved", "applied") else ""
    lines += [f"not done: {rest}"] if rest else []
    lines += [f"`godmode proposals undo {number}` takes the yes back"] if rest and row.status == "approved" else []
    terminal.show(document, as_json, "\n".join(lines))
    return 0


@app.command()
def approve(number: Number, shown: Shown = None, as_json: Json = False) -> int:
    """Approve an open proposal, as `show` said it last, and carry its remedy out. Needs write_enabled."""
    return _decide(Approval(APPROVED, number, shown), "", as_json)


@app.command()
def reject(number: Number, reason: Reason = "", as_json: Json = False) -> int:
    """Reject an open proposal: the same finding is not raised again until it is clearly worse."""
    return _decide(Approval(REJECTED, number), reason, as_json)


@app.command()
def undo(number: Number, reason: Reason = "", as_json: Json = False) -> int:
    """Take back what an approved proposal changed, where that can be (needs write_enabled), or a yes that waits."""
    from godmode.lib.engine import approvals

    godmode = App(terminal.config())
    row = _found(godmode, number)
    change = _change(row)
    if row.status == "undone":
        terminal.show({"proposal": number, "status": "undone", "already": True}, as_json, f"{_p(number)} was undone")
        return 0
    if row.status == "approved" and row.remedy:
        return _withdraw(godmode, row, reason, as_json)
    if row.status != "applied" or change is None:
        raise Usage(
            f"{_p(number)} is {row.status}, so there is nothing to take back", f"`godmode proposals show {number}`"
        )
    if not change.undo:
        raise Usage(f"{_p(number)} cannot be undone: {change.final}")
    store, now = godmode.store, godmode.clock.now()
    came = approvals.undo(
        store.conn, godmode.config.state, number, now, by=terminal.who(), reason=godmode.clean(reason)
    )
    if isinstance(came, Skip):
        raise Usage(f"{_p(number)} was not undone: {came.message}", came.fix)
    result = _carry_out(godmode, came) if came else JobResult(Outcome.SKIPPED, "locked")
    if result.reason == "expired":
        raise GodmodeError(str(result.data["message"]))
    return _tell(godmode, number, "is to be undone", result, as_json)


def _withdraw(godmode: App, row: ProposalRow, reason: str, as_json: bool) -> int:
    """Take back a yes of which nothing is done yet."""
    from godmode.lib.engine import approvals

    now, reason = godmode.clock.now(), godmode.clean(reason)
    if not approvals.withdraw(godmode.store.conn, row, now, by=terminal.who(), reason=reason):
        raise Usage(f"{_p(row.id)} is being carried out: it can be undone then", f"`godmode proposals show {row.id}`")
    said = f"{_p(row.id)} is undone: nothing of it had been done"
    terminal.show({"proposal": row.id, "status": "undone", "already": False}, as_json, said)
    return 0


# -- her word ------------------------------------------------------------------------------------------------


def _decide(wanted: Approval, reason: str, as_json: bool) -> int:
    from godmode.lib.engine import approvals

    godmode = App(terminal.config())
    conn, now, number = godmode.migrated().conn, godmode.clock.now(), wanted.proposal
    came = approvals.decide(conn, godmode.config.state, wanted, now, by=terminal.who(), reason=godmode.clean(reason))
    if isinstance(came, Skip):
        raise Usage(f"{_p(number)} was not {wanted.verdict}: {came.message}", came.fix)
    row = _open(came, number)
    if came.work is not None:
        return _tell(godmode, number, "is approved", _carry_out(godmode, came.work), as_json)
    already = came.came_to == "already"
    said = f"{_p(number)} {'was' if already else 'is'} {wanted.verdict}{' already' if already else ''}"
    if row.remedy and wanted.verdict == APPROVED and not approvals.is_known(came):
        said += f"; {approvals.UNKNOWN_REMEDY}"
    terminal.show({"proposal": number, "status": row.status, "already": already}, as_json, said)
    return 0


def _open(came: Decided, number: int) -> ProposalRow:
    if came.row is None:
        raise _missing(number)
    if came.came_to == "changed":
        raise Usage(f"{_p(number)} has changed since it was shown", f"`godmode proposals show {number}`")
    if came.came_to == "over":
        when = f" since {terminal.local(came.row.decided_at)}" if came.row.decided_at else ""
        raise Usage(f"{_p(number)} is not open: it is {came.row.status}{when}", OPEN)
    return came.row


def _carry_out(godmode: App, work: int) -> JobResult:
    """Do what the queue holds now, by the one road; where that cannot be, the queue's next run does it."""
    from godmode.lib.engine import approvals, retry

    came: list[JobResult] = []

    def run(ctx: JobContext) -> JobResult:
        came.append(retry.one(ctx, registry.retry, work))
        return JobResult(Outcome.SUCCEEDED, data={"queue": work, "came_to": came[0].outcome})

    report = godmode.perform(approvals.job(run))
    return came[0] if came else report.result


def _tell(godmode: App, number: int, word: str, result: JobResult, as_json: bool) -> int:
    """Say what came of it: 1 where it failed, whether or not it is tried again."""
    from godmode.lib.engine import outcome

    conn = godmode.store.fresh()
    row = proposals.one(conn, number)
    assert row is not None
    text = outcome.words(conn, number, word, result, _change(row), terminal.local)
    document = {
        "proposal": number, "status": row.status, "already": False, "outcome": result.outcome,
        "message": result.error or result.data.get("message"), "queue": row.work,
    }  # fmt: skip
    terminal.show(document, as_json, text)
    return 1 if result.outcome is Outcome.FAILED else 0


# -- showing -------------------------------------------------------------------------------------------------


def _found(godmode: App, number: int) -> ProposalRow:
    row = proposals.one(godmode.migrated().conn, number)
    if row is None:
        raise _missing(number)
    return row


def _missing(number: int) -> Usage:
    return Usage(f"there is no {_p(number)}", OPEN)


def _p(number: int) -> str:
    return f"proposal {number}"


def _change(row: ProposalRow) -> Change | None:
    """The remedy in words; None where there is none, or this version does not know it."""
    if row.remedy is None:
        return None
    try:
        remedy = remedies.read(row.remedy)
    except BadData:
        return None
    target = registry.REMEDIES.get(remedies.kind(remedy))
    change: Change | None = registry.load(target[1])().describe(remedy) if target else None
    return change


def _seen(row: ProposalRow) -> list[str]:
    decided = f", decided {terminal.local(row.decided_at)}" if row.decided_at else ""
    lines = [
        line(row.title),
        f"{row.status}, confidence {row.confidence:.2f}, seen {terminal.local(row.updated_at)}{decided}",
    ]
    lines += [line(row.evidence[key], LONGEST) for key in ("summary", "noted") if key in row.evidence]
    lines += [_quote(message) for message in row.evidence.get("messages", [])]
    lines += [
        f"also seen by {other['type'].replace('_', ' ')}: {line(other['title'])} ({other['confidence']:.2f})"
        for other in row.evidence.get("also", [])
    ]
    lines += [f"more: `{row.evidence[key]}`" for key in ("follow_up",) if key in row.evidence]
    if earlier := row.evidence.get("earlier"):
        count = f", when it was counted {earlier['count']} times" if earlier.get("count") else ""
        lines.append(f"raised again: {_p(earlier['proposal'])} was {earlier['status']}{count}")
    return lines


def _quote(message: Mapping[str, Any]) -> str:
    at = message.get("at")
    when = terminal.local(datetime.fromisoformat(at)) if at else ""
    said = line(message["text"], LONGEST)
    return f"  {when}  {message.get('where') or ''}  {message.get('author') or ''}: {said}"


def _now(godmode: App, row: ProposalRow) -> list[str]:
    """What it is like now, where godmode knows that by itself."""
    from godmode.lib.engine.remedies.contract import Outside, Place, Void

    try:
        remedy = remedies.read(row.remedy or {})
    except BadData:
        return []
    way = registry.load(registry.REMEDIES[remedies.kind(remedy)][1])()
    if isinstance(way, Outside):
        return []
    try:
        return [f"it is now: {_state(way.look(Place(godmode.store.conn, godmode.clock.now(), godmode.job), remedy))}"]
    except Void as e:
        return [f"as it is now, there is nothing to do: {e}"]


def _offered(row: ProposalRow, change: Change | None, now: list[str]) -> list[str]:
    if row.status != "open":
        return []
    yes = f"`godmode proposals approve {row.id} --shown {row.shown}` says yes to just this"
    if change is None:
        return [f"it offers a remedy that this version does not know: {row.remedy}"] if row.remedy else [yes]
    back = f"can be taken back: `undo` {change.undo}" if change.undo else f"cannot be taken back: {change.final}"
    return [f"a yes would {change.does}", *now, f"that {back}", yes]


def _came(row: ProposalRow, done: Correction | None, change: Change | None) -> list[str]:
    if done is None:
        return []
    lines = [f"carried out {terminal.local(done.applied_at)}: {_state(done.before)} → {_state(done.after)}"]
    lines += [f"counted then: {done.figure['what']}: {done.figure['value']}"] if done.figure else []
    if done.undone_at:
        return [*lines, f"taken back {terminal.local(done.undone_at)}"]
    if change is None:
        return lines
    back = f"`godmode proposals undo {row.id}` {change.undo}" if change.undo else f"it is final: {change.final}"
    return [*lines, back]


def _state(of: Mapping[str, Any] | None) -> str:
    return ", ".join(f"{name} {value}" for name, value in (of or {}).items() if value is not None) or "nothing"
