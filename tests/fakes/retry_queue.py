"""godmode with a retry queue that the test fills, jobs of its own, and a router that only listens."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from fakes.company import NOON

from godmode.lib.clock import FixedClock
from godmode.lib.config import Config
from godmode.lib.engine.equipment import Mode
from godmode.lib.kernel import Every, Job, JobContext, JobResult, Notification, Outcome
from godmode.lib.store import retry_jobs
from godmode.wiring import App

NIGHT = datetime(2026, 3, 11, 4, 0, tzinfo=UTC)  # 23:00 in Chicago


@dataclass
class Delivery:
    status: str
    error: str | None = None
    cause: Exception | None = None


class Notify:
    """A router that says what the test wants, and keeps what it was asked."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.delivered: list[int] = []
        self.answers: list[Delivery | Exception] = []

    def __call__(self, note: Notification) -> Delivery:
        self.told.append(note.title)
        return Delivery("sent")

    def deliver(self, message_id: int) -> Delivery:
        self.delivered.append(message_id)
        answer = self.answers.pop(0) if self.answers else Delivery("sent")
        if isinstance(answer, Exception):
            raise answer
        return answer

    def release(self) -> dict[str, int]:
        return {}


class Queue(App):
    """godmode with a clock that the test moves, jobs of its own, and a router that only listens."""

    def __init__(self, config: Config) -> None:
        self.at = FixedClock(NOON)
        self.heard = Notify()
        self.own: dict[str, Job] = {}
        self.ran: list[str] = []
        super().__init__(config, clock=self.at, stream=io.StringIO())

    def _context(self, **parts: Any) -> JobContext:
        return replace(super()._context(**parts), notify=self.heard)

    def job(self, name: str) -> Job:
        return self.own.get(name) or super().job(name)

    def has_job(self, body: Callable[[JobContext], Any], name: str = "work", **job: Any) -> None:
        def run(ctx: JobContext) -> JobResult:
            self.ran.append(ctx.slot.key)
            body(ctx)
            return JobResult(Outcome.SUCCEEDED)

        self.own[name] = Job(name, name, job.pop("cadence", Every(minutes=30)), run, **job)

    def add(self, type_: str = "custom", payload: Any = None, **options: Any) -> int | None:
        return retry_jobs.enqueue(
            self.store.conn, type_, payload or {"do": "noop"}, now=options.pop("now", NOON), **options
        )

    def works(self, after: timedelta = timedelta(seconds=30)) -> JobResult:
        """The next run of the 30-second job."""
        self.at.advance(after)
        return self.runner.run("process_retry_queue", Mode(again=True)).result

    def row(self, number: int | None) -> retry_jobs.RetryRow:
        row = retry_jobs.one(self.store.conn, number or 0)
        assert row is not None
        return row

    def status(self, number: int | None) -> tuple[str, int]:
        row = self.row(number)
        return row.status, row.attempts


def retried(db: psycopg.Connection) -> list[tuple[Any, ...]]:
    return db.execute(
        "SELECT action, success, output_data->>'outcome' FROM agent_audit_log WHERE action_type = 'retry' ORDER BY id"
    ).fetchall()


def letters(db: psycopg.Connection) -> list[tuple[Any, ...]]:
    return db.execute("SELECT type, attempts, error, retry_job_id FROM dead_letter_jobs ORDER BY id").fetchall()


def raising(error: Exception) -> Callable[[JobContext], None]:
    def body(ctx: JobContext) -> None:
        raise error

    return body


def hold(db: psycopg.Connection, number: int | None, owner: tuple[str, int, str], lease: datetime) -> None:
    db.execute(
        "UPDATE retry_jobs SET status = 'running', owner_host = %s, owner_pid = %s, owner_started = %s,"
        " lease_until = %s WHERE id = %s",
        (*owner, lease, number),
    )
