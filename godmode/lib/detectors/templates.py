"""Error messages that differ only in their ids, numbers and names are one template: a small Drain.

He, Zhu, Zheng and Lyu, "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017. Words with a digit
are variables from the start; messages of equal length and first word are compared, and words that differ become `<*>`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

ANY = "<*>"
ALIKE = 0.6  # share of equal words from which two messages are one (the paper's st)
MOST_WORDS = 30
MOST_GROUPS = 100  # of one length and first word; beyond, a message joins the nearest

_VARIABLE = re.compile(
    r"https?://\S+|[\w.+-]{1,64}@[\w.-]{1,200}|\"[^\"]{0,200}\"|(?<!\w)'[^']{0,200}'(?!\w)"
    r"|\b[0-9a-f]{8,64}\b",
    re.I,
)


def words(message: str) -> list[str]:
    """The first words of a message, with what surely varies masked."""
    found = _VARIABLE.sub(ANY, message[:1000].replace("\0", " ")).split()[:MOST_WORDS]
    return [ANY if any(map(str.isdigit, word)) else word for word in found] or [ANY]


def mined(messages: Iterable[str]) -> list[str]:
    """For each message its template."""
    return [" ".join(template) for template in _mined(messages)]


def _mined(messages: Iterable[str]) -> list[list[str]]:
    """Each message joins the template it is most like, or begins one; a template is shared by all that joined it."""
    tree: dict[tuple[int, str], list[list[str]]] = defaultdict(list)
    result = []
    for message in messages:
        found = words(message)
        leaf = tree[len(found), found[0]]
        alike, nearest = max(((_likeness(t, found), -i) for i, t in enumerate(leaf)), default=(0.0, 0))
        if not leaf or (alike < ALIKE and len(leaf) < MOST_GROUPS):
            leaf.append(found)
            nearest = 1 - len(leaf)
        template = leaf[-nearest]
        template[:] = [a if a == b else ANY for a, b in zip(template, found, strict=True)]
        result.append(template)
    return result


def _likeness(template: list[str], found: list[str]) -> float:
    return sum(a == b for a, b in zip(template, found, strict=True)) / len(found)
