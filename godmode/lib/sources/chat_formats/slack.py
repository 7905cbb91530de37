"""Slack: a folder a channel with a `YYYY-MM-DD.json` a day; `users.json` beside the folders has the names."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from godmode.lib.sources.chat_formats.message import Said, Unread, fault, moment, word
from godmode.lib.sources.chat_formats.stream import Ended, NotJson, Stream
from godmode.lib.sources.chat_formats.text import Text

# Subtypes that are messages of people or apps; all others tell of joins, topics, pins and the like.
SPOKEN = {"", "thread_broadcast", "me_message", "file_share", "bot_message", "file_comment"}


def read(stream: Stream, channel: str, users: Mapping[str, str]) -> Iterator[Said | Unread]:
    """What was said on one day in one channel."""
    for place, message in enumerate(stream.values(), 1):
        stamp = word(message.get("ts")) if isinstance(message, dict) else ""
        if not stamp:
            yield Unread(f"message {place}", fault(message, "it has no ts"))
        elif message.get("type", "message") == "message" and word(message.get("subtype")) in SPOKEN:
            yield from _message(channel, stamp, message, users)


def _message(channel: str, stamp: str, message: Mapping[str, Any], users: Mapping[str, str]) -> Iterator[Said]:
    text = readable(word(message.get("text")), users)
    if not text.strip():
        return
    user, bot = word(message.get("user")), word(message.get("bot_id")) or message.get("subtype") == "bot_message"
    names = tuple(filter(None, (users.get(user, ""), _own_name(message), user, word(message.get("username")))))
    thread = word(message.get("thread_ts")) or None
    role = "assistant" if bot else None
    yield Said(channel, f"#{channel}", stamp, moment(stamp), names, text, role, thread)


def _own_name(message: Mapping[str, Any]) -> str:
    profile = message.get("user_profile")
    return word(profile.get("real_name")) if isinstance(profile, dict) else ""


def readable(text: str, users: Mapping[str, str]) -> str:
    """Slack's own marks as a person reads them: `<@U1>`, `<#C1|general>`, `<https://…|label>`, `&amp;`."""

    def plain(mark: re.Match[str]) -> str:
        target, _, label = mark[1].partition("|")
        if target.startswith("@"):
            return f"@{label or users.get(target[1:], target[1:])}"
        if target.startswith("#"):
            return f"#{label or target[1:]}"
        return label or target.removeprefix("!")

    return html.unescape(re.sub(r"<([^<>\n]+)>", plain, text))


def names_of(root: Path) -> dict[str, str]:
    """User id → name, from the `users.json` of an export; as far as it can be read."""
    names: dict[str, str] = {}
    try:
        path = root / "users.json"
        if path.is_file():
            with path.open("rb") as file:
                names.update(named for user in Stream(Text(file)).values() if (named := _named(user)))
    except (OSError, Ended, NotJson):
        pass
    return names


def _named(user: object) -> tuple[str, str] | None:
    """A user's id, and the name by which she is known: the real one, the one shown, or the account's."""
    if not isinstance(user, dict) or not word(user.get("id")):
        return None
    profile = user.get("profile")
    shown = word(profile.get("display_name")) if isinstance(profile, dict) else ""
    return word(user["id"]), word(user.get("real_name")) or shown or word(user.get("name"))
