"""`godmode report`: the last days as one HTML file, which a web server can serve as it is written."""

from __future__ import annotations

import enum
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from godmode import __version__, supply
from godmode.commands import jobs, status, terminal
from godmode.lib.errors import Usage
from godmode.lib.paths import publish
from godmode.lib.report import facts
from godmode.lib.report.facts import Facts, Scope
from godmode.wiring import App

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class Days(enum.StrEnum):
    """So many days a report can have."""

    WEEK = "7"
    MONTH = "30"
    QUARTER = "90"


@app.command()
def show(
    days: Annotated[Days, typer.Option(help="The last so many days, today included.")] = Days.MONTH,
    out: Annotated[Path | None, typer.Option(help="Write the page to this file.", metavar="FILE")] = None,
    mode: Annotated[str, typer.Option(help="The file's mode; 0600 keeps others from reading it.")] = "0644",
    as_json: Annotated[bool, typer.Option("--json", help="Print what it tells as one JSON document.")] = False,
) -> int:
    """Write the last days as one HTML page; to stdout where no --out is named."""
    rights = _rights(mode)
    if out is None and not as_json and sys.stdout.isatty():
        raise Usage("a page is nothing for a terminal", "--out FILE writes it to a file, --json shows what it tells")
    godmode = App(terminal.config())
    found = facts.gather(godmode.migrated().conn, scope(godmode, int(days)))
    if out is not None:
        content = _page(godmode, found).encode()
        publish(out, content, rights)
    if as_json:
        terminal.show(asdict(found) | {"zone": str(found.zone)}, True, "")
    elif out is not None:
        print(f"{out}: {days} days, {len(content) / 1000:,.0f} kB")
    else:
        print(_page(godmode, found), end="")
    return 0


def _rights(mode: str) -> int:
    try:
        rights = int(mode, 8)
    except ValueError:
        rights = -1
    if not 0o400 <= rights <= 0o777:
        raise Usage(f'"{mode}" is no mode of a file', "--mode takes one such as 0644 or 0600")
    return rights


def _page(godmode: App, found: Facts) -> str:
    from godmode.lib.report.page import page  # which imports Jinja2

    return page(found, status.look(godmode), __version__)


def scope(godmode: App, days: int) -> Scope:
    """What a report of an installation is about, up to now."""
    known = {job.name: (job.help, jobs.cadence(job.cadence)) for job in godmode.jobs()}
    if supply.is_configured(godmode.config, "chatlogs"):
        chats = godmode.job("sync_chatlogs")
        known[chats.name] = (chats.help, jobs.cadence(chats.cadence))
    return Scope(
        days=days,
        now=godmode.clock.now(),
        zone=godmode.config.zone,
        jobs=known,
        limits=supply.daily_limits(godmode.config),
        clean=godmode.clean,
    )
