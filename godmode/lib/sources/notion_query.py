"""All pages of a data source that pass a filter, however many. Import it late: it brings the API's client.

Notion ends a list after 10,000 rows and says so only in `request_status`. The way past it is the one of its guide
"Query large data sources": windows of the time of creation, each beginning where the last one was cut off.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from godmode.lib.errors import BadData
from godmode.lib.sources.notion_api import Api
from godmode.lib.sources.notion_pages import Filter, created_of, created_since

BY_CREATION = [{"timestamp": "created_time", "direction": "ascending"}]


def rows(api: Api, table: str, *filters: Filter) -> Iterator[Any]:
    """The pages that pass all the filters; some may come twice. Raises BadData where there is no way to have all."""
    for answer in api.query(table, _all_of(*filters)):
        if answer.capped:
            yield from _windows(api, table, *filters)
            return
        yield from answer.are("page")


def _windows(api: Api, table: str, *filters: Filter) -> Iterator[Any]:
    begin: datetime | None = None
    while True:
        window = () if begin is None else (created_since(begin),)
        last, capped = begin, False
        for answer in api.query(table, _all_of(*window, *filters), sorts=BY_CREATION):
            pages = answer.are("page")
            yield from pages
            last = max([created for raw in pages if (created := created_of(raw))] + ([last] if last else []))
            capped = capped or answer.capped
        if not capped:
            return
        if last == begin:
            raise BadData(f"Notion does not show all pages of data source {table} that were created at {last}")
        begin = last


def _all_of(*filters: Filter) -> Filter:
    return filters[0] if len(filters) == 1 else {"and": list(filters)}
