"""JSON of any size, read value by value: the caller walks down to the values that it wants whole.

The values themselves are read by the standard library's scanner, which is several times faster than one event
after another. A value that is too long or nested too deeply for it is stepped over, whatever its size.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from godmode.lib.sources.chat_formats.text import CHUNK, Text

LONGEST = 1 << 26  # characters of one value, such as a whole conversation
LONGEST_WORD = 12  # characters: no token but a string or a number is longer than this when it is cut off

_space = re.compile(r"[ \t\r\n]*")
_bracket = re.compile(r'["{}\[\]]')
_quote = re.compile(r'["\\]')
_any = re.compile(r".", re.DOTALL)
_token = re.compile(r"[\w.+-]*")
# What may stand at the end of a text that was cut off there.
_cut = re.compile(r'\s*(-|[.eE][+-]?|t(r(ue?)?)?|f(a(l(se?)?)?)?|n(u(ll?)?)?|\\?u?[0-9a-fA-F]{0,4}"?)?\s*')


def _number(digits: str) -> int | None:
    """A whole number, or None for one of thousands of digits, which is no id and no time."""
    return int(digits) if len(digits) < 1000 else None


_decode = json.JSONDecoder(strict=False).raw_decode
_decode_long_numbers = json.JSONDecoder(strict=False, parse_int=_number).raw_decode


class Ended(Exception):
    """The text ends in the middle."""


class NotJson(Exception):
    """From here on it is not JSON, or none that can be read."""


class Unreadable(NotJson):
    """The value that begins here cannot be read whole, but `skip` gets past it."""


class Stream:
    """A place in a JSON text, moved forward by what is taken from it. All methods raise Ended and NotJson."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._buffer = ""
        self._at = 0
        self._before = 0  # characters that are no longer in the buffer
        self._ended = False  # the buffer holds the end of the text

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            space = _space.match(self._buffer, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def value(self) -> Any:
        """The whole value that begins here. Raises Unreadable, and stays before it, when it is too long or deep."""
        if not self.peek():
            raise Ended
        while (found := self._decoded()) is None:
            if len(self._buffer) - self._at > LONGEST:
                raise Unreadable(f"it is longer than {LONGEST:,} characters")
            if self._ended:
                raise Ended
            self._more()
        return found[0]

    def values(self) -> Iterator[Any]:
        """The items of the array that begins here, one by one; an Unreadable in place of one that cannot be read."""
        for _ in self.items():
            try:
                value = self.value()
            except Unreadable as e:
                self.skip()
                value = e
            yield value

    def fields(self) -> Iterator[str]:
        """The keys of the object that begins here; the value of each is to be taken before the next is asked for."""
        self._take("{")
        if self.peek() == "}":
            self._take("}")
            return
        while True:
            if self.peek() not in ('"', ""):
                raise self._not_json("a key that is no text")
            key = self.value()
            self._take(":")
            yield key
            if self._take(",}") == "}":
                return

    def items(self) -> Iterator[None]:
        """One turn for every item of the array that begins here; the item is to be taken in it."""
        self._take("[")
        if self.peek() == "]":
            self._take("]")
            return
        while True:
            yield
            if self._take(",]") == "]":
                return

    def skip(self) -> None:
        """Get past the value that begins here, of any length and depth."""
        if self.peek() not in ('"', "{", "["):
            self.value()
            return
        depth, inside = 0, False
        while True:
            mark = self._next(_quote if inside else _bracket)
            if mark == "\\":
                self._next(_any)
            elif mark == '"':
                inside = not inside
            else:
                depth += 1 if mark in "{[" else -1
            if depth == 0 and not inside:
                return

    def end(self) -> None:
        """Make sure that nothing follows."""
        if self.peek():
            raise self._not_json("more after the end")

    def _next(self, wanted: re.Pattern[str]) -> str:
        """Go past the next match of a pattern of one character."""
        while (found := wanted.search(self._buffer, self._at)) is None:
            self._at = len(self._buffer)
            if not self._more():
                raise Ended
        self._at = found.end()
        return found[0]

    def _decoded(self) -> tuple[Any] | None:
        """The value here, in a tuple, and past it; None while its end is not in the buffer."""
        if not self._ended and self._buffer[self._at] not in '{["' and self._goes_on():
            return None
        try:
            value, end = self._scan()
        except json.JSONDecodeError as e:
            if self._is_cut(e):
                return None
            raise self._not_json(e.msg.lower(), e.pos) from e
        except RecursionError:
            raise Unreadable("it is nested too deeply") from None
        self._at = end
        return (value,)

    def _goes_on(self) -> bool:
        """Whether the number or word here reaches the end of the buffer: then it may go on behind it."""
        token = _token.match(self._buffer, self._at)
        return token is not None and token.end() == len(self._buffer)

    def _scan(self) -> tuple[Any, int]:
        try:
            return _decode(self._buffer, self._at)
        except json.JSONDecodeError:
            raise
        except ValueError:  # a whole number of thousands of digits
            return _decode_long_numbers(self._buffer, self._at)

    def _is_cut(self, error: json.JSONDecodeError) -> bool:
        """Whether the scanner stumbled over the end of the buffer only."""
        if error.msg.startswith("Unterminated string"):
            return True
        if not self._ended:
            return error.pos >= len(self._buffer) - LONGEST_WORD
        return _cut.fullmatch(self._buffer, error.pos) is not None

    def _more(self) -> bool:
        """Read on, as much again as is waiting, so that a long value is not tried too often; False at the end."""
        rest = self._buffer[self._at :]
        pieces, wanted = [rest], max(CHUNK, min(len(rest), LONGEST + 1 - len(rest)))
        while wanted > 0 and (piece := self._text.read()):
            pieces.append(piece)
            wanted -= len(piece)
        self._ended = wanted > 0
        self._before += self._at
        self._buffer, self._at = "".join(pieces), 0
        return len(pieces) > 1

    def _take(self, wanted: str) -> str:
        found = self.peek()
        if not found:
            raise Ended
        if found not in wanted:
            if self._ended and _cut.fullmatch(self._buffer, self._at):  # "1.5e" was read as 1.5
                raise Ended
            raise self._not_json(f"no {' or '.join(wanted)}")
        self._at += 1
        return found

    def _not_json(self, why: str, at: int | None = None) -> NotJson:
        place = self._before + (self._at if at is None else at) + 1
        return NotJson(f"{why}, at character {place:,}")
