"""Backups: pg_dump's custom format with a list of what is in it beside it, checked before it counts as one."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import psycopg
from msgspec import Struct
from psycopg import sql

from godmode.lib.config import secret
from godmode.lib.errors import DatabaseTrouble, Usage
from godmode.lib.paths import private_folder, replace_file
from godmode.lib.store import server_programs
from godmode.lib.store.connect import trouble

if TYPE_CHECKING:
    from godmode.lib.config import Config

_NAME = re.compile(r"godmode-\d{8}T\d{6}Z\.dump")
PATIENCE = "60s"  # for a table that somebody has locked
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


class Content(Struct, frozen=True):
    """What a table holds: its rows, and the sum of their hashes, which does not depend on their order."""

    rows: int
    hash: str


class Manifest(Struct, frozen=True):
    """What stands beside a dump (`FILE.json`): the tables in the moment that it shows, and the file's SHA-256."""

    at: datetime
    version: int
    server: str
    sha256: str
    tables: Mapping[str, Content]


class Backup(Struct, frozen=True):
    """A dump and its manifest."""

    path: Path
    size: int
    manifest: Manifest


def make(config: Config, url: str, folder: Path, now: datetime) -> Backup:
    """Dump the database at `url` into `folder`, whole or not at all; it counts once pg_restore can list it.

    Raises Usage where there is no pg_dump that knows the server, DatabaseTrouble where it fails.
    """
    private_folder(folder)
    path = folder / f"godmode-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.dump"
    if path.exists():
        raise Usage(f"there is a backup of this second already: {path}", "run it again")
    fresh = path.with_name(f".{path.name}.part")
    try:
        _discard_halves(folder, now)
        fresh.touch(mode=0o600)  # pg_dump would leave to the umask who may read all that she knows
        with _still(url) as (snapshot, tables, version, server):
            words = (f"--lock-wait-timeout={PATIENCE}", f"--snapshot={snapshot}", f"--file={fresh}")
            program("pg_dump", config, url, "--format=custom", *words)
        _listed(config, fresh, tables)
        manifest = Manifest(now, version, server, _sha256(fresh), tables)
        with fresh.open("rb+") as file:
            os.fsync(file.fileno())
        replace_file(beside(path), msgspec.json.format(msgspec.json.encode(manifest)))
        fresh.rename(path)
    except psycopg.errors.UndefinedTable as e:
        raise Usage("godmode has no tables in this database yet", "there is nothing to back up") from e
    except psycopg.Error as e:
        raise trouble(e) from e
    except OSError as e:
        raise DatabaseTrouble(f"cannot write the backup {path}: {e.strerror}", "see to free space") from e
    finally:
        fresh.unlink(missing_ok=True)
    return Backup(path, path.stat().st_size, manifest)


def address(config: Config) -> str:
    """Where backups are taken from: BACKUP_DATABASE_URL, DATABASE_URL, or the embedded server, which is started.

    pg_dump needs a session of its own, so behind a transaction pooler the first names the server itself. Raises Usage
    where the address leads through such a pooler, DatabaseTrouble where it leads nowhere.
    """
    given = secret("BACKUP_DATABASE_URL") or secret("DATABASE_URL")
    if given is None:
        from godmode.lib.store import embedded

        return embedded.url(embedded.start(config))
    try:
        shared = _is_shared(given)
    except psycopg.ProgrammingError:  # which quotes the address, password and all
        raise Usage("BACKUP_DATABASE_URL or DATABASE_URL is no connection URL", "see docs/deployment.md") from None
    except psycopg.Error as e:
        raise trouble(e) from e
    if shared:
        # It sets search_path for its session, and whoever got that session next would find no table.
        raise Usage(
            "this address leads through a transaction pooler, and pg_dump needs a session of its own",
            "set BACKUP_DATABASE_URL to the server itself, or to a session pooler",
        )
    return given


def _is_shared(url: str, tries: int = 5) -> bool:
    """Whether two open connections were given one server process in turn, as only a transaction pooler does."""
    with _connected(url) as one, _connected(url) as other:
        return any(
            len({c.execute("SELECT pg_backend_pid()").fetchone() for c in (one, other)}) == 1 for _ in range(tries)
        )


def _connected(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True, connect_timeout=5, prepare_threshold=None)


def beside(path: Path) -> Path:
    """Where a dump's manifest is."""
    return path.with_name(f"{path.name}.json")


def kept(folder: Path) -> list[Path]:
    """The backups of a folder, newest first: their names sort as their times."""
    try:
        return sorted((p for p in folder.iterdir() if _NAME.fullmatch(p.name)), reverse=True)
    except FileNotFoundError:
        return []
    except OSError as e:
        raise Usage(f"cannot read the backups in {folder}: {e.strerror}", "check the folder's owner and mode") from e


