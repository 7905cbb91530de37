"""How far Notion has been read: the cursor of its sync. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct, field

from godmode.lib.sources.notion_pages import Page, Table, Wanted

ROUNDED = timedelta(minutes=2)  # Notion rounds times down to the minute; one more for clocks that differ
LOOK_AGAIN = timedelta(days=1)
CALM = 3  # requests that a sync without news may cost
LISTED = 100  # data sources in one answer of the search


class Mark(Struct):
    """How far one data source has been read: all that was edited before `since` is stored.

    `read` has the pages edited after it that need not be read again while they stand as they are there.
    """

    table: Table
    since: datetime | None = None
    read: dict[str, datetime] = field(default_factory=dict)

    def is_read(self, page: Page) -> bool:
        return self.read.get(page.id) == page.edited

    def note(self, page: Page, at: datetime) -> None:
        """A page was read at `at`; within the minute that its time is rounded to it may have changed once more."""
        if at - page.edited >= ROUNDED:
            self.read[page.id] = page.edited

    def move(self, since: datetime) -> None:
        """All that was edited before `since` is stored."""
        self.since = max(since, self.since or since)
        self.read = {id: edited for id, edited in self.read.items() if edited >= self.since}


class Cursor(Struct):
    """`looked` is when the data sources were listed, `listed` how many there were, `left` the pages still owed."""

    wanted: Wanted | None = None
    looked: datetime | None = None
    listed: int = 0
    marks: dict[str, Mark] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Cursor:
        """What was kept; a beginning where that cannot be read."""
        try:
            return msgspec.convert(dict(kept), cls)
        except msgspec.ValidationError:
            return cls()

    def kept(self) -> dict[str, Any]:
        made: dict[str, Any] = msgspec.to_builtins(self)
        return made

    def is_stale(self, wanted: Wanted, now: datetime) -> bool:
        """Whether to list the data sources: once a day, always while a sync without news stays cheap with it, and
        where there is none to read."""
        if self.looked is None or not self.marks or wanted != self.wanted or now - self.looked >= LOOK_AGAIN:
            return True
        asked = sum(1 for mark in self.marks.values() if mark.table.tags)
        return max(1, -(-self.listed // LISTED)) + asked <= CALM

    def look(self, listed: Mapping[str, Table | None], wanted: Wanted, now: datetime) -> None:
        """Take over what was listed: by id the data sources, None for those without the property.

        A known one that is not listed stays: the search lags, and its query tells for sure. Where other pages are
        wanted than before, all are read anew.
        """
        if wanted != self.wanted:
            self.marks = {}
        for id, table in listed.items():
            if table is None:
                self.marks.pop(id, None)
            else:
                self.marks.setdefault(id, Mark(table)).table = table
        self.looked, self.listed, self.wanted = now, len(listed), wanted
