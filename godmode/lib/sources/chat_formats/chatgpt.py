"""ChatGPT's `conversations.json`: a list of conversations, each a tree of which one branch is visible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import ijson

from godmode.lib.sources.chat_formats.message import Said, Unread, digest, moment, word

ROLES = {"user": "operator", "assistant": "assistant"}


def read(file: BinaryIO) -> Iterator[Said | Unread]:
    """What was said in every conversation, one conversation in memory at a time."""
    for number, conversation in enumerate(ijson.items(file, "item", use_float=True), 1):
        if not isinstance(conversation, dict) or not isinstance(conversation.get("mapping"), dict):
            yield Unread(f"conversation {number}", "it has no messages")
            continue
        yield from _conversation(number, conversation)


def _conversation(number: int, conversation: Mapping[str, Any]) -> Iterator[Said | Unread]:
    title = word(conversation.get("title"))
    own = word(conversation.get("conversation_id")) or word(conversation.get("id"))
    own = own or digest(title, conversation.get("create_time"))
    branch = _visible(conversation["mapping"], conversation.get("current_node"))
    if branch is None:
        yield Unread(f"conversation {number} ({title})", "its messages form no branch")
        return
    for node_id, message in branch:
        said = _message(own, title, node_id, message, conversation.get("create_time"))
        if said is not None:
            yield said


def _visible(mapping: Mapping[str, Any], current: object) -> list[tuple[str, Mapping[str, Any]]] | None:
    """The messages from the root to the current node; None when the parents do not lead to a root."""
    node_id = current if isinstance(current, str) else _newest(mapping)
    branch: list[tuple[str, Mapping[str, Any]]] = []
    seen = set()
    while node_id is not None:
        node = mapping.get(node_id) if isinstance(node_id, str) else None
        if not isinstance(node, dict) or node_id in seen:
            return None
        seen.add(node_id)
        if isinstance(node.get("message"), dict):
            branch.append((node_id, node["message"]))
        node_id = node.get("parent")
    return branch[::-1]


def _newest(mapping: Mapping[str, Any]) -> str | None:
    """The leaf that was written last, for an export that names no current node."""
    nodes = {key: node for key, node in mapping.items() if isinstance(node, dict)}
    parents = {node.get("parent") for node in nodes.values() if isinstance(node.get("parent"), str)}
    leaves = [key for key in nodes if key not in parents]
    return max(leaves, key=lambda key: (_stamp(nodes[key]), key), default=None)


def _stamp(node: Mapping[str, Any]) -> float:
    message = node.get("message")
    stamp = message.get("create_time") if isinstance(message, dict) else None
    return float(stamp) if isinstance(stamp, int | float) else 0.0


def _message(own: str, title: str, node_id: str, message: Mapping[str, Any], begun: object) -> Said | None:
    """The message, or None for what no person sees: system and tool messages, hidden and empty ones."""
    author, content = message.get("author"), message.get("content")
    role = ROLES.get(word(author.get("role"))) if isinstance(author, dict) else None
    hidden = message.get("metadata")
    if isinstance(hidden, dict) and hidden.get("is_visually_hidden_from_conversation"):
        return None
    parts = content.get("parts") if isinstance(content, dict) else None
    text = "\n".join(p for p in parts if isinstance(p, str)) if isinstance(parts, list) else ""
    if role is None or not text.strip():
        return None
    at = moment(message.get("create_time")) or moment(begun)
    return Said(own, title, word(message.get("id")) or node_id, at, ("ChatGPT",), text, role)
