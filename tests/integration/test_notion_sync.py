"""Notion into the database, by the job that cron runs: canonical pages, their history, and what is gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fakes import notion
from fakes.notion_pages import DataSource, Page
from fakes.notion_reading import NOON
from fakes.notion_refusals import Limit

from godmode.lib import config as configuration
from godmode.lib.clock import FixedClock
from godmode.lib.engine.equipment import Mode
from godmode.lib.kernel import JobResult
from godmode.wiring import App

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Company:
    """A company that writes its procedures in Notion, and godmode that reads them every hour."""

    def __init__(self, home: Path, fake: notion.Notion, clock: FixedClock, db: psycopg.Connection[Any]) -> None:
        self.notion, self.clock, self._db, self._home = fake, clock, db, home
        home.mkdir(exist_ok=True)
        self.configured()

    def configured(self, **more: Any) -> None:
        """godmode started anew with this configuration."""
        keys = {"base_url": self.notion.url} | more
        text = "\n".join(["[sources.notion]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())])
        (self._home / "config.toml").write_text(text + "\n")
        self.app = App(configuration.load(), clock=self.clock)

    def table(self, title: str = "Handbook", **more: Any) -> DataSource:
        return self.notion.table(title, **more)

    def pages(self, count: int) -> list[Page]:
        table = self.table()
        return [self.notion.page(table, f"Page {n}", f"text {n}", edited=self._before(n)) for n in range(count)]

    def _before(self, number: int) -> datetime:
        return NOON - 3 * DAY + timedelta(minutes=7 * number)

    def sync(self, after: timedelta = HOUR) -> JobResult:
        self.clock.advance(after)
        self.notion.forget()
        return self.app.runner.run("sync_notion", Mode(scheduled=True)).result

    def rows(self, columns: str, where: str = "superseded_at IS NULL") -> list[Any]:
        found = self._db.execute(f"SELECT {columns} FROM memory_items WHERE {where} ORDER BY id".encode()).fetchall()
        return [row[0] if len(row) == 1 else row for row in found]

    def state(self, columns: str) -> Any:
        return self._db.execute(
            f"SELECT {columns} FROM data_source_sync WHERE source_name = 'notion'".encode()
        ).fetchone()


@pytest.fixture
def company(tmp_path: Path, db: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    monkeypatch.setenv("NOTION_TOKEN", notion.TOKEN)
    clock = FixedClock(NOON)
    with notion.serving(clock.now) as fake:
        made = Company(tmp_path / "home", fake, clock, db)
        yield made
        made.app.store.close()
        assert fake.wrong == []


def test_canonical_pages_are_facts_of_the_company(company: Company) -> None:
    company.notion.page(company.table(), "Refunds", "Pay back within a day", tags=["SOP"])
    result = company.sync()
    assert (result.outcome, result.data["new"]) == ("succeeded", 1)
    assert company.rows("value, authority, source_type, fields ->> 'title'") == [
        ("# Refunds\n\nPay back within a day", "canonical", "notion", "Refunds")
    ]
    assert company.state("last_sync_success, items_synced, last_error") == (True, 1, None)


def test_an_edit_supersedes_with_the_reason_of_the_specification(company: Company) -> None:
    page = company.notion.page(company.table(), "Refunds", "within a week")
    company.sync()
    company.notion.edit(page, "within a day")
    assert company.sync().data["changed"] == 1
    old, new = company.rows("id, value, superseded_by, supersede_reason", "true")
    assert old[1:] == ("# Refunds\n\nwithin a week", new[0], "canonical_update")
    assert new[1:] == ("# Refunds\n\nwithin a day", None, None)


def test_an_edit_that_changes_nothing_that_is_read_supersedes_nothing(company: Company) -> None:
    page = company.notion.page(company.table(), "Refunds", "within a week")
    company.sync()
    company.notion.edit(page)
    assert company.sync().data["unchanged"] == 1
    assert len(company.rows("id", "true")) == 1


def test_an_edit_within_the_minute_of_the_last_sync_is_not_missed(company: Company) -> None:
    page = company.notion.page(company.table(), "Refunds", "first", edited=NOON + HOUR)
    company.sync()
    company.clock.advance(timedelta(seconds=10))
    company.notion.edit(page, "second")
    company.sync()
    assert company.rows("value") == ["# Refunds\n\nsecond"]


@pytest.mark.parametrize(
    ("does", "why"),
    [
        ("trash", "in the trash"),
        ("unshare", "deleted, or no longer shared with godmode's integration"),
        ("unshare the data source", "deleted, or no longer shared with godmode's integration"),
        ("untag without a new time", "no longer tagged SOP or Canonical or Final"),
    ],
)
def test_what_vanished_without_an_edit_is_superseded_by_the_next_morning(company: Company, does: str, why: str) -> None:
    pages = company.pages(3)
    company.sync()
    company.sync()
    match does:
        case "trash":
            pages[1].trashed = True
        case "unshare":
            pages[1].shared = False
        case "unshare the data source":
            company.table("Another")
            pages[1].source.shared = False
        case _:
            pages[1].tags = ("Draft",)
    result = company.sync(DAY)
    gone = 3 if does == "unshare the data source" else 1
    assert result.data["completeness"]["gone"] == gone
    assert len(company.rows("id")) == 3 - gone
    key = f"key = 'notion.{pages[1].id}'"
    assert company.rows("superseded_by, supersede_reason", key) == [(None, why)]


LOST = {
    "its data source": ("no data source is shared", "deleted, or no longer shared with godmode's integration"),
    "its property": ('has a property "Tags" of tags (Handbook)', 'has no property "Tags" of tags any more'),
}


@pytest.mark.parametrize("what", LOST)
def test_where_notion_shows_nothing_any_more_that_is_said_loudly_and_never_all_quiet(
    company: Company, db: psycopg.Connection[Any], what: str
) -> None:
    source = company.pages(7)[0].source
    company.sync()
    read_at = company.clock.now()
    if what == "its data source":
        source.shared = False
    else:
        source.property = "Labels"
    why, reason = LOST[what]
    result = company.sync()
    assert (result.outcome, why in str(result.error)) == ("failed", True)
    assert len(company.rows("id")) == 7  # a mistake that is mended on the same day costs nothing
    result = company.sync(DAY)
    assert (result.outcome, why in str(result.error)) == ("failed", True)
    assert company.rows("id") == []
    assert company.state("last_sync_success, last_sync_completed_at") == (False, read_at)
    told = db.execute("SELECT severity, title, body FROM notifications WHERE type = 'records_gone'").fetchall()
    title = "notion: 7 of 7 pages are gone at the source since Tue 10 Mar 13:00"
    assert told == [("WARN", title, f"{reason}; if that is a mistake, mend it there and they are read again")]
    digest = company.app.runner.run("daily_digest", Mode(dry_run=True)).result.data["text"]
    assert "notion not read since Tue 13:00: no data source" in digest
    assert title in digest
    assert "All quiet" not in digest
    company.sync()
    assert db.execute("SELECT count(*) FROM notifications WHERE type = 'records_gone'").fetchone() == (1,)
    source.shared, source.property = True, "Tags"
    assert company.sync().data["new"] == 7


def test_a_share_of_the_pages_that_vanishes_at_once_is_warned_of_and_a_few_are_not(
    company: Company, db: psycopg.Connection[Any]
) -> None:
    pages = company.pages(20)
    company.sync()
    for page in pages[:4]:
        page.trashed = True
    company.sync(DAY)
    assert db.execute("SELECT count(*) FROM notifications").fetchone() == (0,)
    for page in pages[4:12]:
        company.notion.edit(page, tags=())
    company.sync()
    assert db.execute("SELECT title, body FROM notifications").fetchall() == [
        (
            "notion: 8 of 16 pages are gone at the source since Wed 11 Mar 13:00",
            "no longer tagged SOP or Canonical or Final; if that is a mistake, mend it there and they are read again",
        )
    ]


def test_a_page_that_was_shared_late_with_an_old_time_is_found_by_the_next_morning(company: Company) -> None:
    company.pages(3)
    company.sync()
    company.notion.page(company.notion.pages.popitem()[1].source, "Old", "text", edited=NOON - 40 * DAY)
    assert company.sync().data["new"] == 0
    data = company.sync(DAY).data
    assert (data["completeness"]["at_source"], data["completeness"]["repaired"]) == (3, 1)
    assert "# Old\n\ntext" in company.rows("value")
    text = company.app.runner.run("daily_digest", Mode(dry_run=True)).result.data["text"]
    assert "notion (1 page fetched that was missing, 1 page gone at the source) (`godmode sources`)." in text
    assert "notion (3 of 3 pages, at most 1 min old)" in text
    company.sync()
    text = company.app.runner.run("daily_digest", Mode(dry_run=True)).result.data["text"]
    assert "notion (3 of 3 pages (compared 14:00), at most 1 min old)" in text


def test_a_page_that_comes_back_is_a_fact_again(company: Company) -> None:
    pages = company.pages(2)
    company.sync()
    company.sync()
    pages[0].trashed = True
    company.sync(DAY)
    pages[0].trashed = False
    company.sync(DAY)
    assert len(company.rows("id")) == 2
    assert len(company.rows("id", "true")) == 3


def test_the_comparison_of_a_day_asks_for_ids_only(company: Company) -> None:
    company.pages(250)
    company.sync()
    company.sync()
    company.sync(DAY)
    assert company.notion.counted() == {"search": 2, "data_sources/query": 4}


def test_a_sync_without_news_asks_at_most_three_times(company: Company) -> None:
    company.pages(30)
    company.sync()
    data = company.sync().data
    assert (data["new"], data["changed"], data["unchanged"]) == (0, 0, 0)
    assert company.notion.counted() == {"search": 1, "data_sources/query": 1}


def test_the_limit_of_three_a_second_is_kept_and_used(company: Company) -> None:
    company.notion.limit = Limit(seconds=lambda: company.clock.now().timestamp(), burst=4)
    company.pages(60)
    begun = company.clock.now() + HOUR
    assert company.sync().data["new"] == 60
    assert company.notion.limit.refused == 0
    assert (company.clock.now() - begun).total_seconds() <= 62 / 3 * 1.05


def test_500_in_the_middle_keeps_what_was_read_and_the_next_sync_completes_it(company: Company) -> None:
    company.pages(60)
    fault = company.notion.fault("service_unavailable", "/pages", after=50)
    company.notion.fault("service_unavailable", "/blocks")
    result = company.sync()
    assert (result.outcome, result.error_category) == ("failed", "transient")
    assert company.state("last_sync_success, last_sync_completed_at") == (False, None)
    assert len(company.rows("id")) == 50
    fault.times = 0
    assert company.sync().data["new"] == 10
    assert company.notion.counted()["pages/markdown"] <= 10 + 20


def test_an_expired_token_is_told_at_once_and_never_tried_again(company: Company) -> None:
    company.pages(3)
    company.notion.token = "another"
    result = company.sync()
    assert (result.outcome, result.error_category) == ("failed", "auth")
    assert len(company.notion.requests) == 1
    assert "NOTION_TOKEN" in (result.error or "")


def test_one_bad_page_is_counted_and_the_others_are_stored(company: Company) -> None:
    pages = company.pages(5)
    pages[2].broken = {"last_edited_time": None}
    data = company.sync().data
    assert (data["new"], data["left_for_later"]) == (4, 1)
    assert data["notes"][0]["where"] == f"page {pages[2].id} in Handbook"


def test_the_days_budget_ends_a_sync_politely_and_the_next_day_goes_on(company: Company) -> None:
    company.configured(daily_calls=25)
    company.pages(40)
    data = company.sync().data
    assert "25 calls of today are used up" in data["limited"]
    assert 20 <= len(company.rows("id")) <= 23
    assert company.sync(DAY).data["new"] > 0
    assert len(company.rows("id")) == 40


def test_calls_errors_and_throttles_are_counted(company: Company, db: psycopg.Connection[Any]) -> None:
    company.pages(4)
    company.notion.fault("rate_limited", "/markdown", times=1, retry_after="3")
    company.sync()
    counted = db.execute("SELECT service, sum(calls), sum(errors), sum(throttled) FROM api_usage GROUP BY 1").fetchall()
    assert counted == [("notion", 7, 1, 1)]


def test_a_dry_run_reads_and_stores_nothing(company: Company) -> None:
    company.pages(4)
    result = company.app.runner.run("sync_notion", Mode(dry_run=True)).result
    assert result.data == {"would_read": 4}
    assert company.rows("id", "true") == []


def test_the_interval_of_the_configuration_is_the_slot(company: Company) -> None:
    company.configured(scan_interval_minutes=15)
    company.pages(1)
    assert company.sync(timedelta(minutes=15)).outcome == "succeeded"
    assert company.sync(timedelta(minutes=1)).reason == "already_ran"
    assert company.sync(timedelta(minutes=15)).outcome == "succeeded"
