"""`godmode memory search|show`: what was read, and how it changed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from godmode.commands import terminal
from godmode.lib.errors import Usage
from godmode.lib.store import memory
from godmode.lib.store.memory import Item
from godmode.wiring import App

app = typer.Typer(add_completion=False, help="Search what was read.", rich_markup_mode=None)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command()
def search(
    words: Annotated[str, typer.Argument(help="Words that all have to occur.")],
    limit: Annotated[int, typer.Option("--limit", "-n", help="At most so many.", min=1, max=10_000)] = 20,
    as_json: Json = False,
) -> int:
    """Find what contains all the words, the newest first."""
    terminal.given("the search", words)
    rows = memory.search(App(terminal.config()).migrated().conn, words, limit)
    cells = [
        (
            terminal.local(row.occurred_at),
            row.fields.get("author"),
            " ".join(row.value.split())[:100],
            row.key,
        )
        for row in rows
    ]
    text = (
        terminal.table(("AT", "WHO", "WHAT", "KEY"), cells, longest=2)
        if rows
        else "nothing that was read has all these words"
    )
    terminal.show([asdict(row) for row in rows], as_json, text)
    return 0


@app.command()
def show(key: Annotated[str, typer.Argument(help="A key that search printed.")], as_json: Json = False) -> int:
    """Show one item and what it said before."""
    rows = memory.history(App(terminal.config()).migrated().conn, key)
    if not rows:
        raise Usage(f'nothing is kept under "{key}"', "`godmode memory search` prints the keys")
    terminal.show([asdict(row) for row in rows], as_json, "\n\n".join(_text(row) for row in rows))
    return 0


def _text(item: Item) -> str:
    head = terminal.local(item.occurred_at)
    if item.superseded_at:
        head += f" (until {terminal.local(item.superseded_at)}: {item.supersede_reason})"
    return f"{head}\n{item.value}"
