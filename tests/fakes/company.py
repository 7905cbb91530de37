"""godmode with jobs of a test's own, a clock that the test moves, and a console that it reads."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from godmode.lib import config as configuration
from godmode.lib.clock import FixedClock
from godmode.lib.config import Config
from godmode.lib.engine.equipment import Mode, Report
from godmode.lib.kernel import Cadence, Every, Job, JobContext, JobResult, Notification, Outcome
from godmode.wiring import App

NOON = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)  # 12:00 in Chicago
BY_CRON = Mode(scheduled=True)


def configured(config: Config, text: str) -> Config:
    """The configuration with this text in its file."""
    config.path.parent.mkdir(parents=True, exist_ok=True)
    config.path.write_text(text)
    return configuration.load(Path(config.path))


class Desk(App):
    """Jobs that send what a test hands them, each in a slot of its own."""

    def __init__(self, config: Config, now: datetime = NOON) -> None:
        self.at, self.printed = FixedClock(now), io.StringIO()
        super().__init__(config, clock=self.at, stream=self.printed)
        self._bodies: list[Callable[[JobContext], Any]] = []
        self.finds: dict[str, Any] = {}

    def job(self, name: str) -> Job:
        return Job(name, name, Every(minutes=30), self._run) if name == "work" else super().job(name)

    def _run(self, ctx: JobContext) -> JobResult:
        self.came = self._bodies.pop()(ctx)
        return JobResult(Outcome.SUCCEEDED, data=self.finds)

    def work(self, body: Callable[[JobContext], Any]) -> Any:
        """Run a job with this body; what the body returned, or the report of a run that did not succeed."""
        self._bodies.append(body)
        report: Report = self.runner.run("work", Mode(again=True))
        return self.came if report.result.outcome is Outcome.SUCCEEDED else report

    def tell(self, note: Notification) -> Any:
        """What the router made of a notification."""
        return self.work(lambda ctx: ctx.notify(note))

    def later(self, **step: float) -> None:
        self.at.advance(timedelta(**step))


class Company(App):
    """godmode with jobs of a test's own, a clock that it moves, and a console that it reads."""

    def __init__(self, config: Config, now: datetime = NOON) -> None:
        self.at = FixedClock(now)
        self.printed = io.StringIO()
        super().__init__(config, clock=self.at, stream=self.printed)
        self.own: dict[str, Job] = {}
        self.bodies_run: list[str] = []

    def add(
        self,
        name: str,
        body: Callable[[JobContext], JobResult | None] | None = None,
        cadence: Cadence | None = None,
        **job: Any,
    ) -> None:
        def run(ctx: JobContext) -> JobResult:
            self.bodies_run.append(ctx.slot.key)
            return (body(ctx) if body else None) or JobResult(Outcome.SUCCEEDED)

        self.own[name] = Job(name, name, cadence or Every(minutes=30), run, **job)

    def job(self, name: str) -> Job:
        return self.own.get(name) or super().job(name)

    def run(self, name: str = "work", mode: Mode = BY_CRON) -> Report:
        return self.runner.run(name, mode)

    def outcome(self, name: str = "work", mode: Mode = BY_CRON) -> tuple[str, str | None]:
        result = self.run(name, mode).result
        return str(result.outcome), result.reason


def audit(db: psycopg.Connection, action: str = "work") -> list[tuple[Any, ...]]:
    return db.execute(
        "SELECT action_type, success, error FROM agent_audit_log WHERE action = %s ORDER BY id", (action,)
    ).fetchall()


def fail(error: Exception) -> Callable[[JobContext], JobResult]:
    def body(ctx: JobContext) -> JobResult:
        raise error

    return body
