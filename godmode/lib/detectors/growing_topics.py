"""Words that suddenly stand in many more messages than before."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from godmode.lib.detectors.evidence import MOST_FINDINGS, by_count, day, evidence, search_words, window
from godmode.lib.detectors.runs import MOST_SURE
from godmode.lib.detectors.statistics import bonferroni, calibrated, rate_grew
from godmode.lib.detectors.words import Token, plain, tokens
from godmode.lib.kernel import Proposal

if TYPE_CHECKING:
    from godmode.lib.store import Store
    from godmode.lib.store.memory import Message

RECENT = timedelta(days=3)
FEWEST_BEFORE = timedelta(days=7)
FEWEST_MESSAGES = 5
SURE_ENOUGH = 0.01
SAME_TOPIC = 0.5
SPEAKS_FOR_ALL = 0.5
SHORTEST_WORD = 3

BUCKETS = 2**20
GAP = 0

Term = tuple[str, ...]
"""One stem, or two that stand side by side."""

Pair = tuple[int, int]
"""Two neighbouring stems by their numbers."""


class GrowingTopics:
    """Words and pairs of words in significantly more messages of the last three days than of the days before.

    Confidence is `calibrated` of the conditional binomial test of two Poisson rates (see `statistics.rate_grew`),
    corrected by Bonferroni for the words looked at. Growth has to show by the time passed and by the number of
    messages written, whichever is the weaker: a quiet weekend before, or a busy week, is no topic. What one author
    says in one conversation within an hour counts once in the test, since it is not independent.

    Words still come in bursts more than this model has it (Church and Gale, "Poisson mixtures", Natural Language
    Engineering 1 (1995), 163-190), and what comes back more rarely than the window is long looks new each time: no
    test over the window can tell, so that of the surest fewer are true than they say.
    """

    name = "growing_topics"

    def look(self, store: Store, now: datetime, lookback: timedelta) -> Iterator[Proposal]:
        """What the last `lookback` of messages shows, the surest first."""
        yield from find(*window(store, now, lookback))


@dataclass(frozen=True)
class Grown:
    """A term that grew: the numbers of its messages, recent and before, and the corrected p-value."""

    term: Term
    recent: tuple[int, ...]
    before: tuple[int, ...]
    p: float


def find(messages: Sequence[Message], as_of: datetime) -> Iterator[Proposal]:
    """The topics that grew in the three days up to `as_of`, at most five, the surest first."""
    said = [m for m in messages if m.role != "assistant"]
    start = as_of - RECENT
    if not said or start - said[0].at < FEWEST_BEFORE:
        return
    grown = _grown(said, _where(said), start, as_of)
    topics = [_topic(group) for group in _merged(grown)]
    topics.sort(key=lambda pair: (pair[0].p, -len(pair[0].recent), pair[0].term))
    found = (_proposal(label, key, said, as_of) for label, key in topics)
    yield from [p for p in found if p][:MOST_FINDINGS]


def _where(said: Sequence[Message]) -> dict[Term, Sequence[int]]:
    """In which messages, by their place in the sequence, each term stands that stands in enough of them.

    Twenty thousand long messages hold a million different pairs of words, nearly all of which occur once. So stems
    are numbered, and pairs first counted in buckets: a pair is looked at when its bucket is full enough
    (Park, Chen and Yu, 1995).
    """
    stems, read = _numbered(said)
    singles: dict[int, array[int]] = defaultdict(lambda: array("I"))
    buckets = array("I", bytes(4 * BUCKETS))
    for i, numbers in enumerate(read):
        for number in set(numbers) - {GAP}:
            singles[number].append(i)
        for pair in _pairs(numbers):
            buckets[hash(pair) % BUCKETS] += 1
    pairs: dict[Pair, array[int]] = defaultdict(lambda: array("I"))
    for i, numbers in enumerate(read):
        for pair in _pairs(numbers):
            if buckets[hash(pair) % BUCKETS] >= FEWEST_MESSAGES:
                pairs[pair].append(i)
    often: dict[Term, Sequence[int]] = {(stems[n],): i for n, i in singles.items() if len(i) >= FEWEST_MESSAGES}
    often |= {(stems[a], stems[b]): i for (a, b), i in pairs.items() if len(i) >= FEWEST_MESSAGES}
    return often


def _numbered(said: Sequence[Message]) -> tuple[list[str], list[array[int]]]:
    """The stems by their numbers, and each message as numbers, with a GAP where two are no neighbours.

    Names of authors and the shortest words are no topics.
    """
    names = {t.stem for author in {m.author for m in said} for t in tokens(author)}
    numbers: dict[str, int] = {"": GAP}
    read = [array("I", _numbers(tokens(plain(m.text)), names, numbers)) for m in said]
    return list(numbers), read


def _numbers(found: Sequence[Token], names: Collection[str], numbers: dict[str, int]) -> Iterator[int]:
    last = None
    for token in found:
        if token.stem in names or len(token.stem) < SHORTEST_WORD:
            continue
        if last is not None and token.position - last != 1:
            yield GAP
        last = token.position
        yield numbers.setdefault(token.stem, len(numbers))


def _pairs(numbers: Sequence[int]) -> set[Pair]:
    return {(a, b) for a, b in pairwise(numbers) if a != GAP != b}


def _grown(said: Sequence[Message], often: dict[Term, Sequence[int]], start: datetime, as_of: datetime) -> list[Grown]:
    """The terms that grew significantly, the surest first, of equal ones the commonest."""
    by_time = RECENT / (as_of - said[0].at)
    first_recent = sum(m.at <= start for m in said)
    by_volume = _episodes(said, range(first_recent, len(said))) / _episodes(said, range(len(said)))
    share = max(by_time, by_volume)
    grown = []
    for term, found in often.items():
        recent = tuple(i for i in found if i >= first_recent)
        before = tuple(i for i in found if i < first_recent)
        if len(recent) < FEWEST_MESSAGES or not _is_shared([said[i] for i in recent]):
            continue
        p = rate_grew(_episodes(said, recent), _episodes(said, before), share)
        grown.append(Grown(term, recent, before, bonferroni(p, len(often))))
    sure = [g for g in grown if g.p <= SURE_ENOUGH]
    return sorted(sure, key=lambda g: (g.p, -len(g.recent), g.term))


def _is_shared(found: Sequence[Message]) -> bool:
    """Whether it is more than one person's own affair."""
    return len({m.author for m in found}) > 1 or len({m.conversation for m in found}) > 1


