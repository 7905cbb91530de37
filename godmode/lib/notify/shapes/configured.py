"""The program's own secrets, wherever and however they are written. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from godmode.lib.notify.shapes import Shape, Span

_B64_BEFORE, _B64_AFTER = Shape(r"[A-Za-z0-9+/_-]{1,4}\Z"), Shape(r"[A-Za-z0-9+/_-]{0,4}={0,2}")
SHORT = 6  # characters; a shorter secret is only taken out where no letter or digit touches it


def find(text: str, secrets: frozenset[str]) -> Iterator[Span]:
    """Every occurrence of a secret: as it is, URL-encoded, as JSON writes it, or inside of base64."""
    for form, inner in forms(secrets):
        at = text.find(form)
        while at >= 0:
            end = at + len(form)
            if inner:
                yield *_with_edges(text, at, end), "configured secret"
            elif len(form) >= SHORT or not _touched(text, at, end):
                yield at, end, "configured secret"
            at = text.find(form, end)


def _with_edges(text: str, start: int, end: int) -> tuple[int, int]:
    """The characters of base64 beside it hold a part of it too."""
    left, right = _B64_BEFORE.search(text[max(0, start - 4) : start]), _B64_AFTER.match(text, end)
    return start - (len(left[0]) if left else 0), right.end() if right else end


def _touched(text: str, start: int, end: int) -> bool:
    return text[start - 1 : start].isalnum() or text[end : end + 1].isalnum()


@lru_cache(maxsize=8)
def forms(secrets: frozenset[str]) -> tuple[tuple[str, bool], ...]:
    """The ways to write the secrets, and whether a form is the middle of a longer base64 text."""
    import json
    from urllib.parse import quote, quote_plus

    made: dict[str, bool] = {}
    for secret in secrets:
        if not secret.strip():
            continue
        raw = secret.encode("utf-8", "surrogatepass")
        encoded = quote(raw, safe="")
        plain = {secret, encoded, _lower_hex(encoded), quote_plus(raw), json.dumps(secret)[1:-1]}
        made |= dict.fromkeys(plain, False)
        if len(raw) >= 8:
            made |= dict.fromkeys(_in_base64(raw), True)
    return tuple(sorted(made.items(), key=lambda form: -len(form[0])))


def _lower_hex(encoded: str) -> str:
    return re.sub(r"%[0-9A-F]{2}", lambda m: m[0].lower(), encoded)


def _in_base64(raw: bytes) -> Iterator[str]:
    """What base64 makes of it wherever it stands: three alignments, less the characters it shares with neighbours."""
    from base64 import b64encode, urlsafe_b64encode

    for before in range(3):
        for encode in (b64encode, urlsafe_b64encode):
            text = encode(b"\0" * before + raw).decode("ascii").rstrip("=")
            cut = len(text) if (before + len(raw)) % 3 == 0 else -1
            yield text[(0, 2, 3)[before] : cut]
