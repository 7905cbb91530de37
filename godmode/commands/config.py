"""`godmode config show|check`: what the configuration says, and whether it can be used."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import psycopg
import typer

from godmode import registry, supply
from godmode.commands import started, terminal
from godmode.lib import config as configuration
from godmode.lib import quiet, secrets_file
from godmode.lib.address import command, phone, shown
from godmode.lib.channels.unusable import Unusable
from godmode.lib.config import Config, nearest
from godmode.lib.engine.slots import current
from godmode.lib.errors import DatabaseTrouble, GodmodeError, Usage, first_line
from godmode.lib.kernel import Daily
from godmode.lib.notify import routes
from godmode.lib.ports import Addressed, Verifies
from godmode.lib.schedule.calling import SECRETS
from godmode.lib.store import allowlist, job_state, server_programs
from godmode.wiring import App

app = typer.Typer(add_completion=False, help="Show or check the configuration.", rich_markup_mode=None)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command()
def show(as_json: Json = False) -> int:
    """Show the settings in force, where they come from, and which secrets are set (never their values)."""
    config = terminal.config()
    document = {
        "file": str(config.path),
        "exists": config.path.exists(),
        "state": str(config.state),
        "secrets": {name: _origin(name) for name in SECRETS},
        "settings": msgspec.to_builtins(config.settings),
        "intervals": _intervals(config),
    }
    lines = [
        f"file      {config.path}{'' if document['exists'] else ' (not there: all is default)'}",
        f"state     {config.state}",
        *(f"{name:22}{origin}" for name, origin in document["secrets"].items() if origin),
        *_flat(document["settings"]),
        *_changed(document["intervals"]),
    ]
    terminal.show(document, as_json, "\n".join(lines))
    return 0


def _intervals(config: Config) -> dict[str, int] | None:
    """The intervals that proposals changed; None where no database is there to be asked. It starts none."""
    from godmode.lib.store import embedded

    if configuration.secret("DATABASE_URL") is None and not embedded.status(config).running:
        return None
    try:
        return job_state.intervals(App(config).store.conn)
    except (psycopg.Error, DatabaseTrouble):
        return None


def _changed(intervals: dict[str, int] | None) -> list[str]:
    if intervals is None:
        return ["intervals that proposals changed could not be looked up: the database does not answer"]
    by = "by a proposal (`godmode proposals --all`)"
    return [f"{job}: every {minutes} min, {by}" for job, minutes in intervals.items()]


def _origin(name: str) -> str | None:
    """Where a secret comes from; None when it is not set. Raises Usage when its file cannot be read."""
    if configuration.secret(name) is None:
        return None
    if value := os.environ.get(name):
        path = terminal.config().path
        filed = secrets_file.read(path).get(name) == value
        return f"from {secrets_file.beside(path)}" if filed else "from the environment"
    return f"from {os.environ[f'{name}_FILE']}" if f"{name}_FILE" in os.environ else "from a systemd credential"


def _flat(tree: dict[str, Any], prefix: str = "") -> list[str]:
    lines: list[str] = []
    for key, value in tree.items():
        if isinstance(value, dict):
            lines += _flat(value, f"{prefix}{key}.")
        elif value is not None:
            lines.append(f"{prefix}{key} = {msgspec.json.encode(value).decode()}")
    return lines


@app.command()
def check(as_json: Json = False) -> int:
    """Check the whole file; a mistake is named by file, line and key. Exits 2 when it cannot be used."""
    config = terminal.config()
    notes = notes_of(config)
    said = f"{config.path} is good" if config.path.exists() else f"there is no {config.path}: all is default"
    terminal.show({"file": str(config.path), "good": True, "notes": notes}, as_json, "\n".join([said, *notes]))
    return 0


def notes_of(config: Config) -> list[str]:
    """What can be used, and is hardly meant, in the file or around it. Raises Usage for what cannot be used."""
    return unmeant(config) + _recipients(App(config)) + started.outdated(config)


def unmeant(config: Config) -> list[str]:
    """What stands in the file, can be used, and is hardly meant. Raises Usage for what cannot be used."""
    notes = [*_sections(config, "sources", registry.SOURCES), *_sections(config, "channels", registry.CHANNELS)]
    notes += _sections(config, "watchers", registry.WATCHERS)
    for name in SECRETS:
        _origin(name)
    for name in supply.NEEDS:
        if supply.is_configured(config, name) and (lacks := supply.missing(config, name)):
            raise Usage(f"{name} is configured by half: {lacks} is missing", f"set it, or remove the rest of {name}")
    _phone(config)
    if config.settings.embedded.bin_dir is not None:
        server_programs.find(config)
    app = App(config)
    return notes + _health(config) + _folder(config) + _channels(app) + _speakers(app)


def _sections(config: Config, kind: str, known: Mapping[str, tuple[str, str | None]]) -> list[str]:
    """Check every section by its own settings class; notes on those that this version does not use."""
    notes = []
    for name in configuration.sections(config.settings, kind):
        if name not in known:
            line = configuration.line_of(config.path.read_text(encoding="utf-8-sig"), (kind, name))
            raise Usage(f"{config.path}, line {line}: {kind}.{name}: there is no such section{nearest(name, known)}")
        target = known[name][1]
        shape = getattr(registry.load(target), "Settings", None) if target else None
        if shape is None:
            notes.append(f"note: {kind}.{name} is not used by this version")
        else:
            configuration.section(config, kind, name, shape)
    return notes


def _health(config: Config) -> list[str]:
    """Raises Usage for a job or a channel of [health] that there is not."""
    wanted = config.settings.health
    for kind, given, known in (
        ("pings", list(wanted.pings), [*registry.JOBS, *(f"sync_{name}" for name in registry.SOURCES)]),
        ("fallback", wanted.fallback, list(registry.CHANNELS)),
    ):
        for name in given:
            if name not in known:
                where = configuration.line_of(config.path.read_text(encoding="utf-8-sig"), ("health", kind))
                raise Usage(f'{config.path}, line {where}: health.{kind}: there is no "{name}"{nearest(name, known)}')
    if wanted.pre_armed and not config.settings.channels.get("twilio", {}).get("messaging_service"):
        return ["note: health.pre_armed needs channels.twilio.messaging_service, without which nothing is scheduled"]
    return []


def _phone(config: Config) -> None:
    """Raises Usage for an operator's phone number that is none."""
    if not config.settings.operator.phone:
        return
    try:
        phone(config.settings.operator.phone)
    except Usage as e:
        line = configuration.line_of(config.path.read_text(encoding="utf-8-sig"), ("operator", "phone"))
        raise Usage(f"{config.path}, line {line}: operator.phone: {e.message}", e.fix) from e


