"""godmode with one n8n, which it syncs when the test says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fakes.n8n import N8n

from godmode.lib.clock import FixedClock
from godmode.lib.engine.equipment import Mode
from godmode.lib.kernel import JobResult
from godmode.wiring import App

NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)


class Syncing:
    """godmode with one n8n, synced as cron does it."""

    def __init__(self, app: App, clock: FixedClock, n8n: N8n) -> None:
        self.app, self.at, self.n8n = app, clock, n8n

    def syncs(self) -> JobResult:
        """One sync, half an hour after the last."""
        self.n8n.forget()
        self.at.advance(timedelta(minutes=30))
        return self.app.runner.run("sync_n8n", Mode(scheduled=True)).result
