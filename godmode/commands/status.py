"""`godmode status`: how everything is, at a glance; what is wrong stands first."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer
from psycopg import Connection

from godmode import registry, supply
from godmode.commands import jobs, terminal
from godmode.lib.engine import killswitch
from godmode.lib.store import attention, audit, figures, sync
from godmode.wiring import App

app = typer.Typer(add_completion=False, rich_markup_mode=None)
BARS = {"succeeded": "▇", "skipped": "▁", "failed": "✗"}


@dataclass(frozen=True)
class Trouble:
    """Something that is not as it should be, and the command that follows it up."""

    what: str
    command: str


@app.command()
def show(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False) -> int:
    """Show the controls, the jobs, the sources and what waits; exits 1 when something is wrong."""
    godmode = App(terminal.config())
    document = look(godmode)
    if as_json:
        terminal.show(document, True, "")
    elif sys.stdout.isatty():
        _paint(document)
    else:
        print(_plain(document))
    return 0 if document["well"] else 1


def look(godmode: App) -> dict[str, Any]:
    """Everything `status --json` prints."""
    conn = godmode.migrated().conn
    truth = killswitch.settle(conn, godmode.config.state, godmode.clock.now())
    entries = jobs.entries_of(godmode)
    read = {row.source_name: row for row in sync.all_rows(conn)}
    sources = [
        asdict(read.get(name, sync.SyncState(name))) | {"configured": supply.is_configured(godmode.config, name)}
        for name in registry.SOURCES
    ]
    backlog = figures.backlog(conn)
    incidents = [asdict(incident) for incident in figures.open_incidents(conn, godmode.clock.now())]
    switch = killswitch.is_on(godmode.config.state, truth)
    drill = _drill(conn)
    troubles = _troubles(switch, drill, entries, sources, backlog, incidents)
    return {
        "well": not troubles,
        "troubles": [asdict(t) for t in troubles],
        "at": godmode.clock.now(),
        "kill_switch": switch,
        "drill": drill,
        "controls": {n: bool(truth and getattr(truth, n)) for n in ("jobs_enabled", "comms_enabled", "write_enabled")},
        "jobs": entries,
        "sources": sources,
        "incidents": incidents,
        "backlog": asdict(backlog),
        "reached": attention.of_week(conn, godmode.clock.now()),
    }


def _drill(conn: Connection) -> dict[str, Any] | None:
    """When the kill switch was last tried, and whether it stopped everything."""
    last = next(iter(audit.recent(conn, limit=1, action=killswitch.DRILL)), None)
    return {"at": last.ts, "passed": last.success, **last.output_data} if last else None


def _troubles(
    switch: bool,
    drill: dict[str, Any] | None,
    entries: list[dict[str, Any]],
    sources: list[dict[str, Any]],
    backlog: figures.Backlog,
    incidents: list[dict[str, Any]],
) -> list[Trouble]:
    troubles = [Trouble("the kill switch is on: nothing runs", "godmode killswitch off")] if switch else []
    if drill and not drill["passed"]:
        troubles.append(Trouble("the kill switch failed its last drill", "godmode killswitch drill"))
    troubles += [Trouble(f"{i['severity']}: {i['title']}", f"godmode incidents show {i['id']}") for i in incidents]
    for entry in entries:
        name = entry["job"].replace("_", "-")
        if entry["consecutive_failures"]:
            times = (
                f"{entry['consecutive_failures']} times in a row" if entry["consecutive_failures"] > 1 else "last time"
            )
            troubles.append(Trouble(f"{name} failed {times}: {entry['last_error']}", f"godmode audit --job {name}"))
        if entry["last_missed"]:
            missed = entry["last_missed"]
            what = f"{name} missed {missed['count']} slots, {missed['from']} to {missed['to']}"
            troubles.append(Trouble(what, f"godmode audit --job {name}"))
    troubles += [
        Trouble(f"{s['source_name']}: {s['last_error']}", f"godmode run sync-{s['source_name']}")
        for s in sources
        if s["configured"] and s["last_sync_success"] is False
    ]
    if backlog.dead_letters:
        troubles.append(Trouble(f"{backlog.dead_letters} pieces of work were given up on", "godmode queue dead"))
    return troubles


def _job_rows(document: dict[str, Any]) -> list[tuple[str, str, str, str, str, str]]:
    return [
        (
            e["job"].replace("_", "-"),
            jobs.runs(e),
            jobs.last(e),
            terminal.near(e["last_finished_at"], document["at"]),
            "".join(BARS.get(o, "?") for o in e["recent"]),
            terminal.near(e["next_slot"], document["at"]) if e["enabled"] else "",
        )
        for e in document["jobs"]
    ]


def _rest(document: dict[str, Any]) -> list[str]:
    switch = "ON" if document["kill_switch"] else "off"
    held = [f"{name} {'on' if on else 'OFF'}" for name, on in document["controls"].items()]
    sources = [_source(s) for s in document["sources"] if s["configured"]]
    waits = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in document["backlog"].items())
    drill = document["drill"]
    tried = f" (drill {terminal.local(drill['at'])}: {'passed' if drill['passed'] else 'FAILED'})" if drill else ""
    return [
        f"controls: kill switch {switch}{tried}, {', '.join(held)}",
        f"sources: {'; '.join(sources) or 'none configured'}",
        f"waiting: {waits}",
        f"reached you in 7 days: {', '.join(f'{way} {count}' for way, count in document['reached'].items())}",
    ]


def _source(source: dict[str, Any]) -> str:
    last = source["last_sync_completed_at"]
    return f"{source['source_name']} read {terminal.local(last)}" if last else f"{source['source_name']} never read"


def _plain(document: dict[str, Any]) -> str:
    lines = [f"! {t['what']} ({t['command']})" for t in document["troubles"]] or ["all is well"]
    table = terminal.table(("JOB", "RUNS", "LAST", "AT", "RECENT", "NEXT"), _job_rows(document))
    return "\n".join([*lines, "", table, "", *_rest(document)])


def _paint(document: dict[str, Any]) -> None:
    """The same on a terminal, with colour, in 80 columns and 24 lines; rich obeys NO_COLOR."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    for trouble in document["troubles"]:
        console.print(Text.assemble(("● ", "red"), trouble["what"], ("  " + trouble["command"], "cyan")))
    if not document["troubles"]:
        console.print(Text.assemble(("● ", "green"), "all is well"))
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    for heading in ("job", "last", "at", "recent", "next"):
        table.add_column(heading, no_wrap=True)
    colour = {"succeeded": "green", "failed": "red"}
    for name, _, last, at, bars, following in _job_rows(document):
        table.add_row(name, Text(last, style=colour.get(last, "dim")), at, bars[-8:], following)
    console.print(table)
    for line in _rest(document):
        console.print(line, style="dim", markup=False)
