"""Three hosts, which are three state folders, share one database through a pooler in transaction mode."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fakes.telegram import TOKEN, Telegram

GODMODE = Path(sys.executable).with_name("godmode")
CHAT = "123456789"


class Hosts:
    """Three installations that know nothing of each other but the database."""

    def __init__(self, folder: Path, telegram: Telegram) -> None:
        self.homes = [folder / name for name in ("one", "two", "three")]
        self.telegram = telegram
        for home in self.homes:
            (home / "chats").mkdir(parents=True)
            (home / "config.toml").write_text(
                'quiet_hours = { start = "00:00", end = "00:00" }\n[sources.chatlogs]\npath = "chats"\n'
                f'[channels.telegram]\nchat_id = "{CHAT}"\nbase_url = "{telegram.url}"\n'
            )

    def start(self, home: Path, *words: str) -> subprocess.Popen[str]:
        env = {**os.environ, "GODMODE_HOME": str(home), "TELEGRAM_BOT_TOKEN": TOKEN}
        return subprocess.Popen([GODMODE, *words], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def at_once(self, *words: str) -> list[dict[str, Any]]:
        """The same command on all three at the same moment; the documents they print."""
        return [finished(process) for process in [self.start(home, *words, "--json") for home in self.homes]]

    def on(self, host: int, *words: str) -> dict[str, Any]:
        return finished(self.start(self.homes[host], *words, "--json"))


def finished(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, out + err
    document: dict[str, Any] = json.loads(out)
    return document


@pytest.fixture
def hosts(tmp_path: Path, pooled_url: str, db: psycopg.Connection[Any]) -> Iterator[Hosts]:
    assert os.environ["DATABASE_URL"] == pooled_url
    db.execute("INSERT INTO communication_allowlist (address) VALUES (%s)", (CHAT,))
    with Telegram(CHAT) as telegram:
        yield Hosts(tmp_path, telegram)


def test_one_of_three_hosts_sends_the_digest(hosts: Hosts) -> None:
    ran = hosts.at_once("run", "daily-digest")
    assert sorted(run["outcome"] for run in ran) == ["skipped", "skipped", "succeeded"]
    assert {run["reason"] for run in ran} <= {None, "locked", "already_ran"}
    assert {run["reason"] for run in hosts.at_once("run", "daily-digest")} == {"already_ran"}
    assert sum(text.startswith("godmode digest") for text in hosts.telegram.texts) == 1


def test_three_hosts_share_the_retry_queue_and_no_row_is_done_twice(hosts: Hosts, db: psycopg.Connection[Any]) -> None:
    for n in range(18):
        payload = json.dumps({"do": "notify", "title": f"message {n}", "body": "b", "severity": "SEV1"})
        db.execute("INSERT INTO retry_jobs (type, payload) VALUES ('custom', %s)", (payload,))
    while db.execute("SELECT count(*) FROM retry_jobs WHERE status <> 'completed'").fetchone() != (0,):
        assert {run["outcome"] for run in hosts.at_once("run", "process-retry-queue", "--again")} >= {"succeeded"}
    came = Counter(text.splitlines()[0] for text in hosts.telegram.texts)
    assert len(came) == 18
    assert set(came.values()) == {1}


def test_a_message_is_read_once_by_whichever_host_scans(hosts: Hosts, db: psycopg.Connection[Any]) -> None:
    lines = "".join(json.dumps({"ts": 1_700_000_000 + n, "text": f"m{n}", "id": str(n)}) + "\n" for n in range(500))
    for home in hosts.homes:
        (home / "chats" / "chat.jsonl").write_text(lines)
    ran = hosts.at_once("run", "periodic-scan")
    assert [run["outcome"] for run in ran].count("succeeded") == 1
    assert db.execute("SELECT count(*), count(DISTINCT key) FROM memory_items").fetchone() == (500, 500)


def test_the_switch_turned_on_one_host_stops_all_and_its_off_frees_all(hosts: Hosts) -> None:
    hosts.on(0, "killswitch", "on", "--reason", "smoke")
    assert {run["reason"] for run in hosts.at_once("run", "health-monitor")} == {"kill_switch"}
    hosts.on(2, "killswitch", "off", "--yes")
    ran = hosts.at_once("run", "health-monitor")
    assert "succeeded" in {run["outcome"] for run in ran}
    assert {run["reason"] for run in ran} <= {None, "locked", "already_ran"}


def test_the_drill_passes_through_a_pooler(hosts: Hosts) -> None:
    result = hosts.on(1, "killswitch", "drill", "--rounds", "1", "--workers", "2", "--yes")
    assert result["after"] == 0


def test_every_showing_command_works_through_a_pooler(hosts: Hosts) -> None:
    for words in (["status"], ["jobs"], ["controls"], ["audit"], ["queue"], ["allowlist"], ["killswitch", "status"],
                  ["report"], ["metrics"]):  # fmt: skip
        process = hosts.start(hosts.homes[0], *words, "--json")
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
        json.loads(out)
