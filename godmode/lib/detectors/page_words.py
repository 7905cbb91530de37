"""What two pages have in common: pieces of text, and sentences that say the same with another number."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec import Struct

from godmode.lib.detectors.words import plain, sentences, stem, tokens
from godmode.lib.store.pages import CanonicalPage

PIECE = 3  # words
FEWEST_PIECES = 20  # a shorter page is like any other short page
SAME = 0.7  # resemblance from which two pages are one
COMMON_TO = 20  # pages; a piece or word that stands in more is boilerplate
FEWEST_WORDS = 3  # of a sentence
ALIKE = 0.6  # share of the words of two sentences that both have
MOST_SENTENCES = 200  # of a page

_NUMBER = re.compile(r"([€$£])?\s?(\d+(?:[.,]\d+)*)\s?(%|€|\$|£|[^\W\d_]{1,20})?")
_GENERIC = frozenset(
    map(
        stem,
        re.findall(
            r"\w+",
            "policy process procedure sop guide handbook checklist template canonical final draft version overview doc "
            "document page note rule standard instruction copy",
        ),
    )
)
_COUNTS_NOTHING = 1  # digits: "step 3" is no amount


class Twins(Struct, frozen=True):
    """Two pages of which `shared` of `all` pieces stand in both."""

    older: CanonicalPage
    newer: CanonicalPage
    shared: int
    all: int


class Contradiction(Struct, frozen=True):
    """Two sentences, of the older and the newer page, which share `shared` of `all` words and say different things."""

    older: CanonicalPage
    newer: CanonicalPage
    sentences: tuple[str, str]
    says: tuple[str, str]
    shared: int
    all: int


class Sentence(Struct, frozen=True):
    """A sentence with a number: its words without it, and the numbers by what they count."""

    page: CanonicalPage
    text: str
    words: frozenset[str]
    numbers: Mapping[str, str]


def subject_of(page: CanonicalPage) -> frozenset[str]:
    """The telling words of a page's title."""
    return frozenset(token.stem for token in tokens(plain(page.title))) - _GENERIC


def twins(held: Sequence[CanonicalPage], fresh: Collection[int]) -> list[Twins]:
    """Pairs of pages, one of them fresh, that resemble each other."""
    pieces = {page.id: _pieces(page) for page in held}
    by_id = {page.id: page for page in held}
    found = []
    for a, b in _sharing(pieces, fresh):
        shared, both = len(pieces[a] & pieces[b]), len(pieces[a] | pieces[b])
        if min(len(pieces[a]), len(pieces[b])) >= FEWEST_PIECES and shared >= SAME * both:
            found.append(Twins(*_by_age(by_id[a], by_id[b]), shared, both))
    return found


def contradictions(held: Sequence[CanonicalPage], fresh: Collection[int]) -> list[Contradiction]:
    """Pairs of pages, one of them fresh, with sentences that differ in a number; of each pair the most alike ones."""
    said = [sentence for page in held for sentence in _sentences(page)]
    words = {i: sentence.words for i, sentence in enumerate(said)}
    best: dict[frozenset[int], Contradiction] = {}
    for i, j in _sharing(words, {i for i, s in enumerate(said) if s.page.id in fresh}):
        one = _compared(said[i], said[j])
        pair = frozenset((said[i].page.id, said[j].page.id))
        if one and (pair not in best or one.shared * best[pair].all > best[pair].shared * one.all):
            best[pair] = one
    return list(best.values())


def _pieces(page: CanonicalPage) -> frozenset[tuple[str, ...]]:
    stems = [token.stem for token in tokens(plain(page.text))]
    return frozenset(tuple(stems[i : i + PIECE]) for i in range(len(stems) - PIECE + 1))


def _sharing(sets: Mapping[int, Collection[object]], fresh: Collection[int]) -> Iterator[tuple[int, int]]:
    """Pairs, one of them fresh, that share something which is no boilerplate."""
    holding: dict[object, list[int]] = defaultdict(list)
    for number, members in sets.items():
        for member in members:
            holding[member].append(number)
    pairs = Counter(
        (min(a, b), max(a, b))
        for numbers in holding.values()
        if len(numbers) <= COMMON_TO
        for a in numbers
        if a in fresh
        for b in numbers
        if a != b and (b not in fresh or a < b)
    )
    yield from pairs


def _sentences(page: CanonicalPage) -> Iterator[Sentence]:
    for text in sentences(plain(page.text))[:MOST_SENTENCES]:
        numbers = {
            (unit or sign).lower(): number
            for sign, number, unit in _NUMBER.findall(text)
            if unit or sign or len(number) > _COUNTS_NOTHING
        }
        words = frozenset(token.stem for token in tokens(text)) if numbers else frozenset()
        if len(words) >= FEWEST_WORDS:
            yield Sentence(page, text, words, numbers)


def _compared(a: Sentence, b: Sentence) -> Contradiction | None:
    """Whether two sentences of different pages say the same of the same subject, with another number."""
    shared, both = a.words & b.words, a.words | b.words
    if a.page.id == b.page.id or len(shared) < FEWEST_WORDS or len(shared) < ALIKE * len(both):
        return None
    differing = [unit for unit in a.numbers if unit in b.numbers and a.numbers[unit] != b.numbers[unit]]
    if len(differing) != 1 or not _same_subject(a, b, shared):
        return None
    older, _ = _by_age(a.page, b.page)
    first, second = (a, b) if older is a.page else (b, a)
    unit = differing[0]
    says = (f"{first.numbers[unit]} {unit}".strip(), f"{second.numbers[unit]} {unit}".strip())
    return Contradiction(first.page, second.page, (first.text, second.text), says, len(shared), len(both))


def _same_subject(a: Sentence, b: Sentence, shared: frozenset[str]) -> bool:
    """Whether both pages are called alike, or the sentences name what one of the pages is called after.

    Pages made from one template (a product, a plan, a customer each) say the same of different things.
    """
    left, right = subject_of(a.page), subject_of(b.page)
    if left and right and 2 * len(left & right) >= len(left | right):
        return True
    return any(subject and subject <= shared for subject in (left, right))


def _by_age(a: CanonicalPage, b: CanonicalPage) -> tuple[CanonicalPage, CanonicalPage]:
    """The older one first."""
    return (a, b) if (a.edited or a.stored, a.id) <= (b.edited or b.stored, b.id) else (b, a)
