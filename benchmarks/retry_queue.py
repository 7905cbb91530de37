"""How many no-op rows a second the retry queue works off, against workers of procrastinate and of pgqueuer.

    .venv/bin/pip install -e '.[bench]'
    .venv/bin/python benchmarks/retry_queue.py [--jobs 20000] [--rounds 5] [--folder DIR]

All three on one embedded server made for the purpose in DIR (a real disk, fsync and synchronous_commit on), each in a
database and a process of its own, in turn (A B C A B C …), one worker each, with prepared statements (psycopg's and
godmode's default on a connection without a pooler between).
Timed is the worker alone, from its first claim to its last outcome; the rows are there before. godmode's worker is the
job itself through its runner, gate and audit row for each row included, with its limit of ten rows a run lifted.
Each outcome is committed for itself before the next job is begun; `pgqueuer_by_10` is not of that durability (ten
outcomes a commit, some time after, so that a process that dies repeats them) and shows what giving it up is worth.
Printed: the medians in jobs a second, and the medians of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import psycopg

from godmode import registry
from godmode.lib import config as configuration
from godmode.lib.config import Config
from godmode.lib.engine import retry
from godmode.lib.engine.equipment import Mode
from godmode.lib.kernel import Job, Outcome
from godmode.lib.sections import Settings
from godmode.lib.store import embedded, migrate
from godmode.wiring import App

Worker = Callable[[str, int], float]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--jobs", type=int, default=20_000, help="for each worker (default 20000)")
    parser.add_argument("--rounds", type=int, default=5, help="in which they are worked off (default 5)")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"), help="where to put the database")
    parser.add_argument("--work", nargs=3, metavar=("NAME", "URL", "COUNT"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        name, url, count = asked.work
        print(WORKERS[name](url, int(count)))
        return
    with tempfile.TemporaryDirectory(prefix="godmode-bench-", dir=asked.folder) as folder:
        rates = measure(Path(folder), asked.jobs // asked.rounds, asked.rounds)
    print(f"{asked.jobs:,} jobs each, in {asked.rounds} rounds")
    for name, of in rates.items():
        print(f"{name:16}{statistics.median(of):9,.0f} jobs/s  ({min(of):,.0f} to {max(of):,.0f})")
    for name in list(rates)[1:]:
        ratios = [ours / theirs for ours, theirs in zip(rates["godmode"], rates[name], strict=True)]
        print(f"godmode / {name:16}{statistics.median(ratios):6.2f}  ({min(ratios):.2f} to {max(ratios):.2f})")


def measure(home: Path, count: int, rounds: int) -> dict[str, list[float]]:
    """Jobs a second of each worker and round."""
    home.chmod(0o755)  # lets the user in that runs the server for root
    config = Config(path=home / "config.toml", settings=Settings(), state=home / "state")
    config.state.mkdir(mode=0o755)
    socket = embedded.start(config)
    try:
        urls = {"godmode": ""} | {name: database(embedded.url(socket), name) for name in list(WORKERS)[1:]}
        rates: dict[str, list[float]] = {name: [] for name in WORKERS}
        for _ in range(rounds):
            for name in WORKERS:
                rates[name].append(count / started(home, name, urls[name], count))
        return rates
    finally:
        embedded.stop(config)


def database(url: str, name: str) -> str:
    """A database for one worker; its URL."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE bench_{name}")
    return url.replace("@/godmode?", f"@/bench_{name}?")


def started(home: Path, name: str, url: str, count: int) -> float:
    """Seconds that a worker, in a process of its own, took for so many jobs."""
    env = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"} | {"GODMODE_HOME": str(home)}
    command = [sys.executable, __file__, "--work", name, url, str(count)]
    return float(subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout)


def godmode(url: str, count: int) -> float:
    """The job itself on the embedded server, with its limit and its deadline lifted."""

    class Lifted(App):
        def job(self, name: str) -> Job:
            job = super().job(name)
            return replace(
                job, run=lambda ctx: retry.run(ctx, registry.retry, at_most=count), deadline=timedelta(hours=1)
            )

    app = Lifted(configuration.load())
    conn = app.store.conn
    migrate.apply(conn)
    conn.execute(
        "INSERT INTO retry_jobs (type, payload, run_at) SELECT 'custom', '{\"do\": \"noop\"}', %s"
        " FROM generate_series(1, %s)",
        (app.clock.now(), count),
    )
    conn.execute("ANALYZE retry_jobs")
    begun = time.perf_counter()
    result = app.runner.run("process_retry_queue", Mode(again=True)).result
    seconds = time.perf_counter() - begun
    assert (result.outcome, dict(result.data)) == (Outcome.SUCCEEDED, {"completed": count}), result
    return seconds


def procrastinate(url: str, count: int) -> float:
    """A worker with its defaults, which ends when it has caught up."""
    from procrastinate import App as Procrastinate
    from procrastinate import PsycopgConnector

    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    app = Procrastinate(connector=PsycopgConnector(conninfo=url))

    @app.task(name="noop")
    async def noop() -> None: ...

    async def work() -> float:
        async with app.open_async():
            if not await app.check_connection_async():
                await app.schema_manager.apply_schema_async()
            await noop.batch_defer_async(*({} for _ in range(count)))
            analyzed(url)
            begun = time.perf_counter()
            await app.run_worker_async(wait=False, listen_notify=False)
            seconds = time.perf_counter() - begun
            left = [job for job in await app.job_manager.list_jobs_async(status="todo")]
            assert not left, f"{len(left)} jobs are left"
            return seconds

    return asyncio.run(work())


def pgqueuer(url: str, count: int, batch_size: int = 1) -> float:
    """A worker on its faster driver, which ends when the queue is empty. It claims, and commits the outcomes of,
    `batch_size` jobs at once."""
    import asyncpg
    from pgqueuer import PgQueuer, Queries
    from pgqueuer.db import AsyncpgDriver
    from pgqueuer.models import Job as Theirs
    from pgqueuer.types import QueueExecutionMode

    async def work() -> float:
        conn = await asyncpg.connect(url)
        driver = AsyncpgDriver(conn)
        queries = Queries(driver)
        if not await queries.has_table("pgqueuer"):
            await queries.install()
        worker, done = PgQueuer(driver), 0

        @worker.entrypoint("noop")
        async def noop(job: Theirs) -> None:
            nonlocal done
            done += 1

        await queries.enqueue(["noop"] * count, [None] * count, [0] * count)
        analyzed(url)
        begun = time.perf_counter()
        await worker.run(mode=QueueExecutionMode.drain, batch_size=batch_size)
        seconds = time.perf_counter() - begun
        assert done == count, f"{done} jobs were done"
        await conn.close()
        return seconds

    return asyncio.run(work())


def analyzed(url: str) -> None:
    """Statistics as autovacuum would have made them by the time a real queue had grown so long."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("ANALYZE")


WORKERS: dict[str, Worker] = {
    "godmode": godmode,
    "procrastinate": procrastinate,
    "pgqueuer": pgqueuer,
    "pgqueuer_by_10": partial(pgqueuer, batch_size=10),  # its default
}

if __name__ == "__main__":
    main()
