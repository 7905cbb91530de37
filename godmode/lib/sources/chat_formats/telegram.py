"""Telegram Desktop's `result.json`: one chat with `messages`, or a whole account with `chats.list`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import tzinfo
from typing import Any, BinaryIO

import ijson
from ijson.common import ObjectBuilder

from godmode.lib.sources.chat_formats.message import Said, Unread, digest, moment, word

CHATS = ("", "chats.list.item", "left_chats.list.item")
MESSAGES = {f"{chat}.messages.item".lstrip("."): chat for chat in CHATS}
FACTS = {f"{chat}.{fact}".lstrip("."): fact for chat in CHATS for fact in ("name", "id", "type")}


def read(file: BinaryIO, zone: tzinfo) -> Iterator[Said | Unread]:
    """What was said in every chat, one message in memory at a time; times without a zone are local."""
    chat: dict[str, Any] = {}
    building: ObjectBuilder | None = None
    place, at = 0, ""
    for prefix, event, value in ijson.parse(file, use_float=True):
        if building is not None:
            building.event(event, value)
            if prefix == at and event == "end_map":
                place += 1
                yield from _message(chat, place, building.value, zone)
                building = None
        elif prefix in MESSAGES and event == "start_map":
            building, at = ObjectBuilder(), prefix
            building.event(event, value)
        elif prefix in MESSAGES:
            place += 1
            yield Unread(f"{word(chat.get('name'))}, message {place}", "it is no object")
        elif prefix in CHATS and event == "start_map":
            chat, place = {}, 0
        elif prefix in FACTS:
            chat[FACTS[prefix]] = value


def _message(chat: Mapping[str, Any], place: int, message: Mapping[str, Any], zone: tzinfo) -> Iterator[Said | Unread]:
    if message.get("type", "message") != "message":
        return
    name = word(chat.get("name"))
    if not word(message.get("id")):
        yield Unread(f"{name}, message {place}", "it has no id")
        return
    text = _text(message.get("text"))
    if not text.strip():
        return
    own = word(chat.get("id")) or digest(name)
    at = moment(message.get("date_unixtime")) or moment(message.get("date"), zone)
    names = tuple(filter(None, (word(message.get("from")), word(message.get("from_id")))))
    yield Said(own, name or own, word(message["id"]), at, names, text)


def _text(text: object) -> str:
    """A text, or its pieces: strings and objects with a text of their own."""
    if isinstance(text, str):
        return text
    pieces = text if isinstance(text, list) else []
    return "".join(p if isinstance(p, str) else word(p.get("text")) for p in pieces if isinstance(p, str | dict))
