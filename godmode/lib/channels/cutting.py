"""Cutting a text to what a service takes: at the end of a line, a sentence or a word, never inside a character."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

_ENDS = ("\n\n", "\n", ". ", " ")  # the best place to cut first
_JOINER = "\u200d"


def divided(
    text: str, limit: int, most: int, size: Callable[[str], int] = len, more: str = "… (the rest was cut)"
) -> tuple[str, ...]:
    """The text in at most `most` parts of at most `limit`; `more` ends the last one where there was more to say."""
    parts: list[str] = []
    rest = text.strip()
    while rest and len(parts) < most:
        if size(rest) <= limit:
            return (*parts, rest)
        last = len(parts) == most - 1
        part, rest = _first(rest, limit - size(more) if last else limit, size)
        parts.append(part + more if last else part)
    return tuple(parts)


def short(text: str, limit: int, size: Callable[[str], int] = len, more: str = "…") -> str:
    """The text in one part, `more` in the place of what did not fit."""
    return "".join(divided(text, limit, 1, size, more))


def _first(text: str, limit: int, size: Callable[[str], int]) -> tuple[str, str]:
    """The longest good beginning of at most `limit`, and what follows it."""
    head = text[: _fitting(text, limit, size)]
    for end in _ENDS:
        at = head.rfind(end)
        if at >= len(head) // 2:
            cut = at + len(end)
            return text[:cut].rstrip(), text[cut:].lstrip()
    cut = _whole(text, len(head))
    return text[:cut], text[cut:].lstrip()


def _fitting(text: str, limit: int, size: Callable[[str], int]) -> int:
    """How many characters fit into `limit`; `size` grows with the text."""
    low, high = 0, min(len(text), limit)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(text[:middle]) <= limit else (low, middle - 1)
    return low


def _whole(text: str, at: int) -> int:
    """The nearest place up to `at` that does not tear a character from its accents, or an emoji apart."""
    for place in range(at, max(at - 32, 0), -1):
        after, before = text[place : place + 1], text[place - 1]
        joined = after == _JOINER or before == _JOINER or "\U0001f3fb" <= after <= "\U0001f3ff"
        if not joined and unicodedata.category(after or "x") not in ("Mn", "Me", "Mc") and after != "\ufe0f":
            return place
    return max(at, 1)
