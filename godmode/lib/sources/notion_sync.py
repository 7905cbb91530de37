"""One incremental sync of Notion: what was edited since the cursor, data source by data source.

A data source is listed first, which is quick, and its pages are read then, in the order of their edits: so the
cursor moves page by page, and a sync that is broken off goes on where it was. Import it late.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from godmode.lib.clock import Clock
from godmode.lib.errors import BadData, GodmodeError, Refused
from godmode.lib.kernel import Checkpoint, Gone, Record, Skipped
from godmode.lib.sources import notion_pages
from godmode.lib.sources.notion_api import Api, Failing, Forbidden, Invalid, Missing
from godmode.lib.sources.notion_cursor import Cursor, Mark
from godmode.lib.sources.notion_pages import Page, Table, Wanted, edited_since
from godmode.lib.sources.notion_query import rows
from godmode.lib.sources.notion_reader import NOT_SHARED, Reader

Item = Record | Skipped | Gone | Checkpoint
OWED = 20  # pages that could not be read and are tried once more by one sync
EVERY = 20  # pages between two checkpoints
SHARE = 20  # a cursor that remembers n pages is given after n / 20, so that writing it costs less than they do


class Sync:
    """Yields what is new and moves the cursor. Raises errors of errors.py."""

    def __init__(self, api: Api, wanted: Wanted, overlap: timedelta, clock: Clock, cursor: Cursor) -> None:
        self._api, self._wanted, self._overlap, self._clock = api, wanted, overlap, clock
        self._cursor = cursor
        self._reader = Reader(api, wanted)
        self._others: list[str] = []  # the names of data sources without the property

    def items(self) -> Iterator[Item]:
        """1. The data sources, where they have to be listed anew. 2. Each one's edits. 3. The pages still owed.

        A data source that fails does not keep the others from being read; its error is raised at the end. So is
        NothingToRead, where none is shared that has pages to read, or could have.
        """
        owed = self._cursor.left[:OWED]
        if self._cursor.is_stale(self._wanted, self._clock.now()):
            yield from self._look()
        failed: GodmodeError | None = None
        for id in list(self._marks):
            try:
                yield from self._table(id)
            except (Failing, Forbidden, BadData, Refused) as e:
                failed = failed or e
        yield from self._owed(owed)
        failed = failed or notion_pages.nothing(self._wanted, [m.table for m in self._marks.values()], self._others)
        if failed is not None:
            raise failed

    @property
    def _marks(self) -> dict[str, Mark]:
        return self._cursor.marks

    def _owed(self, ids: Sequence[str]) -> Iterator[Item]:
        """The pages that could not be read by earlier syncs, in turn: what still cannot be goes to the end."""
        reader = Reader(self._api, self._wanted, patience=OWED + 1)
        for id in ids:
            if id not in self._cursor.left:  # it was edited, and read
                continue
            item = reader.by_id(id)
            self._cursor.left.remove(id)
            self._cursor.left += [id] if isinstance(item, Skipped) else []
            yield item
            yield self._checkpoint()

    def _look(self) -> Iterator[Item]:
        """List the data sources with their schemas."""
        listed: dict[str, Table | None] = {}
        self._others = []
        for raw in self._api.tables():
            try:
                id = notion_pages.id_of(raw)
                listed[id] = notion_pages.table(raw, self._wanted)
            except BadData as e:
                yield Skipped(f"data source {notion_pages.table_name(raw)}", str(e))
                continue
            if listed[id] is None:
                self._others.append(notion_pages.table_name(raw))
                if id in self._marks and self._cursor.wanted == self._wanted:
                    yield Skipped(f"data source {self._others[-1]}", notion_pages.without(self._wanted))
        self._cursor.look(listed, self._wanted, self._clock.now())
        yield self._checkpoint()

    def _table(self, id: str) -> Iterator[Item]:
        """What was edited in a data source. Where its remembered schema is refused, it is read anew."""
        begun = self._clock.now()
        try:
            pages, skipped = self._pages(id)
        except Invalid:
            yield from self._look()
            if id not in self._marks:  # it lost the property
                return
            pages, skipped = self._pages(id)
        except Missing:
            yield Skipped(f"data source {self._marks.pop(id).table.name}", NOT_SHARED)
            yield self._checkpoint()
            return
        yield from skipped
        yield from self._read(self._marks[id], pages, begun)

    def _pages(self, id: str) -> tuple[list[Page], list[Skipped]]:
        """The pages that a sync has to look at, the one that was edited first before the others."""
        mark, pages, skipped = self._marks[id], dict[str, Page](), list[Skipped]()
        for raw in self._listed(mark):
            try:
                page = notion_pages.page(raw, self._wanted)
                pages[page.id] = page
            except BadData as e:
                skipped.append(self._unread(raw, mark.table.name, str(e)))
        return sorted(pages.values(), key=lambda page: (page.edited, page.id)), skipped

    def _unread(self, raw: Any, table: str, why: str) -> Skipped:
        """A row that is not what was promised; where it has an id it is asked for again."""
        try:
            id = notion_pages.id_of(raw)
        except BadData:
            return Skipped(f"a page in {table}", why)
        self._owe(id)
        return Skipped(f"page {id} in {table}", why, later=True)

    def _owe(self, id: str) -> None:
        if id not in self._cursor.left:
            self._cursor.left.append(id)

    def _listed(self, mark: Mark) -> Iterator[Any]:
        """The first time the pages with a tag. Later all that were edited, since one may have lost its tag.

        But where that is more than one answer, those with a tag: the daily comparison finds what lost it.
        """
        table = mark.table
        if not table.tags:  # its property does not offer any of them
            return
        if mark.since is None:
            yield from rows(self._api, table.id, table.tagged())
            return
        edited = edited_since(mark.since)
        first = next(self._api.query(table.id, edited))
        yield from first.are("page") if not first.has_more else rows(self._api, table.id, edited, table.tagged())

    def _read(self, mark: Mark, pages: Sequence[Page], begun: datetime) -> Iterator[Item]:
        """Read the pages, the one that was edited first before the others, with a checkpoint now and then."""
        since = 0
        for number, page in enumerate(pages, 1):
            if not mark.is_read(page):
                yield self._page(mark, page)
                since += 1
            if since >= max(EVERY, len(mark.read) // SHARE):
                mark.move(page.edited - self._overlap)
                yield self._checkpoint(len(pages) - number)
                since = 0
        if pages:
            mark.move(min(pages[-1].edited, begun) - self._overlap)
        yield self._checkpoint(0)

    def _page(self, mark: Mark, page: Page) -> Record | Skipped | Gone:
        at = self._clock.now()
        item = self._reader.gone(page) or self._reader.record(page)
        if isinstance(item, Skipped):
            self._owe(page.id)
            return item
        if page.id in self._cursor.left:
            self._cursor.left.remove(page.id)
        mark.note(page, at)
        return item

    def _checkpoint(self, left: int | None = None) -> Checkpoint:
        return Checkpoint(self._cursor.kept(), left)
