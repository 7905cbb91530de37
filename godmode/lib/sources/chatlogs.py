"""Chat exports in a folder that the operator drops files into.

Exports are repeated whole and grow, so a message is known by its conversation and id, and storing one twice is
harmless. A file is read again only when its size or time changed; JSON lines that only grew are read on from
where they ended. What cannot be read is skipped and named; a file that is still being written is left.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, cast

import ijson

from godmode.lib.config import Section
from godmode.lib.errors import Transient
from godmode.lib.kernel import Checkpoint, Every, Record, Site, Skipped
from godmode.lib.sources.chat_formats import chatgpt, claude, detect, jsonl, slack, telegram, walk
from godmode.lib.sources.chat_formats.bytes import NotUtf8, Utf8
from godmode.lib.sources.chat_formats.message import Said, Unread, clean, digest
from godmode.lib.sources.chat_formats.walk import Found

LONGEST_ID = 200  # characters; a longer one is kept as its hash
LONGEST_LINE = 64_000_000  # bytes
TAIL = 4096  # bytes before the old end that tell whether a file only grew
LINES = {".jsonl", ".ndjson"}

Item = Record | Skipped
Reading = Generator[Item, None, dict[str, Any] | None]  # what a file has, and what to remember of it


class ChatlogsSettings(Section, frozen=True):
    """`path` is relative to the configuration; `me` are names or ids of the operator in Slack and Telegram."""

    path: str
    me: list[str] = []  # noqa: RUF012


class Chatlogs:
    """Reads every export below a folder."""

    name, every = "chatlogs", Every(minutes=30)
    Settings = ChatlogsSettings

    def __init__(self, settings: ChatlogsSettings, site: Site) -> None:
        self._folder = site.beside(settings.path)
        self._zone = site.zone
        self._operator = site.operator or "you"
        self._me = {name.casefold() for name in [*settings.me, site.operator] if name}
        self._users: dict[Path, dict[str, str]] = {}

    def changes(self, cursor: Mapping[str, Any]) -> Iterator[Record | Skipped | Checkpoint]:
        """What is new since `cursor`, file by file. Raises Transient when the folder is not there."""
        files: dict[str, dict[str, Any]] = dict(cursor.get("files", {}))
        seen = set()
        try:
            for found in walk.files(self._folder):
                if isinstance(found, Skipped):
                    yield found
                    continue
                seen.add(found.name)
                known = files.get(found.name, {})
                if (known.get("size"), known.get("mtime_ns")) == (found.size, found.mtime_ns):
                    continue
                state = yield from self._file(found, known)
                if state is not None:
                    files[found.name] = {"size": found.size, "mtime_ns": found.mtime_ns} | state
                    yield Checkpoint({"files": files})
            self._folder.stat()
        except OSError as e:
            raise Transient(
                f"cannot read the folder {self._folder}: {e.strerror}", "create it, or set sources.chatlogs.path"
            ) from e
        if files.keys() - seen:
            yield Checkpoint({"files": {name: files[name] for name in files if name in seen}})

    def _file(self, found: Found, known: Mapping[str, Any]) -> Reading:
        """Yield what a file has; return what to remember of it, None when it has to be read again."""
        state: dict[str, Any] | None = None
        try:
            state = yield from self._contents(found, known)
            now = found.path.stat()
        except FileNotFoundError:
            if not self._folder.is_dir():
                raise
            yield Skipped(found.name, "it vanished while it was read", later=True)
            return None
        except OSError as e:
            yield Skipped(found.name, f"cannot be read: {e.strerror}", later=True)
            return None
        if state is not None and (now.st_size, now.st_mtime_ns) != (found.size, found.mtime_ns):
            yield Skipped(found.name, "it changed while it was read", later=True)
            return None
        return state

    def _contents(self, found: Found, known: Mapping[str, Any]) -> Reading:
        if found.path.suffix.lower() == ".zip":
            yield Skipped(found.name, "an archive is not read: unpack it here")
            return {}
        if found.path.suffix.lower() in LINES:
            return (yield from self._lines(found, known))
        try:
            return (yield from self._json(found, mend=False))
        except NotUtf8 as e:
            yield Skipped(found.name, _mended(e.offset), records=0)
            return (yield from self._json(found, mend=True))

    # -- JSON ----------------------------------------------------------------------------------------------

    def _json(self, found: Found, *, mend: bool) -> Reading:
        with found.path.open("rb") as raw:
            file = Utf8(raw, mend)
            try:
                kind = None if found.path.name in detect.COMPANIONS else detect.kind(cast(BinaryIO, file))
                if kind in (None, "empty"):
                    if kind is None and found.path.name not in detect.COMPANIONS:
                        yield Skipped(found.name, "JSON, but no chat export of a kind that is known")
                    return {}
                raw.seek(0)
                file = Utf8(raw, mend)
                for said in self._reader(str(kind), found, cast(BinaryIO, file)):
                    yield self._item(str(kind), found, said)
            except ijson.JSONError as e:
                if file.ended:
                    yield Skipped(found.name, "it ends in the middle: still being written?", later=True)
                    return {"state": "partial"}
                yield Skipped(found.name, f"not JSON from here on: {_first_line(e)}")
                return {"state": "broken"}
            except ValueError as e:  # a number of thousands of digits
                yield Skipped(found.name, f"not read from here on: {_first_line(e)}")
                return {"state": "broken"}
        return {}

    def _reader(self, kind: str, found: Found, file: BinaryIO) -> Iterator[Said | Unread]:
        if kind == "chatgpt":
            return chatgpt.read(file)
        if kind == "claude":
            return claude.read(file)
        if kind == "telegram":
            return telegram.read(file, self._zone)
        channel = found.path.parent
        if channel.parent not in self._users:
            self._users[channel.parent] = slack.names_of(channel.parent)
        return slack.read(file, channel.name, self._users[channel.parent])

    # -- JSON lines ----------------------------------------------------------------------------------------

    def _lines(self, found: Found, known: Mapping[str, Any]) -> Reading:
        with found.path.open("rb") as raw:
            offset, number = _grown(raw, known)
            raw.seek(offset)
            try:
                return (yield from self._lines_from(found, Utf8(raw), offset, number))
            except NotUtf8 as e:
                yield Skipped(
                    found.name, f"not UTF-8 at byte {offset + e.offset}: kept, with � for such bytes", records=0
                )
                raw.seek(0)
                return (yield from self._lines_from(found, Utf8(raw, mend=True), 0, 0))

    def _lines_from(self, found: Found, file: Utf8, offset: int, number: int) -> Reading:
        rest = b""
        while chunk := file.read():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                number += 1
                yield from self._line(found, line, number)
            offset += sum(map(len, lines)) + len(lines)
            if len(rest) > LONGEST_LINE:
                yield Skipped(found.name, f"line {number + 1} is longer than {LONGEST_LINE:,} bytes")
                return {"state": "broken"}
        if rest.strip():
            last = list(jsonl.parse(rest, number + 1, found.path.stem, self._zone))
            if any(isinstance(item, Unread) for item in last):
                yield Skipped(found.name, f"line {number + 1} is not complete: still being written?", later=True)
            else:
                yield from (self._item("jsonl", found, said) for said in last)
        return {"offset": offset, "lines": number} if file.plain else {}

    def _line(self, found: Found, line: bytes, number: int) -> Iterator[Item]:
        if line.strip():
            for said in jsonl.parse(line, number, found.path.stem, self._zone):
                yield self._item("jsonl", found, said)

    # -- records -------------------------------------------------------------------------------------------

    def _item(self, kind: str, found: Found, said: Said | Unread) -> Item:
        if isinstance(said, Unread):
            return Skipped(found.name, f"{said.where}: {said.why}")
        own = clean(".".join(part for part in (kind, said.conversation, said.id) if part))
        role = said.role or ("operator" if self._me & {name.casefold() for name in said.names} else "person")
        fields = {
            "conversation": clean(f"{kind}.{said.conversation}"),
            "title": clean(said.title),
            "author": clean(self._author(said)),
            "role": role,
            "thread": said.thread,
            "file": clean(found.name),
        }
        return Record(self.name, own if len(own) <= LONGEST_ID else _hash(own), said.at, clean(said.text), fields)

    def _author(self, said: Said) -> str:
        """Who said it; in a chat with an assistant, the person is the operator."""
        if said.role == "operator":
            return self._operator
        return said.names[0] if said.names else ""


def _hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=20).hexdigest()


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _grown(raw: BinaryIO, known: Mapping[str, Any]) -> tuple[int, int]:
    """Where to read on, in bytes and lines: the old end if all before it is as it was, else the beginning."""
    offset, lines = known.get("offset"), known.get("lines")
    if not isinstance(offset, int) or not isinstance(lines, int):
        return 0, 0
    return (offset, lines) if _tail(raw, offset) == known.get("tail") else (0, 0)


def _tail(raw: BinaryIO, end: int) -> str:
    """A hash of the last bytes before `end`."""
    start = max(0, end - TAIL)
    raw.seek(start)
    return digest(raw.read(end - start))


def _mended(offset: int) -> str:
    return f"not UTF-8 at byte {offset}: read all the same, with � for such bytes"
