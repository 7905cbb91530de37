"""The command line as Typer sees it: every word known by name, its module imported when it is called."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from godmode.commands import terminal
from godmode.lib.config import nearest
from godmode.lib.errors import Usage

WORDS = (
    "init", "run", "killswitch", "controls", "status", "jobs", "sources", "proposals", "incidents", "queue", "audit",
    "memory", "channels", "allowlist", "schedule", "report", "metrics", "rehearse", "config", "doctor", "db",
    "completion",
)  # fmt: skip


FILES = ("--config", "--out")  # the options that name a file
UNLISTED = ("fallback",)  # what systemd calls, and nobody types
INTERRUPTED = 130  # what Typer makes of Ctrl-C

ELSEWHERE = {"run": "run.command"}  # the folder commands/run holds the jobs


class LazyGroup(TyperGroup):
    """Finds a command in the module of its name (`godmode killswitch` is commands/killswitch.py)."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return list(WORDS)

    def get_command(self, ctx: typer.Context, cmd_name: str):  # type: ignore[no-untyped-def,override]
        if cmd_name not in WORDS + UNLISTED:
            raise Usage(f'there is no command "{cmd_name}"{nearest(cmd_name, WORDS)}', "`godmode --help` lists them")
        command = typer.main.get_command(import_module(f"godmode.commands.{ELSEWHERE.get(cmd_name, cmd_name)}").app)
        command.name = cmd_name
        return command


app = typer.Typer(cls=LazyGroup, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def _version(ctx: typer.Context, value: bool) -> None:
    if value:
        named = ctx.params["config"]  # which is eager, so that it is known by now
        terminal.options.config = Path(named) if named else None
        from godmode.commands import version

        print(version.lines())
        raise typer.Exit


@app.callback()
def _options(
    config: Annotated[
        Path | None, typer.Option(help="Read this configuration file.", metavar="FILE", is_eager=True)
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback when something fails.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the versions of godmode and its database.", callback=_version)
    ] = False,
) -> None:
    """Watch a small company from a VPS, tell its operator what matters, stop when told to."""
    terminal.options.config = config
    terminal.options.debug = debug or terminal.options.debug


def run(argv: Sequence[str]) -> int:
    """Carry out a command line; the exit code. Raises GodmodeError."""
    if "_GODMODE_COMPLETE" in os.environ:  # a shell asks what may follow
        from typer._completion_classes import completion_init

        completion_init()
    _check_text(argv)
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


def _check_text(argv: Sequence[str]) -> None:
    """Only a file's name may be bytes that are no text. Raises Usage."""
    for before, word in zip(("", *argv), argv, strict=False):
        if before not in FILES and not word.startswith(FILES):
            try:
                word.encode()
            except UnicodeEncodeError:
                said = word.encode(errors="surrogateescape").decode(errors="replace")
                raise Usage(f'"{said}" is not text in UTF-8', "see how the terminal writes what is typed") from None


def _takes(ctx: typer.Context | None, message: str) -> str:
    """What to do next after wrong words: the ones that would be right, where those are few."""
    if ctx is not None and isinstance(ctx.command, TyperGroup) and " command" in message:
        return f"`{ctx.command_path}` takes one of {', '.join(ctx.command.list_commands(ctx))}"
    return "--help shows what it takes"
