"""Blocks as Markdown, the way for a page whose Markdown Notion does not give. No I/O.

What comes out is close to Notion's own: one line a block, children one tab further in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

Block = Mapping[str, Any]
Children = Callable[[str], Iterable[Block]]
DEEPEST = 40  # levels; Notion itself nests far less

_PREFIX = {
    "heading_1": "# ", "heading_2": "## ", "heading_3": "### ", "heading_4": "#### ",
    "bulleted_list_item": "- ", "quote": "> ", "toggle": "- ",
}  # fmt: skip
_FRAMES = {"column_list", "column", "synced_block", "table", "tab"}  # nothing of their own, only children
_OTHER_PAGES = {"child_page", "child_database"}  # children that are pages of their own
_FILES = {"image", "file", "video", "audio", "pdf"}
_LINKS = {"bookmark", "embed", "link_preview"}
_MARKS = (("code", "`"), ("bold", "**"), ("italic", "*"), ("strikethrough", "~~"))
_SIGNED = re.compile(r"(https?://[^\s\"'<>()?]+)\?[^\s\"'<>()]*X-Amz-[^\s\"'<>()]*")


def unsigned(text: str) -> str:
    """The text with the addresses of files as they are before Notion signs them: a signature is another each time."""
    return _SIGNED.sub(r"\1", text)


def markdown(blocks: Iterable[Block], children: Children) -> str:
    """The blocks of a page; `children` gives the blocks below one."""
    return unsigned("\n".join(_lines(blocks, children, 0)))


def _lines(blocks: Iterable[Block], children: Children, depth: int) -> Iterator[str]:
    number = 0
    for block in blocks:
        kind = block.get("type")
        number = number + 1 if kind == "numbered_list_item" else 0
        for line in _own(block, number):
            yield "\t" * depth + line
        if block.get("has_children") and kind not in _OTHER_PAGES and depth < DEEPEST:
            yield from _lines(children(str(block.get("id"))), children, depth if kind in _FRAMES else depth + 1)


def _own(block: Block, number: int) -> list[str]:
    """The lines of a block without its children."""
    kind = str(block.get("type"))
    content = block.get(kind)
    content = content if isinstance(content, Mapping) else {}
    if kind == "divider":
        return ["---"]
    if kind == "code":
        language = str(content.get("language") or "")
        return [f"```{language}", *_text(content.get("rich_text"), marks=False).split("\n"), "```"]
    if kind == "table_row":
        return ["| " + " | ".join(_text(cell) for cell in content.get("cells") or ()) + " |"]
    if kind in _FRAMES:
        return []
    text = _named(kind, content) or _text(content.get("rich_text"))
    if kind == "to_do":
        text = f"- [{'x' if content.get('checked') else ' '}] {text}"
    if kind == "numbered_list_item":
        text = f"{number}. {text}"
    return [_PREFIX.get(kind, "") + line for line in text.split("\n")] if text or kind == "paragraph" else []


def _named(kind: str, content: Mapping[str, Any]) -> str:
    """The line of a block that is no text."""
    if kind == "equation":
        return f"$${content.get('expression') or ''}$$"
    if kind in _OTHER_PAGES:
        return str(content.get("title") or "")
    if kind in _FILES:
        where = content.get(str(content.get("type")))
        url = where.get("url") if isinstance(where, Mapping) else ""
        return f"{'!' if kind == 'image' else ''}[{_text(content.get('caption'))}]({url or ''})"
    if kind in _LINKS:
        return f"[{_text(content.get('caption')) or content.get('url') or ''}]({content.get('url') or ''})"
    return ""


def _text(rich: Any, marks: bool = True) -> str:
    return "".join(_piece(piece, marks) for piece in rich or () if isinstance(piece, Mapping))


def _piece(piece: Mapping[str, Any], marks: bool) -> str:
    text = str(piece.get("plain_text") or "")
    if not marks or not text.strip():
        return text
    annotations = piece.get("annotations") or {}
    for name, mark in _MARKS:
        if annotations.get(name):
            text = f"{mark}{text}{mark}"
    return f"[{text}]({piece['href']})" if piece.get("href") else text
