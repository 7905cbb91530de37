"""The operator at her terminal: the installed program, in an installation of her own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

GODMODE = Path(sys.executable).with_name("godmode")
CONFIG = 'quiet_hours = { start = "00:00", end = "00:00" }\n[sources.chatlogs]\npath = "chats"\n'


class Operator:
    """Types commands in an installation of her own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "config.toml").write_text(CONFIG)
        (home / "chats").mkdir()
        self.env = {**os.environ, "GODMODE_HOME": str(home)}

    def types(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [GODMODE, *words], env=self.env | env, capture_output=True, text=True, timeout=60, check=False
        )

    def starts(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [GODMODE, *words], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def drops(self, count: int) -> None:
        """Put a chat of so many messages into the folder."""
        lines = (
            json.dumps({"ts": 1_700_000_000 + n, "author": "Ana", "text": f"message {n}", "id": str(n)})
            for n in range(count)
        )
        (self.home / "chats" / "chat.jsonl").write_text("\n".join(lines) + "\n")
