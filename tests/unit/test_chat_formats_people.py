"""Chats among people, Telegram's and Slack's, and the oddities of real exports."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fakes import chat_exports as exports
from fakes.chat_exports import BEGIN, telegram_message
from fakes.chat_readings import said, stream, texts, unread

from godmode.lib.sources.chat_formats import slack, telegram
from godmode.lib.sources.chat_formats.message import Said, Unread

CHICAGO = ZoneInfo("America/Chicago")
AT = datetime.fromtimestamp(BEGIN, UTC)


# -- Telegram ----------------------------------------------------------------------------------------------


def read_telegram(value: Any) -> list[Said | Unread]:
    return list(telegram.read(stream(value), CHICAGO))


def test_telegram_gives_a_single_chat() -> None:
    (message,) = said(read_telegram(exports.telegram("Ana", [telegram_message(5, "Hi")])))
    assert message == Said("77", "Ana", "5", AT, ("Ana", "userAna"), "Hi")


def test_telegram_gives_every_chat_of_an_account_under_its_own_id() -> None:
    chats = [exports.telegram(name, [telegram_message(1, name)], own=n) for n, name in enumerate(("Ana", "Ben"), 1)]
    left = {"about": "…", "list": [exports.telegram("Old", [telegram_message(1, "left")], own=3)]}
    found = said(iter(read_telegram(exports.telegram_account(*chats) | {"left_chats": left})))
    assert [(m.conversation, m.title, m.text) for m in found] == [
        ("1", "Ana", "Ana"), ("2", "Ben", "Ben"), ("3", "Old", "left"),
    ]  # fmt: skip


def test_telegram_pieces_of_a_text_are_put_together() -> None:
    pieces = ["see ", {"type": "link", "text": "https://a.example"}, 5, {"type": "custom_emoji"}, None, "!"]
    found = read_telegram(exports.telegram("Ana", [telegram_message(1, pieces)]))
    assert texts(found) == ["see https://a.example!"]


def test_telegram_service_messages_and_empty_texts_are_no_messages() -> None:
    messages = [telegram_message(1, "x", type="service", action="pin_message"), telegram_message(2, ""), {"id": 3}]
    assert read_telegram(exports.telegram("Ana", messages)) == []


def test_telegram_a_date_without_unixtime_is_in_the_configured_zone() -> None:
    message = telegram_message(1, "x", date="2026-01-15T08:00:00")
    del message["date_unixtime"]
    (found,) = said(read_telegram(exports.telegram("Ana", [message])))
    assert found.at == datetime(2026, 1, 15, 14, 0, tzinfo=UTC)


def test_telegram_the_bot_of_a_chat_with_a_bot_is_an_assistant() -> None:
    messages = [telegram_message(1, "ask"), telegram_message(2, "answer", from_id="user77")]
    found = said(read_telegram(exports.telegram("Helper", messages, kind="bot_chat")))
    assert [m.role for m in found] == [None, "assistant"]


def test_telegram_what_is_no_message_is_counted_and_the_rest_goes_on() -> None:
    nameless = telegram_message(2, "x")
    del nameless["id"]
    found = read_telegram(exports.telegram("Ana", [5, nameless, telegram_message(3, "fine")]))
    assert unread(found) == [("Ana, message 1", "it is no object"), ("Ana, message 2", "it has no id")]
    assert texts(found) == ["fine"]


def test_telegram_chats_of_another_shape_are_named_and_the_rest_goes_on() -> None:
    odd = {"name": "Odd", "id": 9, "messages": "none"}
    found = read_telegram(exports.telegram_account({}, odd, exports.telegram("Ana", [telegram_message(1, "fine")])))
    assert (unread(found), texts(found)) == ([("Odd", "its messages are no list")], ["fine"])
    assert unread(iter(read_telegram({"chats": {"list": [5]}}))) == [("chat", "it is no object")]
    assert read_telegram({"chats": [], "left_chats": {"list": {}}}) == []


# -- Slack -------------------------------------------------------------------------------------------------

USERS = {"U1": "Ana", "U2": "Ben"}


def read_slack(*messages: Any) -> list[Said | Unread]:
    return list(slack.read(stream(list(messages)), "general", USERS))


def test_slack_gives_a_channels_message_with_its_author_by_name_and_id() -> None:
    (message,) = said(read_slack(exports.slack(0, "Hi")))
    assert (message.conversation, message.title, message.id) == ("general", "#general", f"{BEGIN}.000100")
    assert (message.names, message.text, message.role, message.thread) == (("Ana", "U1"), "Hi", None, None)
    assert message.at == AT.replace(microsecond=100)


@pytest.mark.parametrize("subtype", ["channel_join", "channel_topic", "pinned_item", "bot_add"])
def test_slack_joins_topics_and_pins_are_no_messages(subtype: str) -> None:
    assert read_slack(exports.slack(0, "<@U1> has joined", subtype=subtype)) == []


def test_slack_bots_are_assistants_under_the_name_they_go_by() -> None:
    bot = exports.slack(0, "Deployed", user="", subtype="bot_message", bot_id="B1", username="Deploy")
    assert [(m.role, m.names) for m in said(read_slack(bot))] == [("assistant", ("Deploy",))]


def test_slack_threads_are_kept() -> None:
    assert [m.thread for m in said(read_slack(exports.slack(1, "re", thread_ts="1.2")))] == ["1.2"]


def test_slack_an_author_who_is_in_no_list_of_users_has_the_name_of_her_profile() -> None:
    message = exports.slack(0, "Hi", user="U9", user_profile={"real_name": "Guest"})
    assert [m.names for m in said(read_slack(message))] == [("Guest", "U9")]


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("<@U2> see <#C1|orders>", "@Ben see #orders"),
        ("<@U9> and <@U9|zoe> in <#C7>", "@U9 and @zoe in #C7"),
        ("<https://a.example|the page> <https://b.example>", "the page https://b.example"),
        ("<!here> 3 &lt; 4 &amp;&amp; 5 &gt; 4", "here 3 < 4 && 5 > 4"),
        ("if a &lt;b&gt; then", "if a <b> then"),
    ],
)
def test_slack_marks_read_as_a_person_sees_them(marked: str, plain: str) -> None:
    assert texts(iter(read_slack(exports.slack(0, marked)))) == [plain]


def test_slack_a_message_without_ts_is_counted_and_the_rest_goes_on() -> None:
    found = read_slack(exports.slack(0, "first"), {"type": "message"}, 4, exports.slack(1, "fine"))
    assert unread(found) == [("message 2", "it has no ts"), ("message 3", "it has no ts")]
    assert texts(found) == ["first", "fine"]


def test_slack_names_are_the_real_ones_else_those_shown_else_the_accounts(tmp_path: Path) -> None:
    shown = {"id": "U2", "name": "b", "profile": {"display_name": "Benny"}}
    users = [*exports.slack_users(U1="Ana"), shown, {"id": "U3", "name": "cleo"}, {"name": "no id"}, 7]
    (tmp_path / "users.json").write_text(exports.text_of(users))
    assert slack.names_of(tmp_path) == {"U1": "Ana", "U2": "Benny", "U3": "cleo"}


@pytest.mark.parametrize("content", [None, b"", b"{}", b"nonsense", b'[{"id": "U1", "name": "Ana"}, {"id"'])
def test_slack_a_list_of_users_that_cannot_be_read_is_used_as_far_as_it_goes(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "users.json").write_bytes(content)
    assert slack.names_of(tmp_path) in ({}, {"U1": "Ana"})
