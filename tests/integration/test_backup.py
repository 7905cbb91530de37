"""Backups: taken whole or not at all, brought back elsewhere, compared; the older ones are moved aside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from fakes.company import Desk, configured

from godmode.lib.clock import FixedClock
from godmode.lib.config import Config
from godmode.lib.errors import DatabaseTrouble, Usage
from godmode.lib.kernel import Outcome
from godmode.lib.store import dump, places, restore
from godmode.wiring import App

NewState = Callable[..., Path]
NIGHT = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)  # 03:00 in Chicago


@pytest.fixture
def filled(db: psycopg.Connection) -> psycopg.Connection:
    """A database with rows of many kinds."""
    db.execute("INSERT INTO incidents (type, title, evidence) VALUES ('x', 'naïve ✓', '{\"a\": [1, null]}')")
    db.execute("INSERT INTO memory_items (key, value) SELECT 'k' || n, repeat('v', n) FROM generate_series(1, 500) n")
    db.execute("INSERT INTO proposals (title, confidence) VALUES ('p', 0.1 + 0.2)")
    db.execute("INSERT INTO communication_allowlist (address) VALUES ('+15125550100')")
    return db


def taken(config: Config, folder: Path, now: datetime = NIGHT) -> dump.Backup:
    return dump.make(config, dump.address(config), folder, now)


def test_a_backup_comes_back_row_for_row_with_its_kill_switch_on(
    config: Config, filled: psycopg.Connection, tmp_path: Path, new_state: NewState
) -> None:
    made = taken(config, tmp_path / "backups")
    state = new_state(tmp_path / "back")

    restored = restore.into_state(config, made.path, state)
    restore.hold(restored, NIGHT)

    assert restored.rows == sum(content.rows for content in made.manifest.tables.values()) > 500
    with psycopg.connect(restored.url) as back:
        assert back.execute("SELECT title, evidence FROM incidents").fetchone() == ("naïve ✓", {"a": [1, None]})
        switch, reason = back.execute("SELECT kill_switch, kill_switch_reason FROM agent_controls").fetchone() or ()
        assert switch and "2026-03-10 08:00" in reason
        with pytest.raises(psycopg.errors.RestrictViolation):
            back.execute("DELETE FROM incidents")


def test_a_backup_comes_back_into_a_new_database_of_the_same_server(
    config: Config, filled: psycopg.Connection, tmp_path: Path
) -> None:
    made, url = taken(config, tmp_path), dump.address(config)
    try:
        restored = restore.into_database(config, made.path, url, "back_again")
        assert restored.tables == len(made.manifest.tables)
        with pytest.raises(Usage, match="already"):
            restore.into_database(config, made.path, url, "back_again")
    finally:
        filled.execute("DROP DATABASE IF EXISTS back_again WITH (FORCE)")


def test_what_was_written_while_it_was_taken_is_in_neither_the_dump_nor_its_list(
    config: Config, filled: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = dump.contents

    def interrupted(conn: psycopg.Connection) -> dict[str, dump.Content]:
        found = counted(conn)
        filled.execute("INSERT INTO incidents (type, title) VALUES ('late', 'late')")
        return found

    with monkeypatch.context() as patched:
        patched.setattr(dump, "contents", interrupted)
        made = taken(config, tmp_path / "backups")
    assert made.manifest.tables["incidents"].rows == 1
    assert restore.check(config, made.path, tmp_path / "scratch").rows > 0
    assert not (tmp_path / "scratch").exists()


@pytest.mark.parametrize(
    "change", ["UPDATE incidents SET title = 'other'", "INSERT INTO incidents (type, title) VALUES ('x', 'x')"]
)
def test_contents_that_differ_are_named(config: Config, filled: psycopg.Connection, change: str) -> None:
    with filled.transaction():
        before = dump.contents(filled)
    filled.execute(change.encode())
    with filled.transaction():
        (line,) = restore.differences(before, dump.contents(filled))
    assert line.startswith("incidents has ")


def test_a_damaged_or_missing_backup_is_refused_before_anything_is_made(
    config: Config, filled: psycopg.Connection, tmp_path: Path
) -> None:
    made = taken(config, tmp_path)
    spoilt = bytearray(made.path.read_bytes())
    spoilt[len(spoilt) // 2] ^= 1
    made.path.write_bytes(spoilt)
    with pytest.raises(Usage, match="SHA-256"):
        restore.into_state(config, made.path, tmp_path / "back")
    dump.beside(made.path).unlink()
    with pytest.raises(Usage, match=r"there is no .*\.json"):
        restore.into_state(config, made.path, tmp_path / "back")
    with pytest.raises(Usage, match=r"there is no .*nothing\.dump;"):
        restore.into_state(config, tmp_path / "nothing.dump", tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_a_backup_that_fails_leaves_nothing_behind(empty_database_url: str, config: Config, tmp_path: Path) -> None:
    with pytest.raises(Usage, match="no tables"):
        dump.make(config, empty_database_url, tmp_path / "backups", NIGHT)
    with pytest.raises(DatabaseTrouble):
        dump.make(config, empty_database_url.replace("//godmode@", "//stranger@"), tmp_path / "backups", NIGHT)
    assert list((tmp_path / "backups").iterdir()) == []


def test_a_backup_is_for_its_owner_alone_also_in_a_folder_that_others_read(
    config: Config, filled: psycopg.Connection, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    made = taken(config, tmp_path)
    assert [oct(path.stat().st_mode & 0o777) for path in (made.path, dump.beside(made.path))] == ["0o600", "0o600"]


def test_halves_that_killed_backups_left_are_cleared_away_by_the_next_days(
    config: Config, filled: psycopg.Connection, tmp_path: Path
) -> None:
    old, perhaps_under_way = (
        tmp_path / ".godmode-20260309T080000Z.dump.part",
        tmp_path / ".godmode-20260310T075900Z.dump.part",
    )
    for half in (old, perhaps_under_way):
        half.write_text("half")
    taken(config, tmp_path, NIGHT + timedelta(seconds=1))
    assert (old.exists(), perhaps_under_way.exists()) == (False, True)


def test_a_table_that_stays_locked_ends_the_backup(
    config: Config, filled: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dump, "PATIENCE", "50ms")
    with filled.transaction():
        filled.execute("LOCK TABLE incidents IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(DatabaseTrouble, match="lock timeout"):
            taken(config, tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []


def test_a_restore_that_fails_leaves_no_database_behind(
    config: Config, filled: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, url, state = taken(config, tmp_path), dump.address(config), tmp_path / "back"
    state.mkdir()
    (state / "notes.txt").write_text("hers")
    with monkeypatch.context() as patched:
        patched.setattr(restore, "differences", lambda before, after: ["incidents is missing"])
        with pytest.raises(DatabaseTrouble, match="incidents is missing"):
            restore.into_state(config, made.path, state)
        with pytest.raises(DatabaseTrouble, match="incidents is missing"):
            restore.into_database(config, made.path, url, "half_back")
    assert not places.home(state).exists()
    assert (state / "notes.txt").read_text() == "hers"
    assert filled.execute("SELECT FROM pg_database WHERE datname = 'half_back'").fetchone() is None


def test_the_newest_seven_stay_and_older_ones_are_moved_aside(tmp_path: Path) -> None:
    for day in range(1, 13):
        path = tmp_path / f"godmode-202603{day:02}T080000Z.dump"
        path.write_text("x")
        dump.beside(path).write_text("{}")
    (tmp_path / "notes.txt").write_text("hers")

    dump.rotate(tmp_path, keep=7, keep_aside=3)

    assert [p.name[14:16] for p in dump.kept(tmp_path)] == ["12", "11", "10", "09", "08", "07", "06"]
    assert [p.name[14:16] for p in dump.kept(tmp_path / "old")] == ["05", "04", "03"]
    assert all(dump.beside(p).exists() for p in (*dump.kept(tmp_path), *dump.kept(tmp_path / "old")))
    assert (tmp_path / "notes.txt").exists()


@pytest.fixture
def nightly(config: Config) -> Iterator[App]:
    app = App(configured(config, "[backup]\ndaily = true\n"), clock=FixedClock(NIGHT))
    yield app
    app.store.close()


def test_the_night_takes_one_backup_and_the_week_brings_one_back(nightly: App, filled: psycopg.Connection) -> None:
    proofs = []
    for _ in range(9):
        result = nightly.runner.run("cleanup_old_data").result
        assert result.outcome is Outcome.SUCCEEDED, result.error
        proofs.append("rows_proved" in result.data)
        nightly.clock.advance(timedelta(days=1))  # type: ignore[attr-defined]

    assert proofs == [True, False, False, False, False, False, False, True, False]
    folder = nightly.config.state / "backups"
    assert (len(dump.kept(folder)), len(dump.kept(folder / "old"))) == (7, 2)
    noted = filled.execute(
        "SELECT action, count(*) FROM agent_audit_log WHERE action_type = 'backup' AND success GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert noted == [("backup", 9), ("backup_check", 2)]


def test_a_backup_that_fails_at_night_is_told_at_once_and_the_archiving_stands(
    config: Config, filled: psycopg.Connection, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    desk = Desk(configured(config, f'[backup]\ndaily = true\nfolder = "{tmp_path}/file/x"\n'))
    filled.execute("INSERT INTO agent_audit_log (ts, action) VALUES (%s, 'old')", (NIGHT - timedelta(days=400),))

    result = desk.runner.run("cleanup_old_data").result

    assert result.outcome is Outcome.FAILED
    assert "The backup failed: cannot use the folder" in desk.printed.getvalue()
    assert filled.execute("SELECT archived FROM agent_audit_log WHERE action = 'old'").fetchone() == (True,)
    desk.store.close()


def test_no_backup_is_taken_with_the_switch_on(nightly: App, filled: psycopg.Connection) -> None:
    filled.execute("UPDATE agent_controls SET kill_switch = true")
    assert nightly.runner.run("cleanup_old_data").result.reason == "kill_switch"
    assert not (nightly.config.state / "backups").exists()
