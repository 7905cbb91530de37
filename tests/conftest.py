"""What every test stands on: an environment of its own, and for those that ask, a real PostgreSQL database."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from godmode.lib import config as configuration
from godmode.lib.config import Config
from godmode.lib.health import slab
from godmode.lib.sections import Settings

if TYPE_CHECKING:
    import psycopg

# No test is judged by its speed; where CI runs them, property tests try the same examples each time.
settings.register_profile(
    "godmode", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("godmode")

_number = itertools.count(1)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a script: no child would hear Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Nothing of the developer's machine reaches a test: no database, no folders, no secrets; nothing stays there."""
    for name in list(os.environ):
        if name.startswith(("PG", "XDG_", "GODMODE_")) or name.endswith(("_TOKEN", "_API_KEY", "_SID", "_FILE")):
            monkeypatch.delenv(name)
    for name in ("DATABASE_URL", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GODMODE_HOME", str(tmp_path / "home"))
    yield
    for home in (tmp_path / "home", tmp_path / "file" / "home"):
        for name in ("alert", "attempts"):  # in memory, where a test's folder took no writes
            slab.spare(home / "state" / "fallback" / name).unlink(missing_ok=True)


@pytest.fixture(scope="session")
def discard() -> Callable[[Path], None]:
    """Stops the embedded server of a state folder and removes all that it made, also outside of the folder."""
    return _discard


def _discard(state: Path) -> None:
    from godmode.lib.store import embedded, places

    embedded.stop(Config(path=state / "config.toml", settings=Settings(), state=state))
    home, socket = places.home(state), places.socket_folder(state)
    if home.is_symlink():
        shutil.rmtree(home.resolve(), ignore_errors=True)
    if places.is_short(socket):
        shutil.rmtree(socket, ignore_errors=True)


@pytest.fixture
def new_state(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Makes state folders for embedded servers of the test's own: `new_state()`, or `new_state(folder)`."""
    made: list[Path] = []

    def make(folder: Path | None = None) -> Path:
        made.append(folder or tmp_path / f"state-{next(_number)}")
        made[-1].mkdir(parents=True)
        return made[-1]

    yield make
    for state in made:
        _discard(state)


@pytest.fixture(scope="session")
def server() -> Iterator[Path]:
    """The socket folder of the tests' server, an embedded one that does without the safety of fsync."""
    from godmode.lib.store import embedded
    from godmode.lib.store.connect import open_socket

    with tempfile.TemporaryDirectory(prefix="godmode-tests-", dir=_fast_folder()) as folder:
        state = Path(folder)
        state.chmod(0o755)  # lets the user in that runs the server for root
        try:
            socket = embedded.start(Config(path=state / "config.toml", settings=Settings(), state=state))
            with open_socket(socket, "tests", "postgres") as conn:
                conn.execute("ALTER SYSTEM SET fsync = off")
                conn.execute("SELECT pg_reload_conf()")
            yield socket
        finally:
            _discard(state)


def _fast_folder() -> str | None:
    """A folder in memory where there is room (a copy of a database is 300 small files), else the usual one."""
    memory = "/dev/shm"
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 * 1024**3
    return memory if roomy else None


@pytest.fixture(scope="session")
def template(server: Path) -> str:
    """The name of a migrated database that others are copied from."""
    from godmode.lib.store import migrate
    from godmode.lib.store.connect import open_socket

    with open_socket(server, "tests") as conn:
        migrate.apply(conn)
    return "godmode"


@pytest.fixture
def database_url(server: Path, template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A migrated database of the test's own, also as DATABASE_URL in the environment."""
    yield from _database(server, f"TEMPLATE {template} STRATEGY wal_log", monkeypatch)


@pytest.fixture
def empty_database_url(server: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database of the test's own without any table, also as DATABASE_URL in the environment."""
    yield from _database(server, "", monkeypatch)


def _database(server: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    from godmode.lib.store import embedded
    from godmode.lib.store.connect import open_socket

    name = f"test_{next(_number)}"
    with open_socket(server, "tests", "postgres") as admin:
        admin.execute(f"CREATE DATABASE {name} {how}".encode())
        url = embedded.url(server).replace("@/godmode?", f"@/{name}?")
        monkeypatch.setenv("DATABASE_URL", url)
        yield url
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def db(database_url: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A connection to the test's own database, in autocommit."""
    import psycopg

    with psycopg.connect(database_url, autocommit=True) as conn:
        yield conn


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Config:
    """The default configuration, with its state in the test's folder and the test's own database."""
    assert os.environ["DATABASE_URL"] == database_url
    return configuration.load()
