"""failure_rate: too much of what runs fails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from godmode.lib.kernel import Incident, Severity
from godmode.lib.ports import Grounds
from godmode.lib.sections import Minutes, Section
from godmode.lib.store import Store, audited, rhythm, sync

DAY = timedelta(hours=24)
STALE = 3  # intervals for which n8n may not have been read


class FailureRate(Struct, frozen=True):
    """More than 10 % of at least 20 outcomes that failed are a WARN (specification, Production monitoring).

    Looked at are the runs of all workflows of the last hour, those of each workflow of the last day, and what godmode
    did itself within the hour. Of all workflows together at least five have to have failed: three of thirty are what
    a restart of n8n leaves. A run that was retried with success has not failed; a workflow of which an incident tells
    already that it fails again and again is left out. Half of all runs of the hour is a SEV1: that is no longer one
    workflow, the company's automation is down.
    """

    name = "failure_rate"

    class Settings(Section, frozen=True):
        percent: Annotated[float, Meta(ge=0, le=100)] = 10
        sev1_percent: Annotated[float, Meta(ge=0, le=101)] = 50
        least: Annotated[int, Meta(ge=1)] = 20
        least_together: Annotated[int, Meta(ge=1)] = 5
        within_minutes: Minutes = 60

    settings: Settings
    grounds: Grounds

    def sees(self, store: Store, now: datetime) -> bool:
        """Not where n8n has not been read for a while: then no runs are no sign that they succeed."""
        every = self.grounds.sources().get("n8n")
        if every is None:
            return True
        read = sync.completed_at(store.conn, "n8n")
        return read is not None and now - read <= STALE * every

    def look(self, store: Store, now: datetime) -> Iterator[Incident]:
        conn, since, least = store.conn, now - timedelta(minutes=self.settings.within_minutes), self.settings.least
        known = rhythm.known_to_fail(conn)
        together = rhythm.rate(conn, since, now, known)
        if together.failed >= self.settings.least_together and self._is_high(together.count, together.failed):
            yield self._of_all(together)
        for one in rhythm.rates(conn, now - DAY, now, least, known):
            if self._is_high(one.count, one.failed):
                yield self._of_one(one)
        own = audited.outcomes(conn, since, now)
        if self._is_high(own.count, own.failed):
            yield self._of_own(own)

    def _is_high(self, count: int, failed: int) -> bool:
        return count >= self.settings.least and 100 * failed > self.settings.percent * count

    def _of_all(self, rate: rhythm.Rate) -> Incident:
        severe = 100 * rate.failed >= self.settings.sev1_percent * rate.count
        share = _share(rate.failed, rate.count, more=rate.count >= rhythm.MOST_RUNS)
        title = f"{share} workflow runs of the last {self.settings.within_minutes} min failed"
        evidence = {"runs": rate.count, "failed": rate.failed, "percent": round(100 * rate.failed / rate.count, 1)}
        severity = Severity.SEV1 if severe else Severity.WARN
        return Incident(self.name, severity, title, f"{self.name}:workflows", None, rate.failed, evidence)

    def _of_one(self, one: rhythm.RateOfOne) -> Incident:
        share = _share(one.failed, one.count, more=one.count >= rhythm.MOST_OF_ONE)
        title = f"Workflow {one.name or one.workflow_id}: {share} runs of the last day failed"
        latest = [{"at": at.isoformat(), "error": e} for at, e in zip(one.times, one.errors, strict=False)]
        evidence = {
            "runs": one.count, "failed": one.failed, "percent": round(100 * one.failed / one.count, 1),
            "events": [at.isoformat() for at in one.times], "latest": latest,
        }  # fmt: skip
        key = f"{self.name}:workflow:{one.workflow_id}"
        return Incident(self.name, Severity.WARN, title, key, one.workflow_id, one.failed, evidence)

    def _of_own(self, own: audited.Outcomes) -> Incident:
        share = _share(own.failed, own.count, more=own.more)
        title = f"{share} things that godmode did in {self.settings.within_minutes} min failed"
        evidence = {
            "outcomes": own.count, "failed": own.failed, "percent": round(100 * own.failed / own.count, 1),
            "follow_up": "godmode audit --failed",
        }  # fmt: skip
        return Incident(self.name, Severity.WARN, title, f"{self.name}:own", None, own.failed, evidence)


def _share(failed: int, count: int, *, more: bool) -> str:
    """`more` is whether not all were read."""
    return f"{100 * failed / count:.0f} % ({'at least ' if more else ''}{failed:,} of {count:,}) of the"
