"""performance: the database answers slowly."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from godmode.lib.kernel import Incident, Severity
from godmode.lib.ports import Grounds
from godmode.lib.sections import Minutes, Section
from godmode.lib.store import Store, audited

PROBES = 3


def probe(store: Store, now: datetime) -> float:
    """Milliseconds that a small read of the newest rows takes."""
    begun = time.monotonic()
    audited.newest(store.conn, now)
    return (time.monotonic() - begun) * 1000


class Performance(Struct, frozen=True):
    """A database average of over 1000 ms is a WARN (specification, Watchers).

    Two are looked at, and the worse is said: that of three probes now, each of which reads the newest audit rows, and
    that of what others wrote down of their queries in the last half hour (audit rows of the type `database`). Fewer
    than three of these are no average, and count among the probes.
    """

    name = "performance"

    class Settings(Section, frozen=True):
        average_ms: Annotated[int, Meta(ge=1)] = 1000
        within_minutes: Minutes = 30

    settings: Settings
    grounds: Grounds
    measure: Callable[[Store, datetime], float] = probe

    def look(self, store: Store, now: datetime) -> Iterator[Incident]:
        probes = [self.measure(store, now) for _ in range(PROBES)]
        history = audited.queries_ms(store.conn, now - timedelta(minutes=self.settings.within_minutes), now)
        average = max(_mean(probes), _mean(history if len(history) >= PROBES else [*probes, *history]))
        if average <= self.settings.average_ms:
            return
        title = f"The database takes {average:,.0f} ms to answer, on average"
        evidence = {
            "average_ms": round(average), "now_ms": round(_mean(probes)), "queries": len(history),
            "slowest_ms": round(max(*probes, *history)), "follow_up": "godmode doctor",
        }  # fmt: skip
        yield Incident(self.name, Severity.WARN, title, f"{self.name}:database", evidence=evidence)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
