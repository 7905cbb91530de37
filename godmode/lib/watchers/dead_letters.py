"""dead_letters: more and more work is given up on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from godmode.lib.kernel import Incident, Severity
from godmode.lib.ports import Grounds
from godmode.lib.sections import Minutes, Section
from godmode.lib.store import Store, backlogs


class DeadLetters(Struct, frozen=True):
    """Dead letters that grow by three or more within the hour, and still wait, are a WARN (specification, Production
    monitoring). A single one is told of when it is buried."""

    name = "dead_letters"

    class Settings(Section, frozen=True):
        new: Annotated[int, Meta(ge=1)] = 3
        within_minutes: Minutes = 60

    settings: Settings
    grounds: Grounds

    def look(self, store: Store, now: datetime) -> Iterator[Incident]:
        kinds = backlogs.buried(store.conn, now - timedelta(minutes=self.settings.within_minutes), now)
        if sum(kind.count for kind in kinds) >= self.settings.new:
            yield from map(self._incident, kinds)

    def _incident(self, kind: backlogs.Buried) -> Incident:
        work = f"{kind.count:,} {kind.type} {'retry was' if kind.count == 1 else 'retries were'}"
        title = f"{work} given up on within {self.settings.within_minutes} min"
        latest = [{"at": at.isoformat(), "error": e} for at, e in zip(kind.times, kind.errors, strict=False)]
        evidence = {
            "count": kind.count, "events": [at.isoformat() for at in kind.times], "numbers": kind.numbers,
            "latest": latest, "follow_up": "godmode queue dead",
        }  # fmt: skip
        return Incident(self.name, Severity.WARN, title, f"{self.name}:{kind.type}", None, kind.count, evidence)
