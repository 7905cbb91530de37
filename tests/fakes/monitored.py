"""An installation of the program with an embedded server of its own, whose messages reach a fake Telegram."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
from fakes.telegram import CHAT, TOKEN, Telegram

GODMODE = Path(sys.executable).with_name("godmode")
DEAD = "postgresql://her:s3cret-word@127.0.0.1:9/db"


class Monitored:
    """What the operator, cron and systemd do with it."""

    def __init__(self, folder: Path, telegram: Telegram, more: str = "") -> None:
        self.folder, self.state, self.telegram = folder, folder / "state", telegram
        folder.mkdir(parents=True, exist_ok=True)
        self.config = (
            f'quiet_hours = {{ start = "00:00", end = "00:00" }}\n'
            f'[channels.telegram]\nchat_id = "{CHAT}"\nbase_url = "{telegram.url}"\n{more}'
        )
        (folder / "config.toml").write_text(self.config)
        self.env = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
        self.env |= {"GODMODE_HOME": str(folder), "TELEGRAM_BOT_TOKEN": TOKEN}

    def types(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [GODMODE, *words], env=self.env | env, capture_output=True, text=True, timeout=120, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def ticks(self, **env: str) -> subprocess.CompletedProcess[str]:
        """What cron calls: quiet on stdout, one line on stderr."""
        done = self.types("run", "health-monitor", "--scheduled", **env)
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) <= 1, done.stderr
        return done

    def looks(self) -> dict[str, Any]:
        """A look of the monitor now, though its slot has run."""
        done = self.types("run", "health-monitor", "--again", "--json")
        document: dict[str, Any] = json.loads(done.stdout)
        assert document["outcome"] == "succeeded", document
        return document

    def lets_in(self) -> None:
        self.types("allowlist", "add", CHAT, "--name", "Jonah", "--for", "message")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.types("db", "url").stdout.strip()) as conn:
            return conn.execute(query.encode()).fetchall()

    def does(self, statement: str) -> None:
        with psycopg.connect(self.types("db", "url").stdout.strip()) as conn:
            conn.execute(statement.encode())

    def a_slot_passes(self) -> None:
        """The next tick is due."""
        self.does("UPDATE job_state SET slot = '2020-01-01T00:00:00Z', finished_at = NULL WHERE job = 'health_monitor'")

    def an_hour_passes(self) -> None:
        """For the file that keeps two alerts an hour apart."""
        path = self.state / "fallback" / "alert"
        kept = json.loads(path.read_text())
        kept["told_at"] = "2020" + kept["told_at"][4:]
        path.write_text(json.dumps(kept).ljust(1023) + "\n")
