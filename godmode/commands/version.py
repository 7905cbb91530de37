"""`godmode --version`: the program's version, the schema's and the server's, as far as they can be told at once."""

from __future__ import annotations

from godmode import __version__
from godmode.commands import terminal
from godmode.lib.errors import GodmodeError


def lines() -> str:
    """The versions. A database that does not answer is said to be so; none is started for this."""
    from godmode.lib.store import migrate

    return f"godmode {__version__} (schema {migrate.newest()})\n{_database(migrate.newest())}"


def _database(newest: int) -> str:
    import psycopg

    from godmode.lib.config import secret
    from godmode.lib.store import connect, embedded, migrate

    try:
        config = terminal.config()
        if secret("DATABASE_URL") is None and not embedded.status(config).running:
            return "database: the embedded one does not run"
        with connect.connect(config, "godmode --version") as conn:
            at, server = migrate.version(conn), conn.info.parameter_status("server_version")
    except (GodmodeError, psycopg.Error) as e:
        return f"database: {e}"
    behind = "" if at == newest else " (not this program's: `godmode db migrate`)"
    return f"database: schema {at}{behind}, PostgreSQL {server}"
