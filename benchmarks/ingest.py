"""How fast and in how much memory a large chat export is read into the database, against `json.load` of the file.

    .venv/bin/python benchmarks/ingest.py [--gb 1] [--format chatgpt|telegram] [--job JOB] [--folder DIR]

Writes an export, then runs the installed `godmode run periodic-scan` on it: a whole process, in a GODMODE_HOME of
its own, with an embedded server that is already up. Then `json.load` of the same file, by the same interpreter.
Printed: wall time, messages a second, and the peak of resident memory of exactly these two processes (not of the
server). `--job sync-chatlogs` reads without looking for patterns afterwards. Wants about four times the size of the
export in DIR (default: the folder for temporary files), and leaves nothing there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from fakes.chat_exports import write_large

GODMODE = Path(sys.executable).with_name("godmode")
LOAD = "import json, sys; json.load(open(sys.argv[1], encoding='utf-8'))"
CONFIG = """
quiet_hours = { start = "00:00", end = "00:00" }
[jobs.periodic_scan]
deadline_seconds = 86400
[sources.chatlogs]
path = "chats"
"""


@dataclass(frozen=True)
class Run:
    """A process that ended: wall time in seconds, peak resident memory in MB (10**6 bytes), what it printed."""

    seconds: float
    mb: float
    output: str


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--gb", type=float, default=1.0, help="size of the export in 10**9 bytes (default 1)")
    parser.add_argument("--format", choices=("chatgpt", "telegram"), default="chatgpt")
    parser.add_argument("--job", choices=("periodic-scan", "sync-chatlogs"), default="periodic-scan")
    parser.add_argument("--folder", type=Path, help="where to put the export and the database")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="godmode-ingest-", dir=asked.folder) as folder:
        home = Path(folder)
        home.chmod(0o755)  # lets the user in that runs the server for root
        export, count = prepare(home, asked.format, round(asked.gb * 10**9))
        print(f"{asked.format} export: {export.stat().st_size / 1e6:,.0f} MB, {count:,} messages")
        with server(home) as env:
            ours = measured([str(GODMODE), "run", asked.job, "--json"], env)
        data = json.loads(ours.output)["data"]
        stored = data.get("sources", {}).get("chatlogs", data)["new"]
        if stored != count:
            raise SystemExit(f"stored {stored:,} messages of {count:,}: {ours.output}")
        theirs = measured([sys.executable, "-c", LOAD, str(export)], env)
    print(f"{'':28}{'seconds':>10}{'messages/s':>12}{'peak MB':>10}")
    for name, run in ((f"godmode run {asked.job}", ours), ("json.load", theirs)):
        print(f"{name:28}{run.seconds:>10.1f}{count / run.seconds:>12,.0f}{run.mb:>10,.0f}")
    print(f"{'ratio':28}{ours.seconds / theirs.seconds:>10.2f}{'':12}{ours.mb / theirs.mb:>10.3f}")


def prepare(home: Path, kind: str, size: int) -> tuple[Path, int]:
    """Write the configuration and the export; the number of messages in it."""
    (home / "config.toml").write_text(CONFIG)
    (home / "chats").mkdir()
    export = home / "chats" / "export.json"
    return export, write_large(export, kind, size)


@contextmanager
def server(home: Path) -> Iterator[dict[str, str]]:
    """An embedded server that runs meanwhile; gives the environment in which godmode finds it."""
    env = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "PYTHONDONTWRITEBYTECODE")}
    env["GODMODE_HOME"] = str(home)
    subprocess.run([GODMODE, "db", "start"], env=env, check=True, capture_output=True)
    try:
        yield env
    finally:
        subprocess.run([GODMODE, "db", "stop"], env=env, check=True, capture_output=True)
        data = home / "state" / "postgres"
        if data.is_symlink():  # for root it may lie elsewhere, where the server's user gets in
            shutil.rmtree(data.resolve())


def measured(command: list[str], env: dict[str, str]) -> Run:
    """Run a process to its end. Its peak is what the kernel counted for it alone."""
    with tempfile.TemporaryFile("w+") as output:
        begun = time.perf_counter()
        process = subprocess.Popen(command, env=env, stdout=output)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        output.seek(0)
        printed = output.read()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}: {printed}")
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes there, in KiB elsewhere
    return Run(seconds, used.ru_maxrss * unit / 1e6, printed)


if __name__ == "__main__":
    main()
