"""What the detectors over chats have in common: the window they look at, and the evidence they hand over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from godmode.lib.detectors.words import common_start, plain, tokens
from godmode.lib.store.memory import Message, messages, newest_message_at

if TYPE_CHECKING:
    from godmode.lib.store import Store

MOST_FINDINGS = 5
MOST_MESSAGES = 10


def window(store: Store, now: datetime, lookback: timedelta) -> tuple[list[Message], datetime]:
    """The messages of the `lookback` before the newest one, and its time, in the zone of `now`.

    Exports arrive late: counted back from `now`, a window could be empty while there is much to say.
    """
    newest = newest_message_at(store.conn, now)
    if newest is None:
        return [], now
    as_of = newest.astimezone(now.tzinfo)
    return messages(store.conn, as_of - lookback, as_of), as_of


def evidence(summary: str, words: str, found: Sequence[Message], shown: Sequence[Message]) -> dict[str, Any]:
    """The JSON of a proposal: `found` in the order of time are counted, the last ten of `shown` quoted."""
    return {
        "summary": summary,
        "follow_up": f'godmode memory search "{words}"',
        "count": len(found),
        "since": found[0].at.isoformat(),
        "until": found[-1].at.isoformat(),
        "messages": [_quoted(m) for m in shown[-MOST_MESSAGES:]],
    }


def _quoted(m: Message) -> dict[str, str]:
    return {
        "key": m.key,
        "at": m.at.isoformat(),
        "author": m.author,
        "where": m.title,
        "text": shorten(" ".join(m.text.split()), 200),
    }


def shorten(text: str, most: int) -> str:
    """At most `most` characters, cut between words where that is possible."""
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut[most // 2 :] else cut).rstrip(" ,;:-") + "…"


def search_words(found: Sequence[Message], stems: Collection[str], most: int = 3) -> str:
    """Up to `most` words such that a search for all of them finds every one of `found`; "" without any.

    A search looks for pieces of text: the common start of a stem's forms stands for all of them.
    """
    lowered = [m.text.lower() for m in found]
    forms: dict[str, set[str]] = {s: set() for s in stems}
    for m in found:
        for token in tokens(plain(m.text)):
            if token.stem in forms:
                forms[token.stem].add(token.form)
    starts = [common_start(forms[s]) for s in stems]
    return " ".join([w for w in starts if len(w) > 1 and all(w in text for text in lowered)][:most])


def day(at: date) -> str:
    """ "Mon 2 Nov"."""
    return f"{at:%a} {at.day} {at:%b}"


def by_count(words: Counter[str]) -> list[str]:
    """The words, the commonest first; equal ones in the order of the alphabet, so that runs agree."""
    return sorted(words, key=lambda w: (-words[w], w))