def _discard_halves(folder: Path, now: datetime) -> None:
    """What backups left that were killed, a day ago or more: one that is younger may be under way."""
    yesterday = f".godmode-{now.astimezone(UTC) - timedelta(days=1):%Y%m%dT%H%M%SZ}"
    for half in folder.glob(".godmode-*.part"):
        if half.name < yesterday:
            half.unlink(missing_ok=True)


def rotate(folder: Path, keep: int, keep_aside: int) -> list[Path]:
    """Move all but the newest `keep` into `folder/old`, and there keep the newest `keep_aside`; what was moved."""
    over = kept(folder)[keep:]
    aside = folder / "old"
    if over:
        private_folder(aside)
    for path in over:
        for part in (path, beside(path)):
            if part.exists():
                part.rename(aside / part.name)
    for path in kept(aside)[keep_aside:]:
        path.unlink()
        beside(path).unlink(missing_ok=True)
    return over


def manifest(path: Path) -> Manifest:
    """The manifest of a dump, which must be the file that it was written for. Raises Usage."""
    try:
        noted = msgspec.json.decode(beside(path).read_bytes(), type=Manifest)
    except FileNotFoundError as e:
        missing = path if not path.exists() else beside(path)
        raise Usage(f"there is no {missing}", "a backup is a .dump file and the .json beside it") from e
    except (OSError, msgspec.MsgspecError) as e:
        raise Usage(f"cannot read {beside(path)}: {e}", "take another backup") from e
    try:
        found = _sha256(path)
    except OSError as e:
        raise Usage(f"cannot read the backup {path}: {e.strerror}", "check its owner and mode") from e
    if found != noted.sha256:
        raise Usage(f"{path} is not as it was written: its SHA-256 differs", "take another backup")
    return noted


def contents(conn: psycopg.Connection) -> dict[str, Content]:
    """What every table of the schema `public` holds. Reads all of it."""
    conn.execute("SET LOCAL timezone = 'UTC'")
    conn.execute("SET LOCAL extra_float_digits = 1")
    names = conn.execute(
        """
        SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
        ORDER BY relname
        """
    ).fetchall()
    found = {}
    for (name,) in names:
        row = conn.execute(
            sql.SQL("SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text FROM {} AS t").format(
                sql.Identifier("public", name)
            )
        ).fetchone()
        assert row is not None
        found[name] = Content(row[0], row[1])
    return found


def program(name: str, config: Config, url: str, *words: str | Path) -> str:
    """Run one of PostgreSQL's programs on the database at `url`; what it printed. Raises Usage, DatabaseTrouble.

    The address goes by the environment, so that no password stands in the list of processes.
    """
    command = server_programs.find(config) / name
    if not command.is_file():
        raise Usage(f"there is no {name} in {command.parent}", "set embedded.bin_dir to a PostgreSQL's bin folder")
    env = {"PATH": _PATH, "LC_ALL": "C", "HOME": os.environ.get("HOME", "/"), **_address(url)}
    done = subprocess.run([command, *words], env=env, capture_output=True, text=True, check=False, errors="replace")
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or [f"it ended with {done.returncode}"]
        line = next((line for line in said if "rror:" in line or "atal:" in line), said[0])
        raise _complaint(name, line)
    return done.stdout


def _complaint(name: str, line: str) -> DatabaseTrouble | Usage:
    if "server version mismatch" in line:
        return Usage(
            f"{name} is older than the database's server",
            "set embedded.bin_dir to the bin folder of a PostgreSQL as new",
        )
    why = re.sub(rf"^{name}: (error|fatal): ", "", line)
    return DatabaseTrouble(f"{name}: {why}", "see to free space" if "No space" in why else "")


def _address(url: str) -> dict[str, str]:
    """A connection string as libpq's environment variables."""
    from psycopg import pq
    from psycopg.conninfo import conninfo_to_dict

    variables = {o.keyword.decode(): o.envvar.decode() for o in pq.Conninfo.get_defaults() if o.envvar}
    given = conninfo_to_dict(url)
    return {variables[word]: str(value) for word, value in given.items() if word in variables}


@contextmanager
def _still(url: str) -> Iterator[tuple[str, dict[str, Content], int, str]]:
    """A snapshot that pg_dump can share, and what the tables hold in it."""
    with _connected(url) as conn, conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        conn.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(PATIENCE))
        row = conn.execute(
            """
            SELECT pg_export_snapshot(), (SELECT max(version) FROM schema_migrations), current_setting('server_version')
            """
        ).fetchone()
        assert row is not None
        yield row[0], contents(conn), row[1], row[2].partition(" ")[0]


def _listed(config: Config, path: Path, tables: Mapping[str, Content]) -> None:
    """Read the dump's list of contents: every table's data has to stand in it."""
    lines = program("pg_restore", config, "", "--list", path)
    there = set(re.findall(r"TABLE DATA public (\S+) ", lines))
    if missing := sorted(set(tables) - there):
        raise DatabaseTrouble(f"the backup lacks {', '.join(missing)}", "run it again")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
