"""A file's bytes as UTF-8, whatever they were written in, without loading the file."""

from __future__ import annotations

import codecs
from typing import BinaryIO

CHUNK = 1 << 18


class NotUtf8(Exception):
    """The bytes at `offset` of the file are not UTF-8."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


class Utf8:
    """Reads like a binary file and gives UTF-8: a BOM is dropped, UTF-16 (known by its BOM) is decoded.

    With `mend`, bytes that are not UTF-8 become U+FFFD; without it they raise NotUtf8. `ended` says whether
    the end of the file was reached, `plain` whether a byte given is a byte of the file.
    """

    def __init__(self, file: BinaryIO, mend: bool = False) -> None:
        self._file = file
        self._offset = 0
        self.ended = False
        head = file.read(3)
        self.plain = not mend and not head.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        encoding = "utf-16" if utf16 else "utf-8"
        self._decoder = codecs.getincrementaldecoder(encoding)("replace" if mend or utf16 else "strict")
        self._head = head.removeprefix(codecs.BOM_UTF8)

    def read(self, size: int = CHUNK) -> bytes:
        """At least one byte, until the file ends. Raises NotUtf8."""
        if size == 0:
            return b""
        while True:
            raw = self._head or self._file.read(CHUNK)
            self._head = b""
            self.ended = not raw
            try:
                text = self._decoder.decode(raw)
            except UnicodeDecodeError as e:
                raise NotUtf8(self._offset + e.start) from e
            self._offset += len(raw)
            if text or self.ended:
                return text.encode("utf-8", "replace")
