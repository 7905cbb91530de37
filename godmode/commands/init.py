"""`godmode init`: ask for what is needed, write the configuration, create the database, set the first controls."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from godmode.commands import terminal
from godmode.lib import config as configuration
from godmode.lib import paths, sample_config, secrets_file
from godmode.lib.config import Config
from godmode.lib.engine import killswitch
from godmode.lib.errors import Usage
from godmode.lib.sample_config import Answers
from godmode.lib.store import audit, controls
from godmode.wiring import App

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def init(
    timezone: Annotated[str | None, typer.Option(help="The zone of all hours, as America/Chicago.")] = None,
    operator_name: Annotated[str | None, typer.Option(help="Your name, as chats show it.")] = None,
    operator_phone: Annotated[str | None, typer.Option(help="Your phone, as +15125550100.")] = None,
    chatlogs: Annotated[str | None, typer.Option(help="The folder of your chat exports.", metavar="DIR")] = None,
    digest_time: Annotated[str | None, typer.Option(help="When the digest comes, as 08:00.")] = None,
    call_time: Annotated[str | None, typer.Option(help="When the call comes, as 06:00.")] = None,
    quiet_start: Annotated[str | None, typer.Option(help="When quiet hours begin.")] = None,
    quiet_end: Annotated[str | None, typer.Option(help="When quiet hours end.")] = None,
    production: Annotated[bool, typer.Option("--production", help="Start with jobs, comms and write off.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: flags and defaults.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Write a configuration, create the database, set the first controls. Safe to repeat."""
    given = {
        "timezone": timezone, "operator_name": operator_name, "operator_phone": operator_phone,
        "chatlogs": chatlogs, "digest_time": digest_time, "call_time": call_time,
        "quiet_start": quiet_start, "quiet_end": quiet_end,
    }  # fmt: skip
    for key, value in given.items():
        if value is not None:
            _valid(key, value)
    path = (terminal.options.config or paths.default_config()).absolute()
    wrote = _configuration(path, {k: v for k, v in given.items() if v is not None}, yes)
    config = configuration.load(path)
    secrets_file.take(path)
    first = _controls(App(config), production)
    document = {"config": str(path), "wrote_config": wrote, "state": str(config.state), "set_controls": first}
    terminal.show(document, as_json, _said(config, wrote, first, production))
    return 0


def _configuration(path: Path, given: dict[str, str], yes: bool) -> bool:
    """Write the file where there is none; whether it was written. Raises Usage for answers that differ."""
    if not _is_there(path):
        answers = Answers(**given) if yes else _ask(given)
        paths.private_folder(path.parent)
        if _create(path, sample_config.text(answers).encode()):
            return True
    if given and path.read_bytes() != sample_config.text(Answers(**given)).encode():
        raise Usage(f"there is a configuration {path} already", "edit it; `godmode config check` reads it again")
    configuration.load(path)
    return False


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as e:
        raise Usage(f"cannot see whether there is a configuration {path}: {e.strerror}", "check its folders") from e
    return True


def _create(path: Path, content: bytes) -> bool:
    """Make a file with this content, whole, mode 0600; False where one is there already."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    paths.replace_file(fresh, content)
    try:
        os.link(fresh, path)
    except FileExistsError:
        return False
    except OSError as e:
        raise Usage(f"cannot write {path}: {e.strerror}", "check the folder's owner and free space") from e
    finally:
        fresh.unlink(missing_ok=True)
    return True


QUESTIONS = {
    "timezone": "Time zone",
    "operator_name": "Your name, as it stands in your chats",
    "operator_phone": "Your phone number (may stay empty)",
    "chatlogs": "Folder of your chat exports (may stay empty)",
    "digest_time": "When does the digest come",
    "quiet_start": "Quiet hours begin",
    "quiet_end": "Quiet hours end",
}


def _ask(given: dict[str, str]) -> Answers:
    """Ask for what no flag gave; Enter takes the default. Raises Usage where nobody can be asked."""
    if not sys.stdin.isatty():
        raise Usage("init asks questions, and nobody is here to answer", "add --yes to take flags and defaults")
    answers = Answers(**given)
    for key, question in QUESTIONS.items():
        if key not in given:
            answers = replace(answers, **{key: _answer(key, question, getattr(answers, key))})
    return answers


def _answer(key: str, question: str, default: str) -> str:
    """One answer, asked for until it can be used."""
    while True:
        value = input(f"{question}{f' [{default}]' if default else ''}: ").strip() or default
        try:
            _valid(key, value)
        except Usage as e:
            print(e.message)
            continue
        return value


CHECKS: dict[str, Callable[[str], object]] = {
    "timezone": configuration.zone,
    "digest_time": configuration.parse_time,
    "call_time": configuration.parse_time,
    "quiet_start": configuration.parse_time,
    "quiet_end": configuration.parse_time,
}


def _valid(key: str, value: str) -> None:
    """Raises Usage with a line for the operator."""
    try:
        CHECKS.get(key, str)(value)
    except ValueError as e:
        raise Usage(str(e), f"see --{key.replace('_', '-')}") from e


def _controls(godmode: App, production: bool) -> bool:
    """Set the first controls, unless they were set before; whether they were set now."""
    conn = godmode.migrated().conn
    now = godmode.clock.now()
    with conn.transaction():
        conn.execute("SELECT FROM agent_controls FOR UPDATE")  # two inits at once set them once
        if audit.recent(conn, limit=1, action="init"):
            return False
        untouched = not audit.recent(conn, limit=1)
        if untouched:
            for name in controls.NAMES:
                controls.set_control(conn, name, not production)
        audit.write(conn, now, "init", "control", success=True, data={"production": production, "set": untouched})
    killswitch.settle(conn, godmode.config.state, now)
    return untouched


def _said(config: Config, wrote: bool, first: bool, production: bool) -> str:
    how = "all three off: switch them on one by one" if production else "jobs, comms and write enabled"
    return "\n".join(
        [
            f"configuration  {config.path} {'written' if wrote else 'kept as it was'}",
            f"state          {config.state}",
            f"controls       {how if first else 'kept as they were (`godmode controls` shows them)'}",
            "next           `godmode config check`, `godmode run daily-digest --dry-run`, `godmode schedule cron`",
        ]
    )
