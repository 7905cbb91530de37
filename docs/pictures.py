"""The README's pictures, of what the program prints: `PYTHONPATH=tests python docs/pictures.py` draws them anew.

It lets an installation of its own live one morning of the example's company, hour by hour on a clock that it moves,
with an n8n in which a workflow fails. Only how long runs took (the bars) differs from one time to the next.
"""

from __future__ import annotations

import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fakes.n8n import KEY, N8n
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from godmode.commands import screen, status
from godmode.lib import config as configuration
from godmode.lib.clock import FixedClock
from godmode.lib.engine.equipment import Mode
from godmode.lib.store import embedded
from godmode.wiring import App

DOCS = Path(__file__).parent
DIGEST_AT = datetime(2026, 11, 16, 14, 0, tzinfo=UTC)  # 08:00 in Chicago, the morning after the example's last chat
TICK = timedelta(seconds=30)
MORNING, ORDERS, FAILING = timedelta(minutes=90), timedelta(minutes=6), timedelta(minutes=28)
EVERY = {
    "sync_n8n": timedelta(minutes=30),
    "periodic_scan": timedelta(minutes=30),
    "health_monitor": timedelta(minutes=5),
    "run_watchers": timedelta(minutes=5),
    "process_retry_queue": TICK,
}
CONFIG = """
timezone = "America/Chicago"
[operator]
name = "Jonah"
[sources.chatlogs]
path = "{chats}"
me = ["Jonah"]
[sources.n8n]
base_url = "{n8n}"
[health]  # whatever machine this is drawn on
disk_percent = 100
disk_hours = 1
database_ms = 60000
"""
LIGHT = TerminalTheme(
    (255, 255, 255),
    (31, 35, 40),
    [
        (31, 35, 40),
        (190, 30, 45),
        (20, 110, 50),
        (138, 90, 0),
        (9, 80, 180),
        (120, 60, 170),
        (5, 95, 125),
        (90, 98, 107),
    ],
)
# A reader's browser has a fixed font, and the page fetches nothing from elsewhere.
PLAIN = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
    "Fira Code, monospace", "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"
)


def main(folder: Path) -> None:
    """Write both pictures into `folder`."""
    with _installation() as (godmode, fake):
        digest = _morning(godmode, fake)
        page = [Text.assemble(*line) for line in screen.lines(status.look(godmode))]
    _draw(folder / "digest.svg", "godmode run daily-digest", [Text(line) for line in digest.splitlines()], width=100)
    _draw(folder / "status.svg", "godmode status", page, width=100)


@contextmanager
def _installation() -> Iterator[tuple[App, N8n]]:
    """godmode in a folder and with a server of its own, and an n8n in which a workflow begins to fail."""
    with tempfile.TemporaryDirectory() as home, N8n() as fake:
        os.environ |= {"GODMODE_HOME": home, "N8N_API_KEY": KEY}
        os.environ.pop("DATABASE_URL", None)
        path = Path(home, "config.toml")
        path.write_text(CONFIG.format(chats=DOCS.parent / "examples" / "chatlogs", n8n=fake.url))
        fake.workflow("orders", "Order import")
        config = configuration.load(path)
        try:
            yield App(config, clock=FixedClock(DIGEST_AT - MORNING), stream=io.StringIO()), fake
        finally:
            embedded.stop(config)


def _morning(godmode: App, fake: N8n) -> str:
    """Run what is due until the digest has gone out; the digest."""
    clock = godmode.clock
    assert isinstance(clock, FixedClock)
    godmode.runner.run("cleanup_old_data", Mode(scheduled=True))
    for n in range(MORNING // TICK):
        at = DIGEST_AT - MORNING + n * TICK
        if n * TICK % ORDERS == timedelta():
            fails = DIGEST_AT - at < FAILING
            fake.ran(
                "orders", "error" if fails else "success", started=at, error="ERP: 401 Unauthorized" if fails else ""
            )
        for name, period in EVERY.items():
            clock.move_to(at)  # also where a sync has slept to be polite
            if n * TICK % period == timedelta():
                godmode.runner.run(name, Mode(scheduled=True))
    clock.move_to(DIGEST_AT)
    return str(godmode.runner.run("daily_digest", Mode(scheduled=True)).result.data["text"])


def _draw(path: Path, command: str, lines: Sequence[Text], width: int) -> None:
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True, highlight=False)
    console.print(Text(f"$ {command}", style="bold"))
    for line in lines:
        console.print(line)
    drawn = console.export_svg(title="", theme=LIGHT, code_format=PLAIN, unique_id=path.stem)
    path.write_text(re.sub(r"[ \t]+$", "", drawn, flags=re.MULTILINE).rstrip("\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS)
