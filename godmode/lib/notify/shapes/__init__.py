"""What a credential or a person's number looks like: one module a family, each a function from text to spans.

All of it runs in time linear in the text: every repetition in every pattern is bounded (a test walks them all).
Each module finds; `notify/redact.py` decides what becomes of overlaps and puts the words in place.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from functools import cached_property

Span = tuple[int, int, str]
"""From, to (exclusive), and the kind, which is what the reader is told in place of the text."""

Finder = Callable[[str], Iterator[Span]]

START = r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt])|(?<=\\u[0-9A-Fa-f]{4}))"
"""Where a token may begin: not inside a word, but behind a URL-encoded character or JSON's `\\n`."""


class Shape:
    """A regular expression that is compiled when it is first used: all of them would take longer than a short run."""

    def __init__(self, source: str) -> None:
        self.source = source

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(self.source)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        return self.pattern.finditer(text)

    def search(self, text: str, start: int = 0) -> re.Match[str] | None:
        return self.pattern.search(text, start)

    def match(self, text: str, start: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        return self.pattern.match(text, start, end)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        return self.pattern.fullmatch(text)
