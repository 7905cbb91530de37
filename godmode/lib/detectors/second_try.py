"""What fails at first and works when it is tried again, nearly every time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from godmode.lib.detectors.runs import (
    BASELINE,
    NEWS,
    called,
    dates,
    follow_up,
    is_news,
    key,
    offered,
    proposal,
    quoted,
    surest,
)
from godmode.lib.detectors.statistics import succession
from godmode.lib.kernel import Proposal
from godmode.lib.remedies import RetryWorkflow
from godmode.lib.store import outcomes
from godmode.lib.store.outcomes import Failure, Tally, Try

if TYPE_CHECKING:
    from godmode.lib.store import Store

FEWEST_TRIES = 5
FEWEST_DAYS = 3
FAILS_AT_FIRST = 0.1  # of its runs; what fails more rarely is no trouble worth her time
LAST = 10
OFTEN = 0.8  # of the second tries that worked, for "always"


class SecondTry:
    """Workflows and jobs that often fail at first, and whose next try within ten minutes works.

    Confidence is the probability that the next second try works as well: Laplace's rule of succession over all
    second tries of four weeks.
    """

    name = "second_try"

    def look(self, store: Store, now: datetime, lookback: timedelta) -> Iterator[Proposal]:
        """What happened so within the last 24 hours, the surest first."""
        since, conn = now - BASELINE, store.conn
        tries = outcomes.tries(conn, since, now)
        if len(tries) >= FEWEST_TRIES and is_news(tries[-1].at, now):
            newest = outcomes.failures(conn, now - NEWS, now)
            ran = outcomes.tallies(conn, since, now, of={one.subject for one in tries})
            yield from find(tries, ran, newest, now)


def find(
    tries: Sequence[Try], tallies: Sequence[Tally], newest: Sequence[Failure], now: datetime
) -> Iterator[Proposal]:
    """The things that work on the second try, at most five; `newest` are failures that may wait for theirs."""
    by_subject: dict[str, list[Try]] = defaultdict(list)
    for one in tries:
        by_subject[key(one)].append(one)
    waiting = _waiting(tries, newest)
    found = [
        _proposal(name, same, _runs(name, same, tallies), waiting.get(name), now) for name, same in by_subject.items()
    ]
    yield from surest(p for p in found if p)


def _runs(name: str, tries: Sequence[Try], tallies: Sequence[Tally]) -> int:
    """How often it ran since the first of its last ten failures: what began to be so last week counts from then."""
    since = tries[-LAST:][0].at
    return sum(tally.ended for tally in tallies if key(tally) == name and tally.hour >= since)


def _waiting(tries: Sequence[Try], newest: Sequence[Failure]) -> dict[str, str]:
    """The newest failed execution of each workflow that nobody tried again."""
    tried = {one.execution for one in tries}
    return {key(f): f.execution for f in newest if f.execution and f.execution not in tried}


def _proposal(name: str, tries: Sequence[Try], runs: int, waiting: str | None, now: datetime) -> Proposal | None:
    worked, one, times = sum(t.worked for t in tries), tries[-1], [t.at for t in tries]
    days = len(dates(times, now.tzinfo))
    if len(tries) < FEWEST_TRIES or days < FEWEST_DAYS or not is_news(times[-1], now):
        return None
    if worked < OFTEN * len(tries) or len(tries[-LAST:]) < FAILS_AT_FIRST * runs:
        return None
    where = called(one)
    return proposal(
        SecondTry.name,
        f"{where} works on the second try: {worked} of {len(tries)} times",
        succession(worked, len(tries)),
        dedup=name,
        seen=f"{where} failed at first {len(tries)} times on {days} days, and its next try worked {worked} times.",
        do=_do(one, waiting),
        changes="a failure that mends itself is no failure any more, and its second run comes without a person.",
        undo="set the retry off again." if one.kind == "workflow" else "nothing is changed by godmode.",
        more=follow_up(one),
        times=times,
        messages=[quoted(t.at, t.name, f"failed; the next try {'worked' if t.worked else 'failed'}") for t in tries],
        remedy=_remedy(waiting),
        about=[one],
    )


def _do(one: Try, waiting: str | None) -> str:
    if one.kind != "workflow":
        return "look at what it finds not ready at first, and give it a later time or a longer interval."
    now = f" Execution {waiting} waits for its second try now." if waiting else ""
    return f"in n8n, set Retry On Fail on the node that fails, with a wait of a minute.{now}"


def _remedy(waiting: str | None) -> Mapping[str, Any] | None:
    return offered(RetryWorkflow(waiting)) if waiting else None
