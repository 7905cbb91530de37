"""How long a scheduled run that finds nothing to do takes, against a bare connection in the same interpreter.

    .venv/bin/python benchmarks/startup.py [--runs 40]

Both are whole processes, started in turn (A B A B …) by the interpreter's real path, from compiled files, on one
embedded server made for the purpose. Printed: the medians in milliseconds, and the median of the pairs' ratios.
"""

from __future__ import annotations

import argparse
import os
import py_compile
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import godmode

JOB = "daily-digest"
CONFIG = """
quiet_hours = { start = "00:00", end = "00:00" }
[sources.chatlogs]
path = "chats"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=40, help="counted pairs (default 40)")
    runs = parser.parse_args().runs
    compile_installed()
    with tempfile.TemporaryDirectory() as folder:
        ratios, ours, bare = measure(Path(folder), runs)
    print(f"a tick that finds nothing to do   {statistics.median(ours):7.1f} ms  (min {min(ours):.1f})")
    print(f"psycopg.connect and select 1      {statistics.median(bare):7.1f} ms  (min {min(bare):.1f})")
    print(f"ratio, median of {runs} pairs        {statistics.median(ratios):7.3f}")


def compile_installed() -> None:
    """Compile the program and psycopg where that was not done, as `pip install` does."""
    import psycopg

    for module in (godmode, psycopg):
        for source in Path(module.__file__ or "").parent.rglob("*.py"):
            py_compile.compile(str(source), doraise=True)


def measure(home: Path, runs: int) -> tuple[list[float], list[float], list[float]]:
    """Ratios and times (ms) of `runs` pairs, after one of each that is not counted."""
    (home / "config.toml").write_text(CONFIG)
    (home / "chats").mkdir()
    env = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "PYTHONDONTWRITEBYTECODE")}
    env["GODMODE_HOME"] = str(home)
    interpreter = sys.executable  # the virtual environment's own link to the real interpreter
    script = Path(sys.executable).with_name("godmode")
    tick = [interpreter, str(script), "run", JOB, "--scheduled"]
    subprocess.run([interpreter, str(script), "run", JOB], env=env, check=True, capture_output=True)
    url = subprocess.run([str(script), "db", "url"], env=env, check=True, capture_output=True, text=True).stdout.strip()
    bare = [interpreter, "-c", f"import psycopg; psycopg.connect({url!r}).execute('select 1')"]
    try:
        pairs = [(timed(tick, env), timed(bare, env)) for _ in range(runs + 1)][1:]
    finally:
        subprocess.run([interpreter, str(script), "db", "stop"], env=env, check=True, capture_output=True)
    return [a / b for a, b in pairs], [a for a, _ in pairs], [b for _, b in pairs]


def timed(command: list[str], env: dict[str, str]) -> float:
    """Wall time of a process in milliseconds."""
    begun = time.perf_counter()
    subprocess.run(command, env=env, check=True, capture_output=True)
    return (time.perf_counter() - begun) * 1000


if __name__ == "__main__":
    main()
