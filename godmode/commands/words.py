"""The command line as Typer sees it: every word known by name, its module imported when it is called."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from godmode import __version__
from godmode.commands import terminal
from godmode.lib.config import nearest
from godmode.lib.errors import Usage

WORDS = (
    "init", "run", "killswitch", "controls", "status", "jobs", "sources", "proposals", "incidents", "queue", "audit",
    "memory", "channels", "allowlist", "schedule", "config", "db",
)  # fmt: skip


INTERRUPTED = 130  # what Typer makes of Ctrl-C

ELSEWHERE = {"run": "run.command"}  # the folder commands/run holds the jobs


class LazyGroup(TyperGroup):
    """Finds a command in the module of its name (`godmode killswitch` is commands/killswitch.py)."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return list(WORDS)

    def get_command(self, ctx: typer.Context, cmd_name: str):  # type: ignore[no-untyped-def,override]
        if cmd_name not in WORDS:
            raise Usage(f'there is no command "{cmd_name}"{nearest(cmd_name, WORDS)}', "`godmode --help` lists them")
        command = typer.main.get_command(import_module(f"godmode.commands.{ELSEWHERE.get(cmd_name, cmd_name)}").app)
        command.name = cmd_name
        return command


app = typer.Typer(cls=LazyGroup, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def _version(value: bool) -> None:
    if value:
        print(f"godmode {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    config: Annotated[Path | None, typer.Option(help="Read this configuration file.", metavar="FILE")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback when something fails.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Watch a small company from a VPS, tell its operator what matters, stop when told to."""
    terminal.options.config = config
    terminal.options.debug = debug or terminal.options.debug


def run(argv: Sequence[str]) -> int:
    """Carry out a command line; the exit code. Raises GodmodeError."""
    try:
        code = typer.main.get_command(app).main(list(argv), prog_name="godmode", standalone_mode=False)
    except typer.TyperException as e:
        message = e.format_message().rstrip(".")
        raise Usage(message, _takes(getattr(e, "ctx", None), message)) from e
    except typer.Abort:
        raise KeyboardInterrupt from None
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    return code if isinstance(code, int) else 0


def _takes(ctx: typer.Context | None, message: str) -> str:
    """What to do next after wrong words: the ones that would be right, where those are few."""
    if ctx is not None and isinstance(ctx.command, TyperGroup) and " command" in message:
        return f"`{ctx.command_path}` takes one of {', '.join(ctx.command.list_commands(ctx))}"
    return "--help shows what it takes"
