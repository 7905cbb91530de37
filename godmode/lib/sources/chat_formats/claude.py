"""Claude's `conversations.json`: a list of conversations with their messages in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from godmode.lib.sources.chat_formats.message import Said, Unread, fault, moment, shortened, word
from godmode.lib.sources.chat_formats.stream import Stream

ROLES = {"human": "operator", "assistant": "assistant"}


def read(stream: Stream) -> Iterator[Said | Unread]:
    """What was said in every conversation, one conversation in memory at a time."""
    for number, conversation in enumerate(stream.values(), 1):
        messages = conversation.get("chat_messages") if isinstance(conversation, dict) else None
        if not isinstance(messages, list) or not word(conversation.get("uuid")):
            yield Unread(f"conversation {number}", fault(conversation, "it has no uuid or no chat_messages"))
            continue
        for place, message in enumerate(messages, 1):
            yield from _message(conversation, place, message)


def _message(conversation: Mapping[str, Any], place: int, message: object) -> Iterator[Said | Unread]:
    where = f"conversation {shortened(word(conversation['uuid']))}, message {place}"
    if not isinstance(message, dict) or not word(message.get("uuid")):
        yield Unread(where, "it has no uuid")
        return
    role = ROLES.get(word(message.get("sender")))
    text = _text(message)
    if role is None or not text.strip():
        return
    # Not updated_at: it moves with every message, and the same message would seem to have changed.
    at = moment(message.get("created_at")) or moment(conversation.get("created_at"))
    title = word(conversation.get("name"))
    yield Said(word(conversation["uuid"]), title, word(message["uuid"]), at, ("Claude",), text, role)


def _text(message: Mapping[str, Any]) -> str:
    """The message's text; newer exports keep it in blocks."""
    text, blocks = message.get("text"), message.get("content")
    if isinstance(text, str) and text.strip():
        return text
    parts = blocks if isinstance(blocks, list) else []
    texts = (b.get("text") for b in parts if isinstance(b, dict) and b.get("type", "text") == "text")
    return "\n".join(text for text in texts if isinstance(text, str))
