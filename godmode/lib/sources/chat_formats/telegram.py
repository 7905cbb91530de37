"""Telegram Desktop's `result.json`: one chat with `messages`, or a whole account with `chats.list`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import tzinfo
from typing import Any

from godmode.lib.sources.chat_formats.message import Said, Unread, digest, fault, moment, shortened, word
from godmode.lib.sources.chat_formats.stream import Stream

FACTS = {"name", "id", "type"}  # of a chat; they stand before its messages
ACCOUNT = {"chats", "left_chats"}


def read(stream: Stream, zone: tzinfo) -> Iterator[Said | Unread]:
    """What was said in every chat, one message in memory at a time; times without a zone are local."""
    if stream.peek() != "{":
        stream.skip()
        yield Unread("chat", "it is no object")
        return
    chat: dict[str, Any] = {}
    for key in stream.fields():
        if key in FACTS:
            chat[key] = stream.value()
        elif key == "messages":
            yield from _messages(stream, chat, zone)
        elif key in ACCOUNT and stream.peek() == "{":
            yield from _account(stream, zone)
        else:
            stream.skip()


def _account(stream: Stream, zone: tzinfo) -> Iterator[Said | Unread]:
    for key in stream.fields():
        if key != "list" or stream.peek() != "[":
            stream.skip()
            continue
        for _ in stream.items():
            yield from read(stream, zone)


def _messages(stream: Stream, chat: Mapping[str, Any], zone: tzinfo) -> Iterator[Said | Unread]:
    own = word(chat.get("id")) or digest(word(chat.get("name")))
    title = word(chat.get("name")) or own
    if stream.peek() != "[":
        stream.skip()
        yield Unread(shortened(title), "its messages are no list")
        return
    bot = f"user{own}" if chat.get("type") == "bot_chat" else None
    for place, message in enumerate(stream.values(), 1):
        if not isinstance(message, dict):
            yield Unread(f"{shortened(title)}, message {place}", fault(message, "it is no object"))
        elif message.get("type", "message") != "message":
            continue
        elif not word(message.get("id")):
            yield Unread(f"{shortened(title)}, message {place}", "it has no id")
        elif (text := _text(message.get("text"))).strip():
            yield _said(own, title, message, text, zone, bot)


def _said(own: str, title: str, message: Mapping[str, Any], text: str, zone: tzinfo, bot: str | None) -> Said:
    at = moment(message.get("date_unixtime")) or moment(message.get("date"), zone)
    author = word(message.get("from_id"))
    names = tuple(filter(None, (word(message.get("from")), author)))
    return Said(own, title, word(message["id"]), at, names, text, "assistant" if bot and author == bot else None)


def _text(text: object) -> str:
    """A text, or its pieces: strings and objects with a text of their own."""
    if isinstance(text, str):
        return text
    pieces = text if isinstance(text, list) else []
    return "".join(p if isinstance(p, str) else word(p.get("text")) for p in pieces if isinstance(p, str | dict))
