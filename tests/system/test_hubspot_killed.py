"""A sync of HubSpot that is killed between two pages, as a process of the installed program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from fakes.hubspot import TOKEN, HubSpot
from fakes.spoilt import Call

GODMODE = Path(sys.executable).with_name("godmode")
EARLIER = datetime.now(UTC) - timedelta(days=3)


def test_a_sync_that_is_killed_keeps_its_pages_and_the_next_one_goes_on_behind_them(
    tmp_path: Path, database_url: str, db: psycopg.Connection
) -> None:
    with HubSpot() as fake:
        fake.account.fill(2400, EARLIER)
        (tmp_path / "config.toml").write_text(f'[sources.hubspot]\nbase_url = "{fake.url}"\n')
        env = {**os.environ, "GODMODE_HOME": str(tmp_path), "HUBSPOT_ACCESS_TOKEN": TOKEN}
        words = [str(GODMODE), "run", "sync-hubspot", "--json"]

        asked, killed = threading.Event(), threading.Event()

        def hold_the_ninth(call: Call) -> None:
            if len(fake.calls) == 9:
                asked.set()
                killed.wait(60)

        fake.before = hold_the_ninth
        process = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL)
        assert asked.wait(60)
        process.kill()
        process.wait()
        killed.set()
        fake.before = lambda _: None
        fake.forget()
        done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60, check=False)
        report = json.loads(done.stdout)
        assert (report["outcome"], report["data"]["skipped"]) == ("succeeded", 0)
        begins = [int(call.body["filterGroups"][0]["filters"][2]["value"]) for call in fake.calls if call.body]
        assert begins[0] >= 800  # five pages at most are read again
        assert begins == [*range(begins[0], 2400, 200), 0]  # the rest of the window, then what came since
        assert db.execute("SELECT count(*), count(DISTINCT key) FROM memory_items").fetchone() == (2400, 2400)
        assert not fake.problems
