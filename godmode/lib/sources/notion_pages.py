"""Notion's objects as godmode reads them: data sources with their schema, pages with their tags. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from godmode.lib.errors import BadData, NothingToRead
from godmode.lib.kernel import Rate
from godmode.lib.sources.chat_formats.message import clean

VERSION = "2025-09-03"  # of the API, as the client asks for it
LIMIT = Rate(3, timedelta(seconds=1))
# How a filter asks for one value, by the type of the property; other types carry no tags.
OPERATOR = {"multi_select": "contains", "select": "equals", "status": "equals"}
SHARE = "in Notion, open a database and add the integration under ••• → Connections"
NAMED = 10  # data sources that are named
Filter = Mapping[str, Any]
T = TypeVar("T")
Id = Annotated[str, Meta(pattern="^[0-9a-fA-F-]{32,36}$")]


class Wanted(Struct, frozen=True):
    """Which pages are canonical: those whose `property` holds one of `tags`. Upper and lower case do not matter."""

    property: str
    tags: tuple[str, ...]

    def names(self, given: Iterable[str]) -> tuple[str, ...]:
        """Those of `given` that are among the tags, as they are written in Notion."""
        wanted = {tag.casefold() for tag in self.tags}
        return tuple(name for name in given if name.casefold() in wanted)

    def find(self, properties: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
        """The property, under the name that it has in Notion, and what Notion says of it."""
        exact = self.property if self.property in properties else None
        name = exact or next((n for n in properties if n.casefold() == self.property.casefold()), None)
        found = properties.get(name) if name else None
        return (name, found) if name and isinstance(found, Mapping) else None


class Table(Struct, frozen=True):
    """A data source that has the property. `tags` are those of the wanted ones that its schema offers."""

    id: str
    name: str
    property: str
    kind: str
    tags: tuple[str, ...]

    def tagged(self) -> Filter:
        """The pages with at least one of the tags. There is no operator for several at once."""
        parts = [{"property": self.property, self.kind: {OPERATOR[self.kind]: tag}} for tag in self.tags]
        return parts[0] if len(parts) == 1 else {"or": parts}


class Page(Struct, frozen=True):
    """What a page's object says without its body. `edited` is rounded down to the minute by Notion.

    `tags` are the wanted ones among its tags, None where it has no such property.
    """

    id: str
    edited: datetime
    title: str
    tags: tuple[str, ...] | None
    url: str
    table: str
    trashed: bool


class _Row(Struct):
    id: Id


class _Created(Struct):
    created_time: datetime


class _Page(Struct):
    id: Id
    last_edited_time: datetime
    properties: dict[str, Any]
    url: str | None = None
    parent: dict[str, Any] | None = None
    in_trash: bool = False
    archived: bool = False


class _Table(Struct):
    id: Id
    title: list[Any]
    properties: dict[str, Any]


def shaped(raw: Any, shape: type[T], what: str) -> T:
    """What Notion sent, checked by type; `what` is what it should be. Raises BadData."""
    try:
        return msgspec.convert(raw, shape)
    except msgspec.ValidationError as e:
        raise BadData(f"Notion gave something else than {what}: {e}") from None


def edited_since(since: datetime) -> Filter:
    """The pages edited at `since` or later, to the minute."""
    return {"timestamp": "last_edited_time", "last_edited_time": {"on_or_after": since.isoformat()}}


def created_since(since: datetime) -> Filter:
    """The pages created at `since` or later, to the minute."""
    return {"timestamp": "created_time", "created_time": {"on_or_after": since.isoformat()}}


def without(wanted: Wanted) -> str:
    """What is wrong with a page or a data source that has no such property."""
    return f'has no property "{wanted.property}" of tags any more'


def nothing(wanted: Wanted, having: Sequence[Table], others: Sequence[str]) -> NothingToRead | None:
    """Why no page can be read, of data sources that have the property and names of those that have not; else None."""
    if any(table.tags for table in having):
        return None
    if having:
        what = f'no data source offers one of the tags {", ".join(wanted.tags)} in "{wanted.property}"'
        return NothingToRead(f"{what} ({named([t.name for t in having])})", "set sources.notion.tags to those in use")
    if others:
        what = f'no data source that is shared has a property "{wanted.property}" of tags ({named(others)})'
        return NothingToRead(what, "rename it back in Notion, or set sources.notion.property to its name")
    return NothingToRead("no data source is shared with godmode's integration", SHARE)


def named(names: Sequence[str]) -> str:
    """The first few of the names, and how many more there are."""
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED:,} more" if len(names) > NAMED else "")


def created_of(raw: Any) -> datetime | None:
    """When a page was created; None for what does not say so."""
    try:
        return msgspec.convert(raw, _Created).created_time
    except msgspec.ValidationError:
        return None


def plain(rich: Any) -> str:
    """The text of an array of rich text. Whatever else stands there is an empty text."""
    if not isinstance(rich, list):
        return ""
    return "".join(str(piece.get("plain_text") or "") for piece in rich if isinstance(piece, Mapping))


def table_name(raw: Any) -> str:
    """What a data source is called."""
    return clean(" ".join(plain(raw.get("title") if isinstance(raw, Mapping) else None).split())) or "untitled"


def an_id(text: str) -> str:
    """The text, which becomes part of an address. Raises BadData when it is no id of Notion."""
    return shaped(text, Id, "an id")


def id_of(raw: Any) -> str:
    """The id of a row, whatever else is wrong with it. Raises BadData when it has none."""
    return shaped(raw, _Row, "a row").id


def table(raw: Any, wanted: Wanted) -> Table | None:
    """A data source of the search; None where it has no such property. Raises BadData when it is something else."""
    found = shaped(raw, _Table, "a data source")
    named = wanted.find(found.properties)
    if named is None or named[1].get("type") not in OPERATOR:
        return None
    name, schema = named
    kind = schema["type"]
    offered = _names((schema.get(kind) or {}).get("options"))
    return Table(found.id, table_name(raw), name, kind, wanted.names(offered))


def page(raw: Any, wanted: Wanted) -> Page:
    """A page of a query or by itself. Raises BadData when it is something else."""
    found = shaped(raw, _Page, "a page")
    title = next((plain(p["title"]) for p in _of_type(found.properties, "title")), "")
    return Page(
        id=found.id,
        edited=found.last_edited_time,
        title=clean(" ".join(title.split())),
        tags=_tags(found.properties, wanted),
        url=found.url or "",
        table=str((found.parent or {}).get("data_source_id") or ""),
        trashed=found.in_trash or found.archived,
    )


def _of_type(properties: Mapping[str, Any], kind: str) -> Iterable[Mapping[str, Any]]:
    return (p for p in properties.values() if isinstance(p, Mapping) and p.get("type") == kind and kind in p)


def _tags(properties: Mapping[str, Any], wanted: Wanted) -> tuple[str, ...] | None:
    named = wanted.find(properties)
    if named is None or named[1].get("type") not in OPERATOR:
        return None
    value = named[1].get(named[1]["type"])
    return wanted.names(_names(value if isinstance(value, list) else [value]))


def _names(options: Any) -> list[str]:
    found = (o.get("name") for o in options or () if isinstance(o, Mapping)) if isinstance(options, list) else ()
    return [name for name in found if isinstance(name, str)]
