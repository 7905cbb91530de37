"""The embedded server's life: started by the first run that finds none, and left running.

A run connects first (see `connect`); only when that fails does it come here, takes the lock, and looks again.
"""

from __future__ import annotations

import fcntl
import os
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg

from godmode.lib.errors import DatabaseTrouble, Usage
from godmode.lib.paths import private_folder
from godmode.lib.store import cluster, places, postmaster, server_folder, server_programs, server_user
from godmode.lib.store.connect import open_socket, reason

if TYPE_CHECKING:
    from godmode.lib.config import Config
    from godmode.lib.store.server_programs import Programs
    from godmode.lib.store.server_user import Account

PATIENCE = 20.0  # seconds for a start, a recovery, a stop
_LOCK_PATIENCE = 60.0
_LAUNCH = 'umask 077; "$@" </dev/null >"$0" 2>&1 &'  # the server belongs to nobody once the shell is gone
_STILL_ENDING = ("pre-existing shared memory block", 'lock file "postmaster.pid" already exists')
_PASSING = (
    "nothing listens", "connection refused", "no answer", "starting up", "shutting down", "not yet accepting",
    "in recovery", "too many", "remaining connection slots", "server closed",
)  # fmt: skip


@dataclass(frozen=True)
class Status:
    """What is known without connecting. `pid` is None when no server runs, `major` when there is no database yet."""

    running: bool
    pid: int | None
    socket: Path
    data: Path
    major: int | None


def start(config: Config) -> Path:
    """Have the server running and its database there; the folder of its socket.

    Of many processes that call at once, one starts it and the others find it.
    Raises Usage when it cannot run here, DatabaseTrouble when it does not come up.
    """
    with lock(config.state):
        socket = places.socket_folder(config.state)
        if _answers(socket):
            return socket
        data = places.data(config.state)
        running = postmaster.find(data)
        if running and not _has_socket(running.socket):  # a cleaner of /tmp took it: nobody can reach this server
            running.stop(PATIENCE)
            running = None
        if running is None:
            _start(config, socket)
        else:
            socket = running.socket
            places.check(socket)
            _wait(socket, data, None)
        _ensure_database(socket)
        return socket


def stop(config: Config) -> bool:
    """End the server; whether one ran. Raises DatabaseTrouble when it does not end."""
    home = places.home(config.state)
    try:
        home.stat()
    except FileNotFoundError:
        return False
    except OSError as e:
        raise Usage(f"cannot see into the database's folder {home}: {e.strerror}", "see who owns it") from e
    with lock(config.state):
        running = postmaster.find(places.data(config.state))
        if running is None:
            return False
        try:
            ended = running.stop(PATIENCE)
        except PermissionError as e:
            raise Usage(
                f"the database's server (process {running.pid}) is another user's", "stop it as that user"
            ) from e
        if not ended:
            raise DatabaseTrouble(f"the database's server (process {running.pid}) does not end", "try again")
        return True


def status(config: Config) -> Status:
    """Whether the server runs, and where."""
    data = places.data(config.state)
    running = postmaster.find(data)
    try:
        major = int((data / "PG_VERSION").read_text(encoding="ascii"))
    except (OSError, ValueError):
        major = None
    socket = running.socket if running else places.socket_folder(config.state)
    return Status(running is not None, running.pid if running else None, socket, data, major)


def url(socket: Path) -> str:
    """The address of the server with a socket in this folder, as psql and every libpq program take it."""
    return f"postgresql://{places.USER}@/{places.DATABASE}?host={quote(str(socket), safe='/')}&port={places.PORT}"


@contextmanager
def lock(state: Path) -> Iterator[None]:
    """Be the only process that starts or stops the server. The kernel frees the lock when the process ends."""
    path = private_folder(state / "locks") / "postgres.lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as e:
        raise Usage(f"cannot lock {path}: {e.strerror}", "check the folder's owner and free space") from e
    try:
        _acquire(handle)
        yield
    finally:
        os.close(handle)


def _acquire(handle: int) -> None:
    deadline = time.monotonic() + _LOCK_PATIENCE
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise DatabaseTrouble(
                    f"another process has been starting the database for {_LOCK_PATIENCE:.0f} s", "try again"
                ) from None
            time.sleep(0.02)


def _start(config: Config, socket: Path) -> None:
    account = server_user.account(places.data(config.state))
    home = server_folder.prepare(config.state, account)
    programs = server_programs.usable(config, home, account)
    cluster.ensure(home / "data", programs, account)
    if places.is_short(socket):
        try:
            places.make_short(socket, account.uid, account.gid)
        except OSError as e:
            raise Usage(f"cannot make {socket} for the database's socket: {e.strerror}") from e
    cluster.append(home / "hba.conf", "local all,replication all peer map=godmode\n", account, over=True)
    cluster.append(home / "ident.conf", _ident(account), account, over=True)
    _launch_until_ready(home, socket, programs, account)


