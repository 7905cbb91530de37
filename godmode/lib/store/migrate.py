"""The schema's versions: `migrations/NNN_name.sql`, applied in order, each once, under a lock."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors

from godmode.lib.errors import DatabaseTrouble, Usage
from godmode.lib.paths import shipped
from godmode.lib.store.connect import trouble

Connection = psycopg.Connection[tuple[Any, ...]]

_LOCK = 0x676F646D6F6465  # "godmode"


@dataclass(frozen=True)
class Migration:
    """One file. `name` is the file's without number and ending."""

    version: int
    name: str
    path: Path

    def checksum(self) -> str:
        """SHA-256 of the file, in hexadecimal."""
        import hashlib

        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def newest(folder: Path | None = None) -> int:
    """The version this program works with, from the file names alone. Raises Usage."""
    return len(migrations(folder))


def migrations(folder: Path | None = None) -> list[Migration]:
    """The program's migrations in order. Raises Usage where a number is missing or taken twice."""
    folder = folder or shipped("migrations")
    found = []
    for path in folder.glob("*.sql"):
        name = re.fullmatch(r"(\d{3,})_(\w+)\.sql", path.name)
        if not name:
            raise Usage(f"{path} is not named NNN_name.sql", "rename or remove it")
        found.append(Migration(int(name[1]), name[2], path))
    found.sort(key=lambda m: m.version)
    for expected, migration in enumerate(found, 1):
        if migration.version != expected:
            raise Usage(f"in {folder}, migration {expected:03} is missing or taken twice", "install godmode again")
    return found


def version(conn: Connection) -> int:
    """The version the database is at, 0 when godmode has no tables in it. Raises Usage for another program's."""
    return max(_recorded(conn), default=0)


def fit(conn: Connection, folder: Path | None = None) -> None:
    """Raises Usage for a database that this program does not fit: a newer one, or one made with other migrations."""
    _check(_recorded(conn), migrations(folder))


def ensure(conn: Connection, *, embedded: bool, folder: Path | None = None) -> None:
    """Bring the database to this program's version where that is safe without asking.

    The embedded database and one without godmode's tables are migrated; another that is behind is left to
    `godmode db migrate`, since other hosts may still work with it. Raises Usage when it does not fit.
    """
    known = migrations(folder)
    recorded = _recorded(conn)
    _check(recorded, known)
    if len(recorded) == len(known):
        return
    if recorded and not embedded:
        raise Usage(f"the database is at {max(recorded)}, this program needs {len(known)}", "run `godmode db migrate`")
    apply(conn, folder)


def apply(conn: Connection, folder: Path | None = None) -> list[Migration]:
    """Apply what is pending, all of it in one transaction; what was applied. Harmless when two do it at once.

    Raises Usage when the database does not fit the program, DatabaseTrouble when a migration fails.
    """
    known = migrations(folder)
    try:
        with conn.transaction():
            # A lock of the transaction, not of the session: poolers hand sessions around.
            conn.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            recorded = _recorded(conn)
            _check(recorded, known)
            pending = known[len(recorded) :]
            for migration in pending:
                _apply(conn, migration)
            return pending
    except errors.InsufficientPrivilege as e:
        raise Usage(
            f"the database's user {conn.info.user} may not create tables: {e.diag.message_primary}",
            f"GRANT CREATE ON SCHEMA public TO {conn.info.user}, or make it the database's owner",
        ) from e


def _apply(conn: Connection, migration: Migration) -> None:
    try:
        conn.execute(migration.path.read_bytes())
    except errors.InsufficientPrivilege:
        raise
    except psycopg.Error as e:
        why = trouble(e)
        raise DatabaseTrouble(f"migration {migration.path.name} failed: {why.message}", why.fix) from e
    conn.execute(
        "INSERT INTO schema_migrations (version, name, checksum) VALUES (%s, %s, %s)",
        (migration.version, migration.name, migration.checksum()),
    )


def _recorded(conn: Connection) -> dict[int, str]:
    """Version and checksum of what was applied."""
    # Not to_regclass: it asks a cache that does not hear of a table made while this transaction waited for the lock.
    exists = conn.execute(
        "SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'schema_migrations' AND pg_table_is_visible(oid))"
    ).fetchone()
    if exists != (True,):
        return {}
    try:
        with conn.transaction():
            return dict(conn.execute("SELECT version, checksum FROM schema_migrations ORDER BY version").fetchall())
    except errors.UndefinedColumn as e:
        raise Usage(
            f"the database {conn.info.dbname} belongs to another program, whose schema_migrations it holds",
            "give godmode a database of its own",
        ) from e


def _check(recorded: Mapping[int, str], known: Sequence[Migration]) -> None:
    """Refuse a database that this program does not fit."""
    if recorded and max(recorded) > len(known):
        raise Usage(
            f"the database is at {max(recorded)}, this program only knows {len(known)}", "install a newer godmode"
        )
    for migration in known[: max(recorded, default=0)]:
        if recorded.get(migration.version) != migration.checksum():
            raise Usage(
                f"the database was made with another {migration.path.name} than this program has",
                "install the version of godmode that made it, or restore the file",
            )
