"""What is edited between two syncs of the Notion source, and how far its cursor moves."""

from __future__ import annotations

from datetime import timedelta

from fakes.notion_reading import MINUTE, NOON, Reading, filled, kinds, records

from godmode.lib.kernel import Checkpoint, Gone


def test_an_edit_is_read_and_the_others_are_not_read_again(desk: Reading) -> None:
    pages = filled(desk, 20)
    desk.sync()
    desk.fake.edit(pages[3], "new text")
    assert [r.text for r in records(desk.sync())] == ["# Page 3\n\nnew text"]
    assert desk.asked()["pages/markdown"] == 1


def test_an_edit_within_the_minute_of_the_last_reading_is_not_missed(desk: Reading) -> None:
    page = filled(desk, 1)[0]
    desk.fake.edit(page, "first")
    desk.sync(after=timedelta(0))
    desk.clock.advance(timedelta(seconds=15))
    desk.fake.edit(page, "second")  # Notion shows the same minute
    desk.sync(after=MINUTE)
    assert desk.stored[page.id].endswith("second")


def test_a_page_read_in_the_minute_of_its_edit_is_read_once_more_and_then_no_more(desk: Reading) -> None:
    filled(desk, 1)
    desk.fake.edit(next(iter(desk.fake.pages.values())), "now")
    asked = []
    for after in (timedelta(0), MINUTE * 3, MINUTE * 3):
        desk.sync(after)
        asked.append(desk.asked().get("pages/markdown", 0))
    assert asked == [1, 1, 0]


def test_an_edit_that_the_index_shows_late_is_read_when_it_shows(desk: Reading) -> None:
    late, early = filled(desk, 2)
    desk.sync()
    desk.fake.edit(late, "late")
    desk.fake.late.add(late.id)
    desk.clock.advance(MINUTE * 3)
    desk.fake.edit(early, "early")
    assert [r.id for r in records(desk.sync())] == [early.id]
    desk.fake.late.clear()
    assert late.id in [r.id for r in records(desk.sync())]


def test_a_time_from_the_future_does_not_hide_what_is_edited_after_it(desk: Reading) -> None:
    odd, page = filled(desk, 2)
    odd.edited = NOON + timedelta(days=30)
    desk.sync()
    desk.fake.edit(page, "new")
    desk.sync()
    assert desk.stored[page.id].endswith("new")


def test_a_page_that_lost_its_tag_is_gone_with_the_next_sync(desk: Reading) -> None:
    pages = filled(desk, 3)
    desk.sync()
    desk.fake.edit(pages[1], tags=["Draft"])
    gone = [item for item in desk.sync() if isinstance(item, Gone)]
    assert gone == [Gone(pages[1].id, "no longer tagged SOP or Canonical or Final")]


def test_a_page_that_got_its_tag_is_read(desk: Reading) -> None:
    page = desk.fake.page(desk.fake.table(), "Plan", "text", tags=["Draft"])
    desk.sync()
    desk.fake.edit(page, tags=["Canonical"])
    assert [r.id for r in records(desk.sync())] == [page.id]


def test_where_more_was_edited_than_fits_in_one_answer_only_what_is_tagged_is_listed(desk: Reading) -> None:
    table = desk.fake.table()
    for number in range(400):
        desk.fake.page(table, f"draft {number}", tags=["Draft"])
    page = desk.fake.page(table, "tagged", "old", edited=NOON - timedelta(days=1))
    desk.sync()
    for draft in list(desk.fake.pages.values()):
        draft.edited = desk.clock.now()
    desk.fake.edit(page, "new")
    assert [r.text for r in records(desk.sync())] == ["# tagged\n\nnew"]
    assert desk.asked() == {"search": 1, "data_sources/query": 2, "pages/markdown": 1}


def test_killed_between_pages_it_goes_on_behind_the_last_checkpoint(desk: Reading) -> None:
    filled(desk, 100)
    items = desk.sync(stop_after=70)
    assert kinds(items)["Checkpoint"] == 4
    read = len(records(items))
    desk.sync()
    assert len(desk.stored) == 100
    assert desk.asked()["pages/markdown"] <= 100 - read + 20


def test_the_cursor_does_not_grow_with_the_pages_that_were_read(desk: Reading) -> None:
    filled(desk, 300)
    desk.sync(stop_after=250)
    assert len(str(desk.cursor)) < 1000
    desk.sync()
    assert desk.asked()["data_sources/query"] == 1  # what was read is not even listed again


def test_killed_again_and_again_among_pages_of_one_and_the_same_minute_it_ends(desk: Reading) -> None:
    table = desk.fake.table()
    for number in range(300):
        desk.fake.page(table, f"imported {number}", "text", edited=NOON - timedelta(days=1))
    asked = 0
    for _ in range(8):
        desk.sync(stop_after=60)
        asked += desk.asked().get("pages/markdown", 0)
    assert len(desk.stored) == 300
    assert asked <= 300 + 8 * 20


def test_a_checkpoint_says_how_many_pages_are_still_to_come(desk: Reading) -> None:
    filled(desk, 50)
    left = [item.left for item in desk.sync() if isinstance(item, Checkpoint)]
    assert left == [None, 30, 10, 0]
