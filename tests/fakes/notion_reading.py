"""A Notion source on the fake, read as the engine reads it, with a clock that moves as it waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fakes import notion
from fakes.notion_pages import DataSource, Page, spread

from godmode.lib.clock import FixedClock
from godmode.lib.kernel import Checkpoint, Gone, Record, Skipped
from godmode.lib.ports import Site
from godmode.lib.sources.notion import Notion, NotionSettings
from godmode.lib.wire import Sockets

NOON = datetime(2026, 3, 10, 17, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Item = Record | Skipped | Gone | Checkpoint


@dataclass
class Reading:
    """`cursor` is the last one given; `stored` the text by id, as an engine would have it."""

    fake: notion.Notion
    clock: FixedClock
    settings: dict[str, Any]
    cursor: Mapping[str, Any] = field(default_factory=dict)
    stored: dict[str, str] = field(default_factory=dict)
    slept: list[float] = field(default_factory=list)
    sources: list[Notion] = field(default_factory=list)

    @property
    def source(self) -> Notion:
        return self.made()

    def made(self, **site: Any) -> Notion:
        """The source as a new process has it, with something of its site replaced."""
        usual = Site(self.clock, UTC, "", Path, sleep=self._sleep, wire=Sockets())
        self.sources.append(
            Notion(NotionSettings(**{"base_url": self.fake.url} | self.settings), replace(usual, **site))
        )
        return self.sources[-1]

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(timedelta(seconds=seconds))

    def sync(self, after: timedelta = timedelta(hours=1), stop_after: int | None = None) -> list[Item]:
        """One sync, an hour after the last one; killed behind so many items where that is wanted."""
        self.clock.advance(after)
        self.fake.forget()
        items: list[Item] = []
        for item in self.source.changes(self.cursor):
            items.append(item)
            self._keep(item)
            if stop_after is not None and len(items) >= stop_after:
                break
        return items

    def _keep(self, item: Item) -> None:
        if isinstance(item, Record):
            self.stored[item.id] = item.text
        elif isinstance(item, Gone):
            self.stored.pop(item.id, None)
        elif isinstance(item, Checkpoint):
            self.cursor = item.cursor

    def asked(self) -> dict[str, int]:
        return self.fake.counted()


def records(items: list[Item]) -> list[Record]:
    return [item for item in items if isinstance(item, Record)]


def skipped(items: list[Item]) -> list[Skipped]:
    return [item for item in items if isinstance(item, Skipped)]


def kinds(items: list[Item]) -> Mapping[str, int]:
    return Counter(type(item).__name__ for item in items)


def filled(desk: Reading, count: int, source: DataSource | None = None) -> list[Page]:
    """So many pages in one data source, each edited seven minutes after the one before."""
    table = source or desk.fake.table()
    times = spread(count, NOON - timedelta(days=1))
    return [desk.fake.page(table, f"Page {n}", f"text {n}", edited=at) for n, at in enumerate(times)]


@contextmanager
def reading(**settings: Any) -> Iterator[Reading]:
    """A source with settings of the test's own. In the end no request and no answer was against the document."""
    clock = FixedClock(NOON)
    with notion.serving(clock.now) as fake:
        made = Reading(fake, clock, settings)
        yield made
        for source in made.sources:
            source.close()
        assert fake.wrong == []
