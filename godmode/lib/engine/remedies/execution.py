"""n8n retries an execution that failed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from godmode.lib.engine.remedies.contract import Change, Figure, Place, Void
from godmode.lib.errors import Transient, Unknown
from godmode.lib.remedies import RetryWorkflow
from godmode.lib.store import executions

FAILED = ("error", "crashed")
SHOWS_WITHIN = timedelta(minutes=1)  # n8n lists a retry as soon as it begins; by then one not listed never began


class ExecutionAgain:
    """Cannot be taken back. n8n answers when the workflow has ended, so a long one answers too late, and has to be
    asked about: its retry stands in the list from its beginning."""

    def describe(self, remedy: RetryWorkflow) -> Change:
        did = f"n8n has been told to retry execution {remedy.execution}"
        return Change(remedy.words, did, final="what a workflow has done, it has done")

    def look(self, place: Place, remedy: RetryWorkflow) -> Mapping[str, Any]:
        n8n, name = place.n8n(), f"execution {remedy.execution}"
        found = n8n.execution(remedy.execution)
        if found is None:
            raise Void(f"n8n does not keep {name} any more")
        if found.retry_success_id is not None:
            raise Void(f"{name} has been retried with success as {found.retry_success_id}")
        if found.status not in FAILED:
            raise Void(f"{name} has not failed: it is {found.status}")
        retries = n8n.retries_of(remedy.execution)
        for retry in retries:
            if retry.is_open:
                raise Void(f"{name} is being retried already, as {retry.id}")
        before = [str(retry.id) for retry in retries]
        return {"status": found.status, "workflow": str(found.workflow_id), "retries": before}

    def apply(self, place: Place, remedy: RetryWorkflow, before: Mapping[str, Any]) -> str:
        try:
            made: str = place.n8n().retry(remedy.execution)
        except Unknown:
            raise
        except Transient:  # it says that it failed; where it began nevertheless, it is not to be begun again
            if begun := self._begun(place, remedy, before):
                return begun
            raise
        return made

    def after(self, remedy: RetryWorkflow, made: str) -> Mapping[str, Any]:
        return {"retried_as": made or None}

    def done(self, place: Place, remedy: RetryWorkflow, before: Mapping[str, Any], since: datetime) -> str | None:
        if begun := self._begun(place, remedy, before):
            return begun
        if place.now < since + SHOWS_WITHIN:
            raise Transient("n8n shows no retry of it yet")
        return None

    def measure(self, place: Place, remedy: RetryWorkflow) -> Figure | None:
        """Of its workflow, as far as it was synced."""
        workflow = executions.workflow_of(place.conn, remedy.execution)
        if workflow is None:
            return None
        return Figure(f'failed runs of "{workflow[1] or workflow[0]}" a week', "failed_runs", workflow[0])

    def _begun(self, place: Place, remedy: RetryWorkflow, before: Mapping[str, Any]) -> str | None:
        """The retry that was not there before."""
        found = [str(retry.id) for retry in place.n8n().retries_of(remedy.execution)]
        return next((number for number in found if number not in before["retries"]), None)
