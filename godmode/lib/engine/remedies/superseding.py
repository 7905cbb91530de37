"""An item of memory is taken as outdated. A source that still has the same text does not bring it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from godmode.lib.engine.remedies.contract import Change, Figure, Place, Void
from godmode.lib.remedies import SupersedeMemory
from godmode.lib.store import memory


class MemorySuperseded:
    """Its history stays readable, as that of any fact."""

    def describe(self, remedy: SupersedeMemory) -> Change:
        return Change(remedy.words, f"memory item {remedy.item} is outdated", "lets it hold again")

    def look(self, place: Place, remedy: SupersedeMemory) -> Mapping[str, Any]:
        item = self._current(place, remedy.item)
        if remedy.by is not None:
            self._current(place, remedy.by)
        if remedy.by == remedy.item:
            raise Void("an item cannot be outdated in favour of itself")
        return {"key": item.key, "superseded": False}

    def apply(self, place: Place, remedy: SupersedeMemory, before: Mapping[str, Any]) -> str:
        if not memory.supersede(place.conn, remedy.item, remedy.by, place.now):
            raise Void(f"memory item {remedy.item} is outdated already")
        return ""

    def after(self, remedy: SupersedeMemory, made: str) -> Mapping[str, Any]:
        return {"superseded": True, "by": remedy.by}

    def still(self, place: Place, remedy: SupersedeMemory, after: Mapping[str, Any]) -> None:
        item = memory.one(place.conn, remedy.item)
        if item is None or item.supersede_reason != memory.BY_HER_WORD:
            raise Void(f"memory item {remedy.item} is not as it was left")
        if any(version.superseded_at is None for version in memory.history(place.conn, item.key)):
            raise Void(f"{item.key} has a newer version since")

    def undo(self, place: Place, remedy: SupersedeMemory, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        if not memory.reinstate(place.conn, remedy.item):
            raise Void(f"{before['key']} has a newer version since")

    def measure(self, place: Place, remedy: SupersedeMemory) -> Figure | None:
        return None

    def _current(self, place: Place, number: int) -> memory.Item:
        item = memory.one(place.conn, number)
        if item is None:
            raise Void(f"there is no memory item {number}")
        if item.superseded_at is not None:
            raise Void(f"memory item {number} is outdated already")
        return item
