"""Sources that are read far more often than anything changes in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from godmode.lib.detectors.runs import offered, proposal, quoted, surest
from godmode.lib.detectors.statistics import succession
from godmode.lib.kernel import Proposal
from godmode.lib.ports import Grounds
from godmode.lib.remedies import ChangeInterval
from godmode.lib.store import idleness
from godmode.lib.store.idleness import Read

if TYPE_CHECKING:
    from godmode.lib.store import Store

WINDOW = timedelta(days=14)
KNOWN = timedelta(days=13)  # of the window that has to be known
FEWEST = 100  # syncs that succeeded in the window
NEARLY = 0.95  # of them that found nothing
LONGEST = 240  # minutes: what she asks is answered from what was read at the latest half a morning ago
NOT_RARER = frozenset({"n8n"})  # its failures are looked for in what was read


class Idle(Struct, frozen=True):
    """A source, the minutes of its interval, its syncs of the window in order, and the calls that they cost."""

    source: str
    minutes: int
    reads: Sequence[Read]
    calls: int


class IdleSyncs(Struct, frozen=True):
    """Syncs of a source behind an API that found nothing new in nearly all runs of two weeks: to be run less often.

    Confidence is the probability that the next one finds nothing either: Laplace's rule of succession over these
    runs. Only the interval of a source is ever lengthened, at most fourfold, and so that more than half of the syncs
    would still find nothing. n8n is left as it is, since the watchers live on it, and so is what costs no call.
    """

    name = "idle_syncs"

    grounds: Grounds = Grounds(UTC)

    def look(self, store: Store, now: datetime, lookback: timedelta) -> Iterator[Proposal]:
        """The sources that are read too often, the surest first."""
        since, conn, found = now - WINDOW, store.conn, []
        for source, every in self.grounds.sources().items():
            if source not in NOT_RARER:
                reads = idleness.reads(conn, f"sync_{source}", since, now)
                calls = idleness.calls(conn, source, since, now)
                found.append(Idle(source, every // timedelta(minutes=1), reads, calls))
        yield from find(found, now)


def find(sources: Sequence[Idle], now: datetime) -> Iterator[Proposal]:
    """Of the sources those that are read in vain nearly always."""
    yield from surest(found for one in sources if (found := _proposal(one, now)))


def _proposal(one: Idle, now: datetime) -> Proposal | None:
    idle, runs = sum(read.idle for read in one.reads), len(one.reads)
    if not one.calls or runs < FEWEST or one.reads[0].at > now - KNOWN or idle < NEARLY * runs:
        return None
    minutes = _rarer(one.minutes, (runs - idle) / runs)
    if minutes <= one.minutes:
        return None
    job = f"sync-{one.source}"
    return proposal(
        IdleSyncs.name,
        f"{job} found nothing new in {idle:,} of {runs:,} runs of two weeks",
        succession(idle, runs),
        dedup=one.source,
        seen=f"{job} runs every {one.minutes} min. In {idle:,} of its {runs:,} runs of the last "
        f"{WINDOW.days} days it brought nothing new; {one.calls:,} calls to {one.source} were spent on all of them.",
        do=f"run it every {minutes} min.",
        changes=f"about {one.calls * (1 - one.minutes / minutes):,.0f} calls fewer in two weeks; what is new at "
        f"{one.source} is known up to {minutes} min later, in place of {one.minutes}.",
        undo=f"it runs every {one.minutes} min again.",
        more=f"godmode audit --job {job}",
        times=[read.at for read in one.reads if read.idle],
        messages=[quoted(read.at, job, "nothing new") for read in one.reads[-10:] if read.idle],
        remedy=offered(ChangeInterval(f"sync_{one.source}", minutes, was=one.minutes)),
    )


def _rarer(minutes: int, found: float) -> int:
    """An interval of up to four times as long, of which at most every second finds something."""
    factor = 4 if 4 * found <= 0.5 else 2
    return next((m for m in (minutes * factor, minutes * 2) if m <= LONGEST), minutes)
