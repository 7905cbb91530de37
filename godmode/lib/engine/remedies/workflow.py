"""An n8n workflow is switched off. Doing it twice is doing it once, so what is in doubt is looked at and done again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from godmode.lib.engine.remedies.contract import Change, Figure, Place, Void
from godmode.lib.remedies import DeactivateWorkflow


class WorkflowOff:
    """It is switched on again by undoing."""

    def describe(self, remedy: DeactivateWorkflow) -> Change:
        return Change(remedy.words, f"{remedy.called} is switched off", "switches it on again")

    def look(self, place: Place, remedy: DeactivateWorkflow) -> Mapping[str, Any]:
        if not self._is_on(place, remedy):
            raise Void(f"{remedy.called} is switched off already")
        return {"active": True}

    def apply(self, place: Place, remedy: DeactivateWorkflow, before: Mapping[str, Any]) -> str:
        place.n8n().switch(remedy.workflow, False)
        return ""

    def after(self, remedy: DeactivateWorkflow, made: str) -> Mapping[str, Any]:
        return {"active": False}

    def done(self, place: Place, remedy: DeactivateWorkflow, before: Mapping[str, Any], since: datetime) -> str | None:
        return None if self._is_on(place, remedy) else ""

    def still(self, place: Place, remedy: DeactivateWorkflow, after: Mapping[str, Any]) -> None:
        if self._is_on(place, remedy):
            raise Void(f"{remedy.called} has been switched on since")

    def undo(
        self, place: Place, remedy: DeactivateWorkflow, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> None:
        place.n8n().switch(remedy.workflow, True)

    def undone(self, place: Place, remedy: DeactivateWorkflow, since: datetime) -> str | None:
        return "" if self._is_on(place, remedy) else None

    def measure(self, place: Place, remedy: DeactivateWorkflow) -> Figure | None:
        return Figure(f'failed runs of "{remedy.name or remedy.workflow}" a week', "failed_runs", remedy.workflow)

    def _is_on(self, place: Place, remedy: DeactivateWorkflow) -> bool:
        found = place.n8n().workflow(remedy.workflow)
        if found is None:
            raise Void(f"n8n has no workflow {remedy.workflow} any more")
        return bool(found.active)
