"""`godmode db backup|restore|grants` as the operator types them, also wrongly."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from fakes.installation import GODMODE, Operator


@pytest.fixture
def operator(tmp_path: Path, discard: Callable[[Path], None]) -> Iterator[Operator]:
    """One with the embedded database and a few messages in it."""
    (tmp_path / "operator").mkdir()
    made = Operator(tmp_path / "operator")
    made.drops(20)
    assert made.types("run", "periodic-scan").returncode == 0
    yield made
    discard(made.home / "state")


def test_a_backup_is_taken_proved_and_brought_back(
    operator: Operator, tmp_path: Path, discard: Callable[[Path], None]
) -> None:
    made = json.loads(operator.types("db", "backup", "--check", "--json").stdout)
    assert made["checked"]
    assert made["rows"] > 20

    back = operator.types("db", "restore", made["file"], "--state", str(tmp_path / "back"))

    assert back.returncode == 0, back.stderr
    assert "Its kill switch is on" in back.stdout
    assert f'set state_dir = "{tmp_path / "back"}"' in back.stdout
    config = tmp_path / "back.toml"
    config.write_text(f'state_dir = "{tmp_path / "back"}"\n')
    env = {name: value for name, value in operator.env.items() if name != "GODMODE_HOME"}
    asked = subprocess.run(
        [GODMODE, "--config", config, "run", "periodic-scan", "--json"],
        env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert json.loads(asked.stdout)["reason"] == "kill_switch"
    discard(tmp_path / "back")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["restore"], "Missing argument 'FILE'"),
        (["restore", "x.dump"], "say where to: --state DIR or --database NAME"),
        (["restore", "x.dump", "--state", "a", "--database", "b"], "say where to"),
        (["restore", "nothing.dump", "--state", "a"], "there is no nothing.dump"),
        (["backup", "--to", "/proc/nowhere"], "cannot use the folder /proc/nowhere"),
        (["grants", "--run", "a b"], '"a b" is no name for a role'),
        (["upgrade"], "already; there is nothing to upgrade"),
    ],
)
def test_wrong_words_are_told_in_a_line(operator: Operator, words: list[str], says: str) -> None:
    done = operator.types("db", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_rights_that_are_printed_can_be_piped_into_psql(operator: Operator, db: psycopg.Connection) -> None:
    printed = operator.types("db", "grants", "--run", "test_piped", "--migrate", "test_owner").stdout
    try:
        db.execute(printed.encode())
        assert db.execute("SELECT has_table_privilege('test_piped', 'incidents', 'DELETE')").fetchone() == (False,)
        assert db.execute("SELECT has_table_privilege('test_piped', 'incidents', 'UPDATE')").fetchone() == (True,)
    finally:
        db.execute("REASSIGN OWNED BY test_owner TO godmode")
        for role in ("test_piped", "test_owner"):
            db.execute(f"DROP OWNED BY {role}".encode())
            db.execute(f"DROP ROLE {role}".encode())


def test_no_backup_goes_through_a_transaction_pooler_where_it_would_blind_the_jobs(
    tmp_path: Path, database_url: str, pooled_url: str
) -> None:
    her = Operator(tmp_path)
    assert her.types("run", "health-monitor").returncode == 0
    refused = her.types("db", "backup")
    assert (refused.returncode, "BACKUP_DATABASE_URL" in refused.stderr) == (2, True)
    assert her.types("db", "backup", BACKUP_DATABASE_URL=database_url).returncode == 0
    assert her.types("run", "health-monitor", "--again").returncode == 0


def test_an_address_for_backups_that_is_none_is_told_without_its_password(tmp_path: Path, database_url: str) -> None:
    her = Operator(tmp_path)
    assert her.types("run", "health-monitor").returncode == 0
    refused = her.types("db", "backup", BACKUP_DATABASE_URL="host hunter2hunter2")
    assert (refused.returncode, "hunter2" in refused.stderr, "Traceback" in refused.stderr) == (2, False, False)
