"""The embedded database taken over from an older PostgreSQL's major version, with data in it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from fakes import debian

from godmode.lib.config import Config
from godmode.lib.errors import DatabaseTrouble, Usage
from godmode.lib.sections import Embedded, Settings
from godmode.lib.store import cluster, dump, embedded, migrate, places, restore, upgrade

OLD = 15  # Debian 12's own
BIN = Path(f"/usr/lib/postgresql/{OLD}/bin")
GODMODE = Path(sys.executable).with_name("godmode")


@pytest.fixture(scope="module", autouse=True)
def _old_programs() -> None:
    debian.there(f"postgresql-{OLD}", BIN / "pg_ctl")


def configured(state: Path, bin_dir: Path | None) -> Config:
    embedded_settings = Embedded(bin_dir=str(bin_dir) if bin_dir else None)
    return Config(path=state / "config.toml", settings=Settings(embedded=embedded_settings), state=state)


@pytest.fixture
def home(discard: Callable[[Path], None]) -> Iterator[Path]:
    """A home whose database is the old version's, with something in it."""
    with tempfile.TemporaryDirectory(prefix="godmode-tests-") as folder:
        state = Path(folder) / "state"
        state.mkdir()
        socket = embedded.start(configured(state, BIN))
        with psycopg.connect(embedded.url(socket), autocommit=True) as conn:
            migrate.apply(conn)
            conn.execute("INSERT INTO memory_items (key, value) SELECT 'k' || n, 'v' FROM generate_series(1, 300) n")
        yield Path(folder)
        discard(state)


def held(state: Path, bin_dir: Path | None) -> dict[str, dump.Content]:
    with psycopg.connect(embedded.url(embedded.start(configured(state, bin_dir)))) as conn:
        return dump.contents(conn)


def test_the_operator_takes_her_database_over_and_finds_all_of_it(home: Path) -> None:
    before = held(home / "state", BIN)
    env = {"GODMODE_HOME": str(home), "PATH": "/usr/bin:/bin"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([GODMODE, *words], env=env, capture_output=True, text=True, check=False)

    assert run("db", "stop").returncode == 0
    refused = run("status")
    assert refused.returncode == 2, refused.stderr
    assert "`godmode db upgrade`" in refused.stderr

    done = run("db", "upgrade")

    assert done.returncode == 0, done.stderr
    assert f"data-{OLD}" in done.stdout
    assert restore.differences(before, held(home / "state", None)) == []
    assert embedded.status(configured(home / "state", None)).major != OLD
    assert (places.home(home / "state") / f"data-{OLD}" / "PG_VERSION").read_text().strip() == str(OLD)
    again = run("db", "upgrade")
    assert (again.returncode, "already" in again.stderr) == (2, True)


def test_an_upgrade_that_fails_leaves_the_old_database_as_it_was(home: Path) -> None:
    state = home / "state"
    before = held(state, BIN)
    with psycopg.connect(embedded.url(embedded.start(configured(state, BIN))), autocommit=True) as conn:
        conn.execute("CREATE DATABASE closed")
        conn.execute("ALTER DATABASE closed ALLOW_CONNECTIONS false")  # pg_upgrade refuses such a database
    with pytest.raises(DatabaseTrouble, match="all is as before"):
        upgrade.major(configured(state, None), None)
    assert restore.differences(before, held(state, BIN)) == []
    assert list(places.home(state).glob("upgrade-*")) == []


def test_an_upgrade_killed_between_the_two_moves_is_ended_by_the_next_start(home: Path) -> None:
    state = home / "state"
    before = held(state, BIN)
    embedded.stop(configured(state, BIN))
    data = places.data(state).resolve()
    data.rename(data.with_name(cluster.READY))
    assert restore.differences(before, held(state, BIN)) == []


def test_the_old_programs_have_to_be_there(home: Path, tmp_path: Path) -> None:
    with pytest.raises(Usage, match=f"no programs of PostgreSQL {OLD} in .*--old-bin"):
        upgrade.major(configured(home / "state", None), tmp_path)
