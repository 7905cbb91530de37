"""How a text fits into SMS: GSM-7 or UCS-2, and how many segments a message may take."""

from __future__ import annotations

from godmode.lib.channels.cutting import short, utf16

MOST_SEGMENTS = 3
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)  # 3GPP TS 23.038
_TWICE = frozenset("^{}\\[~]|€\f")  # of the extension table: two places each
_PLAIN = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\u00a0": " ", "\t": " "}
)


def fitted(text: str, most: int = MOST_SEGMENTS) -> str:
    """The text for an SMS, in at most `most` segments: typographic signs made plain, then cut where it is too long."""
    plain = text.translate(_PLAIN).strip()
    if set(plain) <= _GSM | _TWICE:
        return short(plain, 160 if _places(plain) <= 160 else 153 * most, _places, "...")
    return short(plain, 70 if utf16(plain) <= 70 else 67 * most, utf16)


def segments(text: str) -> int:
    """How many segments a text takes, as the carriers bill it."""
    gsm = set(text) <= _GSM | _TWICE
    size, whole, part = (_places(text), 160, 153) if gsm else (utf16(text), 70, 67)
    return 1 if size <= whole else -(-size // part)


def _places(text: str) -> int:
    return len(text) + sum(character in _TWICE for character in text)
