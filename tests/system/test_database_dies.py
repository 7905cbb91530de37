"""The database dies while a message is on its way: killed, cut off, or without room. The message stays one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fakes.telegram import TOKEN, Telegram

GODMODE = Path(sys.executable).with_name("godmode")
CHAT = "123456789"


class Home:
    """An installation with an embedded server of its own, whose messages reach a receiver that can hold them up."""

    def __init__(self, folder: Path, telegram: Telegram) -> None:
        self.state, self.telegram = folder / "state", telegram
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "chats").mkdir()
        (folder / "config.toml").write_text(
            'quiet_hours = { start = "00:00", end = "00:00" }\n[sources.chatlogs]\npath = "chats"\n'
            f'[channels.telegram]\nchat_id = "{CHAT}"\nbase_url = "{telegram.url}"\n'
        )
        self.env = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
        self.env |= {"GODMODE_HOME": str(folder), "TELEGRAM_BOT_TOKEN": TOKEN}
        self.run("allowlist", "add", CHAT, "--name", "Jonah", "--for", "message")
        self.url = self.run("db", "url").stdout.strip()

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([GODMODE, *words], env=self.env, capture_output=True, text=True, timeout=120, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def sends(self) -> subprocess.Popen[str]:
        """A digest that is on its way: the receiver has it and does not answer yet."""
        self.telegram.mood = "slow"
        process = subprocess.Popen(
            [GODMODE, "run", "daily-digest"], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        until = time.monotonic() + 60
        while not self.telegram.delivered:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.01)
        return process

    def ends(self, process: subprocess.Popen[str]) -> None:
        """The receiver answers, the run ends as it can, and the next one finishes what it left."""
        self.telegram.mood = "well"
        self.telegram.go_on.set()
        _, err = process.communicate(timeout=120)
        assert "Traceback" not in err, err
        assert len(err.splitlines()) <= 1, err
        assert self.run("run", "daily-digest").returncode == 0

    def one(self, query: str) -> Any:
        with psycopg.connect(self.url) as conn:
            row = conn.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]

    def check(self) -> None:
        digests = [text for text in self.telegram.texts if text.startswith("godmode digest")]
        assert len(digests) == 1
        assert self.one("SELECT status FROM notifications WHERE type = 'daily_digest'") in ("sent", "uncertain")
        assert self.one("SELECT state FROM job_state WHERE job = 'daily_digest'") == "succeeded"


@pytest.fixture
def her(tmp_path: Path, telegram: Telegram, discard: Callable[[Path], None]) -> Iterator[Home]:
    tmp_path.chmod(0o755)
    made = Home(tmp_path / "home", telegram)
    yield made
    discard(made.state)


def postmaster(home: Home) -> int:
    return int((home.state / "postgres" / "data" / "postmaster.pid").read_text().split()[0])


def test_a_server_killed_while_a_message_is_on_its_way_comes_back_and_the_message_stays_one(her: Home) -> None:
    process = her.sends()
    os.kill(postmaster(her), signal.SIGKILL)
    her.ends(process)
    her.check()


def test_connections_cut_while_a_message_is_on_its_way_leave_it_one_and_sent(her: Home) -> None:
    process = her.sends()
    her.one(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    her.ends(process)
    her.check()
    assert her.one("SELECT status FROM notifications WHERE type = 'daily_digest'") == "sent"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own that is soon full: a tmpfs, which only root may mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m,mode=0755", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_that_fills_up_while_a_message_is_on_its_way_leaves_it_one(
    small_disk: Path, telegram: Telegram, discard: Callable[[Path], None]
) -> None:
    her = Home(small_disk / "home", telegram)
    try:
        process = her.sends()
        fill(small_disk / "filler")
        telegram.mood = "well"
        telegram.go_on.set()
        _, err = process.communicate(timeout=120)
        assert "Traceback" not in err, err
        while_full = her.run("run", "daily-digest")
        assert len(while_full.stderr.splitlines()) == 1
        (small_disk / "filler").unlink()
        assert her.run("run", "daily-digest").returncode == 0
        her.check()
    finally:
        discard(her.state)


def fill(path: Path) -> None:
    """Write until nothing more fits."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
