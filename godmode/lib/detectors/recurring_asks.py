"""Asks that come back in other words on several days: work for a template, a report or a workflow."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from heapq import nlargest
from math import prod
from typing import TYPE_CHECKING

from godmode.lib.detectors.asks import find_asks
from godmode.lib.detectors.evidence import (
    MOST_FINDINGS,
    by_count,
    day,
    evidence,
    search_words,
    shorten,
    window,
)
from godmode.lib.detectors.statistics import comes_back
from godmode.lib.detectors.words import idf, similarity, tokens
from godmode.lib.kernel import Proposal

if TYPE_CHECKING:
    from godmode.lib.store import Store
    from godmode.lib.store.memory import Message

FEWEST_DAYS = 3
FEWEST_WORDS = 2
ALIKE = 0.34
ABOVE_CHANCE = 3
COMMON = 0.4
FEW = 3
MOST_NAMES = 4
LONGEST_POSTING = 200
MOST_COMPARED = 20


class RecurringAsks:
    """Asks by the operator or other persons that come back on at least three days, in the zone of `now`.

    Confidence is the probability that the ask comes again within seven days of its last time, by Laplace's
    rule of succession over the days it was asked on: each is a trial that succeeded when the next came within
    seven.
    """

    name = "recurring_asks"

    def look(self, store: Store, now: datetime, lookback: timedelta) -> Iterator[Proposal]:
        """What the last `lookback` of messages shows, the surest first. Days are those of `now`'s zone."""
        yield from find(*window(store, now, lookback))


@dataclass(frozen=True)
class Asked:
    """One ask of one message: its words, and how it reads without "can you please"."""

    message: Message
    words: frozenset[str]
    wanted: str


@dataclass
class Group:
    """Asks taken for the same one. `counts` says in how many of them each word stands.

    `profile` are the words that stand in enough of the asks to speak for all. It is made anew whenever the group
    has grown by a tenth, so that a group of thousands costs no more than its asks.
    """

    asks: list[Asked] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    profile: frozenset[str] = frozenset()
    profiled: int = 0

    def add(self, ask: Asked) -> None:
        self.asks.append(ask)
        self.counts.update(ask.words)
        if len(self.asks) * 10 >= self.profiled * 11:
            self.profiled = len(self.asks)
            self.profile = frozenset(w for w, n in self.counts.items() if n >= COMMON * self.profiled)

    def likeness(self, ask: Asked, weights: Mapping[str, float]) -> float:
        """How much an ask is like this group, in 0..1; a few asks have no profile yet and are compared each."""
        known = [a.words for a in self.asks] if len(self.asks) <= FEW else [self.profile]
        return max(similarity(ask.words, words, weights) for words in known)


def find(messages: Sequence[Message], as_of: datetime) -> Iterator[Proposal]:
    """The recurring asks among `messages`, at most five, the surest first."""
    asks = list(_asks(messages))
    weights = _weights(asks)
    everywhere = Counter(w for ask in asks for w in ask.words)
    groups = [g for g in _groups(asks, weights) if not _is_chance(g, everywhere, len(asks))]
    found = [p for g in groups if (p := _proposal(g, as_of))]
    found.sort(key=lambda p: (-p.confidence, -p.evidence["count"], p.dedup_key))
    yield from _distinct(found)


def _distinct(found: Sequence[Proposal]) -> Iterator[Proposal]:
    """The first five; of two that would be the same proposal, the surer one."""
    by_key: dict[str, Proposal] = {}
    for proposal in found:
        by_key.setdefault(proposal.dedup_key, proposal)
    yield from list(by_key.values())[:MOST_FINDINGS]


def _asks(messages: Sequence[Message]) -> Iterator[Asked]:
    for message in messages:
        if message.role == "assistant":
            continue
        for ask in find_asks(message.text, most=2):
            words = {t.stem for t in tokens(ask.wanted)}
            if len(words) <= FEWEST_WORDS:
                words |= {t.stem for t in tokens(ask.nearby)}
            if len(words) >= FEWEST_WORDS:
                yield Asked(message, frozenset(words), ask.wanted)


def _weights(asks: Sequence[Asked]) -> dict[str, float]:
    counts = Counter(w for ask in asks for w in ask.words)
    return {w: idf(n, len(asks)) for w, n in counts.items()}


