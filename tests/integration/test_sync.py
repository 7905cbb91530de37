"""Reading a source into the database: once, whatever is repeated, changed, skipped or broken off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import psycopg
import pytest

from godmode.lib.clock import FixedClock
from godmode.lib.config import Config
from godmode.lib.engine import sync
from godmode.lib.engine.runner import Mode
from godmode.lib.errors import Transient
from godmode.lib.kernel import Checkpoint, Every, Job, JobResult, Record, Skipped, Source
from godmode.wiring import App

NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
Items = list[Record | Skipped | Checkpoint | Exception]


class Feed:
    """A source that yields what a test tells it to; an exception in the list is raised."""

    name, every = "feed", Every(minutes=30)

    def __init__(self) -> None:
        self.items: Items = []
        self.cursors: list[Mapping[str, Any]] = []

    def changes(self, cursor: Mapping[str, Any]) -> Iterator[Record | Skipped | Checkpoint]:
        self.cursors.append(dict(cursor))
        for item in self.items:
            if isinstance(item, Exception):
                raise item
            yield item


class Reader(App):
    """godmode with one source of the test's own."""

    def __init__(self, config: Config) -> None:
        self.feed = Feed()
        self.at = FixedClock(NOW)
        super().__init__(config, clock=self.at)

    def sources(self, check: Callable[[], None]) -> dict[str, Source]:
        return {"feed": self.feed}

    def job(self, name: str) -> Job:
        return Job("sync_feed", "", self.feed.every, partial(sync.run, name="feed"))

    def reads(self, *items: Record | Skipped | Checkpoint | Exception) -> JobResult:
        """One sync of these items, half an hour after the last."""
        self.feed.items = list(items)
        self.at.advance(timedelta(minutes=30))
        return self.runner.run("sync_feed", Mode(scheduled=True)).result


@pytest.fixture
def reader(config: Config) -> Iterator[Reader]:
    made = Reader(config)
    yield made
    made.store.close()


def said(number: int, text: str = "hello", at: datetime = NOW) -> Record:
    return Record("feed", str(number), at, text, {"author": "Ana"})


def current(db: psycopg.Connection) -> list[tuple[str, str]]:
    return db.execute("SELECT key, value FROM memory_items WHERE superseded_at IS NULL ORDER BY key").fetchall()


def state(db: psycopg.Connection, columns: str) -> Any:
    return db.execute(f"SELECT {columns} FROM data_source_sync").fetchone()


def test_a_record_is_stored_once_however_often_it_comes(reader: Reader, db: psycopg.Connection) -> None:
    assert reader.reads(said(1), said(2), said(1)).data["new"] == 2
    assert reader.reads(said(1), said(2)).data == {
        "new": 0, "changed": 0, "unchanged": 2, "skipped": 0, "left_for_later": 0, "notes": [],
    }  # fmt: skip
    assert current(db) == [("feed.1", "hello"), ("feed.2", "hello")]


def test_a_changed_record_supersedes_the_old_one_whose_text_stays(reader: Reader, db: psycopg.Connection) -> None:
    reader.reads(said(1, "helo"))
    assert reader.reads(said(1, "hello")).data["changed"] == 1
    rows = db.execute("SELECT id, value, superseded_by, supersede_reason FROM memory_items ORDER BY id").fetchall()
    assert rows == [(rows[0][0], "helo", rows[1][0], "changed"), (rows[1][0], "hello", None, None)]


def test_the_cursor_is_kept_only_with_what_lies_before_it(reader: Reader, db: psycopg.Connection) -> None:
    broken = reader.reads(
        said(1), Checkpoint({"at": 1}), *map(said, range(2, 2 + sync.BATCH_RECORDS)), Transient("cut")
    )
    assert (broken.outcome, broken.error_category) == ("failed", "transient")
    assert state(db, "cursor, last_sync_success, last_error") == ({"at": 1}, False, "cut")
    reader.reads(Checkpoint({"at": 9}))
    assert reader.feed.cursors == [{}, {"at": 1}]
    assert state(db, "cursor, last_sync_success, last_error") == ({"at": 9}, True, None)


def test_what_was_stored_before_a_failure_stays_and_the_next_sync_completes_it(
    reader: Reader, db: psycopg.Connection
) -> None:
    many = [said(n) for n in range(sync.BATCH_RECORDS + 5)]
    reader.reads(*many, Transient("cut"))
    assert len(current(db)) == sync.BATCH_RECORDS
    assert reader.reads(*many).data["new"] == 5
    assert len(current(db)) == len(many)


def test_what_cannot_be_read_is_counted_and_named_and_the_rest_goes_on(reader: Reader, db: psycopg.Connection) -> None:
    data = reader.reads(
        said(1), Skipped("a.json", "not JSON", records=3), Skipped("b.json", "half-written", later=True), said(2)
    ).data
    assert (data["new"], data["skipped"], data["left_for_later"]) == (2, 3, 1)
    assert data["notes"][0] == {"where": "a.json", "why": "not JSON", "later": False}
    assert state(db, "items_synced, jsonb_array_length(last_skipped)") == (2, 2)


def test_a_failed_sync_does_not_move_the_time_of_the_last_good_one(reader: Reader, db: psycopg.Connection) -> None:
    reader.reads(said(1))
    good = reader.at.now()
    reader.reads(Transient("cut"))
    assert state(db, "last_sync_completed_at, last_sync_started_at") == (good, reader.at.now())


def test_a_message_longer_than_a_batch_is_stored_whole(reader: Reader, db: psycopg.Connection) -> None:
    text = "x" * (sync.BATCH_CHARS + 1)
    reader.reads(said(1, text), said(2))
    assert [len(value) for _, value in current(db)] == [len(text), 5]


def test_a_dry_run_counts_and_stores_nothing(reader: Reader, db: psycopg.Connection) -> None:
    reader.feed.items = [said(1), said(2), Checkpoint({"at": 1})]
    assert reader.runner.run("sync_feed", Mode(dry_run=True)).result.data == {"would_read": 2}
    assert (current(db), state(db, "cursor")) == ([], None)


def test_the_batch_that_makes_memory_flat_is_flushed_while_reading(reader: Reader, db: psycopg.Connection) -> None:
    seen: list[int] = []

    def watch() -> Record:
        seen.append(len(current(db)))
        return said(10_000)

    def items() -> Iterator[Any]:
        yield from map(said, range(sync.BATCH_RECORDS))
        yield watch()

    reader.feed.changes = lambda cursor: items()  # type: ignore[method-assign]
    reader.at.advance(timedelta(minutes=30))
    reader.runner.run("sync_feed", Mode(scheduled=True))
    assert seen == [sync.BATCH_RECORDS]
