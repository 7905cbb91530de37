"""How a text fits into SMS: GSM-7 where its letters allow it, and how many segments a message may take."""

from __future__ import annotations

from godmode.lib import gsm
from godmode.lib.channels.cutting import short

MOST_SEGMENTS = 3


def fitted(text: str, most: int = MOST_SEGMENTS) -> str:
    """The text for an SMS, in at most `most` segments: without the sign that makes it dear, then cut if too long."""
    plain = gsm.plain(text).strip()
    if gsm.is_cheap(plain):
        return short(plain, 160 if gsm.places(plain) <= 160 else 153 * most - most, gsm.places, "...")
    return short(plain, 70 if gsm.utf16(plain) <= 70 else 67 * most - most, gsm.utf16)
