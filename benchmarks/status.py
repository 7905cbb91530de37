"""What `godmode status` takes more than a run that finds nothing to do, on the same history.

    .venv/bin/python benchmarks/status.py [--runs 20] [--days 90]

Both are whole processes, started in turn (A B A B …) by the interpreter's real path, from compiled files, on one
embedded server with so many days of history. Printed: the medians in milliseconds, and the median of the pairs'
differences. The aim is under 150 ms.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import psycopg

sys.path.append(str(Path(__file__).resolve().parents[1]))
sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

from fakes import quarter

from benchmarks.startup import compile_installed, timed


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=20, help="counted pairs (default 20)")
    parser.add_argument("--days", type=int, default=90, help="of history (default 90)")
    wanted = parser.parse_args()
    compile_installed()
    with tempfile.TemporaryDirectory() as folder:
        status, tick = measure(Path(folder), wanted.runs, wanted.days)
    more = [a - b for a, b in zip(status, tick, strict=True)]
    print(f"godmode status                    {statistics.median(status):7.1f} ms  (min {min(status):.1f})")
    print(f"a tick that finds nothing to do   {statistics.median(tick):7.1f} ms  (min {min(tick):.1f})")
    print(f"more, median of {wanted.runs} pairs          {statistics.median(more):7.1f} ms")


def measure(home: Path, runs: int, days: int) -> tuple[list[float], list[float]]:
    """Times (ms) of `runs` pairs, after one of each that is not counted."""
    (home / "config.toml").write_text('[sources.chatlogs]\npath = "chats"\n')
    (home / "chats").mkdir()
    env = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "PYTHONDONTWRITEBYTECODE")}
    env["GODMODE_HOME"] = str(home)
    script = Path(sys.executable).with_name("godmode")

    def godmode(*words: str) -> str:
        return subprocess.run([script, *words], env=env, check=False, capture_output=True, text=True).stdout.strip()

    try:
        godmode("db", "migrate")
        with psycopg.connect(godmode("db", "url"), autocommit=True) as conn:
            quarter.fill(conn, datetime.now(UTC), days)
            conn.execute("VACUUM ANALYZE")
        status = ["sh", "-c", '"$@" || :', "sh", sys.executable, str(script), "status"]
        tick = ["sh", "-c", '"$@" || :', "sh", sys.executable, str(script), "run", "cleanup-old-data", "--scheduled"]
        pairs = [(timed(status, env), timed(tick, env)) for _ in range(runs + 1)][1:]
    finally:
        godmode("db", "stop")
    return [a for a, _ in pairs], [b for _, b in pairs]


if __name__ == "__main__":
    main()
