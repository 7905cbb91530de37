"""`godmode killswitch on|off|status`: stop everything, or allow it again."""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable
from typing import Annotated

import psycopg
import typer

from godmode.commands import terminal
from godmode.lib.engine import actions, killswitch
from godmode.lib.engine.killswitch import Mirror
from godmode.lib.engine.locks import this_process
from godmode.lib.errors import DatabaseTrouble, GodmodeError
from godmode.lib.store import controls, figures
from godmode.wiring import App

app = typer.Typer(add_completion=False, help="Stop everything, or allow it again.", rich_markup_mode=None)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
POLL = 0.05  # seconds between looks at the actions still under way


@app.command()
def on(
    reason: Annotated[str, typer.Option(help="Why, for the audit log.")] = "",
    wait: Annotated[float, typer.Option(help="Seconds to wait for actions already begun.", min=0)] = 60,
    as_json: Json = False,
) -> int:
    """Stop everything. Returns when nothing that was begun is still running."""
    godmode = App(terminal.config())
    state, now = godmode.config.state, godmode.clock.now()
    by_file = _try(lambda: killswitch.write(state, Mirror(on=True, number=None, reason=reason, at=now.isoformat())))
    still: list[str] = []

    def by_database() -> None:
        conn = godmode.migrated().conn
        killswitch.turn_on(conn, reason, _who(), now)
        if by_file is None:
            killswitch.settle(conn, state, now)
        still.extend(_wait(godmode, wait))

    no_database = _try(by_database)
    if by_file and no_database:
        raise GodmodeError(
            f"the kill switch could NOT be set: {by_file}; {no_database}", "stop cron or the timers by hand"
        )
    document = {
        "kill_switch": True,
        "file": by_file is None,
        "database": no_database is None,
        "under_way": still,
    }
    terminal.show(document, as_json, _said(by_file, no_database, still, wait))
    return 1 if still else 0


def _try(step: Callable[[], None]) -> str | None:
    """Do one half of the switch; the error in a line where it cannot be done, since the other half still counts."""
    try:
        step()
    except (psycopg.Error, GodmodeError) as e:
        return str(e).strip().partition("\n")[0]
    return None


def _said(by_file: str | None, no_database: str | None, still: list[str], wait: float) -> str:
    if no_database:
        return f"kill switch is on, by its file alone, which stops this host: {no_database}"
    if still:
        return f"kill switch is on, but after {wait:g} s these have not ended: {', '.join(still)}"
    only = f"; its file could not be written: {by_file}" if by_file else ""
    return f"kill switch is on; nothing is running that was begun before{only}"


def _wait(godmode: App, seconds: float) -> list[str]:
    """Wait until the actions begun before have ended; the keys of those that have not."""
    me, until, named = this_process(godmode.config.state), time.monotonic() + seconds, False
    while still := actions.running(godmode.store.conn, me, godmode.clock.now()):
        if time.monotonic() >= until:
            break
        if not named:
            named = True
            typer.echo(f"waiting for {', '.join(still)}", err=True)
        time.sleep(POLL)
    return still


@app.command()
def off(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    reason: Annotated[str, typer.Option(help="Why, for the audit log.")] = "",
    as_json: Json = False,
) -> int:
    """Allow work again. Needs the database; what waited goes on by its own rules, no backlog is released."""
    godmode = App(terminal.config())
    store = godmode.migrated()
    backlog = figures.backlog(store.conn)
    waits = f"{backlog.messages} messages for the next digest, {backlog.retries} retries"
    terminal.confirm(f"Allow godmode to act again? Waiting: {waits}.", yes)
    now = godmode.clock.now()
    killswitch.turn_off(store.conn, reason, _who(), now)
    truth = controls.read(store.conn)
    if truth is None:
        raise GodmodeError("agent_controls has no row", "insert one: INSERT INTO agent_controls DEFAULT VALUES")
    killswitch.mirror_of(godmode.config.state, truth)
    terminal.show(
        {
            "kill_switch": truth.kill_switch,
            "waiting": {"messages": backlog.messages, "retries": backlog.retries},
        },
        as_json,
        f"kill switch is off; waiting: {waits}",
    )
    return 0


@app.command()
def status(as_json: Json = False) -> int:
    """Say whether the switch is on, since when, why and by whom."""
    godmode = App(terminal.config())
    mirror = killswitch.read(godmode.config.state)
    try:
        truth = killswitch.settle(godmode.migrated().conn, godmode.config.state, godmode.clock.now())
    except (psycopg.Error, DatabaseTrouble) as e:
        line = str(e).strip().partition("\n")[0]
        stops = mirror is not None and mirror.on
        said = f"kill switch is {'on' if stops else 'off'} by its file; the database cannot be reached ({line})"
        terminal.show({"kill_switch": stops, "database": False}, as_json, said)
        return 1
    is_on = killswitch.is_on(godmode.config.state, truth)
    document = {
        "kill_switch": is_on,
        "database": True,
        "number": truth.kill_switch_number if truth else None,
        "reason": truth.kill_switch_reason if truth else None,
        "changed_at": truth.kill_switch_changed_at if truth else None,
        "changed_by": truth.kill_switch_changed_by if truth else None,
    }
    said = f"kill switch is {'on' if is_on else 'off'}"
    if truth and truth.kill_switch_changed_at:
        said += f" since {terminal.local(truth.kill_switch_changed_at)}, by {truth.kill_switch_changed_by}"
        said += f": {truth.kill_switch_reason}" if truth.kill_switch_reason else ""
    terminal.show(document, as_json, said)
    return 0


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a uid without a name, as containers have
        return "unknown"
