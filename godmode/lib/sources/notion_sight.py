"""What godmode may see in Notion, in plain words. Import it late: it brings the API's client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from godmode.lib.errors import BadData
from godmode.lib.kernel import Sight
from godmode.lib.sources import notion_pages
from godmode.lib.sources.notion_api import Api
from godmode.lib.sources.notion_pages import Table, Wanted, named

ANSWERS = 20  # of 100 pages each; more are not counted, since a proof has to be cheap


@dataclass(frozen=True)
class _Count:
    """The pages of one data source that carry a tag; `more` when there are more of them."""

    name: str
    pages: int = 0
    more: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({'more than ' if self.more else ''}{self.pages:,})"


def sight(api: Api, wanted: Wanted) -> Sight:
    """Whose token it is, which data sources it sees, which of them have the property, and how many pages are tagged."""
    who = _integration(api.me())
    having, without = _sorted(api.tables(), wanted)
    seen = f"{who} sees {_many(len(having) + len(without), 'data source')}"
    if blind := notion_pages.nothing(wanted, having, without):
        return Sight(f"{seen}: {blind}", 0)
    counts = _counted(api, having)
    pages, more = sum(count.pages for count in counts), any(count.more for count in counts)
    says = f'{seen}; {len(having)} with the property "{wanted.property}": {named([str(count) for count in counts])}'
    says += f"; without it: {named(without)}" if without else ""
    says += f". {'More than ' if more else ''}{_many(pages, 'page')} tagged {' or '.join(wanted.tags)}"
    return Sight(says, None if more else pages)


def _integration(me: Any) -> str:
    bot = me.get("bot") if isinstance(me, Mapping) else None
    if not isinstance(me, Mapping) or not isinstance(bot, Mapping):
        raise BadData("Notion answered something else than an integration", "check sources.notion.base_url")
    where = bot.get("workspace_name")
    return f'the integration "{me.get("name") or "unnamed"}"{f" of {where}" if where else ""}'


def _sorted(listed: Iterable[Any], wanted: Wanted) -> tuple[list[Table], list[str]]:
    """The data sources that have the property, and the names of those that have not."""
    having, without = [], []
    for raw in listed:
        table = notion_pages.table(raw, wanted)
        if table is None:
            without.append(notion_pages.table_name(raw))
        else:
            having.append(table)
    return having, without


def _counted(api: Api, tables: Sequence[Table]) -> list[_Count]:
    return [_count(api, table, max(1, ANSWERS // len(tables))) for table in tables]


def _count(api: Api, table: Table, answers: int) -> _Count:
    """The tagged pages of a data source, from so many answers at most; none are asked for where it offers no tag."""
    read = list(islice(api.query(table.id, table.tagged()), answers)) if table.tags else []
    return _Count(
        table.name, sum(len(rows.are("page")) for rows in read), bool(read) and (read[-1].has_more or read[-1].capped)
    )


def _many(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
