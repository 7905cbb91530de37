"""The lines of a file that grows: read on from where an earlier reading ended, if what lies before is as it was."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from typing import Any, BinaryIO

from godmode.lib.sources.chat_formats.text import CHUNK, UTF16, Text

LONGEST_LINE = 64_000_000  # bytes


class Lines:
    """Yields number and bytes of each whole line; `rest` is then what follows the last line end.

    Of a line of more than `longest` bytes None is given; `is_cut` says that the file ends within such a line.
    `known` is an earlier `state()`.
    """

    def __init__(self, file: BinaryIO, known: Mapping[str, Any], longest: int = LONGEST_LINE) -> None:
        self._longest = longest
        self.rest = b""
        self.is_cut = False
        if not self._resumes(file, known):
            self._begin(file)

    def __iter__(self) -> Iterator[tuple[int, bytes | None]]:
        while piece := self._read():
            text = self.rest + piece
            end = text.rfind(b"\n") + 1
            self.rest = text[end:]
            for line in text[:end].split(b"\n")[:-1]:
                self.number += 1
                yield self.number, None if self.is_cut or len(line) > self._longest else line
                self.is_cut = False
            self._passed(text[:end])
            if len(self.rest) > self._longest:
                self._passed(self.rest)
                self.rest, self.is_cut = b"", True

    def state(self) -> dict[str, Any]:
        """What to remember: how far whole lines were read, and a hash of all that lies before."""
        if self.is_cut:
            return {}
        return {"offset": self.offset, "lines": self.number, "hash": self._hash.hexdigest()}

    def _passed(self, text: bytes) -> None:
        self._hash.update(text)
        self.offset += len(text)

    def _begin(self, file: BinaryIO) -> None:
        file.seek(0)
        self._read = _utf8(file)
        self._hash = blake2b(digest_size=16)
        self.offset = self.number = 0

    def _resumes(self, file: BinaryIO, known: Mapping[str, Any]) -> bool:
        """Go to where the earlier reading ended; false where the bytes before are others than they were."""
        self._begin(file)
        offset, lines = known.get("offset"), known.get("lines")
        if not isinstance(offset, int) or not isinstance(lines, int):
            return False
        while self.offset < offset and (piece := self._read(offset - self.offset)):
            self._passed(piece)
        self.number = lines
        return self.offset == offset and self._hash.hexdigest() == known.get("hash")


def _utf8(file: BinaryIO) -> Callable[..., bytes]:
    """Reads the file in pieces of at most so many bytes: as they are, without a BOM; UTF-16 as UTF-8."""
    head = file.read(len(codecs.BOM_UTF8))
    file.seek(0)
    if head.startswith(UTF16):
        return _Transcoded(file).read
    file.seek(len(head) if head == codecs.BOM_UTF8 else 0)
    return _Plain(file).read


class _Plain:
    """The bytes as they are."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = CHUNK) -> bytes:
        return self._file.read(min(size, CHUNK))


class _Transcoded:
    """UTF-16 as UTF-8."""

    def __init__(self, file: BinaryIO) -> None:
        self._text = Text(file)
        self._waiting = b""

    def read(self, size: int = CHUNK) -> bytes:
        self._waiting = self._waiting or self._text.read().encode("utf-8", "replace")
        piece, self._waiting = self._waiting[:size], self._waiting[size:]
        return piece
