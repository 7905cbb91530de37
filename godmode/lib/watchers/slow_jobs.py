"""slow_jobs: a job that takes long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from godmode.lib.kernel import Incident, Severity
from godmode.lib.ports import Grounds
from godmode.lib.sections import Minutes, Section
from godmode.lib.store import Store, audited


class SlowJobs(Struct, frozen=True):
    """A run of over 30 s within the last hour is a WARN (specification, Production monitoring).

    The morning call is not among them: it lasts as long as she listens. Nor are the first syncs of a source, until all
    of it was read once: that much takes its time.
    """

    name = "slow_jobs"

    class Settings(Section, frozen=True):
        seconds: Annotated[float, Meta(ge=1)] = 30
        within_minutes: Minutes = 60
        besides: tuple[str, ...] = ("morning_call",)

    settings: Settings
    grounds: Grounds

    def look(self, store: Store, now: datetime) -> Iterator[Incident]:
        since = now - timedelta(minutes=self.settings.within_minutes)
        for job in audited.slow(store.conn, since, now, round(self.settings.seconds * 1000)):
            if job.action not in self.settings.besides:
                yield self._incident(job)

    def _incident(self, job: audited.Slow) -> Incident:
        least = "at least " if job.count >= audited.MOST_ROWS else ""
        times = f", {least}{job.count:,} times within {self.settings.within_minutes} min" if job.count > 1 else ""
        title = f"{job.action.replace('_', ' ')} took {job.ms / 1000:,.0f} s{times}"
        evidence = {
            "longest_ms": job.ms, "count": job.count, "events": [at.isoformat() for at in job.times],
            "follow_up": f"godmode audit --job {job.action}",
        }  # fmt: skip
        return Incident(self.name, Severity.WARN, title, f"{self.name}:{job.action}", None, job.count, evidence)
