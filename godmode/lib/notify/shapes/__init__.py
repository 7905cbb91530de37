"""What a credential or a person's number looks like: one module a family, each a function from text to spans.

All of it runs in time linear in the text: every repetition in every pattern is bounded (a test walks them all).
Each module finds; `notify/redact.py` decides what becomes of overlaps and puts the words in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

Span = tuple[int, int, str]
"""From, to (exclusive), and the kind, which is what the reader is told in place of the text."""

Finder = Callable[[str], Iterator[Span]]

START = r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt])|(?<=\\u[0-9A-Fa-f]{4}))"
"""Where a token may begin: not inside a word, but behind a URL-encoded character or JSON's `\\n`."""
