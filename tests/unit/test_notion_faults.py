"""Notion failing in every way that it can: what was read stays, a page's trouble is that page's."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import Any

import pytest
from fakes.notion_pages import Block
from fakes.notion_reading import Reading, filled, records, skipped

from godmode.lib import caller
from godmode.lib.errors import Auth, BadData, ExternalApi, GodmodeError, KillSwitchOn, Refused, Transient
from godmode.lib.kernel import Gone


def fails(desk: Reading, error: type[GodmodeError], line: str) -> None:
    with pytest.raises(error, match=line) as raised:
        desk.sync()
    assert "ntn_test" not in str(raised.value)


@pytest.mark.parametrize(
    ("code", "error", "line"),
    [
        ("unauthorized", Auth, "401: unauthorized: .*; is NOTION_TOKEN whole"),
        ("restricted_resource", Auth, "403: restricted_resource"),
        ("object_not_found", Refused, "404: object_not_found"),
        ("validation_error", Refused, "400: validation_error"),
        ("conflict_error", Transient, "409: conflict_error"),
        ("internal_server_error", Transient, "500: internal_server_error"),
        ("service_unavailable", Transient, "503: service_unavailable"),
        ("gateway_timeout", Transient, "504: gateway_timeout"),
        ("rate_limited", ExternalApi, "429: rate_limited"),
        ("half", Transient, "broke off"),
        ("hangup", Transient, "broke off"),
        ("cut", BadData, "something else than JSON"),
        ("login", BadData, "something else than JSON"),
        ("redirect", Refused, "redirects: check base_url"),
    ],
)
def test_each_failure_of_the_list_has_its_category_and_its_line(
    desk: Reading, code: str, error: type[GodmodeError], line: str
) -> None:
    filled(desk, 1)
    desk.fake.fault(code, "/search")
    fails(desk, error, line)


@pytest.mark.parametrize("answer", [None, [], {}, {"results": 3, "has_more": False, "next_cursor": None}, {"a": 1}])
def test_json_that_is_not_what_was_promised_is_bad_data(desk: Reading, answer: Any) -> None:
    desk.fake.fault("shape", "/search", answer=answer)
    fails(desk, BadData, "something else than a list")


@pytest.mark.parametrize("cursor", [None, "cursor-0"])
def test_a_list_that_never_ends_ends(desk: Reading, cursor: str | None) -> None:
    desk.fake.fault("shape", "/search", answer={"results": [], "has_more": True, "next_cursor": cursor})
    fails(desk, BadData, "did not say where they begin")


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "http://notion.invalid", "https://127.0.0.1:{tls}"])
def test_a_server_that_cannot_be_reached_is_transient(desk: Reading, url: str) -> None:
    """Nobody listens; the name does not exist (DNS); there is no TLS where it should be."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    desk.settings["base_url"] = url.format(port=port, tls=desk.fake.url.rpartition(":")[2])
    fails(desk, Transient, "cannot be reached")
    assert desk.slept == [2, 4, 5, 3, 5, 5, 5, 1]  # 2, 4, 8 and 16 s, in steps


def test_an_error_that_passes_is_tried_again(desk: Reading) -> None:
    filled(desk, 3)
    desk.fake.fault("internal_server_error", "/query", times=2)
    assert len(records(desk.sync())) == 3
    assert desk.slept == [2, 4]


def test_retry_after_is_obeyed_to_the_letter(desk: Reading) -> None:
    filled(desk, 3)
    desk.fake.fault("rate_limited", "/markdown", times=1, retry_after="17")
    assert len(records(desk.sync())) == 3
    assert 17 <= sum(desk.slept) <= 17 * 1.1


def test_a_429_on_a_page_is_not_that_pages_trouble(desk: Reading) -> None:
    filled(desk, 3)
    desk.fake.fault("rate_limited", "/markdown", after=1)
    fails(desk, ExternalApi, "429")
    assert desk.asked().get("blocks/children") is None


def test_500_in_the_middle_of_paging_keeps_what_was_read_and_the_next_sync_completes_it(desk: Reading) -> None:
    first = desk.fake.page(desk.fake.table("First"), "first")
    filled(desk, 250)
    fault = desk.fake.fault("internal_server_error", "/query", after=2)
    fails(desk, Transient, "500")
    assert list(desk.stored) == [first.id]
    fault.times = 0
    desk.sync()
    assert len(desk.stored) == 251
    assert desk.asked()["pages/markdown"] == 250


def test_a_data_source_that_always_fails_does_not_keep_the_others_from_being_read(desk: Reading) -> None:
    broken, whole = desk.fake.table("Broken"), desk.fake.table("Whole")
    page = desk.fake.page(whole, "p")
    desk.fake.fault("internal_server_error", broken.id)
    fails(desk, Transient, "500")
    assert list(desk.stored) == [page.id]


def test_a_token_that_expires_in_the_middle_ends_the_sync_at_once(desk: Reading) -> None:
    filled(desk, 50)
    desk.fake.fault("unauthorized", "/pages", after=30)
    fails(desk, Auth, "401")
    assert desk.asked()["pages/markdown"] == 31
    assert len(desk.stored) == 30


