"""One failure that follows another within minutes, again and again: the second hangs on the first."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from godmode.lib.detectors.runs import BASELINE, called, dates, is_news, key, proposal, quoted, surest
from godmode.lib.detectors.statistics import bonferroni, calibrated, mid_p
from godmode.lib.kernel import Proposal
from godmode.lib.store import outcomes
from godmode.lib.store.outcomes import Failure

if TYPE_CHECKING:
    from godmode.lib.store import Store

WITHIN = timedelta(minutes=10)
EPISODE = timedelta(hours=2)  # failures closer together are one
DAY = timedelta(days=1)
FEWEST = 3  # episodes, on as many days
USUALLY = 0.6  # of the first one's episodes that are followed
LOOKS = 4
MOST_SUBJECTS = 60
MOST_AT_ONCE = 3


class ChainedFailures:
    """Pairs of jobs or workflows: within ten minutes after the one's failure, the other fails.

    Failures within two hours are one episode, so that an outage counts once. By chance, an episode of the one would be
    followed as often as it is when its days are shifted against the other's (a permutation test that keeps the hours
    of the day: both may simply run at three); with that share, the number of followed episodes is binomial.
    Confidence is `calibrated` of its upper tail (`mid_p`), corrected by Bonferroni for all ordered pairs and for
    looking anew each week. Where each follows the other, it is one finding.
    """

    name = "chained_failures"

    def look(self, store: Store, now: datetime, lookback: timedelta) -> Iterator[Proposal]:
        """What happened so within the last 24 hours, the surest first."""
        yield from find(outcomes.failures(store.conn, now - BASELINE, now), now)


class Chain(Struct, frozen=True):
    """`first` and what follows it; the moments of the first's episodes that were followed, and of all of them."""

    first: Failure
    then: Failure
    hits: Sequence[datetime]
    episodes: int
    p: float


def find(failures: Sequence[Failure], now: datetime) -> Iterator[Proposal]:
    """The chains that are news, at most five."""
    by_subject: dict[str, list[Failure]] = defaultdict(list)
    for failure in _without_outages(failures):
        by_subject[key(failure)].append(failure)
    starts = {name: _episodes([f.at for f in same]) for name, same in by_subject.items()}
    often = sorted((n for n, s in starts.items() if len(s) >= FEWEST), key=lambda n: -len(starts[n]))[:MOST_SUBJECTS]
    times = {name: [f.at for f in by_subject[name]] for name in often}
    chains: dict[frozenset[str], Chain] = {}
    for a in often:
        for b in often:
            chain = _chain(by_subject[a][-1], by_subject[b][-1], starts[a], times[b], now) if a != b else None
            pair = frozenset((a, b))
            if chain and (pair not in chains or chain.p < chains[pair].p):
                chains[pair] = chain
    tests = len(often) * (len(often) - 1) * LOOKS
    found = [_proposal(chain, pair, tests, now) for pair, chain in chains.items()]
    yield from surest(_longest(found))


def _without_outages(failures: Sequence[Failure]) -> list[Failure]:
    """Failures around which no more than three things fail: what takes down many at once is no chain of two."""
    kept, first, last = [], 0, 0
    near: Counter[str] = Counter()
    for failure in failures:
        while last < len(failures) and failures[last].at - failure.at <= WITHIN:
            near[key(failures[last])] += 1
            last += 1
        while failure.at - failures[first].at > WITHIN:
            near -= Counter([key(failures[first])])
            first += 1
        if len(near) <= MOST_AT_ONCE:
            kept.append(failure)
    return kept


def _episodes(times: Sequence[datetime]) -> list[datetime]:
    """When each episode began."""
    starts: list[datetime] = []
    last = None
    for at in times:
        if last is None or at - last > EPISODE:
            starts.append(at)
        last = at
    return starts


def _chain(first: Failure, then: Failure, starts: Sequence[datetime], others: Sequence[datetime], now: datetime) -> (
    Chain | None
):  # fmt: skip
    hits = [at for at in starts if _follows(at, others)]
    if len(dates(hits, now.tzinfo)) < FEWEST or len(hits) < USUALLY * len(starts) or not is_news(hits[-1], now):
        return None
    return Chain(first, then, hits, len(starts), mid_p(len(hits), len(starts), _by_chance(starts, others, now)))


def _follows(at: datetime, others: Sequence[datetime]) -> bool:
    i = bisect_right(others, at)
    return i < len(others) and others[i] - at <= WITHIN


def _by_chance(starts: Sequence[datetime], others: Sequence[datetime], now: datetime) -> float:
    """The share of episodes that are followed when they are shifted by 1, 2, … days within the window, in a circle."""
    days = BASELINE // DAY
    begin = now - BASELINE
    shifted = [begin + (at - begin + n * DAY) % BASELINE for at in starts for n in range(1, days)]
    return (sum(_follows(at, others) for at in shifted) + 1) / (len(shifted) + 1)


def _longest(found: Sequence[Proposal]) -> Iterator[Proposal]:
    """Of many that fail together each pair is a chain: a thing begins or ends at most one finding, the surest."""
    seen: set[str] = set()
    for one in surest(found, len(found)):
        about: Sequence[str] = one.evidence["about"]
        if seen.isdisjoint(about):
            yield one
        seen.update(about)


def _proposal(chain: Chain, pair: frozenset[str], tests: int, now: datetime) -> Proposal:
    first, then = called(chain.first), called(chain.then)
    minutes = round(WITHIN / timedelta(minutes=1))
    days, often = len(dates(chain.hits, now.tzinfo)), f"{len(chain.hits)} of {chain.episodes}"
    return proposal(
        ChainedFailures.name,
        f"{then} fails within {minutes} minutes after {first}: {often} times",
        calibrated(bonferroni(chain.p, tests)),
        dedup="+".join(sorted(pair)),
        seen=f"Of {chain.episodes} times that {first} failed, {then} failed within {minutes} minutes "
        f"{len(chain.hits)} times, on {days} days.",
        do=f"mend {first} first; let {then} wait for its success, or look for what both need.",
        changes="one cause is mended in place of two symptoms.",
        undo="nothing is changed by godmode.",
        more="godmode incidents",
        times=chain.hits,
        messages=_messages(chain),
        about=[chain.first, chain.then],
    )


def _messages(chain: Chain) -> Iterator[Mapping[str, str]]:
    for at in chain.hits:
        yield quoted(at, chain.first.name, f"failed, and {chain.then.name} soon after")
