"""`godmode allowlist [add|remove]`: whom godmode may reach. Nothing leaves for anyone else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer
from msgspec import to_builtins

from godmode.commands import terminal
from godmode.lib import address as addresses
from godmode.lib.errors import Usage
from godmode.lib.store import allowlist, audit
from godmode.wiring import App

app = typer.Typer(
    add_completion=False, help="Whom godmode may reach: nothing leaves for anyone else.", rich_markup_mode=None
)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Address = Annotated[
    str, typer.Argument(help="A phone number (+15125550100), a Telegram chat id or @user, or an apprise URL.")
]


@app.callback(invoke_without_command=True)
def list_(ctx: typer.Context, as_json: Json = False) -> int:
    """List the addresses and what each may be used for."""
    if ctx.invoked_subcommand is not None:
        return 0
    rows = allowlist.entries(App(terminal.config()).migrated().conn)
    cells = [(addresses.shown(r.address), r.name, ", ".join(r.purposes), terminal.local(r.created_at)) for r in rows]
    empty = "nobody is on the allowlist: `godmode allowlist add +15125550100 --name NAME --for call,sms`"
    document = [to_builtins(r, builtin_types=()) | {"address": addresses.shown(r.address)} for r in rows]
    terminal.show(document, as_json, terminal.table(("ADDRESS", "NAME", "FOR", "SINCE"), cells) if rows else empty)
    return 0


@app.command()
def add(
    address: Address,
    name: Annotated[str | None, typer.Option(help="Whose it is.")] = None,
    purposes: Annotated[str, typer.Option("--for", help="What for: call, sms, message.", metavar="LIST")] = ",".join(
        allowlist.PURPOSES
    ),
    as_json: Json = False,
) -> int:
    """Let an address in, for all or some of call, sms and message."""
    wanted = [word.strip() for word in purposes.split(",") if word.strip()]
    if not wanted or set(wanted) - set(allowlist.PURPOSES):
        raise Usage(f'--for "{purposes}": it takes call, sms and message', "as in --for call,sms")
    change = _Change(addresses.normal(address), True, name, tuple(p for p in allowlist.PURPOSES if p in wanted))
    return _carry_out(change, as_json)


@app.command()
def remove(address: Address, as_json: Json = False) -> int:
    """Take an address out: nothing leaves for it from now on."""
    return _carry_out(_Change(addresses.normal(address), False), as_json)


@dataclass(frozen=True)
class _Change:
    address: str
    allowed: bool
    name: str | None = None
    purposes: tuple[str, ...] = ()


def _carry_out(change: _Change, as_json: bool) -> int:
    godmode = App(terminal.config())
    conn, now, shown = godmode.migrated().conn, godmode.clock.now(), addresses.shown(change.address)
    document: dict[str, Any] = {"address": shown, "allowed": change.allowed}
    document |= {"name": change.name, "for": list(change.purposes)} if change.allowed else {}
    with conn.transaction():
        if change.allowed:
            allowlist.add(conn, change.address, change.name, change.purposes, now)
        elif not allowlist.remove(conn, change.address, now):
            raise Usage(f"{shown} is not on the allowlist", "`godmode allowlist` lists who is")
        audit.write(conn, now, "allowlist", "control", success=True, data=document)
    said = f"may be reached by {', '.join(change.purposes)}" if change.allowed else "is no longer reached"
    terminal.show(document, as_json, f"{shown} {said}")
    return 0
