"""Connections to the database: the one that DATABASE_URL names, else the embedded one, started when need be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from godmode.lib.config import secret
from godmode.lib.errors import DatabaseTrouble, Usage, first_line
from godmode.lib.store import places

if TYPE_CHECKING:
    from pathlib import Path

    from godmode.lib.config import Config

Connection = psycopg.Connection[tuple[Any, ...]]

OLDEST_SERVER = 14
TIMEOUT = 5  # seconds
OFTEN = 5  # executions of a statement after which it is prepared; that halves the time of a row of the retry queue
_URL = "postgresql://user:password@host:5432/godmode"
_CAUSES = (
    (r"connection refused", "connection refused"),
    (r"timeout expired|timed out", f"no answer within {TIMEOUT} s"),
    (r"resolve|translate host name|name or service", "there is no host of this name"),
    (r"no such file or directory", "nothing listens there"),
)


def connect(config: Config, application: str) -> Connection:
    """An open connection in autocommit mode. To a server that DATABASE_URL names it prepares no statements, since a
    pooler may stand between; nothing stands between it and the embedded one.

    `application` is the name the server shows for it. The schema's version is not looked at (see `migrate`).
    Raises DatabaseTrouble when the server cannot be reached or refuses, Usage when DATABASE_URL cannot be
    used, the server is too old, or the embedded one cannot run here.
    """
    if url := secret("DATABASE_URL"):
        return _supported(_external(url, application))
    return _embedded(config, application)


def open_socket(folder: Path, application: str, database: str = places.DATABASE) -> Connection:
    """A connection to the embedded server whose socket is in `folder`. Raises psycopg.OperationalError."""
    return _open(
        host=str(folder), port=places.PORT, user=places.USER, dbname=database, application_name=application,
        prepare_threshold=OFTEN,
    )  # fmt: skip


def _open(**options: Any) -> Connection:
    defaults: dict[str, Any] = {"connect_timeout": TIMEOUT, "client_encoding": "UTF8", "prepare_threshold": None}
    return psycopg.connect("", autocommit=True, **(defaults | options))


def _embedded(config: Config, application: str) -> Connection:
    folder = places.socket_folder(config.state)
    try:
        places.check(folder)
        return open_socket(folder, application)
    except (FileNotFoundError, psycopg.OperationalError):
        from godmode.lib.store import embedded  # only a run that finds no server pays for what starts one

        folder = embedded.start(config)
    try:
        return open_socket(folder, application)
    except psycopg.OperationalError as e:
        why = reason(str(e))
        raise DatabaseTrouble(f"the embedded database at {folder} refuses: {why}", trouble(e).fix) from e


def _external(url: str, application: str) -> Connection:
    options = _parsed(url)
    try:
        return _open(**(options | {"application_name": application}))
    except (psycopg.OperationalError, psycopg.NotSupportedError) as e:
        why = reason(str(e), options.get("password"))
        raise DatabaseTrouble(f"cannot use the database at {_place(options)}: {why}", "check DATABASE_URL") from e
    except (psycopg.ProgrammingError, UnicodeError, ValueError):
        raise _malformed() from None


def _parsed(url: str) -> dict[str, Any]:
    """The parts of DATABASE_URL. libpq's own complaints quote the text, password and all, so they are not shown."""
    try:
        options = conninfo_to_dict(url)
    except (psycopg.ProgrammingError, UnicodeError):
        raise _malformed() from None
    ports = str(options.get("port") or "5432")
    hosts = str(options.get("host") or "")
    if not re.fullmatch(r"\d{1,5}(,\d{0,5})*", ports) or ("@" in hosts and not hosts.startswith("@")):
        raise _malformed()  # an unescaped "/" or "@" in the password ends up in port or host
    return options


def _malformed() -> Usage:
    return Usage(
        f"DATABASE_URL is not a connection URL such as {_URL}",
        "write special characters of the password as %XX",
    )


def _place(options: dict[str, Any]) -> str:
    host = str(options.get("host") or "the default socket")
    return host if host.startswith("/") else f"{host}:{options.get('port') or 5432}"


def reason(message: str, password: object = None) -> str:
    """What libpq's message comes to, in one line, without the password."""
    for pattern, cause in _CAUSES:
        if re.search(pattern, message, re.IGNORECASE):
            return cause
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    telling = next((line for line in lines if "FATAL:" in line), lines[0] if lines else "no reason given")
    line = telling.rpartition("FATAL:")[2].rpartition(" failed: ")[2].strip()
    return line.replace(str(password), "***") if password else line


def only_read(conn: Connection, patience: str) -> None:
    """Keep the transaction from writing, and its statements from taking longer than `patience` ("20s")."""
    conn.execute(f"SET TRANSACTION READ ONLY; SET LOCAL statement_timeout = '{patience}'".encode())


def trouble(error: psycopg.Error) -> DatabaseTrouble:
    """What the server said in one line, with what to do next where that is known."""
    line = first_line(error)
    if re.search(r"no space left|quota exceeded|wrote only", line, re.IGNORECASE):
        return DatabaseTrouble(line, "free some space on the database's disk")
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return DatabaseTrouble(line, "make the user of DATABASE_URL the owner of godmode's tables")
    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        return DatabaseTrouble(line, "a standby takes no writes: DATABASE_URL has to name the primary")
    if isinstance(error, psycopg.OperationalError):
        return DatabaseTrouble(line, "try again")
    return DatabaseTrouble(line)


def _supported(conn: Connection) -> Connection:
    major = conn.info.server_version // 10000
    if major >= OLDEST_SERVER:
        return conn
    conn.close()
    raise Usage(f"the database server is PostgreSQL {major}", f"godmode needs {OLDEST_SERVER} or newer")
