"""Whether a run of characters was drawn by a machine rather than written by a person. Pure, and no dictionary.

Of letters and digits drawn at random, only a tenth falls into stretches that could be a word or a number; of a name
in code (`HubSpotContactSync2026`), a path or a slug, nearly all does. That share tells the two apart, where entropy
does not: in 30 characters, a long identifier has as much of it as a key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from godmode.lib.notify.shapes import Shape, Span

SHORTEST = 20  # ids of n8n (16) and YouTube (11) stay below
LONG_PIECE = 10  # base64 has a separator every 32 characters
_RUN = Shape(r"[A-Za-z0-9+/_-]{20,1000}={0,2}")
_WORD = Shape(r"[A-Z]?[a-z]{3,40}|[A-Z]{4,40}|\d{4,40}")
_VOWEL = Shape(r"[aeiouyAEIOUY]|\d{4}")
_HEX = Shape(r"(?:0x)?[0-9a-fA-F-]{20,1000}")
_ID = Shape(
    r"(?:[a-z]{2,8}|cs_(?:test|live))_[A-Za-z0-9]{14,28}|c[a-z0-9]{24}|[A-Z]{2}[0-9a-f]{32}"
)  # as of Stripe, of APIs' requests and messages; cuid; Twilio
_PUBLIC = Shape(r"(?i)sha(?:1|256|384|512)-")
_FINGERPRINT = Shape(r"(?:SHA(?:1|256|384|512):|ssh-[a-z0-9]{2,10} |ecdsa-[a-z0-9-]{8,20} )$")
_URL = Shape(r"https?://[^\s\"'<>]{1,2000}")


def find(text: str) -> Iterator[Span]:
    """Runs that look drawn at random, outside of addresses of pages and public digests."""
    urls = [m.span() for m in _URL.finditer(text)] if "://" in text else []
    at = 0
    for match in _RUN.finditer(text):
        start, end = match.span()
        while at < len(urls) and urls[at][1] <= start:
            at += 1
        if at < len(urls) and urls[at][0] <= start:
            continue
        if looks_random(match[0]) and not _FINGERPRINT.search(text[max(0, start - 24) : start]):
            yield start, end, "random token"


def looks_random(run: str) -> bool:
    """Whether the run can hardly be words, a date, a path, a hash or a service's public id.

    Its longest stretch without a separator is judged: a slug, a path or a name in snake case has none that is long.
    """
    if len(run) < SHORTEST or _HEX.fullmatch(run) or _ID.fullmatch(run) or _PUBLIC.match(run):
        return False
    pieces = (p for p in re.split(r"[-_/+=]", run) if not (_HEX.fullmatch(p) or _ID.fullmatch(p)))
    piece = max(pieces, key=len, default="")
    if len(piece) < LONG_PIECE or not re.search("[a-z]", piece) or not re.search(r"\d", piece):
        return False
    if re.search("[A-Z]", piece):
        return word_share(piece) < 0.6
    return len(piece) >= 28 and word_share(piece) < 0.4


def is_public_id(run: str) -> bool:
    """Whether it is what a service calls its things by, as `cus_…` of Stripe or `SM…` of Twilio."""
    return bool(_ID.fullmatch(run))


def word_share(run: str) -> float:
    """The share, 0 to 1, of the characters that lie in something like a word, or in a number of four digits."""
    return sum(len(m[0]) for m in _WORD.finditer(run) if _VOWEL.search(m[0])) / len(run)
