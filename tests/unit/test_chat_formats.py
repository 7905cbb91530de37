"""Chats with assistants, the oddities of real exports, and how the formats are told apart."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from fakes import chat_exports as exports
from fakes.chat_exports import BEGIN, chatgpt_node
from fakes.chat_readings import said, stream, texts, unread

from godmode.lib.sources.chat_formats import chatgpt, claude, detect
from godmode.lib.sources.chat_formats.stream import Stream

AT = datetime.fromtimestamp(BEGIN, UTC)


# -- ChatGPT -----------------------------------------------------------------------------------------------


def tree(*nodes: dict[str, Any], current: str | None = None, **more: Any) -> Stream:
    return stream([{"id": "c", "mapping": {n["id"]: n for n in nodes}, "current_node": current} | more])


def test_chatgpt_gives_both_sides_with_ids_times_and_roles() -> None:
    first, second = said(chatgpt.read(stream([exports.chatgpt("c", ["Hello?", "Hi."])])))
    assert (first.conversation, first.title, first.id, first.at) == ("c", "About c", "c-0", AT)
    assert (first.role, first.text, second.role, second.names) == ("operator", "Hello?", "assistant", ("ChatGPT",))


def test_chatgpt_gives_the_visible_branch_only() -> None:
    draft, final = chatgpt_node("b", "a", "draft"), chatgpt_node("b2", "a", "final")
    assert texts(chatgpt.read(tree(chatgpt_node("a", None, "ask"), draft, final, current="b2"))) == ["ask", "final"]


@pytest.mark.parametrize("current", [None, "gone"])
def test_chatgpt_without_a_usable_current_node_takes_the_leaf_written_last(current: str | None) -> None:
    nodes = chatgpt_node("a", None, "ask"), chatgpt_node("z", "a", "old", 1.7e9), chatgpt_node("b", "a", "new", 1.8e9)
    assert texts(chatgpt.read(tree(*nodes, current=current))) == ["ask", "new"]


@pytest.mark.parametrize("current", ["a", None])
def test_chatgpt_parents_in_a_circle_are_named_and_the_next_conversation_goes_on(current: str | None) -> None:
    nodes = {"a": chatgpt_node("a", "b", "x"), "b": chatgpt_node("b", "a", "y")}
    circle = {"title": "T" * 99, "id": "c", "mapping": nodes, "current_node": current}
    items = list(chatgpt.read(stream([circle, exports.chatgpt("d", ["fine"])])))
    assert unread(items) == [(f"conversation 1 ({'T' * 59}…)", "its messages form no branch")]
    assert texts(items) == ["fine"]


def test_chatgpt_keeps_what_hangs_below_a_parent_that_is_missing() -> None:
    assert texts(chatgpt.read(tree(chatgpt_node("a", "gone", "still here"), current="a"))) == ["still here"]


def test_chatgpt_leaves_out_what_no_person_sees() -> None:
    hidden = chatgpt_node("h", "t", "hidden")
    hidden["message"]["metadata"]["is_visually_hidden_from_conversation"] = True
    to_tool = chatgpt_node("w", "h", "search(…)", role="assistant")
    to_tool["message"]["recipient"] = "web"
    nodes = (
        chatgpt_node("s", None, "system", role="system"),
        chatgpt_node("t", "s", "tool", role="tool"),
        hidden,
        to_tool,
        chatgpt_node("e", "w", " \n"),
        chatgpt_node("q", "e", "seen"),
    )
    assert texts(chatgpt.read(tree(*nodes, current="q"))) == ["seen"]


@pytest.mark.parametrize("begun", [BEGIN, None])
def test_chatgpt_without_a_time_takes_that_of_the_conversation(begun: float | None) -> None:
    items = chatgpt.read(tree(chatgpt_node("a", None, "x", at=None), current="a", create_time=begun))
    assert [s.at for s in said(items)] == [AT if begun else None]


def test_chatgpt_parts_that_are_objects_give_their_text_and_images_none() -> None:
    node = chatgpt_node("a", None, "")
    spoken = {"content_type": "audio_transcription", "text": "spoken"}
    node["message"]["content"]["parts"] = ["look", {"content_type": "image_asset_pointer"}, spoken, None, 5]
    assert texts(chatgpt.read(tree(node, current="a"))) == ["look\nspoken"]


@pytest.mark.parametrize("content", [None, "text", {"parts": "text"}, {"parts": None}, {}, []])
def test_chatgpt_content_of_another_shape_is_no_message(content: Any) -> None:
    node = chatgpt_node("a", None, "")
    node["message"]["content"] = content
    assert list(chatgpt.read(tree(node, current="a"))) == []


def test_chatgpt_what_is_no_conversation_is_counted_one_by_one() -> None:
    items = list(chatgpt.read(stream([{"mapping": []}, 7, None, exports.chatgpt("d", ["fine"])])))
    assert [where for where, _ in unread(items)] == ["conversation 1", "conversation 2", "conversation 3"]
    assert texts(items) == ["fine"]


# -- Claude ------------------------------------------------------------------------------------------------


def test_claude_gives_both_sides_with_ids_times_and_roles() -> None:
    first, second = said(claude.read(stream([exports.claude("c", ["Hello?", "Hi."])])))
    assert (first.conversation, first.title, first.id, first.at) == ("c", "About c", "c-0", AT)
    assert (first.role, second.role, second.names) == ("operator", "assistant", ("Claude",))


def test_claude_text_may_stand_in_content_blocks() -> None:
    conversation = exports.claude("c", ["", "both"])
    blocks = [{"type": "text", "text": "one"}, {"type": "tool_use", "text": "no"}, 3, {"text": "two"}, {"text": None}]
    conversation["chat_messages"][0]["content"] = blocks
    assert texts(claude.read(stream([conversation]))) == ["one\ntwo", "both"]


def test_claude_the_time_of_a_message_without_one_does_not_move_when_the_conversation_grows() -> None:
    conversation = exports.claude("c", ["a"])
    conversation["chat_messages"][0]["created_at"] = None
    before = said(claude.read(stream([conversation])))
    after = said(claude.read(stream([conversation | {"updated_at": "2030-01-01T00:00:00Z"}])))
    assert before == after
    assert before[0].at == AT


def test_claude_a_message_or_conversation_without_uuid_is_counted_and_the_rest_goes_on() -> None:
    broken = exports.claude("c", ["a", "b", "c"])
    del broken["chat_messages"][1]["uuid"]
    broken["chat_messages"][2] = "no object"
    items = list(claude.read(stream([{"uuid": "x"}, broken, exports.claude("d", ["fine"])])))
    assert [where for where, _ in unread(items)] == [
        "conversation 1", "conversation c, message 2", "conversation c, message 3",
    ]  # fmt: skip
    assert texts(items) == ["a", "fine"]


def test_claude_other_senders_and_empty_texts_are_no_messages() -> None:
    conversation = exports.claude("c", [" ", "x"])
    conversation["chat_messages"][1]["sender"] = "system"
    assert list(claude.read(stream([conversation]))) == []


# -- telling them apart ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("chatgpt", [exports.chatgpt("c", ["x"])]),
        ("claude", [exports.claude("c", ["x"])]),
        ("slack", [exports.slack(0, "x")]),
        ("telegram", exports.telegram("Ana", [])),
        ("telegram", exports.telegram_account()),
        ("jsonl", exports.line(0, "x")),
        ("empty", []),
        ("chatgpt", [None, 5, exports.chatgpt("c", ["x"])]),
        (None, [{"id": 1}, exports.slack(0, "x")]),
        (None, [1, 2]),
        (None, {"version": 3, "items": [{"ts": 1}]}),
        (None, "text"),
        (None, 12),
    ],
)
def test_the_format_is_told_from_the_content(kind: str | None, value: Any) -> None:
    assert detect.kind(stream(value)) == kind
