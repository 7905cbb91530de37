"""`godmode db`: the database, above all the embedded one that godmode runs itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from godmode.commands import terminal
from godmode.lib.config import secret
from godmode.lib.errors import Usage

app = typer.Typer(
    add_completion=False, help="Start, stop, migrate, back up and upgrade the database.", rich_markup_mode=None
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


@app.command()
def grants(
    run: Annotated[str, typer.Option(help="The role that all jobs run as.", metavar="ROLE")] = "godmode_run",
    migrate: Annotated[
        str, typer.Option(help="The role that owns the tables and migrates.", metavar="ROLE")
    ] = "godmode_migrate",
    json: Json = False,
) -> None:
    """Print SQL that makes two roles: one that migrates, one that can neither delete nor change a table."""
    from godmode.lib.store import grants as rights

    statements = rights.statements(run, migrate)
    terminal.show({"sql": statements}, json, statements.rstrip())


@app.command()
def backup(
    to: Annotated[Path | None, typer.Option(help="The folder; else that of the configuration.", metavar="DIR")] = None,
    check: Annotated[bool, typer.Option("--check", help="Bring it back into a scratch server and compare.")] = False,
    json: Json = False,
) -> None:
    """Take a backup (pg_dump), and move all but the newest aside."""
    from godmode.lib.health import backups
    from godmode.wiring import App

    godmode = App(terminal.config())
    conn, now = godmode.store.conn, godmode.clock.now()
    made = backups.take(godmode.config, conn, now, to)
    rows = sum(content.rows for content in made.manifest.tables.values())
    document: dict[str, Any] = {"file": str(made.path), "bytes": made.size, "rows": rows, "checked": check}
    if check:
        backups.prove(godmode.config, conn, made.path, godmode.clock.now())
    proved = ", brought back and compared" if check else ""
    terminal.show(document, json, f"{made.path}: {rows:,} rows in {made.size / 1e6:,.1f} MB{proved}")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup, .dump.", metavar="FILE")],
    state: Annotated[
        Path | None, typer.Option(help="Into a new state folder, with a server of its own.", metavar="DIR")
    ] = None,
    database: Annotated[
        str | None, typer.Option(help="Into a new database of the server in use.", metavar="NAME")
    ] = None,
    json: Json = False,
) -> None:
    """Bring a backup back into a new place, compare it, and turn on its kill switch. Nothing is written over."""
    from godmode.lib.clock import SystemClock
    from godmode.lib.store import dump
    from godmode.lib.store import restore as restoring

    config = terminal.config()
    if (state is None) == (database is None):
        raise Usage("say where to: --state DIR or --database NAME", "either is made new")
    if state is not None:
        restored = restoring.into_state(config, file, state)
        change = f'set state_dir = "{state.absolute()}" in {config.path}'
    else:
        assert database is not None
        restored = restoring.into_database(config, file, dump.address(config), database)
        change = f'let DATABASE_URL name the database "{database}"'
    restoring.hold(restored, SystemClock().now())
    document = {"url": restored.url, "as_of": restored.manifest.at, "tables": restored.tables, "rows": restored.rows}
    text = (
        f"{restored.rows:,} rows of {restored.tables} tables are back as of {terminal.local(restored.manifest.at)}, and"
        f" compared.\nIts kill switch is on, since it knows nothing of what was done after that.\n"
        f"To use it: {change}, look around, then `godmode killswitch off`."
    )
    terminal.show(document, json, text)


@app.command()
def upgrade(
    old_bin: Annotated[
        Path | None, typer.Option(help="The old version's programs; else they are looked for.", metavar="DIR")
    ] = None,
    json: Json = False,
) -> None:
    """Take the embedded database over to the installed PostgreSQL's major version. The old data is kept."""
    from godmode.lib.store import embedded
    from godmode.lib.store import upgrade as upgrading

    _own()
    done = upgrading.major(terminal.config(), old_bin)
    embedded.start(terminal.config())
    document = {"before": done.before, "after": done.after, "old_data": str(done.old_data)}
    text = (
        f"the database is PostgreSQL {done.after}'s now, and runs.\n"
        f"What was PostgreSQL {done.before}'s is in {done.old_data}; remove it when you are content."
    )
    terminal.show(document, json, text)


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
