"""`godmode schedule cron|systemd`: what starts the jobs. It prints; installing is yours."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from godmode.commands import terminal
from godmode.lib import schedule
from godmode.wiring import App

app = typer.Typer(add_completion=False, help="Print the cron lines or the systemd units.", rich_markup_mode=None)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command()
def cron(as_json: Json = False) -> int:
    """Print the lines for a crontab, from the configured intervals and hours."""
    text = schedule.crontab(App(terminal.config()).jobs(), **_called())
    terminal.show({"crontab": text}, as_json, text.rstrip("\n"))
    return 0


@app.command()
def systemd(
    out: Annotated[Path | None, typer.Option(help="Write the files into this folder instead.", metavar="DIR")] = None,
    as_json: Json = False,
) -> int:
    """Print the units for systemd, from the configured intervals and hours."""
    files = schedule.units(App(terminal.config()).jobs(), **_called())
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (out / name).write_text(text)
        terminal.show(sorted(files), as_json, f"{len(files)} files written to {out}")
        return 0
    terminal.show(files, as_json, "\n".join(f"# --- {name}\n{text}" for name, text in files.items()).rstrip("\n"))
    return 0


def _called() -> dict[str, Any]:
    """How cron and systemd have to call godmode: by name where they would find it, else by this one's place."""
    config, home = terminal.options.config, os.environ.get("GODMODE_HOME")
    found = shutil.which("godmode", path=schedule.PATH)
    return {
        "program": "godmode" if found else str(Path(sys.argv[0]).absolute()),
        "config": str(config.absolute()) if config else None,
        "home": str(Path(home).absolute()) if home else None,
    }
