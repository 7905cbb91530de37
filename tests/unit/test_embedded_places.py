"""Where the embedded server's socket lies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from godmode.lib.errors import Usage
from godmode.lib.store import places

DEEP = "d" * 150


def socket_of(folder: Path) -> Path:
    return folder / f".s.PGSQL.{places.PORT}"


def test_the_socket_lies_beside_the_data_where_its_path_fits(tmp_path: Path) -> None:
    assert places.socket_folder(tmp_path) == tmp_path.resolve() / "postgres"


@pytest.mark.parametrize("length", range(60, 120, 3))
def test_no_socket_path_is_longer_than_the_kernel_takes(length: int) -> None:
    state = Path("/" + "s" * length)
    assert len(os.fsencode(socket_of(places.socket_folder(state)))) <= 107


@pytest.mark.parametrize("name", [DEEP, "a,b", "it's", "line\nbreak"])
def test_a_path_that_libpq_cannot_take_gets_a_short_folder_of_its_own(name: str, tmp_path: Path) -> None:
    folder = places.socket_folder(tmp_path / name)
    assert places.is_short(folder)
    assert folder != places.socket_folder(tmp_path / f"{name}2")


def test_the_environment_of_a_shell_does_not_move_the_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    under_cron = places.socket_folder(tmp_path / DEEP)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert places.socket_folder(tmp_path / DEEP) == under_cron


def test_two_names_of_one_state_folder_have_one_socket(tmp_path: Path) -> None:
    (tmp_path / DEEP).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / DEEP)
    assert places.socket_folder(tmp_path / "link") == places.socket_folder(tmp_path / DEEP)


@pytest.fixture
def own_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A short socket folder below the test's own folder in place of /tmp."""
    monkeypatch.setattr(places, "_TMP", tmp_path)
    return tmp_path / "godmode-0-abc"


def test_a_missing_short_folder_is_told_from_a_foreign_one(own_short: Path) -> None:
    with pytest.raises(FileNotFoundError):
        places.check(own_short)


def test_a_private_short_folder_is_taken(own_short: Path) -> None:
    places.make_short(own_short, os.geteuid(), os.getegid())
    places.check(own_short)
    assert own_short.stat().st_mode & 0o777 == 0o700


def test_a_short_folder_open_to_others_a_link_or_a_file_is_refused(own_short: Path, tmp_path: Path) -> None:
    own_short.mkdir()
    own_short.chmod(0o750)
    with pytest.raises(Usage):
        places.check(own_short)
    own_short.rmdir()
    (tmp_path / "target").mkdir(mode=0o700)
    own_short.symlink_to(tmp_path / "target")
    with pytest.raises(Usage):
        places.check(own_short)
    own_short.unlink()
    own_short.touch(mode=0o700)
    with pytest.raises(Usage):
        places.check(own_short)
