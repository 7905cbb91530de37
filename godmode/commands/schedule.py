"""`godmode schedule cron|systemd`: what starts the jobs, printed, installed, or taken out again."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from godmode.commands import started, terminal
from godmode.lib import config as configuration
from godmode.lib import paths
from godmode.lib.errors import Usage
from godmode.lib.schedule import crontab, unit_files

app = typer.Typer(add_completion=False, help="Have cron or systemd start the jobs.", rich_markup_mode=None)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Install = Annotated[bool, typer.Option("--install", help="Put it to work; safe to repeat.")]
Uninstall = Annotated[bool, typer.Option("--uninstall", help="Take it out again.")]


@app.command()
def cron(
    install: Install = False,
    uninstall: Uninstall = False,
    log: Annotated[
        Path | None, typer.Option(help="Write what runs say into this file, not to the system's log.", metavar="FILE")
    ] = None,
    as_json: Json = False,
) -> int:
    """Print the lines for a crontab, from the configured intervals and hours; or write them into yours."""
    _one_of(install, uninstall)
    config = terminal.config()
    text = started.block(config, log)
    if not install and not uninstall:
        terminal.show({"crontab": text}, as_json, text.rstrip("\n"))
        return 0
    if install and log is not None:
        _writable(log)
    name = started.call(config).name
    before = crontab.read()
    after = crontab.with_block(before, name, text) if install else crontab.without_block(before, name)
    if after != before:
        crontab.write(after)
    notes = _notes_on_cron(after, log) if install else []
    _say(f"the block of {config.path} in your crontab", install, after != before, as_json, notes)
    return 0


@app.command()
def systemd(
    user: Annotated[bool, typer.Option("--user", help="Units of your own, as for anyone but root.")] = False,
    system: Annotated[bool, typer.Option("--system", help="Units of the system, as for root.")] = False,
    install: Install = False,
    uninstall: Uninstall = False,
    out: Annotated[Path | None, typer.Option(help="Write the files into this folder instead.", metavar="DIR")] = None,
    as_json: Json = False,
) -> int:
    """Print the units for systemd, from the configured intervals and hours; or install them."""
    _one_of(install, uninstall, out is not None)
    as_root = _as_root(user, system)
    config = terminal.config()
    files = started.unit_texts(config, system=as_root)
    where, name = unit_files.folder(as_root), started.call(config).name
    if install:
        unit_files.booted()
        _settle()
        changed = unit_files.install(files, where, as_root, name)
        _say(f"the units of {config.path} in {where}", True, changed, as_json, _notes_on_systemd(as_root))
    elif uninstall:
        gone = unit_files.uninstall(where, as_root, name)
        _say(f"the units of {config.path} in {where}", False, bool(gone), as_json, [])
    elif out is not None:
        unit_files.write(files, out)
        terminal.show(sorted(files), as_json, f"{len(files)} files written to {out}")
    else:
        text = "\n".join(f"# --- {name}\n{text}" for name, text in files.items()).rstrip("\n")
        terminal.show(files, as_json, text)
    return 0


def _one_of(*asked: bool) -> None:
    if sum(asked) > 1:
        raise Usage("--install, --uninstall and --out do not go together", "give one of them")


def _writable(log: Path) -> None:
    """A shell that cannot open the file it is to write into does not start the job either."""
    try:
        log.open("a").close()
    except OSError as e:
        raise Usage(f"cannot write {log}: {e.strerror}", "every line would fail; name a file that can be made") from e


def _as_root(user: bool, system: bool) -> bool:
    root = os.geteuid() == 0
    if user and system:
        raise Usage("--user and --system do not go together", "give one of them")
    if system and not root:
        raise Usage("the units of the system run as root", "`sudo godmode schedule systemd`, or --user")
    return root and not user


def _settle() -> None:
    """Make what no unit may: the state folder, and the embedded server's user and folder. It is for its unit to run."""
    for folder in started.written(terminal.config()):
        paths.private_folder(folder)
    if configuration.secret("DATABASE_URL") is None:
        from godmode.lib.store import embedded

        embedded.start(terminal.config())
        embedded.stop(terminal.config())


def _say(what: str, install: bool, changed: bool, as_json: bool, notes: list[str]) -> None:
    done = ("installed" if install else "taken out") if changed else ("as it was" if install else "not there")
    document = {"what": what, "installed": install, "changed": changed, "notes": notes}
    terminal.show(document, as_json, f"{what}: {done}")
    if not as_json:
        for note in notes:
            print(note, file=sys.stderr)


def _notes_on_cron(content: bytes, log: Path | None) -> list[str]:
    notes = started.unseen(terminal.config()) + started.also_by_systemd()
    if strays := crontab.strays(content):
        lines = ", ".join(map(str, strays))
        notes.append(f"note: outside of the block, line {lines} of your crontab starts a job too: `crontab -e`")
    if log is None and not Path("/dev/log").exists():
        notes.append("note: no system log listens on this machine, so what runs say is lost: --log FILE keeps it")
    return notes


def _notes_on_systemd(as_root: bool) -> list[str]:
    notes = started.unseen(terminal.config(), Path("/etc/credstore") if as_root else None)
    notes += started.also_by_cron(terminal.config())
    if not as_root and not (Path("/var/lib/systemd/linger") / terminal.who()).exists():
        notes.append("note: without `loginctl enable-linger` your units stop when you log out")
    return notes
