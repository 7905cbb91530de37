"""`godmode doctor`: everything that can be wrong with an installation, each with how to mend it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Annotated, Any

import psycopg
import typer
from psycopg import Connection

from godmode import registry, standby, supply
from godmode.commands import channels, started, status, terminal
from godmode.commands import config as configuration
from godmode.commands import sources as sources_command
from godmode.lib import paths
from godmode.lib.config import Config, secret
from godmode.lib.engine import locks
from godmode.lib.errors import GodmodeError, Usage
from godmode.lib.health import backups
from godmode.lib.health.doctor import database, files, machine
from godmode.lib.health.doctor.symptom import BAD, OK, WARN, Examination, Symptom
from godmode.lib.ports import Proves
from godmode.lib.schedule.calling import SECRETS
from godmode.lib.store import connect, job_state, migrate
from godmode.wiring import App

app = typer.Typer(add_completion=False, rich_markup_mode=None)
_MARKS = {OK: "ok  ", WARN: "warn", BAD: "BAD "}


@app.command()
def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended safely.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no service.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Examine the installation, and say how to mend what is wrong; exits 1 when something is, 2 when the
    configuration itself cannot be used."""
    found = [entry for name, look in _before() for entry in _looked(name, look, fix)]
    config, mistake = _configuration()
    if mistake and all(mistake.message != entry["says"] for entry in found):
        found.append(_entry("configuration", Symptom(BAD, mistake.message, mistake.fix)))
    looks = _examinations(App(config), offline, whole=mistake is None)
    found += [entry for name, look in looks for entry in _looked(name, look, fix)]
    bad = sum(entry["state"] == BAD for entry in found)
    warned = sum(entry["state"] == WARN for entry in found)
    said = f"{bad} to mend, {warned} to think about" if bad or warned else "nothing is wrong"
    lines = [f"{_MARKS[e['state']]}  {e['check']:<13} {e['says']}" + _after(e) for e in found]
    terminal.show({"well": not bad, "found": found}, as_json, "\n".join([*lines, "", said]))
    return mistake.exit_code if mistake else 1 if bad else 0


def _before() -> Iterator[tuple[str, Examination]]:
    """What is looked at before the configuration is read: with `--fix`, it is mended by then."""
    yield "python", machine.python
    yield "wheel", machine.wheel
    yield "clock", machine.clock
    where = (terminal.options.config or paths.default_config()).absolute()
    yield "secrets", partial(files.secrets, SECRETS, where)


def _configuration() -> tuple[Config, Usage | None]:
    """The configuration; where it cannot be used, what is left of it, and why."""
    try:
        return terminal.config(), None
    except Usage as e:
        return standby.left(terminal.options.config).config, e


def _after(entry: Mapping[str, Any]) -> str:
    if entry["mended"]:
        return " (mended)"
    return f"\n{'':20}→ {entry['fix']}" if entry["fix"] and entry["state"] != OK else ""


def _looked(name: str, look: Examination, fix: bool) -> Iterator[dict[str, Any]]:
    """What an examination finds; one that fails has found something, too."""
    try:
        symptoms = list(look())
    except GodmodeError as e:
        symptoms = [Symptom(BAD, e.message, e.fix)]
    except psycopg.Error as e:
        symptoms = [Symptom(BAD, str(connect.trouble(e)))]
    except OSError as e:
        symptoms = [Symptom(BAD, f"{e.strerror}: {e.filename}")]
    for symptom in symptoms:
        yield _mended(name, symptom) if fix and symptom.mend else _entry(name, symptom)


def _mended(name: str, symptom: Symptom) -> dict[str, Any]:
    assert symptom.mend is not None
    try:
        symptom.mend()
    except (GodmodeError, OSError, psycopg.Error) as e:
        return _entry(name, Symptom(BAD, f"{symptom.says}; mending it failed: {e}", symptom.fix))
    return _entry(name, Symptom(OK, symptom.says), mended=True)


def _entry(name: str, symptom: Symptom, *, mended: bool = False) -> dict[str, Any]:
    return {"check": name, "state": symptom.state, "says": symptom.says, "fix": symptom.fix, "mended": mended}


def _examinations(godmode: App, offline: bool, *, whole: bool) -> Iterator[tuple[str, Examination]]:
    """The rest, from the disks to what reaches her; each is made when it is its turn.

    Of a configuration that is not `whole`, what it says of services and hours is not known.
    """
    config = godmode.config
    yield "disk", partial(machine.disks, supply.folders(config, _embedded()), config.settings.health.disk_percent)
    yield "configuration", partial(files.configuration, config)
    yield "state", partial(files.state, config)
    yield "state", partial(files.leftovers, backups.folder(config))
    yield from _of_database(godmode)
    yield "schedule", partial(_starters, config)
    yield "mail", machine.mail
    if whole:
        yield from _of_settings(godmode, offline)


def _of_settings(godmode: App, offline: bool) -> Iterator[tuple[str, Examination]]:
    config = godmode.config
    yield "clock", partial(machine.zone, config)
    yield "configuration", partial(_config_check, config)
    yield "schedule", partial(_agreement, config)
    if not _answers(godmode):
        yield "channels", _untried
        return
    yield "schedule", partial(_at_work, godmode)
    for name in registry.SOURCES:
        if supply.is_configured(config, name) and name in supply.NEEDS:
            yield name, partial(_source, godmode, name, offline)
    yield "channels", partial(_channels, godmode, offline)