def _episodes(said: Sequence[Message], indexes: Collection[int]) -> int:
    return len({(said[i].author, said[i].conversation, int(said[i].at.timestamp()) // 3600) for i in indexes})


def _merged(grown: Sequence[Grown]) -> list[list[Grown]]:
    """Terms whose recent messages overlap by half are one topic; each group begins with its surest term."""
    groups: list[tuple[set[int], list[Grown]]] = []
    for g in grown:
        for covered, members in groups:
            if len(covered.intersection(g.recent)) >= SAME_TOPIC * len(g.recent):
                covered.update(g.recent)
                members.append(g)
                break
        else:
            groups.append((set(g.recent), [g]))
    return [members for _, members in groups]


def _topic(group: Sequence[Grown]) -> tuple[Grown, str]:
    """The term to name a topic by, and the stem to know it by.

    A pair of words says more than one, where it stands in most of the messages. The commonest single word
    changes less from day to day than the name.
    """
    most = max(len(g.recent) for g in group)
    pairs = [g for g in group if len(g.term) == 2 and len(g.recent) >= SPEAKS_FOR_ALL * most]
    singles = Counter({g.term[0]: len(g.recent) for g in group if len(g.term) == 1})
    label = max(pairs, key=lambda g: (len(g.recent), g.term)) if pairs else group[0]
    return label, by_count(singles)[0] if singles else label.term[0]


def _proposal(label: Grown, key: str, said: Sequence[Message], as_of: datetime) -> Proposal | None:
    found = [said[i] for i in label.recent]
    words = search_words(found, label.term)
    if not words:
        return None
    days = round((as_of - RECENT - said[0].at) / timedelta(days=1))
    name = _as_written(label.term, found)
    before = f"{len(label.before)} in the {days} days before"
    people = len({m.author for m in found})
    summary = (
        f'"{name}" stands in {len(found)} messages by {people} {"people" if people > 1 else "person"} from '
        f"{day(found[0].at.astimezone(as_of.tzinfo))} to {day(found[-1].at.astimezone(as_of.tzinfo))}, "
        f"after {before}."
    )
    return Proposal(
        type=GrowingTopics.name,
        title=f'"{name}" in {len(found)} messages in {RECENT.days} days, {before}',
        confidence=min(calibrated(label.p), MOST_SURE),
        evidence=evidence(summary, words, found, found),
        dedup_key=f"{GrowingTopics.name}:{key}",
    )


def _as_written(term: Term, found: Sequence[Message]) -> str:
    """The commonest spelling of a term in these messages."""
    spelled: Counter[str] = Counter()
    for message in found:
        forms = tokens(plain(message.text))
        if len(term) == 1:
            spelled.update({t.form for t in forms if t.stem == term[0]})
            continue
        spelled.update({f"{a.form} {b.form}" for a, b in pairwise(forms) if (a.stem, b.stem) == term})
    return by_count(spelled)[0]
