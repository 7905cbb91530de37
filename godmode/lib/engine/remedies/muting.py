"""A noisy type of incidents is muted until a date: they are kept, and not told of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from godmode.lib.engine.remedies.contract import Change, Figure, Place, Void
from godmode.lib.remedies import MuteIncidents
from godmode.lib.store import mutes


class IncidentsMuted:
    """Days count from her yes."""

    def describe(self, remedy: MuteIncidents) -> Change:
        return Change(remedy.words, f"incidents of type {remedy.type} are muted", "lets you hear of them again")

    def look(self, place: Place, remedy: MuteIncidents) -> Mapping[str, Any]:
        if _until(remedy, place.now) <= place.now:
            raise Void(f"the mute of {remedy.type} would have ended already")
        if mutes.muted(place.conn, remedy.type, place.now):
            raise Void(f"incidents of type {remedy.type} are muted already")
        return {"muted": False}

    def apply(self, place: Place, remedy: MuteIncidents, before: Mapping[str, Any]) -> str:
        until = _until(remedy, place.now)
        number = mutes.put(place.conn, remedy.type, until, place.now, "by a proposal")
        return f"{number} {until.isoformat()}"

    def after(self, remedy: MuteIncidents, made: str) -> Mapping[str, Any]:
        number, until = made.split()
        return {"muted": True, "mute": int(number), "until": until}

    def still(self, place: Place, remedy: MuteIncidents, after: Mapping[str, Any]) -> None:
        if datetime.fromisoformat(after["until"]) <= place.now:
            raise Void(f"the mute of {remedy.type} is over by itself")
        if not mutes.muted(place.conn, remedy.type, place.now):
            raise Void(f"the mute of {remedy.type} has been lifted since")

    def undo(self, place: Place, remedy: MuteIncidents, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        if not mutes.lift(place.conn, after["mute"], place.now):
            raise Void(f"the mute of {remedy.type} has been lifted since")

    def measure(self, place: Place, remedy: MuteIncidents) -> Figure | None:
        return Figure(f"incidents of type {remedy.type} a week", "incidents", remedy.type)


def _until(remedy: MuteIncidents, now: datetime) -> datetime:
    return remedy.until or now + timedelta(days=remedy.days or 0)
