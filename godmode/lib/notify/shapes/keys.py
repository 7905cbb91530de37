"""Private keys in armour: PEM, OpenSSH, PGP, also with line ends written as `\\n`, as in a service account's JSON."""

from __future__ import annotations

from collections.abc import Iterator

from godmode.lib.notify.shapes import Shape, Span

_BEGIN = Shape(r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_END = Shape(r"-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_CUT_OFF = Shape(r"(?:[\s\\nr\"']{0,8}+[A-Za-z0-9+/=]{20,100}+){0,400}+(?:[\s\\nr]{0,8}[A-Za-z0-9+/=]{1,19}\s{0,8}\Z)?")


def find(text: str) -> Iterator[Span]:
    """Each private key from its first line to its last; of one that is cut off, what there is of it."""
    at, end = 0, _END.search(text)
    while begin := _BEGIN.search(text, at):
        while end and end.start() < begin.end():
            end = _END.search(text, end.end())
        following = _BEGIN.search(text, begin.end())
        whole = end and (following is None or end.start() < following.start())
        at = end.end() if end and whole else _after(text, begin.end())
        yield begin.start(), at, "private key"


def _after(text: str, start: int) -> int:
    match = _CUT_OFF.match(text, start)
    return match.end() if match else start
