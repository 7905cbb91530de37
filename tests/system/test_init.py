"""`godmode init`: from nothing to an installation that works, however often it is called."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

GODMODE = Path(sys.executable).with_name("godmode")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GODMODE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def types(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [GODMODE, *words], capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
    )


def held(db: psycopg.Connection) -> object:
    return db.execute("SELECT kill_switch, jobs_enabled, comms_enabled, write_enabled FROM agent_controls").fetchone()


def test_it_makes_a_private_configuration_and_an_empty_database_ready(home: Path, empty_database_url: str) -> None:
    done = types("init", "--yes", "--operator-name", "Jonah", "--timezone", "Europe/London")
    assert done.returncode == 0, done.stderr
    assert (home / "config.toml").stat().st_mode & 0o777 == 0o600
    assert types("config", "check").returncode == 0
    shown = json.loads(types("config", "show", "--json").stdout)["settings"]
    assert (shown["timezone"], shown["operator"]["name"]) == ("Europe/London", "Jonah")
    with psycopg.connect(empty_database_url) as db:
        assert held(db) == (False, True, True, True)


def test_production_starts_with_everything_off(home: Path, empty_database_url: str) -> None:
    assert types("init", "--yes", "--production").returncode == 0
    with psycopg.connect(empty_database_url) as db:
        assert held(db) == (False, False, False, False)


def test_a_second_init_keeps_the_file_and_the_controls_as_they_were_set(home: Path, db: psycopg.Connection) -> None:
    types("init", "--yes")
    before = (home / "config.toml").read_bytes()
    types("controls", "set", "jobs_enabled", "off")
    again = types("init", "--yes")
    assert again.returncode == 0
    assert "kept" in again.stdout
    assert (home / "config.toml").read_bytes() == before
    assert held(db) == (False, False, True, True)


def test_an_init_over_a_running_installation_never_touches_its_controls(home: Path, db: psycopg.Connection) -> None:
    types("controls", "set", "jobs_enabled", "off")
    types("init", "--yes")
    assert held(db) == (False, False, True, True)


def test_other_answers_than_the_file_has_are_refused_and_the_file_is_kept(home: Path, database_url: str) -> None:
    types("init", "--yes")
    before = (home / "config.toml").read_bytes()
    refused = types("init", "--yes", "--timezone", "Europe/London")
    assert refused.returncode == 2
    assert "edit it" in refused.stderr
    assert (home / "config.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("flag", "value", "says"),
    [
        ("--timezone", "America/Chicgo", "America/Chicago"),
        ("--digest-time", "8 o'clock", "08:00"),
        ("--quiet-end", "24:00", "08:00"),
    ],
)
def test_an_answer_that_cannot_be_used_leaves_nothing_behind(
    home: Path, database_url: str, flag: str, value: str, says: str
) -> None:
    refused = types("init", "--yes", flag, value)
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1
    assert says in refused.stderr
    assert not home.exists()


def test_where_nobody_can_be_asked_it_says_so_and_changes_nothing(home: Path, database_url: str) -> None:
    refused = types("init")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert not home.exists()


def test_eight_inits_at_once_make_one_good_installation(home: Path, empty_database_url: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: types("init", "--yes", "--json"), range(8)))
    assert [d.stderr for d in done if d.returncode] == []
    wrote = [json.loads(d.stdout) for d in done]
    assert sum(w["wrote_config"] for w in wrote) == 1
    assert sum(w["set_controls"] for w in wrote) == 1
    assert types("config", "check").returncode == 0
    assert [p.name for p in home.iterdir() if p.name.startswith(".")] == []


def test_on_a_terminal_it_asks_and_asks_again_for_what_it_cannot_use(home: Path, database_url: str) -> None:
    ours, its = pty.openpty()
    process = subprocess.Popen([GODMODE, "init"], stdin=its, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    os.write(ours, b"America/Chicgo\nEurope/London\nJonah\n\n\n07:15\n\n\n")
    out, err = process.communicate(timeout=30)
    os.close(ours)
    os.close(its)
    assert process.returncode == 0, err
    assert 'did you mean "America/Chicago"' in out
    settings = json.loads(types("config", "show", "--json").stdout)["settings"]
    assert (settings["timezone"], settings["operator"]["name"]) == ("Europe/London", "Jonah")
    assert settings["jobs"]["daily_digest"]["time"] == "07:15"
