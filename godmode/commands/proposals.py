"""`godmode proposals [show N]`: what was noticed, and what speaks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from godmode.commands import terminal
from godmode.lib.errors import Usage
from godmode.lib.store import proposals
from godmode.lib.store.proposals import ProposalRow
from godmode.wiring import App

app = typer.Typer(add_completion=False, help="What was noticed, and what speaks for it.", rich_markup_mode=None)
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
def show(
    number: Annotated[int, typer.Argument(help="The proposal's number.")],
    as_json: Json = False,
) -> int:
    """Show one proposal with its evidence."""
    row = proposals.one(App(terminal.config()).migrated().conn, number)
    if row is None:
        raise Usage(f"there is no proposal {number}", "`godmode proposals` lists the open ones")
    terminal.show(asdict(row), as_json, _text(row))
    return 0


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
