"""Text for the ear: numbers, times and signs as words, and nothing that cannot be said. Pure."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta, tzinfo

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_GROUPS = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth", "twenty": "twentieth", "thirty": "thirtieth",
}  # fmt: skip
_SIGNS = {
    "%": "percent", "&": "and", "+": "plus", "=": "equals", "@": "at", "#": "number", "$": "dollars", "€": "euros",
    "£": "pounds", "<": "less than", ">": "more than", "×": "times", "°": "degrees", "→": "to",
}  # fmt: skip
_LINK = re.compile(r"\b(?:https?|ftp|postgres(?:ql)?|tgram|mailto)://?\S+|\bwww\.\S+|\S+@\S+\.\w+", re.IGNORECASE)
_CLOCK = re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)(?::[0-5]\d)?\b")
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}\b)")
_DECIMAL = re.compile(r"(\d+)\.(\d+)(?!\.?\d)")
_DIGITS = re.compile(r"\d+")
_SEVERITY = re.compile(r"\bSEV([0-9])\b")
LONGEST_NUMBER = 9  # digits; a longer one is a name, and is spelled


def number(n: int) -> str:
    """A whole number in words: 21 is "twenty one", 1905 "one thousand nine hundred five"."""
    if n < 0:
        return f"minus {number(-n)}"
    if n < 20:
        return _ONES[n]
    if n < 100:
        return _TENS[n // 10] + (f" {_ONES[n % 10]}" if n % 10 else "")
    size, name = next(group for group in _GROUPS if n >= group[0])
    if n >= 10**15:
        return " ".join(_ONES[int(digit)] for digit in str(n))
    return f"{number(n // size)} {name}" + (f" {number(n % size)}" if n % size else "")


def ordinal(n: int) -> str:
    """1 is "first", 31 "thirty first"."""
    *before, last = number(n).split()
    return " ".join([*before, _ORDINALS.get(last, f"{last}th")])


def count(n: int, thing: str, many: str = "") -> str:
    """ "one workflow", "twenty one workflows"."""
    return f"{number(n)} {thing if n == 1 else many or f'{thing}s'}"


def clock(hour: int, minute: int) -> str:
    """A time of day: 3:10 is "three ten in the morning", 0:00 "midnight"."""
    if (hour, minute) in ((0, 0), (12, 0)):
        return "midnight" if hour == 0 else "noon"
    part = "in the morning" if hour < 12 else "in the afternoon" if hour < 18 else "in the evening"
    minutes = "" if minute == 0 else f" oh {number(minute)}" if minute < 10 else f" {number(minute)}"
    return f"{number(hour % 12 or 12)}{minutes} {part}"


def when(at: datetime, now: datetime, zone: tzinfo) -> str:
    """A moment as it is said: "three ten in the morning", "yesterday at nine in the evening", "March ninth"."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    if local.date() == today:
        return clock(local.hour, local.minute)
    if local.date() == today - timedelta(days=1):
        return f"yesterday at {clock(local.hour, local.minute)}"
    if timedelta(0) < today - local.date() < timedelta(days=7):
        return f"{local:%A} at {clock(local.hour, local.minute)}"
    return f"{local:%B} {ordinal(local.day)}"


def plain(text: str, longest: int = 110) -> str:
    """Somebody else's text as it can be said: no links, no signs, no digits; cut between words where it is long.

    Names stay as they are spelled, their digits as words: "n8n" is "n eight n".
    """
    said = _LINK.sub(" a link ", text)
    said = _SEVERITY.sub(lambda m: f" severity {m[1]} ", said)
    said = _CLOCK.sub(lambda m: f" {clock(int(m[1]), int(m[2]))} ", said)
    said = _DECIMAL.sub(lambda m: f" {_whole(m[1])} point {_spelled(m[2])} ", _GROUPED.sub("", said))
    said = _DIGITS.sub(lambda m: f" {_whole(m[0])} ", said)
    said = "".join(_sayable(character) for character in unicodedata.normalize("NFC", said))
    said = " ".join(re.sub(r"\s+([,.?!])", r"\1", re.sub(r"([,.?!])(?:\s*[,.?!])+", r"\1", said)).split())
    return _shortened(said.strip(" ,.?!'"), longest)


def _whole(digits: str) -> str:
    if len(digits) > LONGEST_NUMBER or (digits.startswith("0") and len(digits) > 1):
        return _spelled(digits)
    return number(int(digits))


def _spelled(digits: str) -> str:
    return " ".join(_ONES[int(digit)] for digit in digits[:LONGEST_NUMBER])


def _sayable(character: str) -> str:
    """A letter is itself, a sign its word or a gap; what ends a sentence inside a title is a pause."""
    if character in _SIGNS:
        return f" {_SIGNS[character]} "
    if character in "’'":
        return "'"
    if character in ",;:()[]{}|–—":
        return ", "
    if character in ".?!…":
        return ", "
    kind = unicodedata.category(character)
    if kind[0] == "L" or kind == "Mn":
        return character
    if kind == "Nd":
        return f" {_ONES[unicodedata.digit(character)]} "
    return " "


def _shortened(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    cut = text[: longest + 1]
    return (cut[: cut.rfind(" ")] if " " in cut else text[:longest]).rstrip(" ,.'")
