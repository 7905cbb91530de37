"""Which format a JSON file has, told from the first keys that decide it."""

from __future__ import annotations

from collections.abc import Mapping

from godmode.lib.sources.chat_formats.stream import Stream

LISTED = {"mapping": "chatgpt", "chat_messages": "claude", "ts": "slack"}  # a key of the objects of a list
SINGLE = {"messages": "telegram", "chats": "telegram", "ts": "jsonl"}  # a key of the first object
# Files that lie beside the chats in an export and hold none.
COMPANIONS = {
    "users.json", "org_users.json", "channels.json", "groups.json", "dms.json", "mpims.json", "teams.json",
    "integration_logs.json", "canvases.json", "lists.json", "file_conversations.json",
    "user.json", "user_settings.json", "message_feedback.json", "model_comparisons.json",
    "shared_conversations.json", "export_manifest.json", "projects.json", "memories.json",
}  # fmt: skip


def kind(stream: Stream) -> str | None:
    """`chatgpt`, `claude`, `slack`, `telegram` or `jsonl`; `empty` for an empty list; None for anything else.

    Reads no further than what decides. Raises as Stream does.
    """
    first = stream.peek()
    if first == "{":
        return _deciding(stream, SINGLE)
    if first == "[":
        return _of_list(stream)
    stream.skip()
    stream.end()
    return None


def _of_list(stream: Stream) -> str | None:
    """The first object of the list decides."""
    found: str | None = "empty"
    for _ in stream.items():
        if stream.peek() == "{":
            return _deciding(stream, LISTED)
        stream.skip()
        found = None
    return found


def _deciding(stream: Stream, keys: Mapping[str, str]) -> str | None:
    """What the first deciding key of the object here stands for."""
    for key in stream.fields():
        if key in keys:
            return keys[key]
        stream.skip()
    return None
