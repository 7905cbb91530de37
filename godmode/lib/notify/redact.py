"""Nothing sensitive leaves: credentials and people's numbers are taken out of a text, and their kind is put there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from godmode.lib.notify.shapes import (
    Shape,
    Span,
    configured,
    keys,
    named,
    numbers,
    people,
    randomness,
    requests,
    tokens,
)

ROUNDS = 8  # what one round uncovers is looked at in the next; no known text needs more than three
WITHHELD = "[redacted: text]"
_REST = Shape(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_MARK = Shape(r"\[redacted: [A-Za-z0-9 .-]{2,30}\]")


def redact(text: str, secrets: Iterable[str] = (), keep: Iterable[str] = ()) -> str:
    """The text with `[redacted: KIND]` in place of all that must not leave; a second pass changes nothing more.

    `secrets` are the configured ones, taken out wherever they stand, also URL-encoded, as JSON or in base64.
    `keep` are the operator's own e-mail addresses and phone numbers (`+1…`), which may stay. Any string is
    taken, also one with NUL or half a surrogate pair. Takes time linear in the length of the text.
    """
    own, kept = frozenset(secrets), tuple(keep)
    for _ in range(ROUNDS):
        cleaner = "".join(_clean(piece, own, kept) for piece in _pieces(text))
        if cleaner == text:
            return text
        text = cleaner
    return WITHHELD


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The text cut at the marks that stand in it already, each piece with whether it is one."""
    at = 0
    for mark in _MARK.finditer(text):
        if mark[0][11:-1] in KINDS:
            yield text[at : mark.start()], False
            yield mark[0], True
            at = mark.end()
    yield text[at:], False


def _clean(piece: tuple[str, bool], secrets: frozenset[str], keep: Collection[str]) -> str:
    text, is_mark = piece
    if is_mark or not text:
        return text
    parts, at = [], 0
    for start, end, kind in found(text, secrets, keep):
        parts += [text[at:start], f"[redacted: {kind}]"]
        at = end
    return "".join([*parts, text[at:]])


def found(text: str, secrets: frozenset[str] = frozenset(), keep: Collection[str] = ()) -> Iterator[Span]:
    """What one look at a text finds: stretches in their order, none overlapping another."""
    at = 0
    for start, end, kind in _merged(_each(text, secrets, keep), len(text)):
        if end > at:
            at = _word_end(text, end)
            yield start, at, kind


def _each(text: str, secrets: frozenset[str], keep: Collection[str]) -> Iterator[Span]:
    """All that is found by each module, the surest first."""
    yield from configured.find(text, secrets)
    for find in (tokens.find, keys.find, named.find, requests.find, numbers.find):
        yield from find(text)
    yield from people.find(text, keep)
    yield from randomness.find(text)


def _word_end(text: str, end: int) -> int:
    """No span ends inside a word: a token longer than its kind has ever been goes as a whole."""
    if text[end - 1].isalnum() and (rest := _REST.match(text, end)):
        return rest.end()
    return end


def _merged(spans: Iterable[Span], length: int) -> Iterator[Span]:
    """Spans that overlap become one, with the kind of the widest of them that knows what it is."""
    whole: Span | None = None
    widest = 0
    for start, end, kind in sorted(spans, key=lambda s: s[0]):
        end = min(end, length)
        width = 0 if kind == "random token" else end - start
        if whole is not None and start < whole[1]:
            whole = (whole[0], max(whole[1], end), kind if width > widest else whole[2])
            widest = max(widest, width)
            continue
        if whole is not None:
            yield whole
        whole, widest = (start, end, kind), width
    if whole is not None:
        yield whole


KINDS = frozenset({kind for kind, _, _ in tokens.TOKENS}) | {
    "configured secret", "private key", "password", "token", "session id", "authorization", "cookie", "card number",
    "IBAN", "social security number", "account number", "one-time code", "e-mail address", "phone number",
    "random token", "text",
}  # fmt: skip
