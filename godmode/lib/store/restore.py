"""A backup brought back into a new place, and compared with what was dumped. What exists is never written over."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from msgspec import Struct, structs
from psycopg import sql

from godmode.lib.errors import DatabaseTrouble, Usage
from godmode.lib.paths import private_folder
from godmode.lib.store import controls, dump, embedded, places
from godmode.lib.store import scratch as scratching
from godmode.lib.store.connect import reason, trouble
from godmode.lib.store.dump import Content, Manifest

if TYPE_CHECKING:
    from godmode.lib.config import Config

_WORDS = ("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction")


class Restored(Struct, frozen=True):
    """Where a backup stands now, what it shows, and how many rows of how many tables were compared."""

    url: str
    manifest: Manifest
    tables: int
    rows: int


def into_state(config: Config, path: Path, state: Path) -> Restored:
    """Restore into a new state folder, with an embedded server of its own, which is left running.

    Raises Usage where the folder holds a database or the backup is not whole, DatabaseTrouble where it fails; then
    nothing is left that could be taken for a restored database, whose switch would be off.
    """
    noted = dump.manifest(path)
    if places.home(state).exists():
        raise Usage(f"{state} holds a database already", "name a new folder")
    private_folder(state)
    own = structs.replace(config, state=state.absolute())
    with ExitStack() as undo:
        undo.callback(scratching.remove_server, own)
        restored = _restore(config, path, noted, embedded.url(embedded.start(own)))
        undo.pop_all()
    return restored


def into_database(config: Config, path: Path, url: str, name: str) -> Restored:
    """Restore into a new database of the server that `url` leads to. Raises as `into_state` does."""
    noted = dump.manifest(path)
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=5, prepare_threshold=None) as conn:
            conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    except psycopg.errors.DuplicateDatabase as e:
        raise Usage(f'there is a database "{name}" already', "name a new one") from e
    except psycopg.errors.InsufficientPrivilege as e:
        fix = "name a user that may (CREATEDB) by BACKUP_DATABASE_URL"
        raise Usage(f'the user of this address may not make the database "{name}"', fix) from e
    except psycopg.Error as e:
        raise DatabaseTrouble(f'cannot make the database "{name}": {reason(str(e))}', trouble(e).fix) from e
    with ExitStack() as undo:
        undo.callback(_drop, url, name)
        restored = _restore(config, path, noted, _elsewhere(url, name))
        undo.pop_all()
    return restored


def check(config: Config, path: Path, scratch: Path) -> Restored:
    """Restore into a scratch folder, compare, and take the scratch away again. Raises as `into_state` does."""
    with scratching.gone_after(structs.replace(config, state=scratch.absolute())):
        return into_state(config, path, scratch)


def hold(restored: Restored, now: datetime) -> None:
    """Turn on the kill switch of what was restored: it does not know what was sent since, and would send it again."""
    reason_ = f"restored from the backup of {restored.manifest.at:%Y-%m-%d %H:%M} UTC"
    with psycopg.connect(restored.url, autocommit=True, prepare_threshold=None) as conn, conn.transaction():
        controls.set_kill_switch(conn, True, reason_, "db restore", now)


def differences(before: Mapping[str, Content], after: Mapping[str, Content]) -> list[str]:
    """What is not the same, a line for each table."""
    lines = []
    for name in sorted(before.keys() | after.keys()):
        was, is_ = before.get(name), after.get(name)
        if was is None or is_ is None:
            lines.append(f"{name} is missing" if is_ is None else f"{name} was not in the backup")
        elif was.rows != is_.rows:
            lines.append(f"{name} has {is_.rows} rows in place of {was.rows}")
        elif was.hash != is_.hash:
            lines.append(f"{name} has other contents")
    return lines


def _restore(config: Config, path: Path, noted: Manifest, url: str) -> Restored:
    dump.program("pg_restore", config, url, *_WORDS, f"--dbname={_database(url)}", path)
    try:
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as conn, conn.transaction():
            found = dump.contents(conn)
    except psycopg.Error as e:
        raise trouble(e) from e
    if wrong := differences(noted.tables, found):
        raise DatabaseTrouble(f"what came back from {path} is not what was dumped: {'; '.join(wrong)}")
    return Restored(url, noted, len(found), sum(content.rows for content in found.values()))


def _database(url: str) -> str:
    from psycopg.conninfo import conninfo_to_dict

    return str(conninfo_to_dict(url)["dbname"])


def _elsewhere(url: str, name: str) -> str:
    """The address of another database of the same server."""
    if "://" not in url:
        from psycopg.conninfo import make_conninfo

        return make_conninfo(url, dbname=name)
    return urlunsplit(urlsplit(url)._replace(path=f"/{quote(name, safe='')}"))


def _drop(url: str, name: str) -> None:
    """Take away a database that this restore has made."""
    with suppress(psycopg.Error), psycopg.connect(url, autocommit=True, connect_timeout=5) as conn:
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
