"""What `getUpdates` gives, as words: texts that were typed and buttons that were pressed.

Facts: core.telegram.org/bots/api#update. A pressed button has no time of its own; a message has one, in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from godmode.lib.ports import Word

WANTED = ["message", "callback_query"]  # kinds of updates; Telegram sends no other


class Chat(Struct, frozen=True):
    id: int


class Message(Struct, frozen=True):
    chat: Chat
    date: int = 0
    text: str = ""


class CallbackQuery(Struct, frozen=True):
    id: str
    message: Message | None = None
    data: str = ""


class Update(Struct, frozen=True):
    update_id: int
    message: Message | None = None
    callback_query: CallbackQuery | None = None


def words(updates: Sequence[Any]) -> list[Word]:
    """In the order in which they were said. One that does not parse is a word of nobody, so that it is passed over."""
    return sorted(_each(updates), key=lambda word: word.number)


def _each(updates: Sequence[Any]) -> Iterator[Word]:
    for update in updates:
        try:
            yield _word(msgspec.convert(update, Update))
        except (msgspec.ValidationError, ValueError, OverflowError, OSError):
            number = update.get("update_id") if isinstance(update, dict) else None
            if isinstance(number, int):
                yield Word(number)


def _word(update: Update) -> Word:
    said, pressed = update.message, update.callback_query
    if pressed is not None and pressed.message is not None:
        return Word(update.update_id, str(pressed.message.chat.id), pressed.data, press=pressed.id)
    if said is not None:
        return Word(update.update_id, str(said.chat.id), said.text, datetime.fromtimestamp(said.date, UTC))
    return Word(update.update_id)
