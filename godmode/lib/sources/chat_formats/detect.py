"""Which format a JSON file has, told from the first keys that decide it."""

from __future__ import annotations

from typing import BinaryIO

import ijson

DECISIVE = {
    "item.mapping": "chatgpt",
    "item.chat_messages": "claude",
    "item.ts": "slack",
    "messages": "telegram",
    "chats": "telegram",
}
# Files that lie beside the chats in an export and hold none.
COMPANIONS = {
    "users.json", "channels.json", "groups.json", "dms.json", "mpims.json", "integration_logs.json", "canvases.json",
    "lists.json", "user.json", "message_feedback.json", "model_comparisons.json", "shared_conversations.json",
    "projects.json", "memories.json",
}  # fmt: skip


def kind(file: BinaryIO) -> str | None:
    """`chatgpt`, `claude`, `slack` or `telegram`; `empty` for an empty list; None for anything else.

    Reads no further than the first key that decides. Raises ijson.JSONError.
    """
    events = 0
    for prefix, event, value in ijson.parse(file, use_float=True):
        events += 1
        if event == "map_key":
            found = DECISIVE.get(f"{prefix}.{value}".lstrip("."))
            if found:
                return found
        if prefix == "item" and event == "end_map":
            return None  # a first object with none of the keys
    return "empty" if events == 2 else None
