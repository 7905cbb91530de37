"""The fake Notion says no where the real one does, and its own answers are held against the published document."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fakes import notion
from fakes.notion_pages import DataSource
from fakes.notion_refusals import Limit

NOON = datetime(2026, 3, 10, 17, 0, 42, tzinfo=UTC)
HEADERS = {"Authorization": f"Bearer {notion.TOKEN}", "Notion-Version": "2025-09-03"}


@pytest.fixture
def fake() -> Iterator[notion.Notion]:
    with notion.serving(lambda: NOON) as made:
        yield made


@pytest.fixture
def client(fake: notion.Notion) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{fake.url}/v1", headers=HEADERS) as made:
        yield made


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def query(client: httpx.Client, source: DataSource, **body: Any) -> httpx.Response:
    return client.post(f"/data_sources/{source.id}/query", json=body)


def test_a_wrong_token_and_a_missing_version_are_refused(fake: notion.Notion, client: httpx.Client) -> None:
    assert code(client.get("/users/me", headers={"Authorization": "Bearer x"})) == (401, "unauthorized")
    del client.headers["Notion-Version"]
    assert code(client.get("/users/me")) == (400, "missing_version")


def test_what_is_too_early_gets_429_with_the_seconds_to_wait(fake: notion.Notion, client: httpx.Client) -> None:
    now = [0.0]
    fake.limit = Limit(per_second=3, burst=3, seconds=lambda: now[0])
    answers = [client.get("/users/me") for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    now[0] += float(answers[3].headers["Retry-After"])
    assert client.get("/users/me").status_code == 200
    assert fake.limit.refused == 1


def test_lists_come_in_answers_of_at_most_a_hundred(fake: notion.Notion, client: httpx.Client) -> None:
    table = fake.table()
    for number in range(150):
        fake.page(table, str(number))
    first = query(client, table).json()
    assert (len(first["results"]), first["has_more"]) == (100, True)
    second = query(client, table, start_cursor=first["next_cursor"]).json()
    assert (len(second["results"]), second["has_more"], second["next_cursor"]) == (50, False, None)
    assert code(query(client, table, page_size=101)) == (400, "validation_error")
    assert code(query(client, table, start_cursor="nowhere")) == (400, "validation_error")


@pytest.mark.parametrize(
    "wrong",
    [
        {"property": "Stage", "multi_select": {"contains": "SOP"}},
        {"property": "Tags", "select": {"equals": "SOP"}},
        {"property": "Tags", "multi_select": {"contains_any": ["SOP"]}},
        {"timestamp": "last_edited_time", "last_edited_time": {"since": "2026-03-10"}},
        {"timestamp": "last_edited_time", "last_edited_time": {"on_or_after": "yesterday"}},
    ],
)
def test_a_filter_that_notion_would_not_take_is_a_validation_error(
    fake: notion.Notion, client: httpx.Client, wrong: dict[str, Any]
) -> None:
    assert code(query(client, fake.table(), filter={"or": [wrong]})) == (400, "validation_error")


def test_times_are_rounded_down_to_the_minute_and_filters_go_by_the_rounded_ones(
    fake: notion.Notion, client: httpx.Client
) -> None:
    table = fake.table()
    fake.page(table, "p")
    asked = {"timestamp": "last_edited_time", "last_edited_time": {"on_or_after": "2026-03-10T17:00:00Z"}}
    (page,) = query(client, table, filter=asked).json()["results"]
    assert page["last_edited_time"] == "2026-03-10T17:00:00.000Z"
    asked["last_edited_time"] = {"on_or_after": "2026-03-10T17:00:42Z"}
    assert query(client, table, filter=asked).json()["results"] == []


def test_trashed_pages_are_not_listed_and_hidden_ones_are_not_there(fake: notion.Notion, client: httpx.Client) -> None:
    table = fake.table()
    trashed, hidden = fake.page(table, "a", trashed=True), fake.page(table, "b", shared=False)
    assert query(client, table).json()["results"] == []
    assert client.get(f"/pages/{trashed.id}").json()["in_trash"] is True
    assert code(client.get(f"/pages/{hidden.id}")) == (404, "object_not_found")
    table.shared = False
    assert code(query(client, table)) == (404, "object_not_found")
    assert (
        client.post("/search", json={"filter": {"property": "object", "value": "data_source"}}).json()["results"] == []
    )


def test_markdown_wants_its_version(fake: notion.Notion, client: httpx.Client) -> None:
    page = fake.page(fake.table(), "p", "text")
    assert code(client.get(f"/pages/{page.id}/markdown")) == (400, "invalid_request_url")
    answer = client.get(f"/pages/{page.id}/markdown", headers={"Notion-Version": "2026-03-11"})
    assert answer.json()["markdown"] == "text"


@pytest.mark.parametrize(
    ("method", "path", "more", "line"),
    [
        ("POST", "/v1/pages", {}, "POST /v1/pages is not in the document"),
        ("POST", "/v1/search", {"body": {"page_size": "100"}}, "is not of type 'integer'"),
        ("POST", "/v1/search", {"body": {"filter": {"value": "database"}}}, "is not one of"),
        ("POST", "/v1/search", {"body": {"archived": True}}, "unknown key archived"),
        (
            "POST",
            "/v1/data_sources/x/query",
            {"body": {"sorts": [{"direction": "ascending"}]}},
            "is not valid under any",
        ),
        ("GET", "/v1/blocks/x/children", {"query": {"page_size": "many"}}, "is not of type 'integer'"),
        ("GET", "/v1/blocks/x/children", {"query": {"depth": "2"}}, "unknown parameter depth"),
        ("GET", "/v1/pages/x", {"headers": {}}, "no Notion-Version"),
    ],
)
def test_a_request_against_the_document_is_told(method: str, path: str, more: dict[str, Any], line: str) -> None:
    given = {"query": {}, "headers": HEADERS, "body": {}} | more
    wrong = notion.DOCUMENT.request(method, path, given["query"], given["body"], given["headers"])
    assert any(line in told for told in wrong), wrong


def test_an_answer_against_the_document_is_told() -> None:
    assert notion.DOCUMENT.answer("GET", "/v1/pages/x/markdown", 200, {"truncated": "no"})
    assert notion.DOCUMENT.answer("POST", "/v1/search", 200, [])
    assert notion.DOCUMENT.answer("POST", "/v1/search", 404, {"code": 7})
    assert not notion.DOCUMENT.answer("GET", "/v1/pages/x/markdown", 200, {"markdown": "x", "truncated": False})


def test_all_that_the_fake_answers_is_as_the_document_has_it(fake: notion.Notion, client: httpx.Client) -> None:
    page = fake.page(fake.table(), "p", "text", edited=NOON - timedelta(days=1))
    for path in ("/users/me", f"/pages/{page.id}", f"/blocks/{page.id}/children", f"/pages/{page.id}/markdown"):
        client.get(path)
    query(client, page.source)
    client.post("/search", json={})
    assert (fake.wrong, len(fake.requests)) == ([], 6)
