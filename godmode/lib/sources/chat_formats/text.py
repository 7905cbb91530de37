"""A file's bytes as text, whatever they were written in, without loading the file."""

from __future__ import annotations

import codecs
from typing import BinaryIO

CHUNK = 1 << 18  # bytes
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Text:
    """The text of a binary file, piece by piece: a BOM is dropped, UTF-16 (known by its BOM) is decoded.

    Bytes that are none become U+FFFD; `bad` is the offset of the first such byte, None while all is well.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._head = file.read(len(codecs.BOM_UTF8))
        self._offset = 0
        self.bad: int | None = None
        self.is_utf16 = self._head.startswith(UTF16)
        if self._head == codecs.BOM_UTF8:
            self._head, self._offset = b"", len(codecs.BOM_UTF8)
        self._decoder = codecs.getincrementaldecoder("utf-16" if self.is_utf16 else "utf-8")("strict")

    def read(self) -> str:
        """The next piece, at least one character; empty at the end. What ends within a character is cut there."""
        while raw := self._head or self._file.read(CHUNK):
            self._head = b""
            text = self._decode(raw)
            self._offset += len(raw)
            if text:
                return text
        return ""

    def _decode(self, raw: bytes) -> str:
        held = self._decoder.getstate()[0]  # bytes of a character begun in the piece before
        try:
            return self._decoder.decode(raw)
        except UnicodeDecodeError as e:
            if self.bad is None:
                self.bad = self._offset - len(held) + e.start
            self._decoder.errors = "replace"
            text = self._decoder.decode(raw)
            self._decoder.errors = "strict"
            return text