def _ident(account: Account) -> str:
    """Who may connect, by system user: the server's own and root."""
    names = {"root", account.name}
    return "".join(f'godmode "{name}" {places.USER}\n' for name in sorted(names))


def _launch_until_ready(home: Path, socket: Path, programs: Programs, account: Account) -> None:
    """Start the server. Processes of one that was killed may still be ending: then again, for a bounded time."""
    deadline = time.monotonic() + PATIENCE
    while True:
        postmaster.forget_dead(home / "data", socket)
        lifeline = _launch(home, socket, programs, account)
        try:
            _wait(socket, home / "data", lifeline)
            return
        except _DiedError:
            why, log = _last_words(home)
        except _RefusedError:
            if failed := postmaster.find(home / "data"):
                failed.stop(PATIENCE)  # so that mending the data is all that is left to do
            raise
        finally:
            os.close(lifeline)
        if not any(words in why for words in _STILL_ENDING):
            raise cluster.damaged(home / "data", why, log)
        if time.monotonic() > deadline:
            raise DatabaseTrouble(
                f"processes of the database's former server are still at work in {home / 'data'}", "try again later"
            )
        time.sleep(0.1)


class _DiedError(Exception):
    """The server ended before it answered."""


class _RefusedError(DatabaseTrouble):
    """The server answers, and its answer will not change by waiting."""


def _launch(home: Path, socket: Path, programs: Programs, account: Account) -> int:
    """Start the server apart from this process; a file descriptor that is at its end when the server is gone."""
    beside = not places.is_short(socket)
    settings = {
        "listen_addresses": "",
        "port": str(places.PORT),
        "unix_socket_directories": '"' + str(home if beside else socket).replace('"', '""') + '"',
        "unix_socket_permissions": "0700",
        "hba_file": str(home / "hba.conf"),
        "ident_file": str(home / "ident.conf"),
        # A week of logs by weekday, each overwritten by its successor.
        "logging_collector": "on",
        "log_directory": str(home / "log"),
        "log_filename": "%u.log",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        "log_truncate_on_rotation": "on",
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    reader, writer = os.pipe()
    try:
        argv: list[str | Path] = [
            "/bin/sh",
            "-c",
            _LAUNCH,
            home / "start.log",
            programs.folder / "postgres",
            "-D",
            home / "data",
        ]
        said = account.run([*argv, *options], pass_fds=[writer]).stderr
    except BaseException:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    if said:
        os.close(reader)
        raise DatabaseTrouble(f"cannot start the database's server: {cluster.telling(said)}", "see to free space")
    return reader


def _wait(socket: Path, data: Path, lifeline: int | None) -> None:
    """Wait until the server answers. Raises _DiedError, _RefusedError, or DatabaseTrouble when the time is over."""
    deadline = time.monotonic() + PATIENCE
    pause = 0.005
    while True:
        try:
            open_socket(socket, "godmode", "postgres").close()
            return
        except psycopg.OperationalError as e:
            why = reason(str(e))
        if lifeline is not None and select.select([lifeline], [], [], 0)[0]:
            raise _DiedError
        if not any(words in why for words in _PASSING):
            raise _RefusedError(f"the database in {data} does not open: {why}", f"see {_newest_log(data.parent)}")
        if time.monotonic() > deadline:
            raise DatabaseTrouble(f"the database's server at {socket} does not answer: {why}", "try again later")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)


def _last_words(home: Path) -> tuple[str, Path]:
    """Why the server ended, and the log that says so."""
    for log in (home / "start.log", _newest_log(home)):
        words = _tail(log).rpartition(" starting PostgreSQL ")[2]  # of this start, not of earlier ones
        if any(mark in words for mark in ("FATAL:", "PANIC:", "postgres: ", "error while loading")):
            return cluster.telling(words), log
    return "it ended without a word", home / "start.log"


def _newest_log(home: Path) -> Path:
    return max((home / "log").glob("*.log"), key=lambda p: p.stat().st_mtime, default=home / "start.log")


def _tail(log: Path) -> str:
    try:
        with os.fdopen(os.open(log, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            return file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""


def _answers(socket: Path) -> bool:
    try:
        places.check(socket)
        open_socket(socket, "godmode").close()
    except (FileNotFoundError, psycopg.OperationalError):
        return False
    return True


def _has_socket(folder: Path) -> bool:
    return (folder / f".s.PGSQL.{places.PORT}").is_socket()


def _ensure_database(socket: Path) -> None:
    """Make the database itself: a first start may have been killed before it came to that."""
    try:
        with open_socket(socket, "godmode", "postgres") as conn:
            found = conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (places.DATABASE,)).fetchone()
            if found is None:
                conn.execute("CREATE DATABASE godmode")
    except psycopg.Error as e:
        raise DatabaseTrouble(f"cannot make the database at {socket}: {reason(str(e))}", "see to free space") from e
