"""`godmode allowlist [add|remove]`: whom godmode may reach. Nothing leaves for anyone else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from msgspec import to_builtins

from godmode.commands import terminal
from godmode.lib import address as addresses
from godmode.lib.channels.unusable import Unusable
from godmode.lib.errors import Usage
from godmode.lib.ports import Addressed
from godmode.lib.store import allowlist, audit
from godmode.wiring import App

app = typer.Typer(
    add_completion=False, help="Whom godmode may reach: nothing leaves for anyone else.", rich_markup_mode=None
)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_NEGATIVE = {"ignore_unknown_options": True}  # a Telegram group's id begins with a minus
_FORMS = "A phone number (+15125550100), a Telegram chat id or @user, or an apprise URL"


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


@app.command(context_settings=_NEGATIVE)
def add(
    address: Annotated[str | None, typer.Argument(help=f"{_FORMS}.")] = None,
    channel: Annotated[
        str | None, typer.Option(help="In place of an address: whom this channel is configured to reach.")
    ] = None,
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
    if (address is None) == (channel is None):
        raise Usage("name an address, or a channel", "as in `godmode allowlist add --channel apprise`")
    name = terminal.given("--name", name)
    which = _recipients(channel) if channel else (addresses.normal(address or ""),)
    ordered = tuple(p for p in allowlist.PURPOSES if p in wanted)
    return _carry_out([_Change(each, True, name, ordered) for each in which], as_json)


def _recipients(name: str) -> tuple[str, ...]:
    channel = App(terminal.config()).channels(lambda: None).get(name)
    if isinstance(channel, Unusable):
        raise channel.mistake
    if not isinstance(channel, Addressed):
        raise Usage(f'no channel "{name}" with a recipient is configured', "`godmode channels` lists them")
    return channel.recipients


@app.command(context_settings=_NEGATIVE)
def remove(address: Annotated[str, typer.Argument(help=f"{_FORMS}.")], as_json: Json = False) -> int:
    """Take an address out: nothing leaves for it from now on."""
    return _carry_out([_Change(addresses.normal(address), False)], as_json)


@dataclass(frozen=True)
class _Change:
    address: str
    allowed: bool
    name: str | None = None
    purposes: tuple[str, ...] = ()


def _carry_out(changes: Sequence[_Change], as_json: bool) -> int:
    """Make the changes, all or none, each with its audit row."""
    godmode = App(terminal.config())
    conn, now = godmode.migrated().conn, godmode.clock.now()
    with conn.transaction():
        for change in changes:
            if change.allowed:
                allowlist.add(conn, change.address, change.name, change.purposes, now)
            elif not allowlist.remove(conn, change.address, now):
                shown = addresses.shown(change.address)
                raise Usage(f"{shown} is not on the allowlist", "`godmode allowlist` lists who is")
            audit.write(conn, now, "allowlist", "control", success=True, data=_document(change))
    godmode.renew_mirror()
    documents = [_document(change) for change in changes]
    document = documents[0] if len(documents) == 1 else documents
    terminal.show(document, as_json, "\n".join(map(_said, changes)))
    return 0


def _document(change: _Change) -> dict[str, Any]:
    document = {"address": addresses.shown(change.address), "allowed": change.allowed}
    return document | ({"name": change.name, "for": list(change.purposes)} if change.allowed else {})


def _said(change: _Change) -> str:
    said = f"may be reached by {', '.join(change.purposes)}" if change.allowed else "is no longer reached"
    return f"{addresses.shown(change.address)} {said}"
