"""`godmode audit seal|verify`: close what stands in the audit log, and see that it is still as it was."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated

import typer

from godmode.commands import terminal
from godmode.lib.errors import Usage
from godmode.lib.store import seals
from godmode.lib.store.seals import Verdict
from godmode.wiring import App

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
SHOWN = 12  # characters of a seal, as the digest has them


def seal(as_json: Json = False) -> int:
    """Seal all that stands in the audit log; cleanup-old-data does it daily."""
    godmode = App(terminal.config())
    conn = godmode.migrated().conn
    until, made = seals.horizon(conn), []
    while one := seals.seal_next(conn, until, godmode.clock.now()):
        made.append(one)
    rows, last = sum(one.count for one in made), seals.newest(conn)
    end = last.hash if last else None
    said = f"{rows:,} rows sealed" if made else "everything is sealed"
    text = f"{said}, up to {last.to_id}: {last.hash[:SHOWN]}" if last else "the audit log is empty"
    terminal.show({"rows": rows, "seals": len(made), "newest": end}, as_json, text)
    return 0


def verify(
    known: Annotated[
        str | None, typer.Option("--seal", help="A seal that a digest ended with: it has to stand there.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Read the audit log again: exits 1 where a row was changed, removed or slipped in since it was sealed."""
    known = terminal.given("--seal", known)
    if known is not None and (len(known) < 8 or not set(known.lower()) <= set("0123456789abcdef")):
        raise Usage(f'"{known}" is no seal', "write at least 8 of its characters, as the digest has them")
    conn = App(terminal.config()).migrated().conn
    found = seals.verify(conn)
    if found.wrong is None and known is not None and not seals.is_known(conn, known.lower()):
        found = replace(found, wrong=f"no seal begins with {known}: the last seals are gone, or it is another log's")
    open_ = seals.unsealed(conn)
    document = {"good": found.wrong is None} | asdict(found) | {"unsealed": open_}
    terminal.show(document, as_json, _told(found, open_))
    return 0 if found.wrong is None else 1


def _told(found: Verdict, open_: int) -> str:
    if found.wrong is not None:
        return f"NOT as it was sealed: {found.wrong}"
    if not found.seals:
        return f"nothing is sealed yet, {open_:,} rows wait; `godmode audit seal`"
    sealed = f"{found.rows:,} rows are as they were sealed, up to {found.newest[:SHOWN]}"
    return f"{sealed}; {open_:,} newer ones are not sealed yet"
