"""The two roles: all jobs work as one that can neither delete, truncate nor change a table."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from godmode import registry
from godmode.lib import config as configuration
from godmode.lib.errors import Usage
from godmode.lib.kernel import Outcome
from godmode.lib.store import grants, migrate
from godmode.wiring import App

RUN, MIGRATE = "test_run", "test_migrate"


def as_role(url: str, role: str) -> str:
    return f"{url}&options=-c%20role%3D{role}"


@pytest.fixture
def roles(db: psycopg.Connection, database_url: str) -> Iterator[str]:
    """The address of a database whose rights are those that are printed."""
    statements = grants.statements(RUN, MIGRATE).encode()
    db.execute(statements)
    db.execute(statements)  # it can be run again
    yield database_url
    db.execute(f"REASSIGN OWNED BY {MIGRATE} TO godmode")
    for role in (RUN, MIGRATE):
        db.execute(f"DROP OWNED BY {role}".encode())
        db.execute(f"DROP ROLE {role}".encode())


def test_every_job_runs_as_the_role_that_cannot_delete(roles: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", as_role(roles, RUN))
    app = App(configuration.load())
    try:
        assert app.store.conn.execute("SELECT current_user").fetchone() == (RUN,)
        results = {name: app.runner.run(name).result for name in registry.JOBS}
    finally:
        app.store.close()
    assert {n: r.error for n, r in results.items() if r.outcome is Outcome.FAILED} == {}
    assert results["health_monitor"].outcome is results["cleanup_old_data"].outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM incidents",
        "TRUNCATE incidents",
        "CREATE TABLE more (id int)",
        "ALTER TABLE incidents ADD COLUMN more int",
        "ALTER TABLE incidents DISABLE TRIGGER ALL",
        "DROP TABLE incidents",
        "INSERT INTO schema_migrations (version, name, checksum) VALUES (99, 'x', 'x')",
    ],
)
def test_the_role_that_runs_the_jobs_is_refused(roles: str, statement: str) -> None:
    with psycopg.connect(as_role(roles, RUN)) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(statement.encode())


def test_a_table_still_to_come_is_open_to_the_jobs_and_made_by_the_other_role_alone(roles: str) -> None:
    with psycopg.connect(as_role(roles, MIGRATE)) as conn:
        conn.execute("CREATE TABLE more (id int GENERATED ALWAYS AS IDENTITY, word text)")
        conn.execute("ALTER TABLE incidents ADD COLUMN more int")
    with psycopg.connect(as_role(roles, RUN)) as conn:
        conn.execute("INSERT INTO more (word) VALUES ('x')")
        conn.execute("UPDATE more SET word = 'y'")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("DELETE FROM more")


def test_an_empty_database_is_migrated_by_the_role_that_owns_it(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as db:
        db.execute(grants.statements(RUN, MIGRATE).encode())
        try:
            with psycopg.connect(as_role(empty_database_url, MIGRATE), autocommit=True) as conn:
                assert len(migrate.apply(conn)) == migrate.newest()
            monkeypatch.setenv("DATABASE_URL", as_role(empty_database_url, RUN))
            app = App(configuration.load())
            assert app.runner.run("health_monitor").result.outcome is Outcome.SUCCEEDED
            app.store.close()
        finally:
            db.execute(f"REASSIGN OWNED BY {MIGRATE} TO godmode")
            for role in (RUN, MIGRATE):
                db.execute(f"DROP OWNED BY {role}".encode())
                db.execute(f"DROP ROLE {role}".encode())


@pytest.mark.parametrize("role", ["", "Robert'); DROP", 'a"b', "1st", "x" * 64])
def test_what_is_no_name_for_a_role_is_refused(role: str) -> None:
    with pytest.raises(Usage, match="no name for a role"):
        grants.statements(role, MIGRATE)
