"""JSON lines: `ts`, `author`, `text`, and where there are any `conversation`, `id` and `thread`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import tzinfo
from typing import Any

import msgspec

from godmode.lib.sources.chat_formats.message import Said, Unread, digest, moment, word

NOT_UTF8 = "not UTF-8: read all the same, with � for such bytes"

_read = msgspec.json.Decoder().decode
_is_message = {"ts", "text"}.issubset


def parse(line: bytes, number: int, title: str, zone: tzinfo) -> Iterator[Said | Unread]:
    """The message of one line, after a remark where its bytes are no UTF-8. A line without text is no message."""
    message, mended = decoded(line)
    if mended:
        yield Unread(f"line {number}", NOT_UTF8, records=0)
    if not isinstance(message, dict):
        yield Unread(f"line {number}", "it is no JSON object")
    elif not _is_message(message):
        yield Unread(f"line {number}", "it has no ts or no text")
    elif word(message["text"]).strip():
        yield _said(message, title, zone)


def decoded(line: bytes) -> tuple[Any, bool]:
    """The value of a line, None for what is none, and whether bytes of it had to be replaced."""
    try:
        return _read(line), False
    except (ValueError, RecursionError):  # both of msgspec's errors are a ValueError
        pass
    text = line.decode("utf-8", "replace")
    try:  # stray bytes, half a surrogate pair, a raw control character: readable all the same
        return json.loads(text, strict=False), text.encode() != line
    except (ValueError, RecursionError):
        return None, False


def _said(message: dict[str, Any], title: str, zone: tzinfo) -> Said:
    text, author, stamp = word(message["text"]), word(message.get("author")), message["ts"]
    conversation = word(message.get("conversation"))
    # Without an id of its own a message is known by what it says; an id alone may recur in another file.
    given = word(message.get("id"))
    own = f"{given}-{digest(stamp, author)}" if given else digest(stamp, author, text)
    thread = word(message.get("thread")) or None
    names = (author,) if author else ()
    return Said(conversation, conversation or title, own, moment(stamp, zone), names, text, thread=thread)
