"""`godmode killswitch on|off|status|drill`: stop everything, allow it again, or prove that it stops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated

import psycopg
import typer

from godmode.commands import terminal
from godmode.lib.engine import killswitch, standstill
from godmode.lib.engine.standstill import Standstill
from godmode.lib.errors import DatabaseTrouble, GodmodeError, Usage, first_line
from godmode.lib.store import archive, audit, controls, figures
from godmode.wiring import App

if TYPE_CHECKING:
    from godmode.lib.config import Config
    from godmode.lib.engine.drill import Result

app = typer.Typer(add_completion=False, help="Stop everything, or allow it again.", rich_markup_mode=None)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command()
def on(
    reason: Annotated[str, typer.Option(help="Why, for the audit log.")] = "",
    wait: Annotated[float, typer.Option(help="Seconds to wait for what was begun.", min=0)] = 60,
    yes: Annotated[bool, typer.Option("--yes", help="Taken for the sake of habit: nothing is asked.")] = False,
    as_json: Json = False,
) -> int:
    """Stop everything. Returns when nothing that was begun is still running."""
    godmode = App(terminal.config())
    came = _stop(godmode, reason, terminal.finite("--wait", wait), _waiting)
    if not came.is_set:
        raise GodmodeError(
            f"the kill switch could NOT be set: {came.no_file}; {came.no_database}", "stop cron or the timers by hand"
        )
    taken_back = _take_back(godmode) if came.no_database is None else []
    document = {
        "kill_switch": True,
        "file": came.no_file is None,
        "database": came.no_database is None,
        "under_way": came.still,
        "waiting_at_provider": taken_back,
    }
    terminal.show(document, as_json, "; ".join([_said(came, wait), *taken_back]))
    return 1 if came.still else 0


def _stop(godmode: App, reason: str, wait: float, tell: standstill.Tell) -> Standstill:
    place = standstill.Place(godmode.config.state, godmode.clock, partial(_any_version, godmode))
    return standstill.bring_about(place, godmode.clean(reason), terminal.who(), wait, tell)


def _any_version(godmode: App) -> psycopg.Connection:
    """The database, also while it waits for `db migrate`: the switch stands in the same place in every version."""
    try:
        return godmode.migrated().conn
    except Usage:
        return godmode.store.conn


def _take_back(godmode: App) -> list[str]:
    """Nothing may reach her after a stop: also not what waits at a provider. The one request that a stop makes."""
    from godmode.lib.health import prearmed

    conn, now = godmode.store.conn, godmode.clock.now()
    if not prearmed.waiting(conn, prearmed.days(now, godmode.config.zone), now):
        return []
    channel = godmode.channels(lambda: None).get(prearmed.CHANNEL)
    return prearmed.stop(conn, channel, godmode.config.zone, now, godmode.clean)


def _waiting(still: Sequence[str]) -> None:
    typer.echo(f"waiting for {', '.join(still)}", err=True)


def _said(came: Standstill, wait: float) -> str:
    ended = f", but after {wait:g} s these have not ended: {', '.join(came.still)}" if came.still else ""
    if came.no_database:
        return f"kill switch is on, by its file alone, which stops this host{ended}: {came.no_database}"
    if came.still:
        return f"kill switch is on{ended}"
    only = f"; its file could not be written: {came.no_file}" if came.no_file else ""
    return f"kill switch is on; nothing is running that was begun before{only}"


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
    truth = killswitch.turn_off(
        store.conn, godmode.config.state, godmode.clean(reason), terminal.who(), godmode.clock.now()
    )
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
        line = first_line(e)
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


@app.command()
def drill(
    rounds: Annotated[int, typer.Option(help="How often the switch is flipped.", min=1, max=1000)] = 5,
    workers: Annotated[int, typer.Option(help="Processes that act meanwhile.", min=1, max=32)] = 4,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> int:
    """Prove that the switch stops everything, with harmless actions that reach nobody. Exits 1 when it does not."""
    from godmode.lib.engine import drill as drills

    godmode = App(terminal.config())
    conn, state = godmode.migrated().conn, godmode.config.state
    before = controls.read(conn)
    if before is None or killswitch.is_on(state, before):
        raise Usage("the kill switch is on, so there is nothing to prove", "`godmode killswitch off` first")
    terminal.confirm(f"Flip the kill switch {rounds} times? Jobs that are due meanwhile are skipped.", yes)
    begun, why = godmode.clock.now(), f"drill {godmode.clock.now():%Y%m%dT%H%M%S}"
    done: list[drills.Round] = []
    with drills.Listener().listening() as listener:
        for _ in range(rounds):
            start = partial(_working, godmode, workers, listener.port)
            try:
                done.append(drills.flip_once(listener, start, partial(_flip, godmode, why)))
            finally:
                mine = killswitch.release(conn, state, why, terminal.who(), godmode.clock.now(), before)
            if not mine:
                raise GodmodeError(
                    "the kill switch was set by somebody else during the drill and stays on",
                    "`godmode killswitch status`",
                )
    result = drills.result(done)
    archive.drill(conn, begun)
    audit.write(conn, godmode.clock.now(), killswitch.DRILL, "drill", success=result.after == 0, data=asdict(result))
    terminal.show(asdict(result), as_json, _proved(result))
    return 0 if result.after == 0 else 1


def _flip(godmode: App, why: str) -> None:
    """`on` by the road it always takes."""
    came = _stop(godmode, why, 60, lambda still: None)
    if trouble := came.no_file or came.no_database or ", ".join(came.still):
        raise GodmodeError(f"the kill switch could not be flipped: {trouble}")


@contextmanager
def _working(godmode: App, count: int, port: int) -> Iterator[None]:
    """So many processes that act until the switch stops them."""
    import multiprocessing

    spawn = multiprocessing.get_context("spawn")
    found = [spawn.Process(target=_work, args=(godmode.config, n, port)) for n in range(1, count + 1)]
    try:
        for process in found:
            process.start()
        yield
    finally:
        for process in found:
            process.terminate()  # does nothing to one that the switch has ended
            process.join()


def _work(config: Config, number: int, port: int) -> None:
    """One process of the drill."""
    from msgspec.structs import replace

    from godmode.lib.engine import drill as drills
    from godmode.lib.engine.equipment import Mode
    from godmode.lib.engine.runner import Runner

    mine = drills.job(number, port)
    has = App(config).runner.has
    Runner(replace(has, job=lambda name: mine)).run(mine.name, Mode(again=True))


def _proved(result: Result) -> str:
    found = "nothing began" if result.after == 0 else f"{result.after} ACTIONS BEGAN"
    return (
        f"{found} after the switch was on, in {result.rounds} flips and {result.actions} actions\n"
        f"from the flip to the last action begun: {result.last_ms_median} ms median, {result.last_ms_p99} ms p99; "
        f"`on` returned within {result.returned_ms_max} ms"
    )
