"""`godmode completion`: what a shell needs to complete godmode's words."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from typer._completion_shared import get_completion_script

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class Shell(StrEnum):
    """The shells that it is for."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"


@app.command()
def completion(shell: Annotated[Shell, typer.Argument(help="bash, zsh or fish.", metavar="SHELL")]) -> None:
    """Print a shell's completion script, as for `source <(godmode completion bash)`."""
    print(get_completion_script(prog_name="godmode", complete_var="_GODMODE_COMPLETE", shell=shell))
