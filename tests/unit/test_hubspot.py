"""The HubSpot source by itself: what it asks for, and what it makes of strange answers."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fakes.hubspot import BATCH, CONTACTS, SEARCH, TOKEN, HubSpot
from fakes.hubspot_reader import Shelf, source
from pytest_httpserver import HTTPServer
from werkzeug import Response

from godmode.lib.clock import FixedClock
from godmode.lib.errors import BadData, Refused, Transient, Usage
from godmode.lib.kernel import Checkpoint, Gone, Record, Sight, Skipped
from godmode.lib.ports import Remote, Site
from godmode.lib.sources.hubspot import HubSpot as Source
from godmode.lib.sources.hubspot import HubSpotSettings

NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
Answering = Callable[..., Source]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def fake(clock: FixedClock) -> Iterator[HubSpot]:
    with HubSpot(clock.now) as running:
        yield running
        assert not running.problems


@pytest.fixture
def reader(fake: HubSpot, clock: FixedClock) -> Iterator[Remote]:
    """The source on the fake, with the settings that it has by itself."""
    with closing(source(fake, clock)) as made:
        yield made


@pytest.fixture
def answering(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Source]]:
    """Makes the source on a server that answers searches with these pages in turn, and has an empty bin."""
    monkeypatch.setenv("HUBSPOT_ACCESS_TOKEN", TOKEN)
    clock = FixedClock(NOW)
    made = Source(HubSpotSettings(base_url=httpserver.url_for("")), Site(clock, UTC, "", Path, sleep=clock.sleep))

    def give(*pages: dict[str, Any] | str) -> Source:
        turns = itertools.cycle(page if isinstance(page, str) else msgspec.json.encode(page) for page in pages)
        server = httpserver.expect_request(SEARCH)
        server.respond_with_handler(lambda request: Response(next(turns), content_type="application/json"))
        httpserver.expect_request(CONTACTS).respond_with_json({"results": []})
        return made

    yield give
    made.close()


def row(id: int, **properties: str) -> dict[str, Any]:
    return {"id": str(id), "properties": properties, "createdAt": "", "updatedAt": "", "archived": False}


def test_the_token_is_proven_in_two_requests_and_told_in_plain_words(fake: HubSpot, reader: Remote) -> None:
    fake.account.fill(1234, NOW)
    assert reader.test() == Sight("the token may read 1,234 contacts of account 123456", 1234)
    assert fake.paths() == ["search", "account"]


def test_a_token_that_may_not_see_its_account_is_still_proven(fake: HubSpot, reader: Remote) -> None:
    fake.account.fill(3, NOW)
    fake.fail("scope missing", at=2)
    assert reader.test() == Sight("the token may read 3 contacts", 3)


def test_everything_is_listed_a_hundred_at_a_time_without_what_is_archived(fake: HubSpot, reader: Remote) -> None:
    fake.account.fill(250, NOW)
    fake.account.archive(17, NOW)
    fake.account.lag = lambda _: 10**12
    fake.account.add(251, NOW)
    assert list(reader.everything()) == [f"contact.{n}" for n in range(1, 252) if n != 17]
    assert fake.paths() == ["list"] * 3


@pytest.mark.parametrize("fault", ["bad record", "wrong json", "login page", "hang up"])
def test_a_list_that_is_not_whole_is_an_error_and_never_a_shorter_list(
    fake: HubSpot, reader: Remote, fault: str
) -> None:
    fake.account.fill(250, NOW)
    fake.fail(fault, at=2, times=9)
    with pytest.raises((BadData, Transient)):
        list(reader.everything())


def test_each_id_that_is_asked_for_again_is_answered(fake: HubSpot, reader: Remote) -> None:
    fake.account.fill(120, NOW)
    fake.account.archive(5, NOW)
    fake.account.merge(7, 8, NOW)
    answers = list(reader.again([f"contact.{n}" for n in range(1, 131)]))
    assert [a.id for a in answers if isinstance(a, Record | Gone)] == [f"contact.{n}" for n in range(1, 131)]
    whys = {a.id: a.why for a in answers if isinstance(a, Gone)}
    assert whys.keys() == {"contact.5", "contact.8", *(f"contact.{n}" for n in range(121, 131))}
    assert whys["contact.8"] == "merged into contact 7"
    assert fake.paths() == ["batch", "batch"]


def test_when_one_of_a_batch_cannot_be_read_nothing_of_it_is_called_gone(fake: HubSpot, reader: Remote) -> None:
    fake.account.fill(3, NOW)
    fake.fail("bad record")
    answers = list(reader.again(["contact.1", "contact.2", "contact.3"]))
    assert [type(a) for a in answers] == [Record, Skipped, Record]


@pytest.mark.parametrize(
    "more",
    [
        {"status": "COMPLETE", "errors": [{"category": "INTERNAL_ERROR", "message": "not now"}]},
        {"status": "PROCESSING"},
    ],
)
def test_a_batch_that_is_not_whole_makes_nothing_gone(
    answering: Answering, httpserver: HTTPServer, more: dict[str, Any]
) -> None:
    httpserver.expect_request(BATCH).respond_with_json({"results": [row(1)]} | more)
    answers = list(answering().again(["contact.1", "contact.2"]))
    assert [type(a) for a in answers] == [Record, Skipped]


def test_a_full_page_that_is_not_in_order_is_an_error_since_the_next_one_would_lose_contacts(
    answering: Answering,
) -> None:
    jumbled = {"total": 9, "results": [row(5), row(3)]}
    with pytest.raises(BadData, match="in the order of their ids"):
        list(answering(jumbled).changes({}))


def test_a_page_that_comes_again_and_again_ends_in_an_error_and_not_in_a_circle(
    answering: Answering,
) -> None:
    with pytest.raises(BadData, match="behind 5 in the order"):
        list(answering({"total": 9, "results": [row(3), row(5)]}).changes({}))


def test_the_last_page_may_be_in_any_order(answering: Answering) -> None:
    shelf = Shelf()
    shelf.keep(answering({"total": 2, "results": [row(5), row(3)]}).changes({}))
    assert shelf.records.keys() == {"contact.5", "contact.3"}


def test_a_total_that_promises_more_than_there_is_ends_with_the_empty_page(answering: Answering) -> None:
    items = list(answering({"total": 9, "results": [row(3)]}, {"total": 8, "results": []}).changes({}))
    assert [type(item) for item in items] == [Record, Checkpoint, Checkpoint]


def test_half_a_surrogate_pair_costs_a_character_and_not_the_page(answering: Answering) -> None:
    page = (
        '{"total": 2, "results": [{"id": "1", "properties": {"firstname": "A\\ud83d"}}, {"id": "2", "properties": {}}]}'
    )
    first, second, _ = answering(page).changes({})
    assert isinstance(first, Record)
    assert first.text == "A?"
    assert isinstance(second, Record)


def test_a_place_in_the_bin_that_hubspot_no_longer_knows_is_begun_anew(fake: HubSpot, reader: Remote) -> None:
    fake.account.fill(3, NOW)
    fake.account.archive(2, NOW)
    fake.fail("bad request")
    items = list(reader.changes({"bin": "stale"}))
    assert items[0] == Gone("contact.2", "archived in HubSpot")
    fake.forget()
    fake.fail("bad request")
    with pytest.raises(Refused):
        list(reader.changes({}))


def test_a_configured_overlap_and_properties_are_what_is_asked_for(fake: HubSpot, clock: FixedClock) -> None:
    at = round(NOW.timestamp() * 1000)
    with closing(source(fake, clock, overlap_minutes=90, properties=["email"])) as reader:
        kept = {"read_to": at - 60_000, "deep": at - 60_000, "asked": "email,hs_merged_object_ids,lastmodifieddate"}
        list(reader.changes(kept))
    body = fake.calls[-1].body
    assert body["properties"] == ["email", "lastmodifieddate", "hs_merged_object_ids"]
    assert body["filterGroups"][0]["filters"] == [
        {"propertyName": "lastmodifieddate", "operator": "GTE", "value": str(at - 60_000 - 90 * 60_000)},
        {"propertyName": "lastmodifieddate", "operator": "LTE", "value": str(at)},
        {"propertyName": "hs_object_id", "operator": "GT", "value": "0"},
    ]


@pytest.mark.parametrize("token", ["", "schlüssel"])
def test_a_token_that_is_none_is_a_wrong_configuration(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBSPOT_ACCESS_TOKEN", token)
    with pytest.raises(Usage, match="HUBSPOT_ACCESS_TOKEN"):
        Source(HubSpotSettings(), Site(FixedClock(NOW), UTC, "", Path))


def test_only_the_settings_are_imported_before_the_source_is_used() -> None:
    code = "import sys, godmode.lib.sources.hubspot; print({'httpx', 'tenacity', 'hubspot'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