def _answers(godmode: App) -> bool:
    try:
        return not godmode.store.conn.closed
    except GodmodeError:  # that has been said
        return False


def _untried() -> Iterator[Symptom]:
    """Once for all that asks the switch and the allowlist first."""
    yield Symptom(WARN, "sources and channels were not tried: the database does not answer", "mend that first")


def _config_check(config: Config) -> Iterator[Symptom]:
    """What `config check` says of the file: mistakes, routes that cannot fire."""
    notes = configuration.unmeant(config)
    yield from (Symptom(WARN, note.removeprefix("note: "), "`godmode config check`") for note in notes)
    if not notes:
        yield Symptom(OK, "every key and route can be used")


def _of_database(godmode: App) -> Iterator[tuple[str, Examination]]:
    """The schema first: with `--fix`, what follows sees it mended. Of an empty database nothing else can be said."""
    try:
        conn = godmode.store.conn
    except GodmodeError as e:
        trouble = Symptom(BAD, e.message, e.fix)
        yield "database", lambda: iter((trouble,))
        return
    embedded = _embedded()
    yield "database", partial(database.server, conn)
    yield "database", partial(database.schema, conn, embedded=embedded)
    if not _has_tables(conn):
        return
    yield "database", partial(database.role, conn, embedded=embedded)
    yield "database", partial(database.rules, conn)
    yield "database", partial(database.clocks, conn, godmode.config, godmode.clock.now)
    yield "database", partial(_claims, godmode, conn)


def _embedded() -> bool:
    return secret("DATABASE_URL") is None


def _has_tables(conn: Connection) -> bool:
    try:
        return bool(migrate.version(conn))
    except Usage:  # another program's: that has been said
        return False


def _claims(godmode: App, conn: Connection) -> Iterator[Symptom]:
    """Claims of processes that are gone: the next run takes them over."""
    me, now = locks.observer(godmode.config.state), godmode.clock.now()
    running = [row for row in job_state.all_rows(conn) if row.state == "running"]
    dead = [row.job for row in running if locks.is_dead(row, me, now)]
    if dead:
        says = f"{', '.join(dead)} ended without a word; the next run takes over what was begun"
        yield Symptom(WARN, says, f"`godmode audit --job {dead[0]}` shows what became of it")
    held = [name for name in locks.held(godmode.config.state) if name != "postgres"]
    yield Symptom(OK, f"at work on this host: {', '.join(held) or 'nothing'}")


def _starters(config: Config) -> Iterator[Symptom]:
    """Whether something starts the jobs, and one thing alone."""
    found = started.starters(config)
    if not found:
        yield Symptom(WARN, "nothing starts the jobs", "`godmode schedule cron --install`, or `schedule systemd`")
    elif len(found) > 1:
        says = f"{' and '.join(found)} both start the jobs: each slot runs once, and half of the runs are for nothing"
        yield Symptom(WARN, says, f"`godmode schedule {found[0]} --uninstall`")
    else:
        yield Symptom(OK, f"{found[0]} starts the jobs")


def _agreement(config: Config) -> Iterator[Symptom]:
    """Whether what starts the jobs does so as the configuration says, and with what a run needs."""
    notes = [*started.outdated(config), *started.unseen(config)]
    for note in notes:
        says, _, fix = note.removeprefix("note: ").partition(": ")
        yield Symptom(WARN, says, fix)
    if not notes and started.starters(config):
        yield Symptom(OK, "what starts the jobs agrees with the configuration")


def _at_work(godmode: App) -> Iterator[Symptom]:
    """Whether the jobs do run: a crontab starts nothing where no cron is, nor timers that are not enabled."""
    if not started.starters(godmode.config):
        return
    unseen = status.look(godmode)["unseen"]
    for each in unseen:
        yield Symptom(WARN, each["what"], f"is cron, or are the timers, running? `{each['command']}`")
    if not unseen:
        yield Symptom(OK, "the jobs run when they should")


def _source(godmode: App, name: str, offline: bool) -> Iterator[Symptom]:
    if lacks := supply.missing(godmode.config, name):
        yield Symptom(BAD, f"it is configured by half: {lacks} is missing", f"set {lacks}, or remove the rest")
    elif offline:
        yield Symptom(OK, "not asked")
    else:
        yield Symptom(OK, sources_command.tested(godmode, name)["says"])


def _channels(godmode: App, offline: bool) -> Iterator[Symptom]:
    """Each channel as `godmode channels` sees it, and its credentials tried; nothing is sent."""
    made = godmode.channels(partial(sources_command.allowed, godmode))
    for entry in (entry for entry in channels.entries_of(godmode) if entry["configured"]):
        name = entry["name"]
        if entry["state"] != "ready":
            yield Symptom(BAD, f"{name}: {entry['state']}", "`godmode channels` shows it")
        elif offline or not isinstance(channel := made[name], Proves):
            yield Symptom(OK, f"{name}: ready")
        else:
            yield _proved(name, channel)


def _proved(name: str, channel: Proves) -> Symptom:
    try:
        return Symptom(OK, f"{name}: ready, {sources_command.bounded(f'channels.{name}', channel.prove)}")
    except GodmodeError as e:
        return Symptom(BAD, f"{name}: {e.message}", e.fix)
