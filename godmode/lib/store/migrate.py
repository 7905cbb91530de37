"""Migrations: `migrations/NNN_name.sql`, applied in order under a lock, each once, with a checksum."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import psycopg
from psycopg import Connection

from godmode.lib.errors import Usage
from godmode.lib.paths import shipped


@dataclass(frozen=True)
class Migration:
    """One file. `checksum` is the SHA-256 of its bytes."""

    version: int
    name: str
    sql: bytes

    @property
    def checksum(self) -> str:
        return sha256(self.sql).hexdigest()


@cache
def newest(folder: Path | None = None) -> int:
    """The version this program needs: the highest number among its migrations. Reads no file."""
    return max(_numbered(folder or shipped("migrations")))


def _numbered(folder: Path) -> dict[int, Path]:
    """The files by number. Raises Usage when numbers are missing or given twice."""
    files = [p for p in folder.glob("*.sql") if re.fullmatch(r"\d{3}_\w+\.sql", p.name)]
    numbered = {int(p.name[:3]): p for p in files}
    if len(numbered) != len(files) or sorted(numbered) != list(range(1, len(files) + 1)):
        raise Usage(f"the migrations in {folder} are not numbered 001, 002, …", "install godmode again")
    return numbered


def shipped_migrations(folder: Path | None = None) -> list[Migration]:
    """Every migration of this program, in order."""
    numbered = _numbered(folder or shipped("migrations"))
    return [Migration(n, numbered[n].stem[4:], numbered[n].read_bytes()) for n in sorted(numbered)]


def version(conn: Connection) -> int | None:
    """The database's version; None where it holds nothing of godmode."""
    try:
        row = conn.execute("SELECT max(version) FROM schema_migrations").fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    return row[0] if row and row[0] else None


def ensure(conn: Connection, *, embedded: bool) -> None:
    """Bring the database to this program's version where that may be done unasked; else say what to do.

    The embedded database and an empty one are migrated. Raises Usage for a database that is behind, newer,
    or whose applied migrations are not this program's.
    """
    found, needed = version(conn), newest()
    if found is not None and found > needed:
        raise Usage(f"the database is at {found}, this program knows only {needed}", "install the newer godmode")
    if found is None or (embedded and found < needed):
        apply(conn)
    elif found < needed:
        raise Usage(f"the database is at {found}, this program needs {needed}", "run `godmode db migrate`")


def apply(conn: Connection, folder: Path | None = None) -> list[int]:
    """Apply what is pending, all in one transaction; the versions applied. Raises Usage."""
    migrations = shipped_migrations(folder)
    with conn.transaction():
        # A transaction's lock, since a session's would stay behind in a pooler.
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('godmode.migrate', 0))")
        done = _applied(conn)
        _refuse_foreign(done, migrations)
        pending = [m for m in migrations if m.version not in done]
        for migration in pending:
            conn.execute(migration.sql)
            conn.execute(
                "INSERT INTO schema_migrations (version, name, checksum) VALUES (%s, %s, %s)",
                (migration.version, migration.name, migration.checksum),
            )
    return [m.version for m in pending]


def _applied(conn: Connection) -> dict[int, str]:
    there = conn.execute("SELECT to_regclass('schema_migrations') IS NOT NULL").fetchone()
    if not there or not there[0]:
        return {}
    return dict(conn.execute("SELECT version, checksum FROM schema_migrations").fetchall())


def _refuse_foreign(done: dict[int, str], migrations: list[Migration]) -> None:
    known = {m.version: m for m in migrations}
    if done and max(done) > max(known):
        raise Usage(f"the database is at {max(done)}, this program knows only {max(known)}", "install the newer godmode")
    for number, checksum in done.items():
        if known[number].checksum != checksum:
            raise Usage(
                f"migration {number:03} {known[number].name} was changed after it was applied",
                "install the godmode that applied it; a released migration is never edited",
            )
