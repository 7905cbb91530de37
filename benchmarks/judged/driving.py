"""Lives a history through on a real database: its rows become true, and the real watchers and detectors look."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.judged.history import DAY, HOUR, MINUTE
from benchmarks.judged.making import Made
from godmode import registry
from godmode.lib import config as configuration
from godmode.lib.clock import FixedClock
from godmode.lib.engine import causes, detect, failures, slots
from godmode.lib.engine.equipment import Mode
from godmode.lib.kernel import Checkpoint, Every, Gone, Job, JobContext, JobResult, Outcome, Proposal, Record, Skipped
from godmode.lib.store import embedded, places
from godmode.lib.store.connect import open_socket
from godmode.wiring import App

TICK, BUSY = 5 * MINUTE, 40 * MINUTE
CONFIG = """
timezone = "America/Chicago"
[sources.n8n]
base_url = "http://127.0.0.1:1"
[sources.hubspot]
base_url = "http://127.0.0.1:1"
[sources.notion]
base_url = "http://127.0.0.1:1"
"""
SECRETS = {"N8N_API_KEY": "k", "HUBSPOT_ACCESS_TOKEN": "k", "NOTION_TOKEN": "k"}

JOB_STATE = """
    INSERT INTO job_state AS j (job, slot, state, started_at, finished_at, last_success_at)
    VALUES (%(job)s, %(slot)s, 'succeeded', %(at)s, %(at)s, %(at)s)
    ON CONFLICT (job) DO UPDATE SET
        slot = EXCLUDED.slot, state = 'succeeded', started_at = EXCLUDED.started_at, run_id = NULL, lease_until = NULL,
        finished_at = EXCLUDED.finished_at, last_success_at = EXCLUDED.last_success_at"""
STUCK = """
    UPDATE job_state SET state = 'running', run_id = 'lost', owner_host = 'other', owner_pid = 1, owner_started = 'x',
        started_at = %(begin)s, lease_until = %(begin)s + interval '11 minutes'
    WHERE job = %(job)s"""
SYNCED = """
    INSERT INTO data_source_sync (source_name, last_sync_started_at, last_sync_completed_at, last_sync_success)
    VALUES (%(source)s, %(at)s, %(at)s, true)
    ON CONFLICT (source_name) DO UPDATE SET
        last_sync_started_at = EXCLUDED.last_sync_started_at,
        last_sync_completed_at = EXCLUDED.last_sync_completed_at"""
# Here a look is made where something can have changed: the history has the runs that there would be.
ITS_OWN = "UPDATE agent_audit_log SET archived = true WHERE run_id = %s"
DIGESTED = "UPDATE notifications SET status = 'digested', updated_at = %s WHERE status = 'pending' AND created_at < %s"


@dataclass
class Sighting:
    """A pattern: when it was first seen and how surely, and how sure it became."""

    proposal: Proposal
    first: datetime
    confidence: float
    surest: float
    proposed: datetime | None = None


@dataclass
class Came:
    """What came of a history: patterns by their keys, incidents and messages as rows, and how often was looked."""

    patterns: dict[str, Sighting] = field(default_factory=dict)
    incidents: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    looks: int = 0
    scans: int = 0


@contextmanager
def server() -> Iterator[Path]:
    """A folder for godmode with an embedded server that does without the safety of fsync."""
    memory = Path("/dev/shm")
    base = memory if memory.is_dir() and shutil.disk_usage(memory).free > 2 * 1024**3 else None
    with tempfile.TemporaryDirectory(prefix="godmode-judged-", dir=base) as folder:
        home = Path(folder)
        home.chmod(0o755)
        os.environ.pop("DATABASE_URL", None)
        os.environ.update(SECRETS, GODMODE_HOME=str(home))
        config = configuration.load()
        config.path.parent.mkdir(parents=True, exist_ok=True)
        config.path.write_text(CONFIG)
        config = configuration.load()
        config.state.mkdir(parents=True, exist_ok=True)
        socket = embedded.start(config)
        try:
            with open_socket(socket, "judged", "postgres") as conn:
                conn.execute("ALTER SYSTEM SET fsync = off")
                conn.execute("ALTER SYSTEM SET synchronous_commit = off")
                conn.execute("SELECT pg_reload_conf()")
            yield home
        finally:
            embedded.stop(config)
            data = places.home(config.state)
            if data.is_symlink():
                shutil.rmtree(data.resolve(), ignore_errors=True)


class Life:
    """godmode in a history."""

    def __init__(self, made: Made, scan_every: timedelta, watching: bool = True) -> None:
        self.made, self.scan_every, self.watching = made, scan_every, watching
        self.clock, self.came = FixedClock(made.history.begin), Came()
        self.app = App(configuration.load(), clock=self.clock, stream=io.StringIO())
        self.conn = self.app.migrated().conn
        self.jobs = {job.name: job.cadence for job in self.app.jobs()}
        self.left = iter(made.history.events)
        self.next = next(self.left, None)
        self.failures = [made.history.begin] * 2  # the last two
        self.synced = made.normal

    def live(self) -> Came:
        """Learn, then look at every tick at which something can have changed."""
        self._until(self.made.normal)
        self.conn.execute("ANALYZE")
        now = self.made.normal
        while now < self.made.end:
            now += TICK
            self._until(now)
            self.clock.move_to(now)
            self._tick(now)
        self._collect()
        self.app.store.close()
        return self.came

    def _until(self, at: datetime) -> None:
        """Let everything up to a moment become true."""
        if self.next is None or self.next.at > at:
            return
        with self.conn.transaction(), self.conn.cursor() as cursor, self.conn.pipeline():
            while self.next is not None and self.next.at <= at:
                cursor.execute(self.next.statement.encode(), self.next.values)
                if self.next.values.get("error"):
                    self.failures = [self.failures[1], self.next.at]
                self.next = next(self.left, None)

    def _tick(self, now: datetime) -> None:
        half_hour = now.minute % 30 == 0
        if self.watching and (now.minute == 0 or self._is_busy(now)):
            self._keep_up(now)
            if half_hour:
                self._read_n8n(now)
            if registry.WATCHERS:
                report = self.app.runner.run("run_watchers", Mode(again=True))
                assert report.result.outcome is Outcome.SUCCEEDED, report.result
                self.conn.execute(ITS_OWN, (report.run_id,))
                self.came.looks += 1
        if (now - self.made.normal) % self.scan_every == timedelta(0):
            self._perform("periodic_scan", self._detect)
            self.came.scans += 1
        if (now - self.made.normal) % DAY == timedelta(0):
            self.conn.execute(DIGESTED, (now, now))

    def _is_busy(self, now: datetime) -> bool:
        """Whether something fails more than once, or a trouble begins or has just ended."""
        troubles = (t for t in self.made.history.troubles if t.seen_as)
        turning = any(t.begin <= now <= t.visible + HOUR or t.end <= now <= t.end + HOUR for t in troubles)
        return turning or now - self.failures[0] < BUSY

    def _keep_up(self, now: datetime) -> None:
        """godmode's own jobs run as they should, and the sources are read, but for what a trouble keeps down."""
        down = {name: begin for name, begin, end in self.made.history.down if begin <= now < end}
        for job, cadence in self.jobs.items():
            slot = slots.newest(cadence, now - TICK, self.app.config.zone)
            if f"stuck.{job}" in down:
                self.conn.execute(STUCK, {"job": job, "begin": down[f"stuck.{job}"]})
            elif job not in down:
                self.conn.execute(JOB_STATE, {"job": job, "slot": slot.key, "at": slot.start})
        for source in ("n8n", "hubspot", "notion"):
            if f"source.{source}" not in down:
                cadence = self.app.job(f"sync_{source}").cadence
                assert isinstance(cadence, Every)
                at = slots.current(cadence, now, self.app.config.zone).start
                self.conn.execute(SYNCED, {"source": source, "at": at})

    def _read_n8n(self, now: datetime) -> None:
        since, self.synced = self.synced, now
        self._perform("sync_n8n", lambda ctx: failures.look(ctx, _N8n(), since))

    def _detect(self, ctx: JobContext) -> Mapping[str, int]:
        looked, now = detect.look(ctx), self.clock.now()
        assert not looked.failed, looked.failed
        counts = detect.keep(ctx, looked)
        for one in looked.found:
            seen = self.came.patterns.setdefault(one.dedup_key, Sighting(one, now, one.confidence, one.confidence))
            seen.surest = max(seen.surest, one.confidence)
            if seen.proposed is None and one.confidence >= causes.PROPOSE_FROM:
                seen.proposed = now
        return counts

    def _perform(self, name: str, body: Any) -> None:
        """A step as a job, on the road that every run takes."""
        job = Job(name, name, Every(minutes=30), lambda ctx: JobResult(Outcome.SUCCEEDED, data=body(ctx)))
        report = self.app.perform(job)
        assert report.result.outcome is Outcome.SUCCEEDED, report.result
        self.conn.execute(ITS_OWN, (report.run_id,))

    def _collect(self) -> None:
        for table, order, kept in (
            ("incidents", "opened_at", self.came.incidents), ("notifications", "created_at", self.came.messages),
        ):  # fmt: skip
            cursor = self.conn.execute(f"SELECT * FROM {table} WHERE {order} >= %s ORDER BY {order}, id".encode(),
                                       (self.made.normal,))  # fmt: skip
            names = [column.name for column in cursor.description or ()]
            kept += [dict(zip(names, row, strict=True)) for row in cursor]


class _N8n:
    """Stands for the source whose executions are there already."""

    name, every, authority = "n8n", Every(minutes=30), "observed"

    def changes(self, cursor: Mapping[str, Any]) -> Iterator[Record | Skipped | Gone | Checkpoint]:
        return iter(())
