"""The fake n8n answers as the recorded one does: the same keys, the same kinds of values, the same refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes.n8n import KEY, N8n

RECORDED = Path(__file__).parents[1] / "fixtures" / "n8n"


@pytest.fixture
def fake() -> Iterator[N8n]:
    with N8n() as made:
        made.workflow("w1", "Invoice sync")
        made.workflow("w2", "Nightly export")
        made.many(12)
        failed = made.ran(status="error", mode="webhook", error="boom: customer 8231 not found")
        made.retried(failed, "error")
        yield made


def recorded(name: str) -> Any:
    return json.loads((RECORDED / name).read_text())


def get(fake: N8n, path: str, key: str = KEY, **params: Any) -> Any:
    return httpx.get(f"{fake.url}/api/v1{path}", params=params, headers={"X-N8N-API-KEY": key}).json()


def shape(value: Any) -> Any:
    """What kind of thing a value is; lists by their first element."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def test_a_page_of_executions_has_the_recorded_shape_and_cursor(fake: N8n) -> None:
    page, real = get(fake, "/executions", limit=5), recorded("executions_page1.json")
    assert shape(page) == shape(real)
    assert [e["id"] for e in page["data"]] == [e["id"] for e in real["data"]]
    assert page["nextCursor"] == real["nextCursor"]
    following = get(fake, "/executions", limit=5, cursor=page["nextCursor"])
    assert [e["id"] for e in following["data"]] == [e["id"] for e in recorded("executions_page2.json")["data"]]


def test_a_list_by_status_has_only_those(fake: N8n) -> None:
    real = recorded("executions_error.json")
    page = get(fake, "/executions", status="error")
    assert ({e["status"] for e in page["data"]}, page["nextCursor"]) == ({"error"}, real["nextCursor"])


@pytest.mark.parametrize(
    ("params", "key", "file"),
    [
        ({"cursor": "nonsense"}, KEY, "executions_bad_cursor_400.json"),
        ({"status": "crashed"}, KEY, "executions_bad_status_400.json"),
        ({}, "wrong", "unauthorized_401.json"),
    ],
)
def test_what_is_refused_is_refused_in_the_recorded_words(fake: N8n, params: Any, key: str, file: str) -> None:
    assert get(fake, "/executions", key, **params) == recorded(file)


def test_an_execution_with_data_tells_its_error_where_the_recorded_one_does(fake: N8n) -> None:
    one, real = get(fake, "/executions/13", includeData="true"), recorded("execution_13_with_data.json")
    assert one["data"]["resultData"]["error"]["message"] == real["data"]["resultData"]["error"]["message"]
    assert one["data"]["resultData"]["lastNodeExecuted"] == real["data"]["resultData"]["lastNodeExecuted"]
    listed = set(recorded("executions_page1.json")["data"][0])
    assert {k: shape(v) for k, v in one.items() if k in listed} == {k: shape(v) for k, v in real.items() if k in listed}


def test_workflows_have_the_recorded_keys(fake: N8n) -> None:
    page, real = get(fake, "/workflows", limit=1), recorded("workflows_trimmed.json")
    assert page["data"][0].keys() == real["data"][0].keys()
    assert shape(page["nextCursor"]) == shape(real["nextCursor"])


def test_more_than_250_rows_are_refused(fake: N8n) -> None:
    assert "must be <= 250" in get(fake, "/executions", limit=251)["message"]
