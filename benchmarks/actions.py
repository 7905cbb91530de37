"""What the look at the kill switch and the intent add to an action, in microseconds and round trips.

    .venv/bin/python benchmarks/actions.py [--rounds 2000]

On one embedded server made for the purpose, with its usual durability, each of these once a round, in turn:
the bare insert of the intent's row; the same insert with the look at the switch and at the claim folded in, as it is
done; a select of the switch alone; the switch locked for share in a transaction of its own; and a whole action whose
effect is nothing. Printed: the medians, the round trips, and the ratio of each to the bare insert.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from godmode.lib.clock import SystemClock
from godmode.lib.engine.actions import Actor
from godmode.lib.engine.locks import this_process
from godmode.lib.engine.stop import Stopper
from godmode.lib.kernel import Receipt
from godmode.lib.store import Store, actions

GODMODE = Path(sys.executable).with_name("godmode")
NOW = datetime(2026, 3, 10, tzinfo=UTC)
BARE = """
    INSERT INTO agent_actions (key, kind, target, job, run_id, owner_host, owner_pid, owner_started, lease_until,
                               started_at, history)
    VALUES (%s, 'bare', 'nobody', 'bench', 'r1', 'h', 1, 'x', %s, %s, '[]') RETURNING id
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2000, help="how often each is done (default 2000)")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="godmode-actions-") as folder:
        Path(folder).chmod(0o755)  # lets the user in that runs the server for root
        env = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"} | {"GODMODE_HOME": folder}

        def types(*words: str) -> str:
            return subprocess.run([GODMODE, *words], env=env, check=True, capture_output=True, text=True).stdout

        url = types("db", "url").strip()
        types("controls")  # migrates
        try:
            measure(url, Path(folder) / "state", rounds)
        finally:
            types("db", "stop")


def measure(url: str, state: Path, rounds: int) -> None:
    store = Store(lambda: psycopg.connect(url, autocommit=True))
    conn = store.conn
    conn.execute(
        "INSERT INTO job_state (job, slot, state, run_id, lease_until) VALUES ('bench', 's', 'running', 'r1', %s)",
        (datetime.now(UTC) + timedelta(hours=1),),
    )
    act = Actor(SystemClock(), store, state, this_process(state), "bench", "r1", Stopper(), str)
    numbers = itertools.count()

    def bare() -> None:
        conn.execute(BARE, (f"bare {next(numbers)}", NOW, NOW))

    def intent() -> None:
        made = actions.intend(
            conn, key=f"intent {next(numbers)}", kind="intent", target="nobody", job="bench", run_id="r1",
            owner=("h", 1, "x"), lease_until=NOW, now=NOW,
        )  # fmt: skip
        assert made is not None

    def select() -> None:
        conn.execute("SELECT kill_switch FROM agent_controls").fetchone()

    def share() -> None:
        with conn.transaction():
            conn.execute("SELECT kill_switch FROM agent_controls FOR SHARE").fetchone()

    def whole() -> None:
        assert act(f"whole {next(numbers)}", "whole", "nobody", lambda: Receipt("x")).state == "done"

    todo: dict[str, Callable[[], None]] = {
        "the intent's row, bare": bare,
        "the intent as it is done": intent,
        "a select of the switch": select,
        "the switch FOR SHARE": share,
        "a whole action": whole,
    }
    trips = {name: round_trips(conn, step) for name, step in todo.items()}
    taken: dict[str, list[float]] = {name: [] for name in todo}
    for _ in range(rounds + 50):
        for name, step in todo.items():
            begun = time.perf_counter()
            step()
            taken[name].append((time.perf_counter() - begun) * 1e6)
    base = statistics.median(taken["the intent's row, bare"][50:])
    print(f"{'':28}{'median µs':>10}{'round trips':>13}{'ratio':>8}")
    for name, times in taken.items():
        median = statistics.median(times[50:])
        print(f"{name:28}{median:>10.0f}{trips[name]:>13}{median / base:>8.2f}")
    store.close()


def round_trips(conn: psycopg.Connection[Any], step: Callable[[], None]) -> int:
    """How often a step waits for the server: the messages that libpq's trace shows as ready for the next query."""
    with tempfile.TemporaryFile("w+b") as file:
        conn.pgconn.trace(file.fileno())
        step()
        conn.pgconn.untrace()
        file.seek(0)
        return file.read().count(b"ReadyForQuery")


if __name__ == "__main__":
    main()
