"""repeated_failures: the same action fails again and again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from godmode.lib.kernel import Incident, Severity
from godmode.lib.ports import Grounds
from godmode.lib.sections import Minutes, Section
from godmode.lib.store import Store, audited


class RepeatedFailures(Struct, frozen=True):
    """Three or more failures of one action within 30 minutes are a WARN (specification, Watchers).

    A job that fails in a row tells of it by itself, and so does what the retry queue gives up on; neither is told of
    twice. What the kill switch stopped has not failed.
    """

    name = "repeated_failures"

    class Settings(Section, frozen=True):
        failures: Annotated[int, Meta(ge=2, le=1000)] = 3
        within_minutes: Minutes = 30

    settings: Settings
    grounds: Grounds

    def look(self, store: Store, now: datetime) -> Iterator[Incident]:
        since = now - timedelta(minutes=self.settings.within_minutes)
        failing = audited.failing(store.conn, since, now, self.settings.failures)
        told = audited.told_jobs(store.conn, since) if failing else frozenset()
        for action in failing:
            if action.action not in told:
                yield self._incident(action)

    def _incident(self, action: audited.Failing) -> Incident:
        times = f"{'at least ' if action.count >= audited.MOST_ROWS else ''}{action.count:,} times"
        title = f"{action.action.replace('_', ' ')} failed {times} in {self.settings.within_minutes} min"
        latest = [
            {"at": at.isoformat(), "error": error} for at, error in zip(action.times, action.errors, strict=False)
        ]
        evidence = {
            "count": action.count, "events": [at.isoformat() for at in action.times], "latest": latest,
            "follow_up": f"godmode audit --job {action.action} --failed",
        }  # fmt: skip
        return Incident(self.name, Severity.WARN, title, f"{self.name}:{action.action}", None, action.count, evidence)
