"""What has to start the jobs of this installation, and whether what starts them now is that."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from pathlib import Path

from godmode.commands import terminal
from godmode.lib import config as configuration
from godmode.lib import paths, secrets_file
from godmode.lib.config import Config
from godmode.lib.errors import Usage
from godmode.lib.health import backups
from godmode.lib.schedule import cron, crontab, unit_files, units
from godmode.lib.schedule.calling import PATH, SECRETS, Call
from godmode.lib.schedule.sandbox import Folders
from godmode.lib.store import places
from godmode.wiring import App


def call(config: Config) -> Call:
    """How cron and systemd have to call this godmode: by name where they would find it, else by its place."""
    return Call(_program(), _named(), _environment(), _name(config))


def _program() -> str:
    mine, found = Path(sys.argv[0]).absolute(), shutil.which("godmode", path=PATH)
    return "godmode" if found and mine.exists() and mine.samefile(found) else str(mine)


def _named() -> str | None:
    return str(terminal.options.config.absolute()) if terminal.options.config else None


def _environment() -> dict[str, str]:
    """What of this shell's environment a run needs to find its files: no secrets, but where they are."""
    folders = ("GODMODE_HOME",) if os.environ.get("GODMODE_HOME") or os.geteuid() == 0 else _XDG
    names = (*folders, *(f"{name}_FILE" for name in SECRETS))
    return {name: os.path.abspath(value) for name in names if (value := os.environ.get(name))}  # noqa: PTH100


_XDG = ("XDG_CONFIG_HOME", "XDG_STATE_HOME")


def _name(config: Config) -> str:
    return "" if config.path == paths.default_config({}) else str(config.path)


def block(config: Config, log: Path | None = None) -> str:
    """The lines for the crontab. Hosts that share a database come at different minutes. Raises Usage."""
    shift = sum(socket.gethostname().encode()) % 60 if configuration.secret("DATABASE_URL") else 0
    return cron.block(App(config).jobs(), call(config), str(log.absolute()) if log else None, shift)


def unit_texts(config: Config, *, system: bool) -> dict[str, str]:
    """The files for systemd. Raises Usage."""
    made_for = units.Installation(
        call=call(config),
        zone=config.settings.timezone,
        system=system,
        version=unit_files.version(),
        embedded=configuration.secret("DATABASE_URL") is None,
        jit=config.settings.embedded.bin_dir is not None,
        folders=_folders(config),
    )
    return units.units(App(config).jobs(), made_for)


def _folders(config: Config) -> Folders:
    program = shutil.which("godmode", path=PATH) or str(Path(sys.argv[0]).absolute())
    chats = config.settings.sources.get("chatlogs", {}).get("path")
    files = [config.path.parent, *(_environment().values()), *([config.beside(str(chats))] if chats else [])]
    code = [Path(__file__).resolve().parents[1], paths.shipped("migrations")]  # elsewhere in an editable installation
    read = [program, os.path.realpath(program), sys.prefix, sys.base_prefix, *map(str, [*code, *files])]
    return Folders(
        state=str(config.state),
        reads=tuple(dict.fromkeys(os.path.normpath(path) for path in read)),
        short_socket=places.is_short(places.socket_folder(config.state)),
        backups=str(written(config)[1]) if config.settings.backup.daily else None,
    )


def written(config: Config) -> list[Path]:
    """The folders that runs write to, which have to be there before a sandbox is made: the state, and the backups."""
    return [config.state, *([backups.folder(config).absolute()] if config.settings.backup.daily else [])]


def unseen(config: Config, store: Path | None = None) -> list[str]:
    """What this shell's environment gives and a run from cron or systemd would not have; `store` is systemd's."""
    filed = secrets_file.read(config.path)
    lost = [name for name in SECRETS if os.environ.get(name) and filed.get(name) != os.environ[name]]
    lost = [name for name in lost if store is None or not (store / f"godmode.{name}").exists()]
    if not lost:
        return []
    where = secrets_file.beside(config.path)
    another = "; until then they use another database" if "DATABASE_URL" in lost else ""
    return [
        f"note: only this shell's environment has {', '.join(lost)}, and scheduled runs have not: put NAME=value into"
        f" {where} (chmod 600){another}"
    ]


def also_by_systemd() -> list[str]:
    """A note where systemd's timers start the jobs, so that cron need not."""
    there = unit_files.there(unit_files.folder(os.geteuid() == 0))
    return ["note: systemd starts the jobs already: `godmode schedule systemd --uninstall` ends that"] if there else []


def also_by_cron(config: Config) -> list[str]:
    """A note where the user's crontab starts the jobs, so that systemd need not."""
    try:
        found = _name(config) in crontab.blocks(crontab.read())
    except Usage:  # no cron, or a crontab that is not for us to judge
        return []
    return ["note: cron starts the jobs already: `godmode schedule cron --uninstall` ends that"] if found else []


def starters(config: Config) -> list[str]:
    """What starts the jobs of this installation: `cron`, `systemd`, both or neither, as far as it can be seen."""
    name, units_there = _name(config), unit_files.there(unit_files.folder(os.geteuid() == 0))
    by_systemd = any(unit_files.owner(text) == name for text in units_there.values())
    return (["cron"] if also_by_cron(config) else []) + (["systemd"] if by_systemd else [])


def outdated(config: Config) -> list[str]:
    """Notes on what starts the jobs otherwise than the configuration says: lines and units of former settings.

    What cannot be seen is passed over: a machine need not have cron, nor systemd.
    """
    try:
        content = crontab.read() if shutil.which("crontab", path=PATH) else b""
        found = crontab.blocks(content).get(_name(config))
        notes = [] if found is None else _differs(content, found, config)
        return notes + _other_units(config)
    except Usage as e:
        return [f"note: {e}"]


def _differs(content: bytes, found: tuple[int, int], config: Config) -> list[str]:
    def lines(text: str) -> list[str]:
        return [line.partition(" --scheduled ")[0] for line in text.splitlines() if not line.startswith("#")]

    due = crontab.fitted(content, _name(config), block(config))
    if lines(os.fsdecode(content[slice(*found)])) == lines(due):
        return []
    return ["note: the crontab starts the jobs as they were configured before: `godmode schedule cron --install`"]


def _other_units(config: Config) -> list[str]:
    system, name = os.geteuid() == 0, _name(config)
    there = unit_files.there(unit_files.folder(system))
    found = {file: text for file, text in there.items() if unit_files.owner(text) == name}
    if not found or found == unit_texts(config, system=system):
        return []
    return ["note: systemd starts the jobs as they were configured before: `godmode schedule systemd --install`"]
