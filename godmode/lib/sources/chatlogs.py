"""Chat exports in a folder that the operator drops files into.

Exports are repeated whole and grow, so a message is known by its conversation and id, and storing one twice is
harmless. A file is read again only when its size or time changed; JSON lines that only grew are read on from
where they ended. What cannot be read is skipped and named; a file that is still being written is left, and is
named at every run until it is whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from godmode.lib.errors import Transient
from godmode.lib.kernel import Checkpoint, Every, Record, Skipped
from godmode.lib.ports import Site
from godmode.lib.sections import Section
from godmode.lib.sources.chat_formats import slack, walk
from godmode.lib.sources.chat_formats.export import Export
from godmode.lib.sources.chat_formats.message import Said, Unread, clean, digest
from godmode.lib.sources.chat_formats.walk import Found

LONGEST_ID = 200  # characters; a longer one is kept as its hash
CHECKPOINT_SHARE = 4  # a cursor of n files is given after n / 4 items, so that writing it costs less than they do

Files = dict[str, dict[str, Any]]  # by name, what is remembered of each file


class ChatlogsSettings(Section, frozen=True):
    """`path` is relative to the configuration; `me` are names or ids of the operator in Slack and Telegram."""

    path: str
    me: list[str] = []  # noqa: RUF012


class Chatlogs:
    """Reads every export below a folder."""

    name, every, authority = "chatlogs", Every(minutes=30), "observed"
    Settings = ChatlogsSettings

    def __init__(self, settings: ChatlogsSettings, site: Site) -> None:
        self._folder = site.beside(settings.path)
        self._zone = site.zone
        self._operator = site.operator or "you"
        self._me = {name.casefold() for name in [*settings.me, site.operator] if name}

    def changes(self, cursor: Mapping[str, Any]) -> Iterator[Record | Skipped | Checkpoint]:
        """What is new since `cursor`, the oldest file first, so that of an edited message the newest text stays.

        Raises Transient when the folder cannot be read.
        """
        known: Files = dict(cursor.get("files", {}))
        found: list[Found] = []
        try:
            for entry in walk.files(self._folder):
                if isinstance(entry, Found):
                    found.append(entry)
                else:
                    yield entry
            found.sort(key=lambda file: (file.mtime_ns, file.name))
            yield from self._changed(found, known)
            self._folder.stat()
        except OSError as e:
            raise Transient(
                f"cannot read the folder {self._folder}: {e.strerror}", "create it, or set sources.chatlogs.path"
            ) from e
        there = {file.name for file in found}
        if not known.keys() <= there:
            yield Checkpoint({"files": {name: known[name] for name in known if name in there}})

    def _changed(self, found: list[Found], known: Files) -> Iterator[Record | Skipped | Checkpoint]:
        """Read the files that changed, and keep in `known` what to remember of them."""
        names_of, since = cache(slack.names_of), 0
        for file in found:
            before = known.get(file.name, {})
            if (before.get("size"), before.get("mtime_ns")) == (file.size, file.mtime_ns):
                if "left" in before:
                    yield Skipped(file.name, str(before["left"]), later=True)
                continue
            for item in self._file(file, Export(file, self._zone, names_of), before):
                since += 1
                if isinstance(item, Record | Skipped):
                    yield item
                else:
                    known[file.name] = item
            if since * CHECKPOINT_SHARE >= len(known):
                yield Checkpoint({"files": dict(known)})
                since = 0
        if since:
            yield Checkpoint({"files": dict(known)})

    def _file(
        self, found: Found, export: Export, before: Mapping[str, Any]
    ) -> Iterator[Record | Skipped | dict[str, Any]]:
        """What a file has, and last what to remember of it; without that it is read again from its beginning."""
        try:
            with walk.open_file(found.path) as file:
                begun = walk.stamp(os.fstat(file.fileno()))
                for said in export.read(file, before):
                    yield self._item(export.kind, found.name, said)
            ended = walk.stamp(found.path.stat())
        except FileNotFoundError:
            yield Skipped(found.name, "it vanished while it was read", later=True)
            return
        except OSError as e:
            yield Skipped(found.name, f"cannot be read: {e.strerror}", later=True)
            return
        if begun != ended:
            yield Skipped(found.name, "it changed while it was read", later=True)
            if export.state:
                yield export.state
            return
        if export.left:
            yield Skipped(found.name, export.left, later=True)
            export.state["left"] = export.left
        yield begun | export.state

    def _item(self, kind: str, file: str, said: Said | Unread) -> Record | Skipped:
        if isinstance(said, Unread):
            why = f"{said.where}: {said.why}" if said.where else said.why
            return Skipped(file, clean(why), records=said.records)
        own = clean(".".join(part for part in (kind, said.conversation, said.id) if part))
        fields = {
            "conversation": clean(f"{kind}.{said.conversation or said.title}"),
            "title": clean(said.title),
            "author": clean(self._author(said)),
            "role": said.role or ("person" if self._me.isdisjoint(map(str.casefold, said.names)) else "operator"),
            "thread": said.thread and clean(said.thread),
            "file": file,
        }
        return Record(self.name, own if len(own) <= LONGEST_ID else digest(own), said.at, clean(said.text), fields)

    def _author(self, said: Said) -> str:
        """Who said it; in a chat with an assistant, the person is the operator."""
        if said.role == "operator":
            return self._operator
        return said.names[0] if said.names else ""
