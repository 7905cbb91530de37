"""The audit log's seals: what was changed, removed or slipped in afterwards is found; what is honest is not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from fakes.installation import Operator

from godmode.lib.clock import FixedClock
from godmode.lib.config import Config
from godmode.lib.engine.equipment import Mode
from godmode.lib.errors import Transient
from godmode.lib.store import audit, seals
from godmode.wiring import App

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
Connection = psycopg.Connection[Any]


@pytest.fixture
def app(config: Config) -> Iterator[App]:
    made = App(config, clock=FixedClock(NOW))
    yield made
    made.store.close()


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seals, "STRETCH", 10)
    monkeypatch.setattr(seals, "PAGE", 2)


def write(conn: Connection, count: int, word: str = "x") -> None:
    for n in range(count):
        audit.write(
            conn, NOW + timedelta(seconds=n), word, "job", success=True, error="é\n\"'", data={"n": n, "π": None}
        )


def seal(conn: Connection) -> int:
    until, total = seals.horizon(conn), 0
    while one := seals.seal_next(conn, until, NOW):
        total += one.count
    return total


def tampered(db: Connection, statement: str) -> None:
    """What somebody does who may do everything."""
    for table in ("agent_audit_log", "audit_seals"):
        db.execute(f"ALTER TABLE {table} DISABLE TRIGGER refuse_deletion")
    db.execute(statement)


def test_what_was_sealed_and_nobody_touched_is_as_it_was(db: Connection) -> None:
    write(db, 25)
    assert (seal(db), seal(db)) == (25, 0)
    write(db, 7)
    assert (seal(db), seals.unsealed(db)) == (7, 0)
    db.execute("UPDATE agent_audit_log SET archived = true WHERE id % 2 = 0")
    db.execute("SET timezone TO 'Asia/Tokyo'")
    found = seals.verify(db)
    newest = seals.newest(db)
    assert newest is not None
    assert found == seals.Verdict(4, 32, newest.hash)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE agent_audit_log SET error = 'nothing' WHERE id = 14", "rows 11 to 20, .* one was changed since"),
        ("UPDATE agent_audit_log SET success = NULL WHERE id = 14", "rows 11 to 20, .* one was changed since"),
        ("UPDATE agent_audit_log SET ts = ts + interval '1 ms' WHERE id = 1", "rows 1 to 10, .* one was changed"),
        ("UPDATE agent_audit_log SET output_data = '{\"n\": 3}' WHERE id = 25", "rows 21 to 25, .* one was changed"),
        ("DELETE FROM agent_audit_log WHERE id = 14", "rows 11 to 20, .* 10 then, 9 now: 1 removed"),
        ("DELETE FROM agent_audit_log", "rows 1 to 10, .* 10 then, 0 now: 10 removed"),
        (
            "INSERT INTO agent_audit_log (id, action) OVERRIDING SYSTEM VALUE VALUES (18, 'x')",
            "rows 11 to 21, .* 10 then, 11 now: 1 slipped in",
        ),
        (
            "INSERT INTO agent_audit_log (id, action) OVERRIDING SYSTEM VALUE VALUES (-4, 'x')",
            "before the first: slipped in",
        ),
        ("DELETE FROM audit_seals WHERE id = 2", "seal 3 does not follow the one before"),
        ("UPDATE audit_seals SET hash = repeat('0', 64) WHERE id = 1", "rows 1 to 10, .* or their seal 1"),
        ("UPDATE audit_seals SET at = at + interval '1 day' WHERE id = 2", "or their seal 2"),
    ],
)
def test_what_was_changed_removed_or_slipped_in_is_found(db: Connection, statement: str, said: str) -> None:
    write(db, 25)
    if "(18" in statement:
        tampered(db, "DELETE FROM agent_audit_log WHERE id = 18")  # as a gap that a rolled back row has left
    seal(db)
    assert seals.verify(db).wrong is None
    tampered(db, statement)
    wrong = seals.verify(db).wrong
    assert wrong is not None
    assert re.search(said, wrong), wrong


def test_a_gap_of_a_row_that_was_rolled_back_is_no_trouble(db: Connection) -> None:
    write(db, 3)
    with pytest.raises(ZeroDivisionError), db.transaction():
        write(db, 4)
        raise ZeroDivisionError
    write(db, 3)
    assert seal(db) == 6
    assert seals.verify(db).wrong is None


def test_a_row_that_is_still_being_written_keeps_the_end_unknown_and_is_sealed_later(
    db: Connection, database_url: str
) -> None:
    with psycopg.connect(database_url) as other:
        write(other, 1)  # it has a smaller id than what comes next, and is not committed
        write(db, 3)
        with pytest.raises(Transient, match="being written to"):
            seals.horizon(db)
        assert seals.newest(db) is None
        other.commit()
    assert seal(db) == 4
    assert seals.verify(db).wrong is None


def test_two_that_seal_at_once_seal_once(db: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: Callable[..., Any] = seals._hashed

    def meanwhile(*args: Any) -> Any:
        monkeypatch.setattr(seals, "_hashed", hashed)
        with psycopg.connect(database_url, autocommit=True) as other:
            seal(other)
        return hashed(*args)

    write(db, 5)
    monkeypatch.setattr(seals, "_hashed", meanwhile)
    assert seals.seal_next(db, seals.horizon(db), NOW) is None
    assert (seals.verify(db).rows, seals.verify(db).wrong) == (5, None)


def test_the_daily_cleanup_seals_and_a_dry_run_only_counts(app: App, db: Connection) -> None:
    write(db, 12)
    assert app.runner.run("cleanup_old_data", Mode(dry_run=True)).result.data["would_seal"] == 12
    assert seals.newest(db) is None
    assert app.runner.run("cleanup_old_data").result.data["sealed"] == 12
    assert seals.verify(db).wrong is None


def test_the_words_seal_verify_and_search(tmp_path: Any, database_url: str, db: Connection) -> None:
    her = Operator(tmp_path)
    assert "nothing is sealed yet" in her.types("audit", "verify").stdout
    audit.write(db, datetime.now(UTC), "kill_switch", "control", success=True, data={"reason": "100% smoke_test"})
    audit.write(db, datetime.now(UTC) - timedelta(days=60), "kill_switch", "control", success=True, data={"r": "smoke"})
    found = json.loads(her.types("audit", "search", "SMOKE_test 100%", "--json").stdout)
    assert [row["action"] for row in found] == ["kill_switch"]
    assert len(json.loads(her.types("audit", "search", "smoke", "--days", "90", "--json").stdout)) == 2
    sealed = json.loads(her.types("audit", "seal", "--json").stdout)
    assert sealed["rows"] == 2
    known = sealed["newest"][:12]
    assert her.types("audit", "verify", "--seal", known).returncode == 0
    assert her.types("audit", "verify", "--seal", "smoke").returncode == 2
    tampered(db, "DELETE FROM audit_seals")
    gone = her.types("audit", "verify", "--seal", known)
    assert (gone.returncode, f"no seal begins with {known}" in gone.stdout) == (1, True)
    her.types("audit", "seal")
    tampered(db, "UPDATE agent_audit_log SET action = 'nothing' WHERE id = 1")
    wrong = her.types("audit", "verify", "--json")
    assert (wrong.returncode, json.loads(wrong.stdout)["good"]) == (1, False)


def test_the_digest_ends_with_the_newest_seal_where_she_wants_it(tmp_path: Any, database_url: str) -> None:
    her = Operator(tmp_path)
    her.types("controls", "set", "jobs_enabled", "on")
    newest = json.loads(her.types("audit", "seal", "--json").stdout)["newest"]
    assert "audit seal" not in her.types("run", "daily-digest", "--dry-run").stdout
    with (tmp_path / "config.toml").open("a") as file:
        file.write("[digest]\nseal = true\n")
    told = her.types("run", "daily-digest", "--dry-run").stdout
    assert told.splitlines()[-1] == f"audit seal {newest[:12]}"
