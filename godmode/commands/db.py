"""`godmode db`: the database, above all the embedded one that godmode runs itself."""

from __future__ import annotations

from typing import Annotated

import typer

from godmode.commands import terminal
from godmode.lib.config import secret
from godmode.lib.errors import Usage

app = typer.Typer(
    add_completion=False, help="Start, stop and migrate the database, or print its address.", rich_markup_mode=None
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Wait = Annotated[bool, typer.Option("--wait", help="Last as long as the server runs, for a service manager.")]


@app.command()
def start(json: Json = False, wait: Wait = False) -> None:
    """Start the embedded database; harmless when it runs."""
    from godmode.lib.store import attended, embedded

    _own()
    if wait:
        attended.run(terminal.config())
    embedded.start(terminal.config())
    _show(json, "the database runs")


@app.command()
def stop(json: Json = False) -> None:
    """Stop the embedded database; the next run starts it again."""
    from godmode.lib.store import embedded

    _own()
    ran = embedded.stop(terminal.config())
    _show(json, "the database is stopped" if ran else "the database was not running")


@app.command()
def migrate(json: Json = False) -> None:
    """Bring the database's tables to this program's version."""
    from godmode.lib.store import connect
    from godmode.lib.store import migrate as migrations

    with connect.connect(terminal.config(), "godmode db") as conn:
        applied = [m.version for m in migrations.apply(conn)]
    version = migrations.newest()
    numbers = ", ".join(map(str, applied))
    text = f"applied {numbers}: the database is at {version}" if applied else f"nothing to do: it is at {version}"
    terminal.show({"version": version, "applied": applied}, json, text)


@app.command()
def url(json: Json = False) -> None:
    """Print the database's address, password and all, as in `psql "$(godmode db url)"`. Starts the embedded one."""
    address = secret("DATABASE_URL")
    if address is None:
        from godmode.lib.store import embedded

        address = embedded.url(embedded.start(terminal.config()))
    terminal.show({"url": address}, json, address)


def _own() -> None:
    if secret("DATABASE_URL"):
        raise Usage("DATABASE_URL names the database, so it is not godmode's to start or stop", "unset it first")


def _show(as_json: bool, text: str) -> None:
    from godmode.lib.store import embedded

    seen = embedded.status(terminal.config())
    document = {
        "running": seen.running,
        "pid": seen.pid,
        "socket": str(seen.socket),
        "data": str(seen.data),
        "postgres": seen.major,
    }
    terminal.show(document, as_json, f"{text} ({seen.data})")
