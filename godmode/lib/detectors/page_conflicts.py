"""Canonical pages that are there twice, that contradict each other, or that are old and asked about all the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from godmode.lib.detectors.asks import find_asks
from godmode.lib.detectors.evidence import shorten, window
from godmode.lib.detectors.page_words import Contradiction, Twins, contradictions, subject_of, twins
from godmode.lib.detectors.runs import NEWS, dates, offered, proposal, quoted, surest
from godmode.lib.detectors.statistics import comes_back, succession, wilson_lower
from godmode.lib.detectors.words import plain, tokens
from godmode.lib.kernel import Proposal
from godmode.lib.remedies import SupersedeMemory
from godmode.lib.store import pages
from godmode.lib.store.memory import Message
from godmode.lib.store.pages import CanonicalPage

if TYPE_CHECKING:
    from godmode.lib.store import Store

STALE = timedelta(days=180)
FEWEST_ASKS = 3  # days on which a stale page was asked about


class PageConflicts:
    """Pairs of canonical pages, looked at when one of them is new or was changed; and stale ones, by the chats.

    Duplicates: confidence is the Wilson lower bound of the share of three-word pieces that both have in common
    (resemblance: Broder, "On the resemblance and containment of documents", 1997). Contradictions: two sentences of
    the same subject say the same with another number; confidence is the probability that a further word of the one
    would stand in the other, by Laplace's rule of succession over their words. Stale: asked about on three days,
    untouched for 180; confidence is that it is asked about again within seven days (`statistics.comes_back`). The first
    two say how alike the pages are, which is less than how likely it is a trouble: nearly all of them are one.
    """

    name = "page_conflicts"

    def look(self, store: Store, now: datetime, lookback: timedelta) -> Iterator[Proposal]:
        """What the pages of the last 24 hours, and the last `lookback` of messages, show, the surest first."""
        held = pages.canonical(store.conn)
        if held:
            yield from find(held, *window(store, now, lookback), now)


def find(
    held: Sequence[CanonicalPage], messages: Sequence[Message], as_of: datetime, now: datetime
) -> Iterator[Proposal]:
    """At most five of each of the three kinds; `as_of` is when the chats end."""
    fresh = {page.id for page in held if page.stored > now - NEWS}
    if fresh:
        double = twins(held, fresh)
        yield from surest(_duplicate(pair) for pair in double)
        same = {frozenset((pair.older.id, pair.newer.id)) for pair in double}
        found = [c for c in contradictions(held, fresh) if frozenset((c.older.id, c.newer.id)) not in same]
        yield from surest(_contradiction(c) for c in found)
    yield from surest(p for page in held if (p := _stale(page, messages, as_of)))


def _duplicate(pair: Twins) -> Proposal:
    older, newer = pair.older, pair.newer
    return proposal(
        PageConflicts.name,
        f'"{shorten(older.title, 50)}" stands there twice, {pair.shared * 100 // pair.all} % the same',
        wilson_lower(pair.shared, pair.all),
        dedup=f"twice:{'+'.join(sorted((older.key, newer.key)))}",
        seen=f'The pages "{older.title}" and "{newer.title}" have {pair.shared} of {pair.all} pieces in common.',
        do="keep the newer one.",
        changes="answers are taken from one page; the older one stays readable in its history.",
        undo=f"`godmode proposals undo` makes item {older.id} current again.",
        more=f"godmode memory show {older.key}",
        times=sorted(page.edited or page.stored for page in (older, newer)),
        messages=[_quoted(page, page.text) for page in (older, newer)],
        remedy=offered(SupersedeMemory(older.id, by=newer.id)),
    )


def _contradiction(found: Contradiction) -> Proposal:
    older, newer = found.older, found.newer
    return proposal(
        PageConflicts.name,
        f'"{shorten(older.title, 45)}" says {found.says[0]}, "{shorten(newer.title, 45)}" {found.says[1]}',
        succession(found.shared, found.all),
        dedup=f"contradicts:{'+'.join(sorted((older.key, newer.key)))}",
        seen=f'"{shorten(found.sentences[0], 150)}" against "{shorten(found.sentences[1], 150)}".',
        do="decide which holds, and correct the other page at its source.",
        changes="whoever looks it up reads the same everywhere.",
        undo="the page's history in Notion.",
        more=f"godmode memory show {newer.key}",
        times=sorted(page.edited or page.stored for page in (older, newer)),
        messages=[_quoted(page, said) for page, said in zip((older, newer), found.sentences, strict=True)],
    )


def _stale(page: CanonicalPage, messages: Sequence[Message], as_of: datetime) -> Proposal | None:
    wanted = subject_of(page)
    if page.edited is None or page.edited > as_of - STALE or len(wanted) < 2:
        return None
    asks = [m for m in messages if m.role != "assistant" and _asks_about(m, wanted)]
    days = dates((m.at for m in asks), as_of.tzinfo)
    if len(days) < FEWEST_ASKS:
        return None
    age = (as_of - page.edited).days
    return proposal(
        PageConflicts.name,
        f'"{shorten(page.title, 60)}" is {age} days old and was asked about on {len(days)} days',
        comes_back(days, as_of.date()),
        dedup=f"stale:{page.key}",
        seen=f"{len(asks)} questions on {len(days)} days are about this page, which nobody touched for {age} days.",
        do="read it again; answer there what was asked.",
        changes="the next one finds the answer.",
        undo="the page's history in Notion.",
        more=f"godmode memory show {page.key}",
        times=[m.at for m in asks],
        messages=[quoted(m.at, m.title, m.text) | {"author": m.author} for m in asks],
    )


def _asks_about(message: Message, wanted: frozenset[str]) -> bool:
    said = {token.stem for token in tokens(plain(message.text))}
    return wanted <= said and bool(find_asks(message.text, most=1))


def _quoted(page: CanonicalPage, text: str) -> dict[str, str]:
    return quoted(page.edited or page.stored, page.title, text)
