"""What the Notion source reads and how often it asks, against a Notion over HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fakes.notion_pages import Block
from fakes.notion_reading import MINUTE, NOON, Reading, filled, records, skipped

from godmode.lib.errors import BadData, NothingToRead, Usage
from godmode.lib.kernel import Gone, Record, Skipped
from godmode.lib.ports import Remote


def test_it_is_a_source_behind_an_api(desk: Reading) -> None:
    assert isinstance(desk.source, Remote)


def test_without_a_token_it_says_what_is_missing(desk: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTION_TOKEN")
    with pytest.raises(Usage, match="NOTION_TOKEN is not set"):
        desk.sync()


def test_pages_with_a_tag_are_read_from_every_data_source_that_has_the_property(desk: Reading) -> None:
    for kind in ("multi_select", "select", "status"):
        table = desk.fake.table(kind, kind=kind)
        desk.fake.page(table, f"in {kind}", "text", tags=["Final"])
        desk.fake.page(table, "a draft", tags=["Draft"])
    desk.fake.page(desk.fake.table("People", kind=None), "someone", tags=[])
    items = desk.sync()
    assert sorted(r.text for r in records(items)) == [
        "# in multi_select\n\ntext", "# in select\n\ntext", "# in status\n\ntext",
    ]  # fmt: skip
    assert skipped(items) == []


def test_the_second_data_source_of_a_database_is_read_too(desk: Reading) -> None:
    one = desk.fake.table("One")
    two = desk.fake.table("Two", database=one.database)
    desk.fake.page(one, "first")
    desk.fake.page(two, "second")
    assert sorted(r.fields["title"] for r in records(desk.sync())) == ["first", "second"]


def test_a_record_says_what_a_person_needs_and_nothing_that_changes_by_itself(desk: Reading) -> None:
    table = desk.fake.table()
    page = desk.fake.page(table, "Refunds", "Pay back\nwithin a day", tags=["SOP", "Draft", "Final"])
    (record,) = records(desk.sync())
    assert (record.source, record.id, record.changed_at) == ("notion", page.id, NOON.replace(second=0))
    assert record.text == "# Refunds\n\nPay back\nwithin a day"
    assert record.fields == {
        "title": "Refunds", "tags": ["SOP", "Final"], "data_source": table.id,
        "url": f"https://www.notion.so/{page.id.replace('-', '')}",
    }  # fmt: skip


def test_a_page_without_title_and_text_is_read(desk: Reading) -> None:
    desk.fake.page(desk.fake.table(), "")
    assert [r.text for r in records(desk.sync())] == ["# Untitled"]


def test_a_first_sync_asks_once_a_page_and_once_for_each_hundred(desk: Reading) -> None:
    filled(desk, 250)
    desk.sync()
    assert len(desk.stored) == 250
    assert desk.asked() == {"search": 1, "data_sources/query": 3, "pages/markdown": 250}


def test_a_sync_without_news_asks_at_most_three_times(desk: Reading) -> None:
    for name in ("One", "Two"):
        filled(desk, 5, desk.fake.table(name))
    desk.sync()
    assert records(desk.sync()) == []
    assert desk.asked() == {"search": 1, "data_sources/query": 2}


def test_with_many_data_sources_they_are_listed_once_a_day(desk: Reading) -> None:
    for number in range(5):
        filled(desk, 1, desk.fake.table(str(number)))
    desk.sync()
    desk.sync()
    assert desk.asked() == {"data_sources/query": 5}
    desk.fake.page(desk.fake.table("new"), "new")
    assert [r.fields["title"] for r in records(desk.sync(timedelta(days=1)))] == ["new"]
    assert desk.asked()["search"] == 1


def test_rows_that_come_twice_are_read_once(desk: Reading) -> None:
    pages = filled(desk, 120)
    desk.fake.pages["again"] = pages[0]
    assert len(records(desk.sync())) == 120


def test_a_page_that_is_not_what_was_promised_is_skipped_and_the_rest_of_its_answer_is_read(desk: Reading) -> None:
    pages = filled(desk, 10)
    pages[4].broken = {"properties": None}
    items = desk.sync()
    assert len(records(items)) == 9
    assert [(s.where, s.later) for s in skipped(items)] == [(f"page {pages[4].id} in Handbook", True)]
    pages[4].broken = {}
    assert [r.id for r in records(desk.sync())] == [pages[4].id]


def test_a_data_source_that_is_no_longer_shared_is_named_once_and_the_others_are_read(desk: Reading) -> None:
    one, two = desk.fake.table("One"), desk.fake.table("Two")
    page = desk.fake.page(two, "second", "old")
    desk.fake.page(one, "first")
    desk.sync()
    one.shared = False
    desk.fake.edit(page, "new")
    items = desk.sync()
    assert [s.where for s in skipped(items)] == ["data source One"]
    assert [r.text for r in records(items)] == ["# second\n\nnew"]
    assert skipped(desk.sync()) == []


def test_a_data_source_that_the_search_does_not_show_for_a_while_is_read_all_the_same(desk: Reading) -> None:
    page = filled(desk, 3)[0]
    desk.sync()
    desk.fake.unlisted.add(page.source.id)
    desk.fake.edit(page, "new")
    assert [r.text for r in records(desk.sync(timedelta(days=2)))] == ["# Page 0\n\nnew"]


def test_a_property_that_changed_its_type_is_asked_for_anew(desk: Reading) -> None:
    tables = [desk.fake.table(str(number)) for number in range(4)]
    pages = [desk.fake.page(table, "p", "old") for table in tables]
    desk.sync()
    tables[1].kind = "select"
    for number in range(120):  # more than fits in one answer, so that the filter names the property
        desk.fake.page(tables[1], f"draft {number}", tags=["Draft"])
    desk.fake.edit(pages[1], "new")
    assert [r.text for r in records(desk.sync())] == ["# p\n\nnew"]
    assert desk.asked()["search"] == 1


def test_a_property_that_was_renamed_takes_its_data_source_out_and_is_named(desk: Reading) -> None:
    for title in ("Handbook", "Policies"):
        desk.fake.page(desk.fake.table(title), "p")
    desk.sync()
    table, other = desk.fake.sources.values()
    table.property = "Labels"
    items = desk.sync()
    assert records(items) == []
    assert skipped(items) == [Skipped("data source Handbook", 'has no property "Tags" of tags any more')]
    assert skipped(desk.sync()) == []
    other.property = "Labels"
    with pytest.raises(NothingToRead, match=r'has a property "Tags" of tags \(Handbook, Policies\); rename it back'):
        desk.sync()


def test_where_nothing_is_shared_a_sync_is_no_success(desk: Reading) -> None:
    with pytest.raises(NothingToRead, match=r"no data source is shared with godmode's integration; in Notion, open"):
        desk.sync()
    page = filled(desk, 1)[0]
    assert len(records(desk.sync())) == 1
    page.source.shared = False
    for _ in range(2):
        with pytest.raises(NothingToRead, match="no data source is shared"):
            desk.sync()
    page.source.shared = True
    assert len(records(desk.sync())) == 1


def test_where_no_property_is_known_the_data_sources_are_listed_by_every_sync(desk: Reading) -> None:
    for number in range(301):
        desk.fake.table(f"other {number}", kind=None)
    with pytest.raises(NothingToRead, match=r"other 9 and 291 more"):
        desk.sync()
    filled(desk, 1)
    assert len(records(desk.sync())) == 1


def test_a_data_source_that_offers_none_of_the_tags_is_not_asked(desk: Reading) -> None:
    desk.fake.page(desk.fake.table(options=("Draft",)), "p", tags=["Draft"])
    with pytest.raises(
        NothingToRead, match=r'offers one of the tags SOP, Canonical, Final in "Tags" \(Handbook\); set'
    ):
        desk.sync()
    assert desk.asked() == {"search": 1}


def test_a_cursor_that_cannot_be_read_is_a_beginning(desk: Reading) -> None:
    filled(desk, 2)
    desk.cursor = {"marks": 3}
    assert len(records(desk.sync())) == 2


def test_another_property_in_the_configuration_is_looked_for_at_once(desk: Reading) -> None:
    for number in range(4):
        desk.fake.page(
            desk.fake.table(str(number), property="Stage", kind="status", options=("Live",)), "p", tags=["Live"]
        )
        desk.fake.table(f"other {number}")
    assert records(desk.sync()) == []
    desk.settings = {"property": "stage", "tags": ["live"]}
    assert len(records(desk.sync())) == 4


@pytest.mark.parametrize("from_the_first", [True, False])
def test_more_pages_than_a_query_shows_are_all_read(desk: Reading, from_the_first: bool) -> None:
    desk.fake.row_limit, desk.fake.capped_from_the_first = 150, from_the_first
    pages = filled(desk, 400)
    for number, page in enumerate(pages):
        page.created = NOON - timedelta(days=9) + MINUTE * (number // 3)
    desk.sync()
    assert len(desk.stored) == 400
    assert desk.asked()["pages/markdown"] == 400
    assert set(desk.source.everything()) == desk.stored.keys()


def test_more_pages_of_one_minute_than_a_query_shows_are_an_error_and_no_success(desk: Reading) -> None:
    desk.fake.row_limit = 150
    filled(desk, 200)
    with pytest.raises(BadData, match="does not show all pages of data source"):
        desk.sync()
    with pytest.raises(BadData, match="does not show all pages of data source"):
        list(desk.source.everything())


def test_another_tag_in_the_configuration_brings_old_pages_with_it(desk: Reading) -> None:
    pages = filled(desk, 3)
    pages[1].tags = ("Draft", "SOP")
    pages[2].tags = ("Draft",)
    desk.sync()
    desk.settings = {"tags": ["SOP", "Draft"]}
    assert {r.id: r.fields["tags"] for r in records(desk.sync())} == {
        pages[0].id: ["SOP"], pages[1].id: ["Draft", "SOP"], pages[2].id: ["Draft"],
    }  # fmt: skip


def test_everything_is_the_ids_with_a_tag_in_few_requests(desk: Reading) -> None:
    pages = filled(desk, 250)
    desk.fake.page(pages[0].source, "draft", tags=["Draft"])
    pages[7].trashed, pages[8].shared = True, False
    assert set(desk.source.everything()) == {p.id for p in pages} - {pages[7].id, pages[8].id}
    assert desk.asked() == {"search": 1, "data_sources/query": 3}


def test_again_answers_for_every_id(desk: Reading) -> None:
    there, trashed, hidden, untagged = filled(desk, 4)
    trashed.trashed, hidden.shared, untagged.tags = True, False, ("Draft",)
    answers = list(desk.source.again([there.id, trashed.id, hidden.id, untagged.id]))
    assert isinstance(answers[0], Record)
    assert answers[1:] == [
        Gone(trashed.id, "in the trash"),
        Gone(hidden.id, "deleted, or no longer shared with godmode's integration"),
        Gone(untagged.id, "no longer tagged SOP or Canonical or Final"),
    ]


def test_again_gives_the_same_record_as_a_sync(desk: Reading) -> None:
    page = filled(desk, 1)[0]
    assert records(desk.sync()) == list(desk.source.again([page.id]))


def test_a_page_block_by_block_reads_as_in_one_piece(desk: Reading) -> None:
    blocks = [
        Block("heading_1", "Ship"),
        Block("bulleted_list_item", "box", [Block("paragraph", "a big one", [Block("to_do", "deep")])]),
        *(Block("paragraph", f"line {n}") for n in range(120)),
        Block("divider"),
        Block("code", "a = 1\nb = 2", more={"language": "python"}),
        Block("to_do", "weigh", more={"checked": True}),
    ]
    page = desk.fake.page(desk.fake.table(), "Ship", blocks=blocks)
    desk.sync()
    whole = desk.stored[page.id]
    desk.fake.markdown_version = None
    desk.fake.edit(page)
    desk.sync()
    assert desk.asked()["blocks/children"] == 4  # 126 blocks are two answers, and two have children
    assert desk.stored[page.id] == whole


def test_where_markdown_is_refused_it_is_not_asked_for_again_and_again(desk: Reading) -> None:
    desk.fake.markdown_version = None
    filled(desk, 30)
    desk.sync()
    assert len(desk.stored) == 30
    assert desk.asked()["pages/markdown"] == 4  # the first in two versions


def test_a_server_that_does_not_know_the_newer_version_is_found_out_by_one_request(desk: Reading) -> None:
    filled(desk, 10)
    desk.fake.newest_version = desk.fake.markdown_version = "2025-09-03"
    desk.sync()
    assert len(desk.stored) == 10
    assert desk.asked() == {"search": 1, "data_sources/query": 1, "pages/markdown": 11}


def test_a_page_too_large_for_one_answer_is_read_whole(desk: Reading) -> None:
    page = desk.fake.page(desk.fake.table(), "Large", "\n".join(f"line {n}" for n in range(8)))
    whole = f"# Large\n\n{page.markdown()}"
    desk.fake.block_limit = 5
    desk.sync()
    assert desk.stored[page.id] == whole
    assert desk.asked()["pages/markdown"] == 4


def test_blocks_that_markdown_never_has_are_not_asked_for(desk: Reading) -> None:
    blocks = [*(Block("paragraph", "x") for _ in range(3)), Block("bookmark"), Block("child_page")]
    desk.fake.page(desk.fake.table(), "Links", blocks=blocks)
    desk.fake.block_limit = 3
    desk.sync()
    assert desk.asked()["pages/markdown"] == 1


def test_nothing_is_ever_written_to_notion(desk: Reading) -> None:
    filled(desk, 3)
    desk.sync()
    list(desk.source.everything())
    desk.source.test()
    written = [(m, p) for m, p, _ in desk.fake.requests if m != "GET" and not p.endswith(("/search", "/query"))]
    assert written == []


def test_a_look_says_what_is_seen_in_plain_words(desk: Reading) -> None:
    filled(desk, 120)
    desk.fake.page(desk.fake.table("Policies", kind="status"), "p")
    desk.fake.table("People", kind=None)
    sight = desk.source.test()
    assert sight.total == 121
    assert sight.says == (
        'the integration "godmode" of Acme sees 3 data sources; 2 with the property "Tags": Handbook (120), '
        "Policies (1); without it: People. 121 pages tagged SOP or Canonical or Final"
    )


def test_a_look_at_very_much_does_not_count_it_all(desk: Reading) -> None:
    filled(desk, 2100)
    sight = desk.source.test()
    assert sight.total is None
    assert "More than 2,000 pages" in sight.says
    assert desk.asked() == {"users": 1, "search": 1, "data_sources/query": 20}


def test_a_look_that_sees_nothing_says_how_to_share(desk: Reading) -> None:
    assert desk.source.test().says.endswith("open a database and add the integration under ••• → Connections")
    desk.fake.table("People", kind=None)
    assert 'no data source that is shared has a property "Tags" of tags (People)' in desk.source.test().says
