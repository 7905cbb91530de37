"""What a character costs in an SMS: the GSM-7 alphabet, segments as the carriers bill them, and text without the sign
that makes all of it dear. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

ALPHABET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)  # 3GPP TS 23.038
EXTENSION = frozenset("^{}\\[~]|€\f")  # of its extension table: two places each, never torn
_SIGNS = {
    "’": "'", "‘": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "–": "-", "—": "-", "−": "-",
    "‑": "-", "…": "...", "\t": " ", "`": "'", "[": "(", "]": ")", "{": "(", "}": ")", "|": "/", "~": "-", "^": "'",
    "\\": "/", "•": "-", "→": ">", "←": "<", "×": "x", "≥": ">=", "≤": "<=", "™": "", "®": "", "©": "(c)", "°": " deg",
    "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "œ": "oe", "Œ": "OE", "þ": "th", "ð": "d",
}  # fmt: skip


def utf16(text: str) -> int:
    """The length in UTF-16 code units, as Telegram and a dear SMS count."""
    return len(text) + sum(character > "\uffff" for character in text)


def is_cheap(text: str) -> bool:
    """Whether all of a text is GSM-7."""
    return set(text) <= ALPHABET | EXTENSION


def places(text: str) -> int:
    """How many of a cheap SMS's places a text takes."""
    return len(text) + sum(character in EXTENSION for character in text)


def segments(text: str) -> int:
    """How many segments a text takes: 160 places for one, 153 in each of several; 70 and 67 where it is dear.

    A sign of two places is never torn, so that it may leave one place empty.
    """
    cost: Callable[[str], int] = places if is_cheap(text) else utf16
    whole, part = (160, 153) if cost is places else (70, 67)
    if cost(text) <= whole:
        return 1
    count, free = 1, part
    for character in text:
        need = cost(character)
        if need > free:
            count, free = count + 1, part
        free -= need
    return count


def plain(text: str) -> str:
    """The text with as few dear signs as its letters allow: typography made plain, emoji left out, accents dropped.

    Letters that GSM-7 has no likeness of (Cyrillic, Chinese) stay: then the SMS is dear, but says what it should. So
    does a text of nothing but emoji.
    """
    made = "".join(_cheapest(character) for character in text)
    return made if made.strip() else text


def _cheapest(character: str) -> str:
    if character in ALPHABET:
        return character
    if character in _SIGNS:
        return _SIGNS[character]
    kind = unicodedata.category(character)
    if kind[0] == "Z":
        return " "
    if kind in ("So", "Sk", "Cf", "Cc", "Co", "Cn", "Cs") or kind[0] == "M":
        return ""
    bare = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
    return bare if bare and set(bare) <= ALPHABET else character
