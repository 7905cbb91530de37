"""Notion's objects: which data sources and pages count, whatever is empty, renamed or not what was promised."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from fakes.notion_pages import DataSource, Page, paragraphs

from godmode.lib.errors import BadData
from godmode.lib.sources import notion_pages
from godmode.lib.sources.notion_pages import Wanted

WANTED = Wanted("Tags", ("SOP", "Canonical"))
NOON = datetime(2026, 3, 10, 17, 0, 42, tzinfo=UTC)


def page_of(source: DataSource | None = None, tags: tuple[str, ...] = ("SOP",), **more: Any) -> notion_pages.Page:
    made = Page(source or DataSource("Handbook"), "How we ship a parcel abroad", tags, paragraphs("x"), NOON, **more)
    return notion_pages.page(made.object(), WANTED)


@pytest.mark.parametrize(
    ("kind", "filter"),
    [("multi_select", {"contains": "SOP"}), ("select", {"equals": "SOP"}), ("status", {"equals": "SOP"})],
)
def test_the_operator_of_the_filter_goes_by_the_type_of_the_property(kind: str, filter: dict[str, str]) -> None:
    table = notion_pages.table(DataSource("Handbook", kind=kind, options=("SOP", "Draft")).object(), WANTED)
    assert table is not None
    assert table.tagged() == {"property": "Tags", kind: filter}


def test_several_tags_are_asked_for_one_by_one() -> None:
    table = notion_pages.table(DataSource("Handbook").object(), WANTED)
    assert table is not None
    assert table.tagged()["or"] == [
        {"property": "Tags", "multi_select": {"contains": "SOP"}},
        {"property": "Tags", "multi_select": {"contains": "Canonical"}},
    ]


@pytest.mark.parametrize("kind", [None, "rich_text", "formula", "people"])
def test_a_data_source_without_a_tag_like_property_is_none(kind: str | None) -> None:
    assert notion_pages.table(DataSource("People", kind=kind).object(), WANTED) is None


def test_property_and_tags_are_found_in_upper_and_lower_case_and_asked_for_as_notion_writes_them() -> None:
    source = DataSource("Handbook", property="TAGS", options=("sop", "Other"))
    table = notion_pages.table(source.object(), WANTED)
    assert table is not None
    assert table.tagged() == {"property": "TAGS", "multi_select": {"contains": "sop"}}
    assert page_of(source, ("sop", "Other")).tags == ("sop",)


def test_a_title_in_pieces_is_one_title() -> None:
    assert page_of().title == "How we ship a parcel abroad"


@pytest.mark.parametrize("value", [None, [], [None], [{}], "text", [{"name": None}]])
def test_an_empty_or_odd_tag_is_no_tag(value: Any) -> None:
    raw = Page(DataSource("Handbook"), "A", ("SOP",), [], NOON).object()
    raw["properties"]["Tags"]["multi_select"] = value
    assert notion_pages.page(raw, WANTED).tags == ()


@pytest.mark.parametrize("value", [None, [], [None], [{}], [{"plain_text": None}], 7])
def test_an_empty_or_odd_title_is_an_empty_title(value: Any) -> None:
    raw = Page(DataSource("Handbook"), "A", ("SOP",), [], NOON).object()
    raw["properties"]["Name"]["title"] = value
    assert notion_pages.page(raw, WANTED).title == ""


@pytest.mark.parametrize("kind", ["select", "status"])
def test_a_single_tag_counts_as_well(kind: str) -> None:
    assert page_of(DataSource("Handbook", kind=kind)).tags == ("SOP",)
    assert page_of(DataSource("Handbook", kind=kind), ()).tags == ()


def test_the_time_of_an_edit_is_what_notion_says_to_the_minute() -> None:
    assert page_of().edited == datetime(2026, 3, 10, 17, 0, tzinfo=UTC)


def test_a_page_in_the_trash_says_so_by_its_old_word_too() -> None:
    assert page_of(trashed=True).trashed
    assert page_of(broken={"archived": True}).trashed
    assert not page_of().trashed


@pytest.mark.parametrize(
    "broken", [{"id": None}, {"id": "../users"}, {"properties": None}, {"last_edited_time": "today"}, {"in_trash": 3}]
)
def test_a_page_that_is_not_what_was_promised_is_bad_data(broken: dict[str, Any]) -> None:
    with pytest.raises(BadData, match="something else than a page"):
        page_of(broken=broken)


@pytest.mark.parametrize("raw", [None, [], "page", {}, {"object": "data_source", "id": "x"}])
def test_a_data_source_that_is_not_what_was_promised_is_bad_data(raw: Any) -> None:
    with pytest.raises(BadData, match="something else than a data source"):
        notion_pages.table(raw, WANTED)
