"""JSON lines: `ts`, `author`, `text`, and where there are any `conversation`, `id` and `thread`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo

import msgspec

from godmode.lib.sources.chat_formats.message import Said, Unread, digest, moment, word


def parse(line: bytes, number: int, title: str, zone: tzinfo) -> Iterator[Said | Unread]:
    """The message of one line. A line without text is no message."""
    try:
        message = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        message = None
    if not isinstance(message, dict):
        yield Unread(f"line {number}", "it is no JSON object")
        return
    text, author = word(message.get("text")), word(message.get("author"))
    if "text" not in message or "ts" not in message:
        yield Unread(f"line {number}", "it has no ts or no text")
        return
    if not text.strip():
        return
    stamp, conversation = message["ts"], word(message.get("conversation"))
    # Without an id of its own a message is known by what it says; an id alone may recur in another file.
    given = word(message.get("id"))
    own = f"{given}-{digest(stamp, author)}" if given else digest(stamp, author, text)
    thread = word(message.get("thread")) or None
    at = moment(stamp, zone)
    yield Said(conversation, conversation or title, own, at, (author,) if author else (), text, thread=thread)