@pytest.mark.parametrize("how", ["internal_server_error", "restricted_resource", "half", "cut", "login", "shape"])
def test_one_page_that_cannot_be_read_is_skipped_and_read_later(desk: Reading, how: str) -> None:
    pages = filled(desk, 10)
    bad = pages[5]
    fault = desk.fake.fault(how, bad.id)
    items = desk.sync()
    assert len(records(items)) == 9
    assert [(s.where, s.later) for s in skipped(items)] == [(f'page "Page 5" ({bad.id})', True)]
    assert [s.where for s in skipped(desk.sync())] == [f"page {bad.id}"]
    fault.times = 0
    assert [r.id for r in records(desk.sync())] == [bad.id]
    assert records(desk.sync()) == []
    assert sum(desk.asked().values()) <= 3


def test_a_page_that_could_not_be_read_and_is_edited_is_read_once(desk: Reading) -> None:
    bad = filled(desk, 3)[1]
    fault = desk.fake.fault("restricted_resource", bad.id)
    desk.sync()
    fault.times = 0
    desk.fake.edit(bad, "new")
    assert len(records(desk.sync(after=timedelta(minutes=30)))) == 1
    assert desk.asked()["pages/markdown"] == 1


def test_pages_that_can_never_be_read_are_tried_in_turn_and_do_not_keep_others_from_being_read(desk: Reading) -> None:
    pages = filled(desk, 60)
    for page in pages[::2]:
        desk.fake.fault("restricted_resource", page.id)
    desk.sync()
    assert len(desk.stored) == 30
    desk.fake.edit(pages[1], "new")
    items = desk.sync()
    assert desk.stored[pages[1].id].endswith("new")
    assert len(skipped(items)) == 20
    assert {s.where for s in skipped(items + desk.sync())} == {f"page {page.id}" for page in pages[::2]}


def test_a_page_whose_markdown_fails_is_read_block_by_block(desk: Reading) -> None:
    pages = filled(desk, 3)
    desk.fake.fault("internal_server_error", f"{pages[1].id}/markdown")
    items = desk.sync()
    assert skipped(items) == []
    assert desk.stored[pages[1].id] == "# Page 1\n\ntext 1"


def test_when_all_pages_fail_it_is_notion_that_fails_and_not_the_pages(desk: Reading) -> None:
    filled(desk, 100)
    desk.fake.fault("service_unavailable", "/pages")
    desk.fake.fault("service_unavailable", "/blocks")
    fails(desk, Transient, "503")
    assert sum(desk.asked().values()) < 30


def test_a_page_that_vanishes_between_the_list_and_its_text_is_gone(desk: Reading) -> None:
    pages = filled(desk, 3)
    desk.sync()
    for page in pages:
        desk.fake.edit(page)
    desk.fake.fault("object_not_found", pages[0].id)
    gone = [item for item in desk.sync() if isinstance(item, Gone)]
    assert gone == [Gone(pages[0].id, "deleted, or no longer shared with godmode's integration")]


def test_a_copy_of_a_block_that_is_not_shared_does_not_hide_the_page(desk: Reading) -> None:
    desk.fake.markdown_version = None
    copy = Block("synced_block", children=[Block("paragraph", "elsewhere")])
    page = desk.fake.page(desk.fake.table(), "p", blocks=[Block("paragraph", "here"), copy])
    desk.fake.fault("object_not_found", copy.id)
    desk.sync()
    assert desk.stored[page.id] == "# p\n\nhere"


def test_an_id_that_leads_elsewhere_is_not_followed(desk: Reading) -> None:
    desk.fake.markdown_version = None
    below = Block("toggle", "here", children=[Block("paragraph", "x")], id="../users/me")
    desk.fake.page(desk.fake.table(), "p", blocks=[below])
    assert [s.later for s in skipped(desk.sync())] == [True]
    assert "users" not in desk.asked()


def test_what_the_database_cannot_keep_does_not_stop_a_sync(desk: Reading) -> None:
    desk.fake.page(desk.fake.table(), "a\0b", "c\0d \ud800")
    (record,) = records(desk.sync())
    assert record.text == "# a�b\n\nc�d �"


def test_a_server_that_drips_is_cut_off(desk: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller, "WHOLE_ANSWER", 0.2)
    filled(desk, 3)
    desk.fake.fault("drip", "/search", pause=0.05)
    fails(desk, Transient, "not complete after 0.2 s")


def test_no_request_is_made_once_the_switch_is_on(desk: Reading) -> None:
    filled(desk, 5)
    asked = []

    class Meter:
        def before(self) -> None:
            asked.append(1)
            if len(asked) > 3:
                raise KillSwitchOn("Kill switch is active")

        def after(self, **_: Any) -> None: ...

    with pytest.raises(KillSwitchOn):
        list(desk.made(meter=lambda *_: Meter()).changes({}))
    assert len(desk.fake.requests) == 3
