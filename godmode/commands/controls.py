"""`godmode controls [set NAME on|off]`: what godmode may do."""

from __future__ import annotations

from typing import Annotated

import typer

from godmode.commands import terminal
from godmode.lib.config import nearest
from godmode.lib.engine import killswitch
from godmode.lib.errors import GodmodeError, Usage
from godmode.lib.store import audit, controls
from godmode.wiring import App

app = typer.Typer(add_completion=False, help="Show or set what godmode may do.", rich_markup_mode=None)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.callback(invoke_without_command=True)
def show(ctx: typer.Context, as_json: Json = False) -> int:
    """Show the controls; `controls set NAME on|off` changes one."""
    if ctx.invoked_subcommand is None:
        _print(App(terminal.config()), as_json)
    return 0


def _beginning(incomplete: str) -> list[str]:
    return [name for name in controls.NAMES if name.startswith(incomplete)]


@app.command("set")
def set_(
    name: Annotated[str, typer.Argument(help=", ".join(controls.NAMES), autocompletion=_beginning)],
    value: Annotated[str, typer.Argument(help="on or off", autocompletion=terminal.known(("on", "off")))],
    as_json: Json = False,
) -> int:
    """Switch one control on or off; every run looks at it before it works."""
    if name == "kill_switch":
        raise Usage("the kill switch has a command of its own", f"`godmode killswitch {value}`")
    if name not in controls.NAMES:
        raise Usage(
            f'there is no control "{name}"{nearest(name, controls.NAMES)}',
            f"there are {', '.join(controls.NAMES)}",
        )
    if value not in ("on", "off"):
        raise Usage(f'{name} can be "on" or "off", not "{value}"')
    godmode = App(terminal.config())
    conn = godmode.migrated().conn
    with conn.transaction():
        controls.set_control(conn, name, value == "on")
        audit.write(conn, godmode.clock.now(), name, "control", success=True, data={"on": value == "on"})
    godmode.renew_mirror()
    _print(godmode, as_json)
    return 0


def _print(godmode: App, as_json: bool) -> None:
    now = killswitch.settle(godmode.migrated().conn, godmode.config.state, godmode.clock.now())
    if now is None:
        raise GodmodeError("agent_controls has no row, so nothing acts", "INSERT INTO agent_controls DEFAULT VALUES")
    document = {name: getattr(now, name) for name in ("kill_switch", *controls.NAMES)}
    text = "\n".join(f"{name:14} {'on' if value else 'off'}" for name, value in document.items())
    terminal.show(document, as_json, text)
