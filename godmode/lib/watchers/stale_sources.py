"""stale_sources: a source has not been read for too long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from godmode.lib.kernel import Incident, Severity
from godmode.lib.ports import Grounds
from godmode.lib.sections import Section
from godmode.lib.store import Store, audited, sync
from godmode.lib.store.sync import SyncState


class StaleSources(Struct, frozen=True):
    """A source not synced for three of its intervals is a WARN (specification, Production monitoring).

    All of several at once are a SEV1: whatever happens then, nobody sees it. Time counts from when this machine was
    awake and allowed to read; a source never read is not stale. One of which she was told that its sync fails is not
    told of twice.
    """

    name = "stale_sources"

    class Settings(Section, frozen=True):
        intervals: Annotated[int, Meta(ge=1, le=1000)] = 3

    settings: Settings
    grounds: Grounds

    def look(self, store: Store, now: datetime) -> Iterator[Incident]:
        every = self.grounds.sources()
        states = {row.source_name: row for row in sync.all_rows(store.conn)}
        longest = max(every.values(), default=timedelta(0)) * self.settings.intervals
        notes = audited.missed(store.conn, now - longest, now)
        awake = max((note.ts for note in notes if note.action == "run_watchers"), default=None)
        stale = {
            name: at
            for name, period in every.items()
            if (at := read_at(states.get(name))) and now - max(at, awake or at) >= self.settings.intervals * period
        }
        told = audited.told_jobs(store.conn, now - longest) if stale else frozenset()
        if len(stale) == len(every) > 1:
            yield self._all(max(stale.values()), len(every))
        for name, at in stale.items():
            if f"sync_{name}" not in told:
                yield self._one(states[name], at)

    def _one(self, state: SyncState, at: datetime) -> Incident:
        name = state.source_name
        why = f": {state.last_error[:200]}" if state.last_error else ""
        title = f"{name} has not been read since {at.astimezone(self.grounds.zone):%a %H:%M}{why}"
        evidence = {"last_read": at.isoformat(), "error": state.last_error, "follow_up": f"godmode sources test {name}"}
        return Incident(self.name, Severity.WARN, title, f"{self.name}:{name}", evidence=evidence)

    def _all(self, at: datetime, count: int) -> Incident:
        title = f"None of {count} sources has been read since {at.astimezone(self.grounds.zone):%a %H:%M}"
        evidence = {"last_read": at.isoformat(), "follow_up": "godmode sources"}
        return Incident(self.name, Severity.SEV1, title, f"{self.name}:all", evidence=evidence)


def read_at(state: SyncState | None) -> datetime | None:
    """When a source was last read well; a long first sync that goes on in the next slot is well as long as it goes."""
    if state is None:
        return None
    going = state.last_sync_started_at if state.last_sync_success and state.limited else None
    return max((at for at in (state.last_sync_completed_at, going) if at), default=None)
