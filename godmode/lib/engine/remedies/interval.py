"""An interval job runs at another interval. The file stays the operator's: what is changed stands in `job_state`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from godmode.lib.engine.remedies.contract import Change, Figure, Place, Void
from godmode.lib.errors import Usage
from godmode.lib.kernel import Every
from godmode.lib.remedies import ChangeInterval
from godmode.lib.store import job_state

# The most minutes. Only what reads: whatever watches, retries or speaks keeps the hours that it was given.
MOST = {"periodic_scan": 120}
MOST_OF_A_SYNC = 1440


class IntervalChanged:
    """Longer than the configured interval, which is also how often cron or the timer calls; never shorter."""

    def describe(self, remedy: ChangeInterval) -> Change:
        name = remedy.job.replace("_", "-")
        return Change(
            remedy.words, f"{name} runs every {remedy.minutes} min", f"lets {name} run at the interval it had before"
        )

    def look(self, place: Place, remedy: ChangeInterval) -> Mapping[str, Any]:
        least, held = self._configured(place, remedy), job_state.of(place.conn, remedy.job).interval_minutes
        most = MOST.get(remedy.job, MOST_OF_A_SYNC if remedy.job.startswith("sync_") else 0)
        now = max(held or least, least)
        if not most:
            raise Void(f"the interval of {remedy.job} is never changed by a proposal")
        if not least <= remedy.minutes <= most:
            raise Void(f"{remedy.job} may run every {least} to {most} min, so not every {remedy.minutes}")
        if remedy.minutes == now:
            raise Void(f"{remedy.job} runs every {now} min already")
        if remedy.was is not None and remedy.was != now:
            raise Void(f"{remedy.job} runs every {now} min now, not every {remedy.was}, as when that was proposed")
        return {"minutes": now, "override": held}

    def apply(self, place: Place, remedy: ChangeInterval, before: Mapping[str, Any]) -> str:
        job_state.set_interval(place.conn, remedy.job, remedy.minutes)
        return ""

    def after(self, remedy: ChangeInterval, made: str) -> Mapping[str, Any]:
        return {"minutes": remedy.minutes, "override": remedy.minutes}

    def still(self, place: Place, remedy: ChangeInterval, after: Mapping[str, Any]) -> None:
        held = job_state.of(place.conn, remedy.job).interval_minutes
        if held != after["override"]:
            raise Void(f"the interval of {remedy.job} has been changed since")

    def undo(self, place: Place, remedy: ChangeInterval, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        job_state.set_interval(place.conn, remedy.job, before["override"])

    def measure(self, place: Place, remedy: ChangeInterval) -> Figure | None:
        if remedy.job.startswith("sync_"):
            return Figure(f"runs of {remedy.job} a week that found nothing new", "idle_syncs", remedy.job)
        return Figure(f"failed runs of {remedy.job} a week", "failed_jobs", remedy.job)

    def _configured(self, place: Place, remedy: ChangeInterval) -> int:
        try:
            cadence = place.job(remedy.job).cadence
        except Usage as e:
            raise Void(e.message) from e
        if not isinstance(cadence, Every) or not cadence.minutes:
            raise Void(f"{remedy.job} does not run at an interval of minutes")
        return cadence.minutes