def _groups(asks: Sequence[Asked], weights: Mapping[str, float]) -> list[Group]:
    """Each ask joins the group it is most like, or begins one. Groups without a shared word are not compared."""
    groups: list[Group] = []
    holding: dict[str, list[int]] = defaultdict(list)
    for ask in asks:
        best = _nearest(ask, groups, holding, weights)
        if best is None:
            best = len(groups)
            groups.append(Group())
        for word in sorted(ask.words - groups[best].counts.keys()):
            holding[word].append(best)
        groups[best].add(ask)
    return groups


def _nearest(
    ask: Asked, groups: Sequence[Group], holding: Mapping[str, list[int]], weights: Mapping[str, float]
) -> int | None:
    """The index of the group most like the ask, if one is alike enough. Two words have to be shared."""
    shared: dict[int, float] = defaultdict(float)
    for word in _leading(ask, weights):
        for i in holding.get(word, ())[-LONGEST_POSTING:]:
            shared[i] += weights[word]
    near = nlargest(MOST_COMPARED, shared, key=lambda i: shared[i])
    alike = [i for i in near if len(ask.words & groups[i].counts.keys()) >= FEWEST_WORDS]
    score, index = max(((groups[i].likeness(ask, weights), -i) for i in alike), default=(0.0, 0))
    return -index if score >= ALIKE else None


def _leading(ask: Asked, weights: Mapping[str, float]) -> list[str]:
    """The telling words of an ask, one of which any group alike must share.

    The commonest words, which stand in hundreds of groups, weigh too little together to make two asks alike.
    """
    words = sorted(ask.words, key=lambda w: (weights[w], w))
    spare = ALIKE * sum(weights[w] for w in words)
    while words and (spare := spare - weights[words[0]]) > 0:
        del words[0]
    return words


def _proposal(group: Group, as_of: datetime) -> Proposal | None:
    asks = _without_repeated_posts(group.asks)
    core = _core(asks)
    if len(core) < FEWEST_WORDS:
        return None
    asks = [a for a in asks if core[0] in a.words]
    found = list({a.message.id: a.message for a in asks}.values())
    days = sorted({m.at.astimezone(as_of.tzinfo).date() for m in found})
    words = search_words(found, core)
    if len(days) < FEWEST_DAYS or not words:
        return None
    wanted = shorten(_most_typical(asks, core).wanted.rstrip("?!.:… "), 80)
    return Proposal(
        type=RecurringAsks.name,
        title=f'Asked on {len(days)} days: "{wanted}"',
        confidence=comes_back(days, as_of.date()),
        evidence=evidence(_summary(found, days), words, found, found),
        dedup_key=f"{RecurringAsks.name}:{'+'.join(sorted(core[:2]))}",
    )


def _is_chance(group: Group, everywhere: Counter[str], total: int) -> bool:
    """Whether the group's two commonest words would meet that often anyway, given how often others use them."""
    core = by_count(group.counts)[:FEWEST_WORDS]
    by_others = [(everywhere[w] - group.counts[w]) / total for w in core]
    return len(group.asks) < ABOVE_CHANCE * prod(by_others) * total


def _core(asks: Sequence[Asked]) -> list[str]:
    """The words of at least half of the asks, the commonest first."""
    counts = Counter(w for a in asks for w in a.words)
    return [w for w in by_count(counts) if 2 * counts[w] >= len(asks)]


def _without_repeated_posts(asks: Sequence[Asked]) -> list[Asked]:
    """A person who posts the very same text again and again is a scheduled reminder: nobody's ask."""
    posted = Counter((a.message.author, a.message.text) for a in asks if a.message.role == "person")
    return [a for a in asks if posted[a.message.author, a.message.text] < FEWEST_DAYS]


def _most_typical(asks: Sequence[Asked], core: Sequence[str]) -> Asked:
    """The ask with the most of the common words and the fewest of its own; of equal ones the shortest."""
    common = frozenset(core)
    return max(asks, key=lambda a: (len(a.words & common), -len(a.words - common), -len(a.wanted), -a.message.id))


def _summary(found: Sequence[Message], days: Sequence[date]) -> str:
    people = by_count(Counter(m.author for m in found if m.author))
    others = [f"{len(people) - MOST_NAMES} more"] if len(people) > MOST_NAMES else []
    by = f" by {', '.join(people[:MOST_NAMES] + others)}" if people else ""
    where = by_count(Counter(m.title for m in found if m.title))
    place = where[0] if len(where) == 1 else f"{len(where)} conversations"
    return (
        f"{len(found)} asks for the same thing on {len(days)} days from {day(days[0])} to {day(days[-1])}"
        f"{by}, in {place}."
    )
