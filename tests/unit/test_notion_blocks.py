"""Blocks as Markdown: every kind of block, nested, and with addresses that stay the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from fakes.notion_pages import Block, rich

from godmode.lib.sources import notion_blocks


def nothing(block: str) -> Iterable[Any]:
    raise AssertionError(f"{block} was asked for its children")


def one(kind: str, **content: Any) -> str:
    return notion_blocks.markdown([{"type": kind, kind: content, "has_children": False}], nothing)


@pytest.mark.parametrize(
    ("kind", "content", "line"),
    [
        ("paragraph", {"rich_text": rich("a long text in more than one piece")}, "a long text in more than one piece"),
        ("paragraph", {"rich_text": []}, ""),
        ("heading_2", {"rich_text": rich("Ship")}, "## Ship"),
        ("bulleted_list_item", {"rich_text": rich("box")}, "- box"),
        ("to_do", {"rich_text": rich("weigh"), "checked": True}, "- [x] weigh"),
        ("to_do", {"rich_text": rich("weigh"), "checked": False}, "- [ ] weigh"),
        ("quote", {"rich_text": rich("so\nit is")}, "> so\n> it is"),
        ("callout", {"rich_text": rich("mind")}, "mind"),
        ("code", {"rich_text": rich("a = 1\nb = 2"), "language": "python"}, "```python\na = 1\nb = 2\n```"),
        ("divider", {}, "---"),
        ("equation", {"expression": "e=mc^2"}, "$$e=mc^2$$"),
        ("child_page", {"title": "Below"}, "Below"),
        ("bookmark", {"url": "https://x.test/a", "caption": []}, "[https://x.test/a](https://x.test/a)"),
        ("image", {"type": "external", "external": {"url": "https://x.test/i.png"}, "caption": rich("box")},
         "![box](https://x.test/i.png)"),
        ("table_row", {"cells": [rich("a"), [], rich("b")]}, "| a |  | b |"),
        ("table_of_contents", {"color": "default"}, ""),
        ("unsupported", {}, ""),
        ("paragraph", {}, ""),
    ],
)  # fmt: skip
def test_a_block_is_a_line(kind: str, content: dict[str, Any], line: str) -> None:
    assert one(kind, **content) == line


def test_a_block_without_what_it_should_have_is_no_line() -> None:
    odd: list[Any] = [
        {},
        {"type": "quote"},
        {"type": "image", "image": {"type": "file"}},
        {"type": "to_do", "to_do": 3},
    ]
    assert notion_blocks.markdown(odd, nothing) == "![]()\n- [ ] "


def test_marks_and_links_of_a_text_stay() -> None:
    bold, link = rich("now")[0], rich("here")[0]
    bold["annotations"]["bold"] = True
    link["href"] = "https://x.test"
    assert one("paragraph", rich_text=[bold, *rich(" "), link]) == "**now** [here](https://x.test)"


def test_numbers_count_and_begin_again() -> None:
    item, text = Block("numbered_list_item", "x"), Block("paragraph", "y")
    blocks = [b.object() for b in (item, item, text, item)]
    assert notion_blocks.markdown(blocks, nothing).split("\n") == ["1. x", "2. x", "y", "1. x"]


def test_children_stand_one_tab_further_in_and_columns_do_not() -> None:
    inner = Block("bulleted_list_item", "in", [Block("paragraph", "inner")])
    frame = {"type": "column_list", "column_list": {}, "has_children": True, "id": "frame"}
    below = {inner.id: [b.object() for b in inner.children], "frame": [inner.object()]}
    assert notion_blocks.markdown([frame], below.__getitem__).split("\n") == ["- in", "\tinner"]


def test_a_page_below_is_a_page_of_its_own() -> None:
    assert notion_blocks.markdown(
        [{"type": "child_page", "child_page": {"title": "Below"}, "has_children": True, "id": "b"}], nothing
    ) == "Below"  # fmt: skip


def test_blocks_that_contain_themselves_end() -> None:
    loop = {"type": "toggle", "toggle": {"rich_text": rich("x")}, "has_children": True, "id": "b"}
    assert len(notion_blocks.markdown([loop], lambda block: [loop]).split("\n")) == notion_blocks.DEEPEST + 1


def test_the_signature_of_a_file_is_not_part_of_its_address() -> None:
    signed = "see ![box](https://files.test/b.png?X-Amz-Date=1&X-Amz-Signature=abc) and [x](https://x.test/?a=1)"
    assert notion_blocks.unsigned(signed) == "see ![box](https://files.test/b.png) and [x](https://x.test/?a=1)"
