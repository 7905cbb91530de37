"""Reading a source into the database: once, whatever is repeated, changed, skipped or broken off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import psycopg
import pytest

from godmode.lib.clock import FixedClock
from godmode.lib.config import Config
from godmode.lib.engine import sync
from godmode.lib.engine.equipment import Mode
from godmode.lib.errors import DailyLimit, Transient
from godmode.lib.kernel import Checkpoint, Every, Gone, Job, JobResult, Record, Sight, Skipped
from godmode.lib.ports import Source
from godmode.wiring import App

NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
Item = Record | Skipped | Gone | Checkpoint
Items = list[Item | Exception]


class Feed:
    """A source that yields what a test tells it to; an exception in the list is raised."""

    name, every, authority = "feed", Every(minutes=30), "observed"

    def __init__(self) -> None:
        self.items: Items = []
        self.cursors: list[Mapping[str, Any]] = []

    def changes(self, cursor: Mapping[str, Any]) -> Iterator[Item]:
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

    def reads(self, *items: Item | Exception) -> JobResult:
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
        "new": 0, "changed": 0, "unchanged": 2, "gone": 0, "skipped": 0, "left_for_later": 0, "notes": [],
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
    assert len(current(db)) == len(many)
    assert reader.reads(*many).data["new"] == 0
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
    assert state(db, "read_to") == (good,)
    reader.reads(Transient("cut"))
    assert state(db, "last_sync_completed_at, read_to, last_sync_started_at") == (good, good, reader.at.now())


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


def history(db: psycopg.Connection) -> list[tuple[Any, ...]]:
    """Of every version: key, text, whether it has a successor, and why it was superseded."""
    return db.execute(
        "SELECT key, value, superseded_by IS NOT NULL, supersede_reason FROM memory_items ORDER BY id"
    ).fetchall()


def test_what_is_gone_is_superseded_without_a_successor(reader: Reader, db: psycopg.Connection) -> None:
    reader.reads(said(1), said(2))
    assert reader.reads(Gone("1", "in the trash"), Gone("9", "never seen")).data["gone"] == 1
    assert history(db) == [("feed.1", "hello", False, "in the trash"), ("feed.2", "hello", False, None)]
    assert reader.reads(said(1)).data["new"] == 1


def test_of_one_record_in_a_batch_the_last_word_counts(reader: Reader, db: psycopg.Connection) -> None:
    reader.reads(said(1), Gone("1", "in the trash"), Gone("2", "in the trash"), said(2))
    assert current(db) == [("feed.2", "hello")]


def test_a_fact_is_superseded_by_its_content_not_by_its_time(reader: Reader, db: psycopg.Connection) -> None:
    reader.feed.authority = "canonical"
    reader.reads(said(1))
    assert reader.reads(said(1, at=NOW + timedelta(hours=1))).data["unchanged"] == 1
    assert reader.reads(said(1, "hello again")).data["changed"] == 1
    assert history(db) == [
        ("feed.1", "hello", True, "canonical_update"), ("feed.1", "hello again", False, None),
    ]  # fmt: skip
    assert db.execute("SELECT DISTINCT authority FROM memory_items").fetchall() == [("canonical",)]


def test_a_sync_whose_time_is_over_ends_well_at_a_checkpoint_and_goes_on(
    reader: Reader, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "MAX_SECONDS", -1)
    result = reader.reads(said(1), said(2), Checkpoint({"at": 2}), said(3), Checkpoint({"at": 3}))
    assert (result.outcome, result.data["new"], result.data["more"]) == ("succeeded", 2, True)
    assert state(db, "cursor, last_sync_success, last_sync_completed_at") == ({"at": 2}, True, None)
    assert "goes on in the next slot" in state(db, "limited")[0]
    monkeypatch.setattr(sync, "MAX_SECONDS", 480)
    reader.reads(said(3), Checkpoint({"at": 3}))
    assert state(db, "cursor, limited, last_sync_completed_at") == ({"at": 3}, None, reader.at.now())


def test_a_day_whose_calls_are_used_up_ends_the_sync_well_and_is_told(reader: Reader, db: psycopg.Connection) -> None:
    result = reader.reads(said(1), Checkpoint({"at": 1}), said(2), DailyLimit("feed: its 5 calls are used up"))
    assert (result.outcome, result.data["new"], result.data["more"]) == ("succeeded", 2, True)
    assert state(db, "cursor, last_sync_success, limited") == ({"at": 1}, True, "feed: its 5 calls are used up")
    assert db.execute("SELECT type, severity, title FROM notifications").fetchall() == [
        ("api_budget", "WARN", "feed: its 5 calls are used up")
    ]


class Shop(Feed):
    """A remote source whose records a test holds in its hands."""

    def __init__(self) -> None:
        super().__init__()
        self.there: dict[str, str] = {}
        self.hidden_from_list: set[str] = set()
        self.asked: list[str] = []
        self.closed = False

    def test(self) -> Sight:
        return Sight("all", len(self.there))

    def everything(self) -> Iterator[str]:
        yield from (number for number in self.there if number not in self.hidden_from_list)

    def close(self) -> None:
        self.closed = True

    def again(self, ids: Sequence[str]) -> Iterator[Record | Skipped | Gone]:
        for number in ids:
            self.asked.append(number)
            yield said(int(number), self.there[number]) if number in self.there else Gone(number, "deleted")


@pytest.fixture
def shop(reader: Reader) -> Shop:
    reader.feed = Shop()
    return reader.feed


def test_once_a_day_what_is_missing_is_fetched_and_what_is_gone_is_superseded(
    reader: Reader, shop: Shop, db: psycopg.Connection
) -> None:
    first = reader.reads(said(1), said(2), said(3))
    assert "completeness" not in first.data
    shop.there = {"1": "hello", "3": "hello", "4": "late", "5": "later"}
    shop.hidden_from_list = {"3"}
    assert "completeness" not in reader.reads().data
    reader.at.advance(timedelta(days=1))
    report = reader.reads().data["completeness"]
    assert report == {"at_source": 3, "stored": 3, "repaired": 2, "gone": 1, "at": reader.at.now().isoformat()}
    assert [key for key, _ in current(db)] == ["feed.1", "feed.3", "feed.4", "feed.5"]
    assert shop.asked == ["4", "5", "2", "3"]
    assert state(db, "completeness") == (report,)
    assert "completeness" not in reader.reads().data
    assert shop.closed


def test_the_counts_of_a_comparison_are_carried_forward_by_what_comes_and_goes(
    reader: Reader, shop: Shop, db: psycopg.Connection
) -> None:
    reader.reads(said(1), said(2))
    assert state(db, "completeness") == ({},)
    shop.there = {"1": "hello", "2": "hello"}
    reader.at.advance(timedelta(days=1))
    report = reader.reads().data["completeness"]
    reader.reads(said(1), said(3), said(4), Gone("2", "deleted"), Gone("9", "deleted"))
    assert state(db, "completeness") == (report | {"at_source": 3, "stored": 3},)


def test_a_comparison_that_is_broken_off_supersedes_nothing_and_is_made_again(
    reader: Reader, shop: Shop, db: psycopg.Connection
) -> None:
    reader.reads(said(1), said(2))
    shop.there = {"1": "hello", "2": "hello"}

    def half() -> Iterator[str]:
        yield "1"
        raise Transient("cut")

    whole, shop.everything = shop.everything, half  # type: ignore[method-assign]
    reader.at.advance(timedelta(days=1))
    assert reader.reads().outcome == "failed"
    assert len(current(db)) == 2
    shop.everything = whole  # type: ignore[method-assign]
    assert reader.reads().data["completeness"]["stored"] == 2
