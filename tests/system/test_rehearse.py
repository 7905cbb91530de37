"""`godmode rehearse` as the operator types it: what it shows, and that nothing of hers, and nobody, hears of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fakes.installation import GODMODE
from fakes.served import Answer, Served

from godmode.lib.store import dump

DAY = "2026-03-10"
CONSOLE = 'timezone = "America/Chicago"\n'
WHOLE = """
timezone = "America/Chicago"
operator = {{ name = "Jonah", phone = "+15125550100" }}
health = {{ ping_url = "{url}/ping", pre_armed = true }}
backup = {{ daily = true }}
[sources.notion]
base_url = "{url}"
[sources.n8n]
base_url = "{url}"
[sources.hubspot]
base_url = "{url}"
[channels.twilio]
base_url = "{url}"
from = "+15125550199"
[channels.telegram]
base_url = "{url}"
chat_id = "123456789"
approvals = true
"""
SECRETS = {
    "NOTION_TOKEN": "a", "N8N_API_KEY": "b", "HUBSPOT_ACCESS_TOKEN": "c", "TELEGRAM_BOT_TOKEN": "1:d",
    "TWILIO_ACCOUNT_SID": "AC0", "TWILIO_AUTH_TOKEN": "e",
}  # fmt: skip


class Home:
    """An installation that rehearses."""

    def __init__(self, folder: Path, config: str) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "config.toml").write_text(config)
        self.env = {**os.environ, "GODMODE_HOME": str(folder)}

    def types(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [GODMODE, *words], env=self.env | env, capture_output=True, text=True, timeout=120, check=False
        )

    def rehearses(self, *words: str, **env: str) -> dict[str, Any]:
        done = self.types("rehearse", "--date", DAY, "--json", *words, **env)
        assert (done.returncode, done.stderr) == (0, "")
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def files(self) -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in sorted(self.folder.rglob("*")) if path.is_file()}


def leftovers() -> list[Path]:
    return [found for base in ("/dev/shm", tempfile.gettempdir()) for found in Path(base).glob("godmode-rehearsal-*")]


def shown(document: dict[str, Any], how: str) -> list[tuple[str, str]]:
    """When something was so, and what it was, in one line."""
    found = [entry for entry in document["timeline"] if entry["how"] == how]
    return [
        (entry["at"][11:16], entry["text"].splitlines()[0] if entry["channel"] else entry["what"]) for entry in found
    ]


def rows(db: psycopg.Connection) -> Any:
    with db.transaction():
        return dump.contents(db)


def test_with_the_console_alone_it_shows_a_readable_night(tmp_path: Path) -> None:
    home = Home(tmp_path / "new", CONSOLE)
    before = home.files()
    done = home.types("rehearse", "--date", DAY)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line for line in done.stdout.splitlines() if len(line) > 80 and str(tmp_path) not in line] == []
    said = " ".join(done.stdout.split())
    for part in (
        "Tuesday 10 March 2026 in America/Chicago",
        "23:10 waits WARN: The backup of the shop failed for good (quiet hours: waits until Tue 06:00)",
        "03:40 message by console: SEV0: The shop does not answer",
        "06:00 skipped morning call (no configured channel can ring; add [channels.twilio]",
        "| godmode digest, Tue 10 Mar 2026",
        "no way to call you: SEV0 goes by message",
    ):
        assert part in said, done.stdout
    assert home.files() == before
    assert leftovers() == []


def test_nobody_hears_of_it_and_her_database_and_state_stay_as_they_are(tmp_path: Path, db: psycopg.Connection) -> None:
    with Served(lambda request: Answer(500)) as world:
        home = Home(tmp_path / "hers", WHOLE.format(url=world.url))
        for address in ("+15125550100", "123456789"):
            assert home.types("allowlist", "add", address, "--for", "call,sms,message", **SECRETS).returncode == 0
        tables, files = rows(db), home.files()
        document = home.rehearses(**SECRETS)
        assert world.requests == []
    assert rows(db) == tables
    assert home.files() == files
    assert document["notes"] == []
    assert shown(document, "call") == [
        ("03:40", "This is godmode. Severity zero. The shop does not answer. `godmode incidents ack 3` stops this"),
        ("06:00", document["timeline"][[e["type"] for e in document["timeline"]].index("morning_call")]["text"]),
    ]
    assert [at for at, _ in shown(document, "SMS")] == ["02:10", "03:10", "03:41"]
    assert ("23:00", "WARN: Workflow Invoice export failed 6 times") in shown(document, "waits")
    assert ("09:00", "INFO: Over: Workflow Invoice export failed 6 times") in shown(document, "waits")
    assert shown(document, "refused") == [("12:10", "WARN: The disk of the shop's server is 96 % full")]
    assert [at for at, _ in shown(document, "message")] == ["06:00", "08:00", "12:10"]
    assert document["summary"]["runs"]["periodic_scan"] == {"succeeded": 48}


def test_no_secret_is_needed_and_those_that_are_missing_are_named(tmp_path: Path) -> None:
    home = Home(tmp_path / "hers", WHOLE.format(url="http://127.0.0.1:1"))
    document = home.rehearses()
    (note,) = (note for note in document["notes"] if note.startswith("not set here"))
    assert all(name in note for name in SECRETS)
    assert len(shown(document, "SMS")) == 3


def test_what_is_held_waits_for_the_end_of_her_own_quiet_hours(tmp_path: Path) -> None:
    home = Home(tmp_path / "hers", CONSOLE + 'quiet_hours = { start = "22:00", end = "09:15" }\n')
    document = home.rehearses()
    held = [entry for entry in document["timeline"] if entry["held_until"]]
    assert [entry["held_until"] for entry in held] == ["2026-03-10T09:15:00-05:00"]
    assert ("08:00", "daily digest") in shown(document, "skipped")
    assert [at for at, _ in shown(document, "message")][-2:] == ["09:15", "12:10"]


def test_without_quiet_hours_nothing_is_held(tmp_path: Path) -> None:
    home = Home(tmp_path / "hers", CONSOLE + 'quiet_hours = { start = "00:00", end = "00:00" }\n')
    document = home.rehearses()
    assert ("23:10", "WARN: The backup of the shop failed for good") in shown(document, "message")
    assert document["summary"]["for_the_end_of_quiet_hours"] == 0


@pytest.mark.parametrize(
    ("day", "begin", "end"),
    [
        ("2026-03-08", "2026-03-07T20:00:00-06:00", "2026-03-08T20:00:00-05:00"),
        ("2026-11-01", "2026-10-31T20:00:00-05:00", "2026-11-01T20:00:00-06:00"),
    ],
)
def test_a_day_on_which_the_clocks_change_can_be_lived(tmp_path: Path, day: str, begin: str, end: str) -> None:
    document = Home(tmp_path / "hers", CONSOLE).rehearses("--date", day)
    assert (document["from"], document["to"]) == (begin, end)
    assert [entry["type"] for entry in document["timeline"]].count("daily_digest") == 1
    assert document["summary"]["messages"] >= 5


@pytest.mark.parametrize("wrong", ["yesterday", "2026-02-30", "26", "0001-01-01", "9999-12-31", ""])
def test_what_is_no_date_is_one_line(tmp_path: Path, wrong: str) -> None:
    done = Home(tmp_path / "hers", CONSOLE).types("rehearse", "--date", wrong)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


def test_half_a_channel_or_source_is_the_usual_error(tmp_path: Path) -> None:
    for number, section in enumerate(("[channels.telegram]", "[sources.n8n]", "[sources.chatlogs]\npaht = 1")):
        done = Home(tmp_path / str(number), f"{CONSOLE}{section}\n").types("rehearse")
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done.stderr
    assert leftovers() == []


def test_a_stopped_installation_rehearses_and_is_told_that_nothing_would_leave(
    tmp_path: Path, db: psycopg.Connection
) -> None:
    home = Home(tmp_path / "hers", WHOLE.format(url="http://127.0.0.1:1"))
    db.execute("UPDATE agent_controls SET kill_switch = true, comms_enabled = false")
    db.execute("INSERT INTO job_state (job, enabled) VALUES ('daily_digest', false)")
    document = home.rehearses(**SECRETS)
    assert [note.partition(":")[0] for note in document["notes"]] == [
        "your kill switch is ON", "your comms_enabled is off",
        "daily-digest is switched off (`godmode jobs enable daily-digest`)",
    ]  # fmt: skip
    assert ("08:00", "daily digest") in shown(document, "skipped")
    refused = [what for _, what in shown(document, "waits") if what == "WARN: A recipient was refused"]
    assert refused, "her allowlist is empty"
    assert shown(document, "SMS") == []


def test_a_database_that_is_down_does_not_keep_it_from_rehearsing(tmp_path: Path) -> None:
    home = Home(tmp_path / "hers", CONSOLE)
    document = home.rehearses(DATABASE_URL="postgresql://u:hunter2hunter2@127.0.0.1:1/x")
    assert any("could not be asked" in note for note in document["notes"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_breaking_it_off_leaves_no_folder_and_no_server(tmp_path: Path, number: int) -> None:
    home = Home(tmp_path / "hers", CONSOLE)
    process = subprocess.Popen([GODMODE, "rehearse"], env=home.env, stderr=subprocess.PIPE, text=True)
    folder, server = _running(process)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (1, "godmode: interrupted\n")
    assert not folder.exists()
    assert _is_gone(server)


def test_what_was_killed_is_taken_away_by_the_next_one(tmp_path: Path) -> None:
    home = Home(tmp_path / "hers", CONSOLE)
    process = subprocess.Popen([GODMODE, "rehearse"], env=home.env)
    folder, server = _running(process)
    process.kill()
    process.wait()
    assert folder.exists()
    home.rehearses()
    assert not folder.exists()
    assert _is_gone(server)
    assert leftovers() == []


def _is_gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has waited for yet has no command line left."""
    command = Path(f"/proc/{pid}/cmdline")
    return not command.exists() or command.read_bytes() == b""


def _running(process: subprocess.Popen[Any]) -> tuple[Path, int]:
    """The folder of a rehearsal, and its server's process, once that has come up."""
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        for folder in leftovers():
            pid = folder / "postgres" / "data" / "postmaster.pid"
            if folder.name.endswith(f"-{process.pid}") and pid.exists() and "ready" in pid.read_text():
                return folder, int(pid.read_text().split()[0])
        time.sleep(0.01)
    raise AssertionError(f"no rehearsal came up: {process.poll()}")
