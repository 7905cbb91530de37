"""`godmode sources`, and syncs as processes: what the operator and cron get to see of them."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fakes.n8n import KEY, N8n

from godmode import registry, supply

KNOWN = [name for name, (_, target) in registry.SOURCES.items() if target]
GODMODE = Path(sys.executable).with_name("godmode")


@pytest.fixture
def fake() -> Iterator[N8n]:
    with N8n() as made:
        made.workflow("w1", "Invoice sync")
        made.many(300)
        yield made


class Operator:
    """Types commands in an installation of her own, with an n8n."""

    def __init__(self, home: Path, fake: N8n) -> None:
        self.config, self.env = home / "config.toml", {**os.environ, "GODMODE_HOME": str(home), "N8N_API_KEY": KEY}
        self.has(f'[sources.n8n]\nbase_url = "{fake.url}"\n')

    def has(self, text: str) -> None:
        """Her configuration."""
        self.config.write_text(text)

    def types(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([GODMODE, *words], env=self.env, capture_output=True, text=True, timeout=60, check=False)

    def sees(self, *words: str) -> Any:
        """The document that a command prints."""
        return json.loads(self.types(*words, "--json").stdout)


@pytest.fixture
def her(tmp_path: Path, database_url: str, fake: N8n) -> Operator:
    return Operator(tmp_path, fake)


def n8n_of(entries: Any) -> dict[str, Any]:
    return next(entry for entry in entries if entry["source"] == "n8n")


def test_sources_shows_how_far_each_is_read(her: Operator) -> None:
    entry = n8n_of(her.sees("sources"))
    assert (entry["configured"], entry["last_sync_completed_at"], entry["calls_today"]) == (True, None, 0)
    assert her.types("run", "sync-n8n").returncode == 0
    entry = n8n_of(her.sees("sources"))
    assert (entry["last_sync_success"], entry["items_synced"], entry["age_minutes"]) == (True, 300, 0)
    assert (entry["calls_today"], entry["errors_today"], entry["trouble"]) == (3, 0, None)
    shown = her.types("sources")
    assert shown.returncode == 0
    assert [line.split()[0] for line in shown.stdout.splitlines()] == ["SOURCE", *KNOWN]


def test_a_source_test_says_in_words_what_the_key_may_see(her: Operator, fake: N8n, db: psycopg.Connection) -> None:
    her.has(f'[sources.n8n]\nbase_url = "{fake.url}/api/v1/"\n')
    tested = her.types("sources", "test", "n8n")
    assert (tested.returncode, tested.stderr) == (0, "")
    assert tested.stdout == "n8n: n8n answers, and the key may read 1 workflow and their executions, the newest 300\n"
    assert db.execute("SELECT count(*) FROM workflow_executions").fetchone() == (0,)


def test_a_wrong_key_fails_the_test_in_one_line(her: Operator) -> None:
    her.env["N8N_API_KEY"] = "wrong"
    tested = her.types("sources", "test", "n8n")
    assert (tested.returncode, tested.stdout) == (1, "")
    assert tested.stderr == (
        "godmode: n8n answered 401: unauthorized; is N8N_API_KEY a key of this n8n? make a new one in n8n, Settings,"
        " n8n API\n"
    )


def test_a_key_that_has_ended_is_called_that(her: Operator) -> None:
    ended = {"exp": datetime(2026, 1, 3, 12, tzinfo=UTC).timestamp()}
    claims = urlsafe_b64encode(json.dumps(ended).encode()).decode().rstrip("=")
    her.env["N8N_API_KEY"] = f"e30.{claims}.x"
    assert "it ended on 03 Jan 2026: make a new one in n8n" in her.types("sources", "test", "n8n").stderr


@pytest.mark.parametrize("name", ["n8n", "notion", "hubspot"])
@pytest.mark.parametrize("key", ["two\nlines", "tök€n", "two words"])
def test_a_key_that_can_be_none_is_named_before_anything_is_asked(
    her: Operator, fake: N8n, name: str, key: str
) -> None:
    her.has(f'[sources.{name}]\nbase_url = "{fake.url}"\n')
    variable = supply.NEEDS[name].secret
    her.env[variable] = key
    tested = her.types("sources", "test", name)
    assert (tested.returncode, fake.calls) == (2, [])
    assert f"{variable} has characters that no token has; set it to" in tested.stderr


HURRIED = """
from datetime import timedelta
from godmode.commands import sources
sources.LONGEST = timedelta(seconds=1)
from godmode.cli import main
main()
"""


@pytest.mark.parametrize("number", [None, signal.SIGINT, signal.SIGTERM])
def test_a_test_against_a_server_that_drips_ends_in_one_clear_line(
    her: Operator, fake: N8n, number: signal.Signals | None
) -> None:
    fake.fail("drip", times=9)
    command = [sys.executable, "-c", HURRIED if number is None else HURRIED.replace("=1", "=60")]
    process = subprocess.Popen([*command, "sources", "test", "n8n"], env=her.env, stderr=subprocess.PIPE, text=True)
    while number and not fake.calls:
        assert process.poll() is None
    if number:
        process.send_signal(number)
    said = process.communicate(timeout=20)[1]
    assert (process.returncode, said) == (
        1,
        f"godmode: the test of n8n was stopped by {number.name}\n"
        if number
        else "godmode: n8n gave no whole answer within 1 s; is sources.n8n.base_url right, and the service well?\n",
    )


def test_a_source_whose_calls_of_the_day_are_used_up_is_named_wherever_she_looks(her: Operator, fake: N8n) -> None:
    her.has(f'[sources.n8n]\nbase_url = "{fake.url}"\ndaily_calls = 3\n')
    assert her.types("run", "sync-n8n").returncode == 0
    used_up = "n8n: its 3 calls of today are used up; it goes on tomorrow, or raise sources.n8n.daily_calls"
    run = her.types("run", "sync-n8n", "--again")
    assert (run.returncode, used_up in run.stderr) == (0, True)
    assert used_up in her.types("sources").stdout.splitlines()
    status = her.types("status")
    cut_short = used_up.replace("n8n: ", "n8n was not read to the end: ")
    assert (status.returncode, f"✗ {cut_short}  godmode sources" in status.stdout) == (1, True)


def test_a_scan_of_which_one_source_failed_says_so(her: Operator, fake: N8n, tmp_path: Path) -> None:
    (tmp_path / "chats").mkdir()
    her.has(f'[sources.n8n]\nbase_url = "{fake.url}"\n[sources.chatlogs]\npath = "chats"\n')
    her.env["N8N_API_KEY"] = "wrong"
    scan = her.types("run", "periodic-scan")
    assert (scan.returncode, "sources.n8n: n8n answered 401" in scan.stderr) == (0, True)
    assert scan.stderr.startswith("periodic-scan succeeded: sources.chatlogs.new 0, patterns.found 0,")
    her.types("jobs", "disable", "sync-n8n")
    assert "sources.n8n: job_disabled" in her.types("run", "periodic-scan", "--again").stderr


@pytest.mark.parametrize(
    ("config", "key", "lacks"),
    [('[sources.n8n]\nbase_url = "http://n8n"\n', "", "the secret N8N_API_KEY"), ("", KEY, "sources.n8n.base_url")],
)
def test_what_is_configured_by_half_says_which_half_is_missing(
    her: Operator, config: str, key: str, lacks: str
) -> None:
    her.has(config)
    her.env["N8N_API_KEY"] = key
    for words in (("sources", "test", "n8n"), ("config", "check"), ("run", "sync-n8n")):
        said = her.types(*words)
        assert said.returncode == 2, words
        assert f"n8n is configured by half: {lacks} is missing" in said.stderr
    assert n8n_of(her.sees("sources"))["trouble"] == f"{lacks} is missing"


@pytest.mark.parametrize("address", ["n8n.example.com", "ftp://n8n", "http://", "http://[::1", "https://n 8n", ""])
def test_a_base_url_that_is_no_address_is_named_with_its_line_before_anything_is_asked(
    her: Operator, address: str
) -> None:
    her.has(f'[sources.n8n]\nbase_url = "{address}"\n')
    for words in (("sources", "test", "n8n"), ("config", "check")):
        said = her.types(*words)
        assert said.returncode == 2, words
        assert 'line 2: sources.n8n.base_url: expected an address such as "https://example.com"' in said.stderr
    her.has('[sources.n8n]\nbase_url = "https://n8n.example.com:5678/team/"\n')
    assert her.types("config", "check").returncode == 0


def test_what_is_not_configured_is_skipped_and_told_how_to_be(her: Operator) -> None:
    her.has("")
    her.env["N8N_API_KEY"] = ""
    document = her.sees("run", "sync-n8n")
    assert (document["outcome"], document["reason"]) == ("skipped", "prerequisite")
    tested = her.types("sources", "test", "n8n")
    assert tested.returncode == 2
    assert "N8N_API_KEY" in tested.stderr
    assert her.types("sources", "test", "n9n").stderr == (
        'godmode: there is no source "n9n" (did you mean "n8n"?); `godmode sources` lists them\n'
    )


@pytest.mark.parametrize("job", ["sync-n8n", "periodic-scan"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_a_sync_within_ten_seconds_though_the_answer_drips(
    her: Operator, fake: N8n, db: psycopg.Connection, job: str, number: signal.Signals
) -> None:
    fake.fail("drip", at=3, times=9)
    process = subprocess.Popen(
        [GODMODE, "run", job, "--scheduled"], env=her.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while len(fake.calls) < 3:
        assert process.poll() is None, process.communicate()
    process.send_signal(number)
    said = process.communicate(timeout=10)
    assert (process.returncode, said[0]) == (1, "")
    assert f"stopped by {number.name}" in said[1]
    row = db.execute("SELECT last_sync_success, last_error FROM data_source_sync").fetchone()
    assert row == (False, f"stopped by {number.name}")
    fake.forget()
    assert her.types("run", "sync-n8n", "--again").returncode == 0
    assert db.execute("SELECT count(*) FROM workflow_executions").fetchone() == (300,)


def test_a_sync_on_a_terminal_shows_how_far_it_is_and_from_cron_nothing(her: Operator, fake: N8n) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [GODMODE, "run", "sync-n8n"], env=her.env | {"TERM": "xterm"}, stdout=subprocess.PIPE, stderr=theirs
    )
    os.close(theirs)
    process.communicate(timeout=60)
    screen = b""
    while True:
        try:
            screen += os.read(ours, 10_000)
        except OSError:  # the other end is closed
            break
    os.close(ours)
    assert b"250 read" in screen or b"300 read" in screen
    cron = her.types("run", "sync-n8n", "--scheduled")
    assert (cron.stdout, cron.stderr) == ("", "")
