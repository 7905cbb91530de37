"""Card and account numbers: what their own check digits prove, or what the words before them say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from godmode.lib.notify.shapes import Shape, Span

_CARD = Shape(
    r"(?<![\w.])(?=("
    r"\d{14,19}"
    r"|\d{4}([ \u00a0.-])\d{4}\2\d{4}\2\d{4}(?:\2\d{1,3})?"
    r"|3\d{3}([ \u00a0.-])\d{6}\3\d{4,5}"
    r")(?!\w))"
)
_ISSUERS = Shape(
    r"4\d{15}(?:\d{3})?|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|3[47]\d{13}"
    r"|(?:6011|6[45]\d\d|35[2-8]\d)\d{12}|62\d{14,17}|3(?:0[0-5]|[689]\d)\d{11}"
)  # ISO/IEC 7812 issuers and their lengths: Visa, Mastercard, American Express, Discover, JCB, UnionPay, Diners
_IBAN = Shape(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?=[ \u00a0-]?[A-Za-z0-9]{3})")
_IBAN_LENGTHS = {
    country: int(length)
    for country, length in re.findall(
        r"([A-Z]{2})(\d{2})",
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 "
        "ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 "
        "LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 "
        "PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 "
        "YE30",
    )
}  # SWIFT, IBAN Registry
_SSN = Shape(r"(?<![\w.-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
_SSN_NAMED = Shape(
    r"(?i)\b(?:ssn|social security(?: (?:no\.?|number|nr\.?|#))?|itin|tax(?:payer)? id)\b[^\d\n]{0,12}"
    r"(\d{3}[ -]?\d{2}[ -]?\d{4})(?!\d)"
)
_ACCOUNT = Shape(
    r"(?i)\b(?:(?:bank[ -]?)?(?:account|acct\.?|a/c)[ _-]?(?:no\.?|number|nr\.?|num|#)|bank account|routing"
    r"(?:[ _-]?(?:no\.?|number|nr\.?))?|aba|sort[ _-]?code|konto(?:nummer|nr\.?|-nr\.?)?|bankleitzahl|blz"
    r"|n[uú]mero de cuenta|cuenta bancaria|account(?=[:# ]{1,3}\d{8,17}\b[^\n]{0,16}routing))"
    r"[\s:=#\"']{1,4}(?:(?:is|ist|es|of|for)\s)?((?:\d[ -]?){5,19}\d)(?!\w)"
)
_CODE = Shape(
    r"(?i)\b(?:(?:verification|security|confirmation|one[- ]time|login|sign[- ]in|2fa|mfa|otp|backup|recovery"
    r"|bestätigungs|sicherheits)[ -]?(?:pass)?(?:code|pin)|otp|pin|cvv2?|cvc)\b"
    r"[\s:=#\"']{1,4}(?:(?:is|ist|es|was|lautet)\s)?"
    r"(\d{3}[ -]?\d{3}|\d{3,8})(?![\w.-])"
)
_CODE_FIRST = Shape(
    r"(?i)(?<![\w.])((?:[a-z]-)?\d{3}[ -]?\d{3,5})\s(?:is|ist|es)\s(?:your|ihr|dein|tu|su)\b"
    r"[^\n]{0,30}?(?:code|código|pin)\b"
)


def find(text: str) -> Iterator[Span]:
    """Cards by Luhn, IBANs by modulus 97, social security numbers by shape; accounts and codes by their label."""
    yield from _cards(text)
    yield from _ibans(text)
    yield from ((*m.span(), "social security number") for m in _SSN.finditer(text))
    yield from ((*m.span(1), "social security number") for m in _SSN_NAMED.finditer(text))
    yield from ((*m.span(1), "account number") for m in _ACCOUNT.finditer(text))
    for pattern in (_CODE, _CODE_FIRST):
        yield from ((*m.span(1), "one-time code") for m in pattern.finditer(text))


def _cards(text: str) -> Iterator[Span]:
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[1])
        if _ISSUERS.fullmatch(digits) and len(set(digits)) > 1 and luhn(digits):
            yield *match.span(1), "card number"


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B: from the right, every second digit doubled, the digits' sum a multiple of ten."""
    doubled = (int(d) * 2 for d in digits[-2::-2])
    return (sum(int(d) for d in digits[::-2]) + sum(d - 9 if d > 9 else d for d in doubled)) % 10 == 0


def _ibans(text: str) -> Iterator[Span]:
    for match in _IBAN.finditer(text):
        length = _IBAN_LENGTHS.get(match[0][:2].upper())
        end = length and _reach(text, match.start(), length)
        written = text[match.start() : end or match.start()]
        plain = re.sub(r"[^A-Za-z0-9]", "", written)
        if end and (plain == written or written.isupper()) and mod97(plain):
            yield match.start(), end, "IBAN"


def _reach(text: str, start: int, length: int) -> int | None:
    """Where the `length`-th letter or digit from `start` ends, at most one separator between two of them."""
    at, seen, gap = start, 0, 0
    while at < len(text) and seen < length:
        if text[at].isascii() and text[at].isalnum():
            seen, gap = seen + 1, 0
        elif text[at] in " \u00a0-" and not gap:
            gap = 1
        else:
            return None
        at += 1
    return at if seen == length and not text[at : at + 1].isalnum() else None


def mod97(iban: str) -> bool:
    """ISO 7064 MOD 97-10 as ISO 13616 uses it."""
    turned = iban[4:] + iban[:4]
    return int("".join(str(int(c, 36)) for c in turned)) % 97 == 1
