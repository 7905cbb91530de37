"""queue_depth: too much work waits in the retry queue."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from godmode.lib.kernel import Incident, Severity
from godmode.lib.ports import Grounds
from godmode.lib.sections import Section
from godmode.lib.store import Store, backlogs


class QueueDepth(Struct, frozen=True):
    """More than 100 pieces of work that wait are a WARN (specification, Production monitoring)."""

    name = "queue_depth"

    class Settings(Section, frozen=True):
        rows: Annotated[int, Meta(ge=1, lt=backlogs.MOST)] = 100

    settings: Settings
    grounds: Grounds

    def look(self, store: Store, now: datetime) -> Iterator[Incident]:
        waiting = backlogs.depth(store.conn)
        if waiting.count <= self.settings.rows:
            return
        more = "at least " if waiting.count == backlogs.MOST else ""
        title = f"The retry queue is {more}{waiting.count:,} deep"
        evidence = {"count": waiting.count, "follow_up": "godmode queue"}
        if waiting.oldest:
            evidence |= {"oldest": waiting.oldest.isoformat()}
        yield Incident(self.name, Severity.WARN, title, f"{self.name}:retry_jobs", evidence=evidence)
