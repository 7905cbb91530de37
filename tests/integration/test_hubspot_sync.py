"""HubSpot's contacts into a real database, from a HubSpot that is over HTTP and as difficult as the real one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from fakes.hubspot import BATCH, CONTACTS, SEARCH, TOKEN, HubSpot
from fakes.spoilt import Call

from godmode.lib import config as configuration
from godmode.lib.clock import FixedClock
from godmode.lib.config import Config
from godmode.lib.engine import killswitch
from godmode.lib.engine.equipment import Mode
from godmode.lib.kernel import JobResult
from godmode.wiring import App

NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)  # 12:00 in Chicago
EARLIER = NOW - timedelta(days=3)


class Company(App):
    """godmode with HubSpot as its only source, and a clock that the test moves."""

    def __init__(self, config: Config, at: FixedClock) -> None:
        self.at = at
        super().__init__(config, clock=at)

    def syncs(self, minutes: int = 30) -> JobResult:
        """One scheduled sync, so many minutes after the last."""
        self.at.advance(timedelta(minutes=minutes))
        return self.runner.run("sync_hubspot", Mode(scheduled=True)).result


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def fake(clock: FixedClock) -> Iterator[HubSpot]:
    with HubSpot(clock.now) as running:
        yield running
        assert not running.problems


def company(config: Config, fake: HubSpot, clock: FixedClock, more: str = "") -> Company:
    config.path.parent.mkdir(parents=True, exist_ok=True)
    config.path.write_text(f'[sources.hubspot]\nbase_url = "{fake.url}"\n{more}\n')
    return Company(configuration.load(), clock)


@pytest.fixture
def godmode(config: Config, fake: HubSpot, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    monkeypatch.setenv("HUBSPOT_ACCESS_TOKEN", TOKEN)
    made = company(config, fake, clock)
    yield made
    made.store.close()


def current(db: psycopg.Connection) -> set[int]:
    """The numbers of the contacts that are stored and not superseded."""
    rows = db.execute("SELECT key FROM memory_items WHERE superseded_at IS NULL").fetchall()
    return {int(key.removeprefix("hubspot.contact.")) for (key,) in rows}


def state(db: psycopg.Connection, columns: str) -> Any:
    return db.execute(f"SELECT {columns} FROM data_source_sync WHERE source_name = 'hubspot'").fetchone()


def test_a_contact_is_stored_as_an_inferred_fact_and_its_history_stays(
    godmode: Company, fake: HubSpot, db: psycopg.Connection
) -> None:
    fake.account.add(512, EARLIER, firstname="Ada", lastname="Byron", company="Engines Ltd")
    assert godmode.syncs().data["new"] == 1
    fake.account.change([512], godmode.at.now(), lastname="Lovelace")
    assert godmode.syncs().data["changed"] == 1
    rows = db.execute(
        "SELECT key, value, authority, source_type, superseded_at FROM memory_items ORDER BY id"
    ).fetchall()
    first, second = rows
    assert first[:4] == ("hubspot.contact.512", "Ada Byron, Engines Ltd", "inferred", "hubspot")
    assert first[4] is not None
    assert second == ("hubspot.contact.512", "Ada Lovelace, Engines Ltd", "inferred", "hubspot", None)


def test_25000_contacts_of_one_and_the_same_time_are_stored_with_the_fewest_requests(
    config: Config, clock: FixedClock, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBSPOT_ACCESS_TOKEN", TOKEN)
    with HubSpot(clock.now, checked=False) as fake:
        fake.account.fill(25_000, EARLIER)
        godmode = company(config, fake, clock)
        assert godmode.syncs().data["new"] == 25_000
        assert fake.paths() == ["archived", *["search"] * 125]
        fake.account.change(range(1, 25_001), godmode.at.now(), hs_lead_status="CLOSED")
        assert godmode.syncs().data["changed"] == 25_000
        assert current(db) == set(range(1, 25_001))
        godmode.store.close()


def test_a_sync_without_a_change_takes_two_requests(godmode: Company, fake: HubSpot) -> None:
    fake.account.fill(450, EARLIER)
    godmode.syncs()
    fake.forget()
    for _ in range(3):
        assert godmode.syncs().outcome == "succeeded"
    assert fake.paths() == ["archived", "search"] * 3


def test_archived_and_merged_contacts_are_superseded_though_the_search_still_finds_them(
    godmode: Company, fake: HubSpot, db: psycopg.Connection
) -> None:
    fake.account.fill(6, EARLIER)
    godmode.syncs()
    fake.account.lag = lambda _: 600_000
    godmode.at.advance(timedelta(minutes=14))
    fake.account.change([2], godmode.at.now(), city="Austin")
    godmode.at.advance(timedelta(minutes=11))
    fake.account.archive(2, godmode.at.now())
    fake.account.merge(3, 4, godmode.at.now())
    assert godmode.syncs(minutes=5).data["gone"] == 1
    assert current(db) == {1, 3, 4, 5, 6}
    godmode.syncs()
    assert current(db) == {1, 3, 5, 6}
    rows = db.execute("SELECT key, supersede_reason FROM memory_items WHERE supersede_reason <> 'changed' ORDER BY 1")
    assert rows.fetchall() == [
        ("hubspot.contact.2", "archived in HubSpot"),
        ("hubspot.contact.4", "merged into contact 3"),
    ]


def test_a_large_recycling_bin_is_looked_through_page_by_page(
    godmode: Company, fake: HubSpot, db: psycopg.Connection
) -> None:
    fake.account.fill(250, EARLIER)
    godmode.syncs()
    for id in range(1, 250):
        fake.account.archive(id, NOW)
    fake.forget()
    assert [godmode.syncs().data["gone"] for _ in range(4)] == [100, 100, 49, 0]
    assert current(db) == {250}
    assert len(fake.calls) == 8


LASTING = {
    "half answer": "transient", "hang up": "transient", "bad gateway": "transient", "internal error": "transient",
    "ten-secondly limit": "external_api", "wrong json": "data", "broken json": "data", "login page": "data",
    "redirect": "external_api", "bad request": "external_api", "unauthorized": "auth", "scope missing": "auth",
}  # fmt: skip


@pytest.mark.parametrize("fault", LASTING)
def test_a_lasting_trouble_keeps_what_was_stored_and_the_next_sync_goes_on_from_there(
    godmode: Company, fake: HubSpot, db: psycopg.Connection, fault: str
) -> None:
    fake.page = 10
    fake.account.fill(50, EARLIER)
    fake.fail(fault, at=4, times=9)
    broken = godmode.syncs()
    assert (str(broken.outcome), broken.error_category) == ("failed", LASTING[fault])
    assert TOKEN not in str(broken.error)
    assert current(db) == set(range(1, 21))
    assert state(db, "last_sync_success, last_sync_completed_at") == (False, None)
    fake.forget()
    assert godmode.syncs().data["new"] == 30
    assert fake.paths() == ["archived", "search", "search", "search", "search"]  # three pages, and what came since
    assert current(db) == set(range(1, 51))


def test_what_is_wrong_with_the_token_is_said_with_what_to_do(godmode: Company, fake: HubSpot) -> None:
    fake.scopes.clear()
    assert "give the private app the scope crm.objects.contacts.read" in str(godmode.syncs().error)
    assert len(fake.calls) == 1  # never tried again
    fake.fail("unauthorized")
    assert "set HUBSPOT_ACCESS_TOKEN" in str(godmode.syncs().error)


def test_the_days_limit_ends_the_sync_well_and_the_next_one_goes_on(
    godmode: Company, fake: HubSpot, db: psycopg.Connection
) -> None:
    fake.page = 10
    fake.account.fill(50, EARLIER)
    fake.daily = 3
    ended = godmode.syncs()
    assert str(ended.outcome) == "succeeded"
    assert ended.data["more"] is True
    assert "HubSpot's calls of today are used up" in ended.data["limited"]
    assert len(fake.calls) == 4
    assert current(db) == set(range(1, 21))
    fake.daily = 1000
    assert godmode.syncs().data["new"] == 30


def test_retry_after_is_obeyed(godmode: Company, fake: HubSpot) -> None:
    fake.retry_after = "37"
    fake.account.fill(5, EARLIER)
    fake.fail("ten-secondly limit", at=1)
    before = godmode.at.now()
    godmode.syncs(minutes=0)
    assert godmode.at.now() - before >= timedelta(seconds=37)


def test_a_limit_without_retry_after_is_waited_for_as_its_policy_says(godmode: Company, fake: HubSpot) -> None:
    fake.retry_after = None
    fake.account.fill(5, EARLIER)
    fake.fail("ten-secondly limit", at=1)
    before = godmode.at.now()
    godmode.syncs(minutes=0)
    assert godmode.at.now() - before >= timedelta(seconds=10)


def test_no_request_leaves_once_the_switch_is_on(godmode: Company, fake: HubSpot, db: psycopg.Connection) -> None:
    fake.page = 10
    fake.account.fill(50, EARLIER)

    def stop_at_the_third(call: Call) -> None:
        if len(fake.calls) == 3:
            killswitch.turn_on(db, "enough", "Jonah", NOW)

    fake.before = stop_at_the_third
    assert godmode.syncs().error_category == "kill_switch"
    assert len(fake.calls) == 3


def test_every_request_only_reads(godmode: Company, fake: HubSpot) -> None:
    fake.account.fill(30, EARLIER)
    godmode.syncs()
    godmode.syncs(minutes=24 * 60)
    made = {(call.method, call.path) for call in fake.calls}
    assert made <= {("POST", SEARCH), ("GET", CONTACTS), ("POST", BATCH)}


def test_by_the_next_morning_each_contact_is_as_it_is_in_hubspot_whatever_the_search_hid(
    godmode: Company, fake: HubSpot, db: psycopg.Connection
) -> None:
    fake.account.fill(30, EARLIER)
    for id in (1, 2):
        fake.account.archive(id, EARLIER)
    godmode.syncs()
    fake.account.lag = lambda _: 10**12  # the index learns nothing any more
    fake.account.erase(3, NOW)
    fake.account.restore(1)
    fake.account.add(31, NOW, firstname="Late")
    godmode.syncs(minutes=24 * 60)
    assert current(db) == {1, *range(4, 32)}
    assert state(db, "completeness - 'at'") == ({"at_source": 29, "stored": 29, "repaired": 2, "gone": 1},)


def test_an_edit_that_the_index_shows_a_day_late_is_read_by_the_days_first_sync(
    godmode: Company, fake: HubSpot, db: psycopg.Connection
) -> None:
    fake.account.fill(3, EARLIER)
    godmode.syncs()
    fake.account.lag = lambda _: 20 * 3_600_000
    fake.account.change([2], godmode.at.now(), city="Austin")
    for _ in range(3):
        assert godmode.syncs().data["changed"] == 0
    godmode.syncs(minutes=24 * 60)
    found = db.execute("SELECT value FROM memory_items WHERE key = 'hubspot.contact.2' AND superseded_at IS NULL")
    assert "Austin" in str(found.fetchone())
