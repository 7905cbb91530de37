"""The kill switch's mirror: what it means alone, and beside the database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from godmode.lib.engine import killswitch
from godmode.lib.engine.killswitch import Mirror
from godmode.lib.store.controls import Controls


def controls(on: bool, number: int) -> Controls:
    return Controls(on, True, True, True, number, "why", datetime(2026, 1, 1, tzinfo=UTC), "her")


def test_without_a_file_the_database_alone_decides(tmp_path: Path) -> None:
    assert not killswitch.is_on(tmp_path, controls(False, 3))
    assert killswitch.is_on(tmp_path, controls(True, 3))


def test_missing_controls_count_as_on(tmp_path: Path) -> None:
    assert killswitch.is_on(tmp_path, None)


def test_a_file_written_while_the_database_was_away_counts_as_on(tmp_path: Path) -> None:
    killswitch.write(tmp_path, Mirror(on=True, number=None, reason="smoke"))
    assert killswitch.is_on(tmp_path, controls(False, 3))


def test_a_stale_mirror_never_undoes_an_off(tmp_path: Path) -> None:
    killswitch.write(tmp_path, Mirror(on=True, number=3))
    assert not killswitch.is_on(tmp_path, controls(False, 4))


def test_a_file_that_cannot_be_read_counts_as_on(tmp_path: Path) -> None:
    killswitch.path(tmp_path).write_bytes(b'{"on": fal')
    assert killswitch.is_on(tmp_path, controls(False, 3))
    killswitch.path(tmp_path).write_bytes(b"[]")
    assert killswitch.is_on(tmp_path, controls(False, 3))


def test_the_mirror_is_replaced_whole_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    killswitch.mirror_of(tmp_path, controls(True, 7))
    assert killswitch.read(tmp_path) == Mirror(True, 7, "why", "2026-01-01T00:00:00+00:00")
    assert killswitch.path(tmp_path).stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["kill-switch.json"]
