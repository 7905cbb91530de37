"""The health checks: each looks at one thing and says in a line how it is."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from godmode.lib.kernel import JobContext
from godmode.lib.store import controls, job_state

SLOW_MS = 1000  # specification, Watchers: a database slower than this is degraded
DISK_FULL = 0.95


@dataclass(frozen=True)
class Finding:
    """What a check saw."""

    name: str
    well: bool
    detail: str


def database(ctx: JobContext) -> Finding:
    """Reachable (else the run would not be here), and how fast it answers."""
    begun = time.monotonic()
    row = ctx.store.conn.execute("SELECT pg_database_size(current_database())").fetchone()
    ms = (time.monotonic() - begun) * 1000
    return Finding("database", ms < SLOW_MS, f"answers in {ms:.0f} ms, {row[0] / 1e6:,.0f} MB")


def switches(ctx: JobContext) -> Finding:
    """The controls as they stand; none of them is a fault, all of them are worth knowing."""
    now = controls.read(ctx.store.conn)
    off = [name for name in controls.NAMES if now is not None and not getattr(now, name)]
    return Finding("controls", now is not None, f"off: {', '.join(off)}" if off else "all enabled")


def disk(ctx: JobContext) -> Finding:
    """The disk that holds the state folder."""
    usage = shutil.disk_usage(ctx.state)
    full = usage.used / (usage.used + usage.free)
    return Finding("disk", full < DISK_FULL, f"{full:.0%} of the disk of {ctx.state} is used")


def jobs(ctx: JobContext) -> Finding:
    """Jobs that failed three times in a row, or have been running for over an hour."""
    hour = ctx.clock.now() - timedelta(hours=1)
    rows = job_state.all_rows(ctx.store.conn)
    failing = [r.job for r in rows if r.consecutive_failures >= 3]
    stuck = [r.job for r in rows if r.state == "running" and r.started_at is not None and r.started_at < hour]
    parts = [f"failing: {', '.join(failing)}"] * bool(failing) + [f"stuck: {', '.join(stuck)}"] * bool(stuck)
    return Finding("jobs", not parts, "; ".join(parts) or "none failing, none stuck")


CHECKS: tuple[Callable[[JobContext], Finding], ...] = (database, switches, disk, jobs)
