"""One file of an export: told apart by what is in it, and read from beginning to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import tzinfo
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from godmode.lib.sources.chat_formats import chatgpt, claude, detect, jsonl, lines, slack, telegram
from godmode.lib.sources.chat_formats.message import Said, Unread
from godmode.lib.sources.chat_formats.stream import Ended, NotJson, Stream
from godmode.lib.sources.chat_formats.text import Text
from godmode.lib.sources.chat_formats.walk import Found

LINES = {".jsonl", ".ndjson"}


class Export:
    """Reads one file. Once it was read, `kind` is its format, `state` what to remember of it, and `left` says why
    it is to be read again although it did not change, None when it was read to its end.
    """

    def __init__(self, found: Found, zone: tzinfo, names_of: Callable[[Path], Mapping[str, str]]) -> None:
        self._found = found
        self._zone = zone
        self._names_of = names_of
        self.kind = ""
        self.state: dict[str, Any] = {}
        self.left: str | None = None

    def read(self, file: BinaryIO, before: Mapping[str, Any]) -> Iterator[Said | Unread]:
        """What was said in it; `before` is the state of an earlier reading. Raises OSError."""
        ending = self._found.path.suffix.lower()
        if ending == ".zip":
            yield Unread("", "an archive is not read: unpack it here")
        elif ending in LINES:
            yield from self._lines(file, before)
        elif self._found.path.name.lower() not in detect.COMPANIONS:
            yield from self._json(file, before)

    def _json(self, file: BinaryIO, before: Mapping[str, Any]) -> Iterator[Said | Unread]:
        text = Text(file)
        try:
            kind = detect.kind(Stream(text))
            if kind is None:
                yield Unread("", "JSON, but no chat export of a kind that is known")
            elif kind == "jsonl":
                yield from self._lines(file, before)
            elif kind != "empty":
                file.seek(0)
                text = Text(file)
                yield from self._messages(kind, Stream(text))
        except Ended:
            self.left = "it ends in the middle: still being written?"
        except NotJson as e:
            yield Unread("", f"not read from here on: {e}")
        if text.bad is not None and self.kind != "jsonl":
            yield Unread("", f"from byte {text.bad} on {jsonl.NOT_UTF8}", records=0)

    def _messages(self, kind: str, stream: Stream) -> Iterator[Said | Unread]:
        self.kind = kind
        if kind == "chatgpt":
            yield from chatgpt.read(stream)
        elif kind == "claude":
            yield from claude.read(stream)
        elif kind == "telegram":
            yield from telegram.read(stream, self._zone)
        else:
            folder = self._found.path.parent
            channel = PurePosixPath(self._found.name).parent.name or folder.name
            yield from slack.read(stream, channel, self._names_of(folder.parent))
        stream.end()

    def _lines(self, file: BinaryIO, before: Mapping[str, Any]) -> Iterator[Said | Unread]:
        self.kind = "jsonl"
        longest, title = lines.LONGEST_LINE, PurePosixPath(self._found.name).stem
        there, remarked = lines.Lines(file, before, longest), False
        for number, line in there:
            if line is None:
                yield Unread(f"line {number}", f"it is longer than {longest:,} bytes")
            elif line and not line.isspace():
                for said in jsonl.parse(line, number, title, self._zone):
                    remark = isinstance(said, Unread) and not said.records
                    if not remark or not remarked:
                        yield said
                    remarked = remarked or remark
        rest, number = there.rest, there.number + 1
        if there.is_cut or (rest.strip() and jsonl.decoded(rest)[0] is None):
            self.left = f"line {number} is not complete: still being written?"
        elif rest.strip():
            yield from jsonl.parse(rest, number, title, self._zone)
        self.state = there.state()
