"""What stands in the fake Notion: data sources with their schemas, pages, blocks, and how Notion words them."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
PREFIX = {
    "heading_1": "# ", "heading_2": "## ", "heading_3": "### ", "bulleted_list_item": "- ",
    "numbered_list_item": "1. ", "quote": "> ",
}  # fmt: skip

_ids = random.Random(2025)


def new_id() -> str:
    return str(uuid.UUID(int=_ids.getrandbits(128), version=4))


def rich(text: str) -> list[dict[str, Any]]:
    """A text as Notion has it: in pieces, here of at most 20 characters."""
    return [
        {
            "type": "text",
            "text": {"content": piece, "link": None},
            "annotations": dict.fromkeys(("bold", "italic", "strikethrough", "underline", "code"), False),
            "plain_text": piece,
            "href": None,
        }
        for piece in (text[at : at + 20] for at in range(0, len(text), 20))
    ]


def minute(at: datetime) -> datetime:
    """Notion's `last_edited_time`: rounded down."""
    return at.replace(second=0, microsecond=0)


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@dataclass
class Block:
    """One block of a page. `more` is what its type has beside the text (`checked`, `language`)."""

    type: str
    text: str = ""
    children: Sequence[Block] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=new_id)

    def object(self) -> dict[str, Any]:
        own = {} if self.type == "divider" else {"rich_text": rich(self.text)}
        return {
            "object": "block",
            "id": self.id,
            "type": self.type,
            "has_children": bool(self.children),
            "in_trash": False,
            self.type: own | dict(self.more),
        }

    def markdown(self, depth: int = 0) -> list[str]:
        if self.type == "divider":
            own = ["---"]
        elif self.type == "code":
            own = [f"```{self.more.get('language', '')}", *self.text.split("\n"), "```"]
        elif self.type == "to_do":
            own = [f"- [{'x' if self.more.get('checked') else ' '}] {self.text}"]
        else:
            own = [PREFIX.get(self.type, "") + self.text]
        lines = ["\t" * depth + line for line in own]
        return lines + [line for child in self.children for line in child.markdown(depth + 1)]


def paragraphs(text: str) -> list[Block]:
    return [Block("paragraph", line) for line in text.split("\n")] if text else []


@dataclass
class DataSource:
    """One table. `kind` is the type of its tag-like property, None where it has none."""

    title: str
    property: str = "Tags"
    kind: str | None = "multi_select"
    options: Sequence[str] = ("SOP", "Canonical", "Final", "Draft")
    database: str = field(default_factory=new_id)
    shared: bool = True
    id: str = field(default_factory=new_id)

    def schema(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "Name": {"id": "title", "name": "Name", "type": "title", "title": {}},
            "Owner": {"id": "ow%3An", "name": "Owner", "type": "people", "people": {}},
        }
        if self.kind:
            options = [{"id": f"option-{name}", "name": name, "color": "default"} for name in self.options]
            own = {"options": options} if self.kind in ("multi_select", "select", "status") else {}
            found[self.property] = {"id": "tG%7Bs", "name": self.property, "type": self.kind, self.kind: own}
        return found

    def object(self) -> dict[str, Any]:
        return {
            "object": "data_source",
            "id": self.id,
            "title": rich(self.title),
            "parent": {"type": "database_id", "database_id": self.database},
            "properties": self.schema(),
            "created_time": stamp(NEW_YEAR),
            "last_edited_time": stamp(NEW_YEAR),
            "in_trash": False,
            "archived": False,
            "url": f"https://www.notion.so/{self.database.replace('-', '')}",
        }


@dataclass
class Page:
    """One page. `edited` is exact; Notion shows it rounded down. `broken` are fields that its object has wrong."""

    source: DataSource
    title: str
    tags: Sequence[str]
    blocks: list[Block]
    edited: datetime
    created: datetime = NEW_YEAR
    shared: bool = True
    trashed: bool = False
    broken: Mapping[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=new_id)

    @property
    def visible(self) -> bool:
        return self.shared and self.source.shared

    def markdown(self) -> str:
        return "\n".join(line for block in self.blocks for line in block.markdown())

    def _tagged(self) -> Any:
        named = [{"id": f"option-{tag}", "name": tag, "color": "default"} for tag in self.tags]
        return named if self.source.kind == "multi_select" else next(iter(named), None)

    def object(self) -> dict[str, Any]:
        properties: dict[str, Any] = {
            "Name": {"id": "title", "type": "title", "title": rich(self.title)},
            "Owner": {"id": "ow%3An", "type": "people", "people": []},
        }
        if self.source.kind in ("multi_select", "select", "status"):
            properties[self.source.property] = {
                "id": "tG%7Bs",
                "type": self.source.kind,
                self.source.kind: self._tagged(),
            }
        return {
            "object": "page",
            "id": self.id,
            "created_time": stamp(minute(self.created)),
            "last_edited_time": stamp(minute(self.edited)),
            "in_trash": self.trashed,
            "archived": self.trashed,
            "parent": {
                "type": "data_source_id",
                "data_source_id": self.source.id,
                "database_id": self.source.database,
            },
            "properties": properties,
            "url": f"https://www.notion.so/{self.id.replace('-', '')}",
        } | dict(self.broken)


def spread(count: int, until: datetime, step: timedelta = timedelta(minutes=7)) -> list[datetime]:
    """Times of edits, `step` apart, the last at `until`."""
    return [until - step * (count - 1 - number) for number in range(count)]
