"""E-mail addresses and phone numbers of people; those in `keep` (the operator's own) may stay."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from godmode.lib.notify.shapes import Shape, Span

_MAIL = Shape(
    r"(?<![\w.+%'-])(?!git(?:@|%40))[\w.+'-]{1,64}(?:@|%40)(?:[\w-]{1,63}\.){1,8}(?:xn--[a-z0-9-]{2,59}|[^\W\d_]{2,24})"
    r"(?![\w-])"
)
_NO_DOMAIN = frozenset(
    ("png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "css", "js", "mjs", "ts", "json", "map", "html", "pdf")
)
_USERINFO = Shape(r"://[^\s/@]{0,128}\Z")  # a password before a host is no address of a person
_DIGITS = Shape(r"\d[\d \u00a0().\-/]{5,24}\d")
_ABROAD = Shape(r"(?<![\w+.])(?:\+|%2[Bb]|00(?=[1-9])(?!\d{2,5}[ .-]?0))(?:[(]?\d[\d) \u00a0.\-/(]{6,24}\d)(?!\w)")
_AMERICAN = Shape(
    r"(?<![\w+.-])(?:1[ .-])?(?:\([2-9]\d{2}\)[ \u00a0]?|[2-9]\d{2}[ .\u00a0-])"
    r"[2-9]\d{2}[ .\u00a0-]\d{4}(?![\w-]|\.\d)"
)
_NAMED = Shape(
    r"(?i)\b(?:phone|tel(?:efon|[eé]fono|ephone)?(?:nummer)?|mobile|mobil|m[oó]vil|cell(?:phone)?|handy(?:nummer)?|fax"
    r"|whatsapp|sms|call(?:ed)?|rufnummer|ruf|anruf|llama(?:r|me)?|text(?:ed)?|dial|rang|ring)\b\.?"
    r"(?:[ :]{1,2}(?:no\.?|number|nr\.?|nummer|n[uú]mero|is|me|her|him|us|them|at|on|an|al|to|from|back|unter|mich"
    r"|bitte|ist|es)){0,3}"
    r"[ \u00a0:=#]{1,3}[\"']?(?P<number>[(+]?\d[\d \u00a0().\-/]{5,20}\d)(?![\w-])"
)
_DATE = Shape(r"20\d{6}(?!\d)|\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}")


def find(text: str, keep: Collection[str] = (), region: str = "US") -> Iterator[Span]:
    """Addresses and numbers that are not in `keep`, whichever way they are written.

    `region` (ISO 3166) is where a number without a country's code is taken to be from. The library that knows
    numbers is only imported where digits stand together as in one.
    """
    if "@" in text or "%40" in text:
        yield from _mail(text, {k.lower() for k in keep if "@" in k})
    if _DIGITS.search(text):
        yield from _phones(text, keep, region)


def _mail(text: str, keep: Collection[str]) -> Iterator[Span]:
    for match in _MAIL.finditer(text):
        address = match[0].lower().replace("%40", "@")
        if address in keep or address.rpartition(".")[2] in _NO_DOMAIN:
            continue
        if not _USERINFO.search(text[max(0, match.start() - 160) : match.start()]):
            yield *match.span(), "e-mail address"


def _phones(text: str, keep: Collection[str], region: str) -> Iterator[Span]:
    import phonenumbers as p

    def parsed(written: str) -> p.PhoneNumber | None:
        try:
            return p.parse(re.sub(r"^(?:%2[Bb]|00)", "+", written), region)
        except p.NumberParseException:
            return None

    def is_one(number: p.PhoneNumber, start: str) -> bool:
        """Of what begins as from abroad the length is enough; else the country must have such numbers."""
        return p.is_possible_number(number) and (start in "+%" or p.is_valid_number(number))

    def normal(number: p.PhoneNumber) -> str:
        return str(p.format_number(number, p.PhoneNumberFormat.E164))

    kept = {normal(number) for k in keep if "@" not in k and (number := parsed(k))}
    for start, end, certain in _candidates(text):
        for last in _ends(text, start, end):
            number = parsed(text[start:last])
            if number is None or not (certain or is_one(number, text[start])):
                continue
            if normal(number) not in kept:
                yield start, last, "phone number"
            break


def _candidates(text: str) -> Iterator[tuple[int, int, bool]]:
    """What is written as a number from abroad, as an American one, or (certainly) behind a word for a telephone."""
    for match in _ABROAD.finditer(text):
        yield *match.span(), False
    for match in _AMERICAN.finditer(text):
        yield *match.span(), False
    for match in _NAMED.finditer(text):
        if not _DATE.match(match["number"]):
            yield *match.span("number"), 7 <= len(_digits(match["number"])) <= 15


def _ends(text: str, start: int, end: int) -> Iterator[int]:
    """The ends to try, the last first: other digits may follow a number, a space away."""
    yield end
    yield from (start + m.start() for m in reversed(list(re.finditer(r"[ \u00a0]", text[start:end]))))


def _digits(written: str) -> str:
    return re.sub(r"\D", "", written)
