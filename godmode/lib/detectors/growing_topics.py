"""Words that suddenly stand in many more messages than before."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from godmode.lib.detectors.evidence import MOST_FINDINGS, by_count, day, evidence, search_words, window
from godmode.lib.detectors.statistics import bonferroni, rate_grew
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

Term = tuple[str, ...]
"""One stem, or two that stand side by side."""


class GrowingTopics:
    """Words and pairs of words in significantly more messages of the last three days than of the days before.

    Confidence is 1 - p, where p is the conditional binomial test of two Poisson rates (see
    `statistics.rate_grew`), corrected by Bonferroni for the words looked at. Growth has to show by the time
    passed and by the number of messages written, whichever is the weaker: a quiet weekend before, or a busy
    week, is no topic. What one author says in one conversation within an hour counts once in the test, since
    it is not independent.
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
    read = [tokens(plain(m.text)) for m in said]
    grown = _grown(said, _where(said, read), start, as_of)
    topics = [_topic(group) for group in _merged(grown)]
    topics.sort(key=lambda pair: (pair[0].p, -len(pair[0].recent), pair[0].term))
    found = (_proposal(label, key, said, read, as_of) for label, key in topics)
    yield from [p for p in found if p][:MOST_FINDINGS]


def _where(said: Sequence[Message], read: Sequence[list[Token]]) -> dict[Term, list[int]]:
    """In which messages, by their place in the sequence, each term stands. Names of authors are no topics."""
    names = {t.stem for author in {m.author for m in said} for t in tokens(author)}
    where: dict[Term, list[int]] = defaultdict(list)
    for i, found in enumerate(read):
        for term in _terms(found, names):
            where[term].append(i)
    return where


def _terms(found: Sequence[Token], names: Collection[str]) -> set[Term]:
    content = [t for t in found if t.stem not in names and len(t.stem) >= SHORTEST_WORD]
    pairs = {(a.stem, b.stem) for a, b in pairwise(content) if b.position - a.position == 1}
    return pairs | {(t.stem,) for t in content}


def _grown(said: Sequence[Message], where: dict[Term, list[int]], start: datetime, as_of: datetime) -> list[Grown]:
    """The terms that grew significantly, the surest first, of equal ones the commonest."""
    by_time = RECENT / (as_of - said[0].at)
    first_recent = sum(m.at <= start for m in said)
    by_volume = _episodes(said, range(first_recent, len(said))) / _episodes(said, range(len(said)))
    share = max(by_time, by_volume)
    often = {t: found for t, found in where.items() if len(found) >= FEWEST_MESSAGES}
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


def _proposal(
    label: Grown, key: str, said: Sequence[Message], read: Sequence[list[Token]], as_of: datetime
) -> Proposal | None:
    found = [said[i] for i in label.recent]
    words = search_words(found, label.term)
    if not words:
        return None
    days = round((as_of - RECENT - said[0].at) / timedelta(days=1))
    name = _as_written(label, read)
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
        confidence=1 - label.p,
        evidence=evidence(summary, words, found, found),
        dedup_key=f"{GrowingTopics.name}:{key}",
    )


def _as_written(label: Grown, read: Sequence[list[Token]]) -> str:
    """The commonest spelling of a term in its recent messages."""
    spelled: Counter[str] = Counter()
    for i in label.recent:
        forms = read[i]
        if len(label.term) == 1:
            spelled.update({t.form for t in forms if t.stem == label.term[0]})
            continue
        spelled.update({f"{a.form} {b.form}" for a, b in pairwise(forms) if (a.stem, b.stem) == label.term})
    return by_count(spelled)[0]
