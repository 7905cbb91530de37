"""Words of a message: sentences, tokens, stop words, a light English stemmer, similarity of weighted word sets.

Any text is taken: what is not English has no stop words and no endings to strip, and is compared as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from math import log
from typing import NamedTuple

CUT = 4_000
"""Characters of a message that are read; what follows is pasted material."""

NOISE = re.compile(
    r"```.*?(?:```|\Z)|https?://\S+|<[@#!][^>\s]{0,80}>|[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]+|:[a-z0-9_+-]{2,30}:",
    re.S,
)
QUOTED = re.compile(r"^>.*$", re.M)
SENTENCE = re.compile(r"[^.!?…\n]+(?:[.!…](?=\S)[^.!?…\n]*)*[.!?…]*")
WORD = re.compile(r"(?<![^\W_])[^\W\d_]++(?:['’][^\W\d_]++)?(?!\d)")
SAME_MARK = str.maketrans({"’": "'", "؟": "?", "？": "?", "。": ".", "\0": " "})
MANY_FORMS = {
    "email": "mail",
    "emails": "mail",
    "mails": "mail",
    "sent": "send",
    "told": "tell",
    "paid": "pay",
}

STOP = frozenset(
    re.findall(
        r"\w+",
        """
    a about above after again ago all almost already also although always am an and another any anybody
    anyone anything anyway are aren around as ask asked at away back be became because been before being
    below best better between both but by came can cannot cause come comes coming could couldn course day
    days did didn do does doesn doing don done down during each either else end enough etc even ever every
    everybody everyone everything few fine first for from get gets getting give given gives go goes going
    gone gonna good got gotten great had hadn happen happened happens has hasn have haven having he hello
    hence her here hers herself hey hi him himself his hour hours how however i idea if im in instead into
    is isn it its itself just keep kind know known last later least left less let lets like little ll long
    look looking looks lot lots ltd made make makes making many matter may maybe me mean means might mine
    minute minutes moment month months more morning most much must mustn my myself near need needed needs
    neither never new next nice no nobody none nor not nothing now of off often oh ok okay old on once one
    ones only onto or other others our ours ourselves out over own part people per perhaps place please
    pls plus possible probably put quick quickly quite rather re real really right said same saw say
    saying says second see seem seems seen shall she should shouldn side since so some somebody someone
    something sometimes somewhere soon sorry still stuff such sure take taken takes taking tell than thank
    thanks thanx that the their theirs them themselves then there these they thing things think this those
    though thought through thus till time times to today together tomorrow tonight too took towards tried
    try trying turn two under until up update upon us use used using usual usually ve very via want wanted
    wants was wasn way we week weekend weeks well went were weren what whatever when where whether which
    while who whole whom whose why will wish with within without won work working works would wouldn yeah
    year years yep yes yesterday yet you your yours yourself yup monday tuesday wednesday thursday friday
    saturday sunday mon tue tues wed thu thur thurs fri sat sun january february march april june july
    august september october november december jan feb mar apr jun jul aug sep sept oct nov dec three four
    five six seven eight nine ten eleven twelve dozen hundred thousand third half afternoon evening night
    noon coffee lunch dinner breakfast cheers congrats haha lol cool awesome perfect welcome hope hoping
    folks guys team pm
    """,
    )
)
"""Words that say nothing about what a message is about: function words, small talk, and names of times."""


class Token(NamedTuple):
    """One content word. Neighbours in a sentence have neighbouring positions."""

    stem: str
    form: str
    position: int


def plain(text: str) -> str:
    """What the author of a message wrote: no code blocks, links, addresses, quotations, emoji codes."""
    return QUOTED.sub(" ", NOISE.sub(" ", text[:CUT])).translate(SAME_MARK)


def sentences(text: str) -> list[str]:
    """The sentences and lines of a plain text, with their closing marks."""
    return [s for found in SENTENCE.findall(text) if (s := found.strip())]


def tokens(text: str) -> list[Token]:
    """The content words of a plain text, lower-cased, without numbers and stop words."""
    found, position = [], 0
    for sentence in sentences(text):
        position += 1  # a gap: the last word of a sentence and the first of the next are no pair
        for match in WORD.finditer(sentence):
            position += 1
            form = match[0].lower().split("'")[0]
            if len(form) > 1 and STOP.isdisjoint((form, root := stem(form))):
                found.append(Token(root, form, position))
    return found


def stem(word: str) -> str:
    """The word without its commonest English endings, so that "invoices" meets "invoicing"."""
    if word in MANY_FORMS:
        return MANY_FORMS[word]
    if len(word) < 4 or not word.isascii():
        return word
    return _without_e(_without_ending(word))


def _without_ending(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return _without_ending(word[:-1]) if len(word) > 5 else word[:-1]
    for ending, shortest in (("ing", 6), ("ed", 5), ("ly", 6)):
        if word.endswith(ending) and len(word) >= shortest and re.search("[aeiouy]", word[: -len(ending)]):
            return _single(word[: -len(ending)])
    return word


def _single(word: str) -> str:
    """Undo a doubled consonant: "shipp" → "ship", but "call" and "pass" stay."""
    doubled = len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz"
    return word[:-1] if doubled else word


def _without_e(word: str) -> str:
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


def idf(found_in: int, total: int) -> float:
    """How telling a word is that occurs in `found_in` of `total` texts (> 0).

    A word that occurs once can join nothing: it counts as one that occurs five times, which keeps a text's
    own particulars from drowning what it has in common with others.
    """
    return log(1 + total / max(5, found_in))


def similarity(a: Collection[str], b: Collection[str], weights: Mapping[str, float]) -> float:
    """Weighted Jaccard of two word sets, in 0..1: the weight they share over the weight of both together."""
    shared = sum(weights[w] for w in a if w in b)
    both = sum(weights[w] for w in a) + sum(weights[w] for w in b) - shared
    return shared / both if both else 0.0


def common_start(forms: Iterable[str]) -> str:
    """What all these words start with: the piece of text that finds every one of them."""
    start = min(known := list(forms), key=len, default="")
    while not all(form.startswith(start) for form in known):
        start = start[:-1]
    return start
