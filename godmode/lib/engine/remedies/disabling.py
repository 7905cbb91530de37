"""A job is switched off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from godmode.lib.engine.remedies.contract import Change, Figure, Place, Void
from godmode.lib.errors import Usage
from godmode.lib.remedies import DisableJob
from godmode.lib.store import job_state

# Without the first nothing that was approved is carried out or taken back, without the second nobody learns of it.
NEVER = frozenset({"process_retry_queue", "health_monitor"})


class JobDisabled:
    """As `godmode jobs disable` does it."""

    def describe(self, remedy: DisableJob) -> Change:
        name = remedy.job.replace("_", "-")
        return Change(remedy.words, f"{name} is disabled", f"enables {name} again")

    def look(self, place: Place, remedy: DisableJob) -> Mapping[str, Any]:
        if remedy.job in NEVER:
            raise Void(f"{remedy.job} is never disabled by a proposal")
        try:
            place.job(remedy.job)
        except Usage as e:
            raise Void(e.message) from e
        if not job_state.of(place.conn, remedy.job).enabled:
            raise Void(f"{remedy.job} is disabled already")
        return {"enabled": True}

    def apply(self, place: Place, remedy: DisableJob, before: Mapping[str, Any]) -> str:
        job_state.enable(place.conn, remedy.job, False)
        return ""

    def after(self, remedy: DisableJob, made: str) -> Mapping[str, Any]:
        return {"enabled": False}

    def still(self, place: Place, remedy: DisableJob, after: Mapping[str, Any]) -> None:
        if job_state.of(place.conn, remedy.job).enabled:
            raise Void(f"{remedy.job} has been enabled since")

    def undo(self, place: Place, remedy: DisableJob, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        job_state.enable(place.conn, remedy.job, True)

    def measure(self, place: Place, remedy: DisableJob) -> Figure | None:
        return Figure(f"failed runs of {remedy.job} a week", "failed_jobs", remedy.job)
