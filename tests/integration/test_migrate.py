"""The schema's versions, on a real server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from godmode.lib.config import Config
from godmode.lib.errors import DatabaseTrouble, Usage
from godmode.lib.paths import shipped
from godmode.lib.store import migrate
from godmode.lib.store.connect import connect

FIRST = """
    CREATE TABLE schema_migrations
        (version integer PRIMARY KEY, name text, checksum text, applied_at timestamptz DEFAULT now());
    CREATE TABLE one ();
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "migrations"
    made.mkdir()
    (made / "001_first.sql").write_text(FIRST)
    return made


@pytest.fixture
def add_second(folder: Path) -> Path:
    path = folder / "002_second.sql"
    path.write_text("CREATE TABLE two ();")
    return path


@pytest.fixture
def conn(empty_database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(empty_database_url, autocommit=True) as opened:
        yield opened


def tables(conn: psycopg.Connection) -> set[str]:
    return {name for (name,) in conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()}


def test_an_empty_database_is_migrated_by_itself_and_a_second_time_does_nothing(conn: psycopg.Connection) -> None:
    assert migrate.version(conn) == 0
    migrate.ensure(conn, embedded=False)
    assert migrate.version(conn) == migrate.newest() > 0
    assert migrate.apply(conn) == []
    recorded = conn.execute("SELECT name, length(checksum) FROM schema_migrations ORDER BY version").fetchall()
    assert recorded == [(m.name, 64) for m in migrate.migrations()]


def test_many_at_once_apply_each_migration_once(conn: psycopg.Connection, empty_database_url: str) -> None:
    together = threading.Barrier(4)
    applied: list[int] = []

    def run() -> None:
        with psycopg.connect(empty_database_url, autocommit=True) as own:
            together.wait()
            applied.extend(m.version for m in migrate.apply(own))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert applied == [m.version for m in migrate.migrations()]
    assert migrate.version(conn) == migrate.newest()


def test_an_external_database_that_is_behind_is_left_to_the_operator(
    conn: psycopg.Connection, folder: Path, request: pytest.FixtureRequest
) -> None:
    migrate.apply(conn, folder)
    request.getfixturevalue("add_second")
    with pytest.raises(Usage, match="the database is at 1, this program needs 2; run `godmode db migrate`"):
        migrate.ensure(conn, embedded=False, folder=folder)
    assert "two" not in tables(conn)
    migrate.ensure(conn, embedded=True, folder=folder)
    assert "two" in tables(conn)


def test_a_newer_database_is_refused(conn: psycopg.Connection, folder: Path, add_second: Path) -> None:
    migrate.apply(conn, folder)
    add_second.unlink()
    for embedded in (True, False):
        with pytest.raises(Usage, match="the database is at 2, this program only knows 1; install a newer godmode"):
            migrate.ensure(conn, embedded=embedded, folder=folder)
    with pytest.raises(Usage, match="only knows 1"):
        migrate.apply(conn, folder)


def test_a_changed_old_migration_is_refused(conn: psycopg.Connection, folder: Path) -> None:
    migrate.apply(conn, folder)
    with (folder / "001_first.sql").open("a") as file:
        file.write("-- a late thought\n")
    for attempt in (migrate.apply, lambda c, f: migrate.ensure(c, embedded=True, folder=f)):
        with pytest.raises(Usage, match=r"another 001_first\.sql"):
            attempt(conn, folder)


def test_a_failing_migration_leaves_nothing_of_any_pending_one(conn: psycopg.Connection, folder: Path) -> None:
    (folder / "002_broken.sql").write_text("CREATE TABLE half (); SELECT 1 / 0;")
    with pytest.raises(DatabaseTrouble, match=r"migration 002_broken\.sql failed: division by zero"):
        migrate.apply(conn, folder)
    assert tables(conn) == set()


@pytest.mark.parametrize("name", ["003_gap.sql", "001_again.sql", "2_short.sql", "second.sql"])
def test_a_folder_with_gaps_twins_or_strange_names_is_refused(name: str, folder: Path) -> None:
    (folder / name).write_text("SELECT 1")
    with pytest.raises(Usage):
        migrate.newest(folder)


def test_another_programs_schema_migrations_is_left_alone(conn: psycopg.Connection) -> None:
    conn.execute("CREATE TABLE schema_migrations (version bigint)")
    conn.execute("INSERT INTO schema_migrations VALUES (20240101000000)")
    for attempt in (migrate.version, migrate.apply, lambda c: migrate.ensure(c, embedded=False)):
        with pytest.raises(Usage, match="belongs to another program"):
            attempt(conn)
    assert tables(conn) == {"schema_migrations"}


def test_a_user_that_may_not_create_tables_is_told_so(conn: psycopg.Connection) -> None:
    conn.execute("CREATE ROLE visitor")
    try:
        conn.execute("SET ROLE visitor")
        with pytest.raises(Usage, match=r"may not create tables.*GRANT CREATE"):
            migrate.apply(conn)
    finally:
        conn.execute("RESET ROLE")
        conn.execute("DROP ROLE visitor")


def test_the_newest_version_is_told_without_reading_a_file(folder: Path) -> None:
    (folder / "001_first.sql").chmod(0)
    (folder / "002_second.sql").symlink_to(folder / "nowhere")
    assert migrate.newest(folder) == 2
    assert migrate.newest() == len(list(shipped("migrations").glob("*.sql")))


def test_a_connection_keeps_nothing_that_a_transaction_pooler_would_lose(config: Config) -> None:
    with connect(config, "a test") as conn:
        assert conn.autocommit
        for _ in range(20):
            conn.execute("SELECT %s::int", (1,))
        prepared, name = conn.execute(
            "SELECT (SELECT count(*) FROM pg_prepared_statements), current_setting('application_name')"
        ).fetchall()[0]
        assert (prepared, name) == (0, "a test")
        migrate.apply(conn)
        assert conn.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone() == (0,)