def _folder(config: Config) -> list[str]:
    path = config.settings.sources.get("chatlogs", {}).get("path")
    if path is None or config.beside(path).is_dir():
        return []
    return [f"note: sources.chatlogs.path: there is no folder {config.beside(path)} yet"]


def _channels(app: App) -> list[str]:
    """Routes that can never fire. Raises Usage for a channel of which a half is missing, or that cannot be used."""
    channels = app.channels(lambda: None)
    for name, channel in channels.items():
        if isinstance(channel, Unusable):
            raise _of(name, channel.mistake)
        if isinstance(channel, Verifies):
            channel.verify()
    own = routes.rules(app.config.settings.routes)
    ways = frozenset(way for way in routes.CARRIES if any(routes.goes(channel, way) for channel in channels.values()))
    notes = (
        [f"note: {finding}" for finding in routes.findings(own, ways, routes.TYPES)]
        if set(channels) != {"console"} or own
        else []
    )
    if quiet.until(app.config.settings.quiet_hours, app.clock.now(), app.config.zone) == quiet.NEVER:
        notes.append("note: quiet_hours: they never end, so only what passes them reaches you, and no digest does")
    return notes


def _of(channel: str, mistake: Usage) -> Usage:
    """A mistake that says of which channel it is."""
    named = f"channels.{channel}" in mistake.message
    return mistake if named else Usage(f"channels.{channel}: {mistake.message}", mistake.fix)


def _recipients(app: App) -> list[str]:
    """Channels whose recipient nothing may be sent to, so that they reach nobody."""
    channels = {name: c for name, c in app.channels(lambda: None).items() if isinstance(c, Addressed)}
    if not channels:
        return []
    try:
        conn = app.migrated().conn
    except (GodmodeError, psycopg.Error) as e:
        return [f"note: the allowlist could not be looked at: {first_line(e)}"]
    notes = []
    for name, channel in channels.items():
        ways = [way for way in routes.CARRIES if routes.goes(channel, way)]
        for to in channel.recipients:
            missing = [way for way in ways if not allowlist.allowed(conn, to, way)]
            if missing:
                what = f"{shown(to)} is not on the allowlist for {', '.join(missing)}, so nothing reaches it that way"
                notes.append(f"note: channels.{name}: {what}: `{command(to, name, *ways)}`")
    return notes


def _speakers(app: App) -> list[str]:
    """Jobs that speak at an hour at which quiet hours never let them."""
    notes, config = [], app.config
    for job in app.jobs():
        slot = current(job.cadence, app.clock.now(), config.zone)
        end = quiet.until(config.settings.quiet_hours, slot.start, config.zone)
        if not job.speaks or not isinstance(job.cadence, Daily) or end is None:
            continue
        never = end - slot.start >= job.cadence.catch_up
        then = "so it can never fire" if never else f"it waits until {config.settings.quiet_hours.end}"
        at = f"{slot.start.astimezone(config.zone):%H:%M}"
        notes.append(f"note: jobs.{job.name}.time: {at} lies in the quiet hours, {then}")
    return notes
