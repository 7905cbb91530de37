"""Notion read by the installed program: killed between two pages, stopped by the switch, and shown with its history."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from fakes import notion

GODMODE = str(Path(sys.executable).with_name("godmode"))
PAGES = 200

# The same program at another limit, since three requests a second would make these tests a minute long.
FAST = """
from datetime import timedelta
from godmode.lib.kernel import Rate
from godmode.lib.sources import notion_api
notion_api.LIMIT = Rate(1000, timedelta(seconds=1))
from godmode.cli import main
main()
"""


class Operator:
    """Types commands in an installation of her own, beside a Notion with many pages."""

    def __init__(self, home: Path, fake: notion.Notion) -> None:
        home.mkdir(exist_ok=True)
        (home / "config.toml").write_text(f'[sources.notion]\nbase_url = "{fake.url}"\n')
        self.notion = fake
        self.begun: list[subprocess.Popen[str]] = []
        self.env = {**os.environ, "GODMODE_HOME": str(home), "NOTION_TOKEN": notion.TOKEN}

    def types(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([GODMODE, *words], env=self.env, capture_output=True, text=True, timeout=60, check=False)

    def syncs(self) -> subprocess.Popen[str]:
        """A sync that has just begun."""
        command = [sys.executable, "-c", FAST, "run", "sync-notion", "--again", "--json"]
        pipe = subprocess.PIPE
        self.begun.append(subprocess.Popen(command, env=self.env, stdout=pipe, stderr=pipe, text=True))
        return self.begun[-1]

    def until_asked_for(self, pages: int, process: subprocess.Popen[str]) -> None:
        """Wait until the text of so many pages was asked for."""
        until = time.monotonic() + 60
        while self.notion.counted().get("pages/markdown", 0) < pages:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until


@pytest.fixture
def her(tmp_path: Path, database_url: str) -> Iterator[Operator]:
    with notion.serving(lambda: datetime.now(UTC)) as fake:
        made = Operator(tmp_path / "home", fake)
        yield made
        for process in made.begun:
            process.kill()
            process.communicate()
        assert fake.wrong == []


def filled(fake: notion.Notion) -> None:
    table, then = fake.table(), datetime.now(UTC) - timedelta(days=30)
    for number in range(PAGES):
        fake.page(table, f"Page {number}", f"text {number}", edited=then + timedelta(minutes=number))


def stored(db: psycopg.Connection) -> int:
    row = db.execute("SELECT count(*) FROM memory_items WHERE superseded_at IS NULL").fetchone()
    assert row is not None
    return int(row[0])


def outcome(process: subprocess.Popen[str]) -> tuple[str, str | None]:
    printed, errors = process.communicate(timeout=60)
    assert printed, errors
    document = json.loads(printed)
    return document["outcome"], document["reason"]


def test_killed_between_two_pages_it_keeps_what_it_stored_and_the_next_run_completes_it(
    her: Operator, db: psycopg.Connection
) -> None:
    filled(her.notion)
    process = her.syncs()
    her.until_asked_for(50, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept, asked = stored(db), her.notion.counted()["pages/markdown"]
    assert asked - 41 <= kept < PAGES
    her.notion.forget()
    assert outcome(her.syncs()) == ("succeeded", None)
    assert stored(db) == PAGES
    assert her.notion.counted()["pages/markdown"] <= PAGES - kept


def test_the_switch_stops_a_sync_between_two_requests(her: Operator, db: psycopg.Connection) -> None:
    filled(her.notion)
    process = her.syncs()
    her.until_asked_for(50, process)
    her.notion.gate.clear()
    her.types("killswitch", "on", "--reason", "enough", "--wait", "0")
    asked = len(her.notion.requests)
    her.notion.gate.set()
    printed, _ = process.communicate(timeout=60)
    assert json.loads(printed)["error_category"] == "kill_switch"
    assert len(her.notion.requests) == asked
    assert stored(db) < PAGES


def test_memory_show_prints_what_a_page_said_before(her: Operator) -> None:
    table, then = her.notion.table(), datetime.now(UTC) - timedelta(days=30)
    page = her.notion.page(table, "Refunds", "Pay back within a week", edited=then)
    assert outcome(her.syncs()) == ("succeeded", None)
    her.notion.edit(page, "Pay back within a day")
    assert outcome(her.syncs()) == ("succeeded", None)
    found = json.loads(her.types("memory", "search", "refunds", "--json").stdout)
    assert [row["value"] for row in found] == ["# Refunds\n\nPay back within a day"]
    shown = her.types("memory", "show", found[0]["key"]).stdout
    assert shown.index("within a day") < shown.index("canonical_update") < shown.index("within a week")
