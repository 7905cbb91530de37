"""godmode with jobs of a test's own, a clock that the test moves, and a console that it reads."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from godmode.lib import config as configuration
from godmode.lib.clock import FixedClock
from godmode.lib.config import Config
from godmode.lib.engine.equipment import Mode, Report
from godmode.lib.kernel import Every, Job, JobContext, JobResult, Notification, Outcome
from godmode.wiring import App

NOON = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)  # 12:00 in Chicago


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
