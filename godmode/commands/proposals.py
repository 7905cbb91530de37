"""`godmode proposals [show|approve|reject N]`: what was noticed, what speaks for it, and her word on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from godmode.commands import terminal
from godmode.lib.approval import APPROVED, REJECTED, Approval
from godmode.lib.errors import Usage
from godmode.lib.kernel import Skip
from godmode.lib.store import proposals
from godmode.lib.store.proposals import ProposalRow
from godmode.wiring import App

app = typer.Typer(add_completion=False, help="What was noticed, and what speaks for it.", rich_markup_mode=None)
OPEN = "`godmode proposals` lists the open ones"
Number = Annotated[int, typer.Argument(help="The proposal's number.", min=1, max=2**63 - 1)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.callback(invoke_without_command=True)
def list_(ctx: typer.Context, as_json: Json = False) -> int:
    """List the open proposals."""
    if ctx.invoked_subcommand is not None:
        return 0
    rows = proposals.waiting(App(terminal.config()).migrated().conn)
    cells = [(row.id, f"{row.confidence:.2f}", terminal.local(row.updated_at), row.title) for row in rows]
    text = terminal.table(("N", "SURE", "SEEN", "WHAT"), cells) if rows else "no proposals are open"
    terminal.show([asdict(row) for row in rows], as_json, text)
    return 0


@app.command()
def show(number: Number, as_json: Json = False) -> int:
    """Show one proposal with its evidence."""
    row = proposals.one(App(terminal.config()).migrated().conn, number)
    if row is None:
        raise _missing(number)
    terminal.show(asdict(row), as_json, _text(row))
    return 0


@app.command()
def approve(number: Number, as_json: Json = False) -> int:
    """Approve an open proposal. Its remedy is not carried out by this version. Needs write_enabled."""
    return _decide(Approval(APPROVED, number), "", as_json)


@app.command()
def reject(
    number: Number,
    reason: Annotated[str, typer.Option(help="Why, for the audit log.")] = "",
    as_json: Json = False,
) -> int:
    """Reject an open proposal: the same finding is not raised again."""
    return _decide(Approval(REJECTED, number), reason, as_json)


def _decide(wanted: Approval, reason: str, as_json: bool) -> int:
    from godmode.lib.engine import approvals

    godmode = App(terminal.config())
    conn, now, number = godmode.migrated().conn, godmode.clock.now(), wanted.proposal
    came = approvals.decide(conn, godmode.config.state, wanted, now, by=terminal.who(), reason=godmode.clean(reason))
    if isinstance(came, Skip):
        raise Usage(f"proposal {number} was not {wanted.verdict}: {came.message}", came.fix)
    if came.row is None:
        raise _missing(number)
    if came.came_to == "over":
        when = f" since {terminal.local(came.row.decided_at)}" if came.row.decided_at else ""
        raise Usage(f"proposal {number} is not open: it is {came.row.status}{when}", OPEN)
    already = came.came_to == "already"
    said = f"proposal {number} {'was' if already else 'is'} {wanted.verdict}{' already' if already else ''}"
    said += f"; {approvals.NO_REMEDY_YET}" if came.row.remedy and wanted.verdict == APPROVED else ""
    terminal.show({"proposal": number, "status": came.row.status, "already": already}, as_json, said)
    return 0


def _missing(number: int) -> Usage:
    return Usage(f"there is no proposal {number}", OPEN)


def _text(row: ProposalRow) -> str:
    lines = [row.title, f"{row.status}, confidence {row.confidence:.2f}, seen {terminal.local(row.updated_at)}"]
    lines += [row.evidence[key] for key in ("summary",) if key in row.evidence]
    lines += [_quote(message) for message in row.evidence.get("messages", [])]
    lines += [f"more: `{row.evidence[key]}`" for key in ("follow_up",) if key in row.evidence]
    return "\n".join(lines)


def _quote(message: Mapping[str, Any]) -> str:
    at = message.get("at")
    when = terminal.local(datetime.fromisoformat(at)) if at else ""
    return f"  {when}  {message.get('where', '')}  {message.get('author', '')}: {' '.join(message['text'].split())}"
