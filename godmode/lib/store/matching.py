"""What the operator types to search, as patterns of ILIKE: words, in which no sign means anything."""

from __future__ import annotations


def all_of(words: str) -> list[str]:
    """A pattern for each word, in any case; what contains all the words fits them all."""
    return [f"%{_literally(word)}%" for word in words.split()]


def _literally(word: str) -> str:
    """A word for LIKE. PostgreSQL takes neither NUL nor half a surrogate pair, so no text contains them."""
    storable = word.replace("\0", "").encode("utf-8", "replace").decode()
    return storable.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
