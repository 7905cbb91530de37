"""Every command's --help as one page: `python docs/reference.py > docs/cli.md`. A test holds the page to it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import typer

HEAD = """\
# godmode's commands

Every command's `--help`, written down by `python docs/reference.py > docs/cli.md`.
Options that stand before a command (`--config FILE`, `--debug`) hold for all of them.
"""


def page() -> str:
    """The page, in Markdown, 100 columns wide."""
    os.environ |= {"COLUMNS": "100", "TERMINAL_WIDTH": "100"}
    from godmode.commands.words import app

    root = typer.main.get_command(app)
    return "\n".join([HEAD, *_sections(root, root.make_context("godmode", [], resilient_parsing=True))])


def _sections(command: object, context: typer.Context) -> Iterator[str]:
    from typer.core import TyperGroup

    assert isinstance(command, typer.core.TyperCommand | TyperGroup)
    text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    yield f"## {context.command_path}\n\n```text\n{text.strip()}\n```\n"
    if isinstance(command, TyperGroup):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from _sections(found, type(context)(found, info_name=name, parent=context))


if __name__ == "__main__":
    sys.stdout.write(page())
