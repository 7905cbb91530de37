"""The kill switch between its database row and its mirror file, when several turn it at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from godmode.lib.clock import FixedClock
from godmode.lib.engine import killswitch, standstill
from godmode.lib.engine.killswitch import Mirror
from godmode.lib.errors import Usage
from godmode.lib.store import controls

NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
Db = psycopg.Connection[Any]


def is_on(db: Db) -> bool:
    held = controls.read(db)
    assert held is not None
    return held.kill_switch


def test_a_waiting_on_is_carried_into_the_database_once(db: Db, tmp_path: Path) -> None:
    killswitch.write(tmp_path, Mirror(on=True, number=None, reason="smoke"))
    seen = controls.read(db)
    killswitch.agree(db, tmp_path, seen, NOW)
    assert is_on(db)
    killswitch.agree(db, tmp_path, seen, NOW)  # a run that read the controls before the other carried it
    assert db.execute("SELECT count(*) FROM agent_audit_log WHERE action = 'kill_switch'").fetchone() == (1,)
    assert killswitch.read(tmp_path) == Mirror(True, 1, "smoke", NOW.isoformat())


def test_an_off_said_meanwhile_is_not_undone_by_a_run_that_saw_the_waiting_file_before(db: Db, tmp_path: Path) -> None:
    killswitch.write(tmp_path, Mirror(on=True, number=None, reason="smoke"))
    seen = controls.read(db)
    killswitch.turn_off(db, tmp_path, "all clear", "her", NOW)
    killswitch.agree(db, tmp_path, seen, NOW)
    assert not is_on(db)
    assert not killswitch.is_on(tmp_path, controls.read(db))


def test_an_off_whose_mirror_cannot_be_written_leaves_the_switch_on(
    db: Db, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killswitch.turn_on(db, "smoke", "her", NOW)

    def full(*_: object) -> None:
        raise Usage("cannot write: No space left on device")

    monkeypatch.setattr(killswitch, "replace_file", full)
    with pytest.raises(Usage, match="No space left"):
        killswitch.turn_off(db, tmp_path, "", "her", NOW)
    assert is_on(db)


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda db, state: killswitch.turn_on(db, "fire", "her", NOW),
        lambda db, state: killswitch.write(state, Mirror(on=True, number=None, reason="fire")),
    ],
    ids=["in the database", "in the file"],
)
def test_a_drill_does_not_release_what_somebody_set_meanwhile(
    db: Db, tmp_path: Path, meanwhile: Callable[[Db, Path], None]
) -> None:
    before = controls.hold(db)
    killswitch.turn_on(db, "drill 1", "her", NOW)
    meanwhile(db, tmp_path)
    assert not killswitch.release(db, tmp_path, "drill 1", "her", NOW, before)
    assert is_on(db)


def test_a_drill_releases_its_own(db: Db, tmp_path: Path) -> None:
    killswitch.turn_off(db, tmp_path, "mended", "her", NOW)
    before, later = controls.hold(db), NOW + timedelta(hours=1)
    killswitch.turn_on(db, "drill 1", "cron", later)
    drilled = controls.hold(db)
    assert (drilled.drilled, drilled.kill_switch_changed_at) == (True, NOW)
    assert killswitch.release(db, tmp_path, "drill 1", "cron", later, before)
    assert not is_on(db)
    after = controls.hold(db)
    assert (after.kill_switch_reason, after.kill_switch_changed_by, after.kill_switch_changed_at) == (
        "mended", "her", NOW,
    )  # fmt: skip
    mirror = killswitch.read(tmp_path)
    assert mirror is not None
    assert (mirror.on, mirror.number) == (False, 2)


def test_a_state_folder_that_cannot_be_used_does_not_keep_on_from_being_set(db: Db, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    db.execute(
        "INSERT INTO job_state (job, state, run_id, owner_host, lease_until) VALUES"
        " ('one', 'running', 'r1', 'elsewhere', %s), ('two', 'running', 'r2', 'elsewhere', %s)",
        (NOW + timedelta(minutes=1), NOW - timedelta(minutes=1)),
    )
    place = standstill.Place(tmp_path / "file" / "state", FixedClock(NOW), lambda: db)
    told: list[Sequence[str]] = []
    came = standstill.bring_about(place, "smoke", "her", 0, told.append)
    assert (came.is_set, came.no_database) == (True, None)
    assert came.no_file is not None and "cannot use the folder" in came.no_file
    assert came.still == ["one (run r1) on elsewhere"]
    assert is_on(db)
