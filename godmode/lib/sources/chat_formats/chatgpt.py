"""ChatGPT's `conversations.json`: a list of conversations, each a tree of which one branch is visible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from godmode.lib.sources.chat_formats.message import Said, Unread, digest, fault, moment, shortened, word
from godmode.lib.sources.chat_formats.stream import Stream

ROLES = {"user": "operator", "assistant": "assistant"}


def read(stream: Stream) -> Iterator[Said | Unread]:
    """What was said in every conversation, one conversation in memory at a time."""
    for number, conversation in enumerate(stream.values(), 1):
        if not isinstance(conversation, dict) or not isinstance(conversation.get("mapping"), dict):
            yield Unread(f"conversation {number}", fault(conversation, "it has no messages"))
            continue
        yield from _conversation(number, conversation)


def _conversation(number: int, conversation: Mapping[str, Any]) -> Iterator[Said | Unread]:
    title, begun = word(conversation.get("title")), conversation.get("create_time")
    own = word(conversation.get("conversation_id")) or word(conversation.get("id")) or digest(title, begun)
    branch = _visible(conversation["mapping"], conversation.get("current_node"))
    if branch is None:
        yield Unread(f"conversation {number} ({shortened(title)})", "its messages form no branch")
        return
    for node_id, message in branch:
        said = _message(own, title, node_id, message, begun)
        if said is not None:
            yield said


def _visible(mapping: Mapping[str, Any], current: object) -> list[tuple[str, Mapping[str, Any]]] | None:
    """The messages from the root to the current node; None when the parents lead in a circle."""
    node_id = current if isinstance(current, str) and current in mapping else _newest(mapping)
    branch: list[tuple[str, Mapping[str, Any]]] = []
    seen = set()
    while isinstance(node_id, str) and isinstance(node := mapping.get(node_id), dict):
        if node_id in seen:
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
    leaves = [key for key in nodes if key not in parents] or list(nodes)
    return max(leaves, key=lambda key: (_stamp(nodes[key]), key), default=None)


def _stamp(node: Mapping[str, Any]) -> float:
    message = node.get("message")
    at = moment(message.get("create_time")) if isinstance(message, dict) else None
    return at.timestamp() if at else 0.0


def _message(own: str, title: str, node_id: str, message: Mapping[str, Any], begun: object) -> Said | None:
    """The message, or None for what no person sees: of the system and of tools, hidden or empty."""
    author, metadata = message.get("author"), message.get("metadata")
    role = ROLES.get(word(author.get("role"))) if isinstance(author, dict) else None
    hidden = isinstance(metadata, dict) and metadata.get("is_visually_hidden_from_conversation")
    if role is None or hidden or message.get("recipient") not in (None, "all"):
        return None
    text = _text(message.get("content"))
    if not text.strip():
        return None
    at = moment(message.get("create_time")) or moment(begun)
    return Said(own, title, word(message.get("id")) or node_id, at, ("ChatGPT",), text, role)


def _text(content: object) -> str:
    """The parts that are text, or that are objects with a text, such as spoken words; not images and files."""
    parts = content.get("parts") if isinstance(content, dict) else None
    if not isinstance(parts, list):
        return ""
    texts = (part.get("text") if isinstance(part, dict) else part for part in parts)
    return "\n".join(text for text in texts if isinstance(text, str))
