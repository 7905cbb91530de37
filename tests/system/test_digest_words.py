"""The digest, the morning call and the list of messages as the operator types them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from godmode.lib.config import Config

GODMODE = str(Path(sys.executable).parent / "godmode")
TEXT = """quiet_hours = { start = "00:00", end = "00:00" }
operator = { name = "Jonah", phone = "+15125550100" }
[channels.callmebot]
user = "@jonah"
"""


def godmode(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([GODMODE, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def home(config: Config, db: psycopg.Connection) -> Path:
    config.path.parent.mkdir(parents=True, exist_ok=True)
    config.path.write_text(TEXT)
    for n in range(30):
        db.execute(
            "INSERT INTO notifications (type, severity, title, dedup_key) VALUES ('trouble', 'WARN', %s, %s)",
            (f"trouble {n}", f"key {n}"),
        )
    return config.path.parent


def test_what_a_line_of_the_digest_stands_for_is_listed_by_the_command_in_it(home: Path) -> None:
    done = godmode("run", "daily-digest")
    told = done.stdout
    assert done.returncode == 0, done
    assert "and 29 others like it" in told
    assert f"(`{GODMODE} audit messages --type trouble`)" in told
    assert "no source is configured: only godmode itself was looked at" in told
    listed = json.loads(godmode("audit", "messages", "--type", "trouble", "--json").stdout)
    assert {row["title"] for row in listed} == {f"trouble {n}" for n in range(30)}
    told_of = json.loads(godmode("audit", "messages", "--told-by", "daily-digest", "--json").stdout)
    assert [row["id"] for row in told_of] == [row["id"] for row in listed]
    assert {row["status"] for row in told_of} == {"digested"}
    assert "digested in 31" in godmode("audit", "messages", "-n", "2", "--status", "digested").stdout


def test_an_unknown_status_of_messages_is_a_mistake(home: Path) -> None:
    wrong = godmode("audit", "messages", "--status", "gone")
    assert (wrong.returncode, "--status takes one of pending" in wrong.stderr) == (2, True)
    both = godmode("audit", "messages", "--told-by", "daily-digest", "--type", "trouble")
    assert both.returncode == 2


def test_a_dry_run_of_the_call_prints_the_script_and_its_length(home: Path) -> None:
    shown = godmode("run", "morning-call", "--dry-run")
    assert shown.stdout.startswith("Good morning, Jonah. This is godmode.") or shown.stdout.startswith("Hello, Jonah.")
    assert "would succeed: seconds 3" in shown.stderr
    assert "words " in shown.stderr


@pytest.mark.parametrize(("job", "begins"), [("daily-digest", "godmode "), ("morning-call", ("Good ", "Hello, "))])
def test_a_dry_run_in_quiet_hours_shows_the_text_and_says_that_it_would_wait(
    home: Path, job: str, begins: str | tuple[str, ...]
) -> None:
    (home / "config.toml").write_text(TEXT.replace('end = "00:00"', 'end = "24:00"'))  # whenever this runs
    shown = godmode("run", job, "--dry-run")
    assert (shown.returncode, shown.stdout.startswith(begins)) == (0, True), shown
    assert "quiet hours until 24:00: it would wait for their end" in shown.stderr
    godmode("killswitch", "on", "--reason", "a try")
    stopped = godmode("run", job, "--dry-run")
    assert (stopped.stdout, "skipped: kill_switch" in stopped.stderr) == ("", True)
