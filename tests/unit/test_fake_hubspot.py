"""The fake HubSpot has the edges of the real one, so that a test against it means something."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fakes.hubspot import BATCH, CONTACTS, SEARCH, TOKEN, HubSpot

from godmode.lib.clock import FixedClock

NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def fake(clock: FixedClock) -> Iterator[HubSpot]:
    with HubSpot(clock.now) as running:
        yield running


@pytest.fixture
def client(fake: HubSpot) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=fake.url, headers={"Authorization": f"Bearer {TOKEN}"}) as made:
        yield made


def search(client: httpx.Client, **body: Any) -> httpx.Response:
    whole = {"filterGroups": [], "sorts": [], "properties": [], "limit": 10, "after": "0"}
    return client.post(SEARCH, json=whole | body)


def ids(response: httpx.Response) -> list[int]:
    return [int(row["id"]) for row in response.json()["results"]]


def test_a_search_ends_at_ten_thousand_rows_and_a_page_at_two_hundred(fake: HubSpot, client: httpx.Client) -> None:
    fake.account.fill(10_010, NOW)
    last = search(client, limit=200, after="9800")
    assert (last.status_code, len(last.json()["results"]), last.json()["total"]) == (200, 200, 10_010)
    assert search(client, limit=200, after="9801").status_code == 400
    assert search(client, limit=201).status_code == 400
    assert not fake.problems


def test_a_search_learns_late_what_the_list_knows_at_once(
    fake: HubSpot, client: httpx.Client, clock: FixedClock
) -> None:
    fake.account.fill(2, NOW)
    fake.account.lag = lambda _: 60_000
    fake.account.add(3, clock.now())
    fake.account.archive(1, clock.now())
    listed = client.get(CONTACTS, params={"limit": "100"})
    binned = client.get(CONTACTS, params={"archived": "true"})
    assert (ids(search(client)), ids(listed), ids(binned)) == ([1, 2], [2, 3], [1])
    clock.advance(timedelta(minutes=1))
    assert ids(search(client)) == [2, 3]
    assert not fake.problems


def test_rows_sorted_by_time_come_out_of_order_and_those_sorted_by_id_do_not(
    fake: HubSpot, client: httpx.Client
) -> None:
    fake.account.fill(100, NOW - timedelta(hours=1), apart_ms=1000)
    fake.account.out_of_order = True
    by_time = ids(search(client, limit=100, sorts=["lastmodifieddate"]))
    assert sorted(by_time) == list(range(1, 101)) != by_time
    assert ids(search(client, limit=100, sorts=["hs_object_id"])) == list(range(1, 101))


def test_filters_are_alternatives_of_conditions_that_hold_together(fake: HubSpot, client: httpx.Client) -> None:
    fake.account.fill(20, NOW)
    fake.account.change([7], NOW, company="Odd")

    def on(name: str, operator: str, **more: Any) -> dict[str, Any]:
        return {"propertyName": name, "operator": operator, **more}

    few = {"filters": [on("hs_object_id", "GT", value="3"), on("hs_object_id", "LTE", value="5")]}
    odd = {"filters": [on("company", "EQ", value="Odd")]}
    some = {"filters": [on("hs_object_id", "IN", values=["11", "12"]), on("company", "HAS_PROPERTY")]}
    assert ids(search(client, filterGroups=[few, odd, some], sorts=["-hs_object_id"])) == [12, 11, 7, 5, 4]
    assert not fake.problems


def test_more_than_five_searches_in_a_second_are_refused_by_their_own_policy(
    fake: HubSpot, client: httpx.Client
) -> None:
    fake.limited = True
    answers = [search(client) for _ in range(6)]
    assert [a.status_code for a in answers] == [200] * 5 + [429]
    assert answers[-1].json()["policyName"] == "SECONDLY"
    assert client.get(CONTACTS).status_code == 200  # counted apart


def test_what_would_write_is_refused_and_remembered(fake: HubSpot, client: httpx.Client) -> None:
    fake.account.fill(1, NOW)
    assert client.delete(f"{CONTACTS}/1").status_code == 405
    assert client.post(f"{CONTACTS}/batch/archive", json={"inputs": [{"id": "1"}]}).status_code == 405
    assert client.patch(f"{CONTACTS}/1", json={"properties": {}}).status_code == 405
    assert ids(client.get(CONTACTS)) == [1]
    assert len([problem for problem in fake.problems if "may only read" in problem]) == 3


@pytest.mark.parametrize(
    "body",
    [
        {"sorts": [{"propertyName": "createdate", "direction": "DESCENDING"}]},
        {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "IS", "value": "x"}]}]},
        {"limit": "10"},
        {"filter": []},
    ],
)
def test_a_request_that_the_published_document_does_not_know_is_a_problem(
    fake: HubSpot, client: httpx.Client, body: dict[str, Any]
) -> None:
    search(client, **body)
    assert fake.problems


def test_a_batch_gives_what_is_there_and_names_what_is_not(fake: HubSpot, client: httpx.Client) -> None:
    fake.account.fill(3, NOW)
    fake.account.archive(2, NOW)
    body = {"inputs": [{"id": str(i)} for i in (1, 2, 9)], "properties": [], "propertiesWithHistory": []}
    answer = client.post(BATCH, json=body)
    assert (answer.status_code, ids(answer), answer.json()["errors"][0]["context"]["ids"]) == (207, [1], ["2", "9"])
    assert not fake.problems
