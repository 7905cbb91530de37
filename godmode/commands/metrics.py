"""`godmode metrics`: the status page for Prometheus, on stdout or as a file of node_exporter's textfile collector."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer

from godmode import __version__, supply
from godmode.commands import status, terminal
from godmode.lib import exposition
from godmode.lib.engine.meter import day_of
from godmode.lib.errors import DatabaseTrouble, Usage
from godmode.lib.overview import metrics
from godmode.lib.overview.metrics import Counted
from godmode.lib.paths import publish
from godmode.lib.store import glance, limits, retry_jobs
from godmode.wiring import App

app = typer.Typer(add_completion=False, rich_markup_mode=None)
READABLE = 0o644  # node_exporter runs as somebody else


@app.command()
def show(
    textfile: Annotated[
        Path | None, typer.Option(help="Write them to this file, which has to end in .prom.", metavar="PATH")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Print how everything is in Prometheus' text format. With the database away only that is written, and exits 1."""
    if textfile is not None and textfile.suffix != ".prom":
        raise Usage(f"{textfile} does not end in .prom", "node_exporter reads no other files")
    godmode = App(terminal.config())
    try:
        found = list(metrics.metrics(status.look(godmode), _counted(godmode)))
    except (psycopg.Error, DatabaseTrouble):
        if textfile is not None:
            _write(textfile, exposition.text(metrics.down(godmode.clock.now(), __version__)))
        raise
    content = exposition.text(found)
    if textfile is not None:
        _write(textfile, content)
    if as_json or textfile is None:
        terminal.show([_document(metric) for metric in found], as_json, content.rstrip("\n"))
    return 0


def _write(path: Path, content: str) -> None:
    publish(path, content.encode(), READABLE)


def _document(metric: exposition.Metric) -> dict[str, Any]:
    samples = [{"labels": labels, "value": value} for labels, value in metric.samples if value is not None]
    return {"name": f"godmode_{metric.name}", "help": metric.help, "samples": samples}


def _counted(godmode: App) -> Counted:
    conn, now = godmode.migrated().conn, godmode.clock.now()
    return Counted(
        version=__version__,
        queue=retry_jobs.counts(conn, now),
        open_incidents=glance.open_by_severity(conn),
        usage=limits.usage(conn, day_of(now, godmode.config.zone)),
        limits=supply.daily_limits(godmode.config),
    )
