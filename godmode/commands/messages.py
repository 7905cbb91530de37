"""`godmode audit messages`: what was to be told, by which way it went, and what became of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from godmode.commands import terminal
from godmode.lib.errors import Usage
from godmode.lib.store import messages
from godmode.lib.store.messages import MessageRow
from godmode.wiring import App

STATUSES = ("pending", "held", "sending", "sent", "digested", "suppressed", "failed", "uncertain")


def show(
    type_: Annotated[str | None, typer.Option("--type", help="Only messages of this type.", metavar="TYPE")] = None,
    status: Annotated[str | None, typer.Option(help=f"Only those that are {', '.join(STATUSES)}.")] = None,
    told_by: Annotated[
        str | None,
        typer.Option("--told-by", help="What the newest message of this type told of.", metavar="TYPE"),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="At most so many.", min=1, max=100_000)] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Show the messages to you, the newest first: what they said and what became of them."""
    if status is not None and status not in STATUSES:
        raise Usage(f'no message is "{status}"', f"--status takes one of {', '.join(STATUSES)}")
    type_, told_by = terminal.given("--type", type_), terminal.given("--told-by", told_by)
    if told_by is not None and (type_ or status):
        raise Usage("--told-by goes with neither --type nor --status", "leave one out")
    conn = App(terminal.config()).migrated().conn
    if told_by is not None:
        rows = messages.told_by_newest(conn, told_by.replace("-", "_"), limit)
    else:
        rows = messages.listed(conn, type_=type_, status=status, limit=limit)
    text = terminal.table(("N", "AT", "HOW BAD", "TYPE", "BECAME", "TIMES", "WHAT"), [_cells(row) for row in rows])
    terminal.show([asdict(row) for row in rows], as_json, text if rows else "there are no such messages")
    return 0


def _cells(row: MessageRow) -> tuple[object, ...]:
    became = f"{row.status} by {row.channel}" if row.channel else row.status
    became = f"{row.status} in {row.folded_into}" if row.folded_into else became
    why = f" ({row.error})" if row.error and row.status not in ("sent", "digested") else ""
    what = f"{row.title}{f': {row.body}' if row.body else ''}{why}"
    flat = " ".join(what.split())
    return row.id, terminal.local(row.created_at), row.severity, row.type, became, row.count, flat[:100]
