"""The Telegram channel against a bot API on loopback: what arrives, and what each answer means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fakes.telegram import TOKEN, Delivered
from fakes.telegram import Telegram as Fake

from godmode.lib import http
from godmode.lib.channels.telegram import Telegram
from godmode.lib.clock import FixedClock
from godmode.lib.errors import Auth, ExternalApi, GodmodeError, Refused, Transient, Unknown
from godmode.lib.ports import Site

CHAT = "123456789"
NOON = FixedClock(datetime(2026, 3, 10, 17, 0, tzinfo=UTC))


def site(check: Callable[[], None] = lambda: None) -> Site:
    return Site(NOON, ZoneInfo("America/Chicago"), "Jonah", Path, check)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", TOKEN)
    with Fake(CHAT) as made:
        yield made
        made.go_on.set()


def channel(fake: Fake) -> Telegram:
    return Telegram(Telegram.Settings(base_url=fake.url, chat_id=CHAT), site())


def test_a_text_arrives_as_it_is_with_all_that_markdown_would_trip_over(fake: Fake) -> None:
    text = "[Broken](link _title* `x` <b>\nשלום עולם 👩‍👩‍👧‍👦 \u202egnp.exe"
    assert channel(fake).send(CHAT, text, "k").id == "1"
    assert fake.delivered == [Delivered(CHAT, text)]
    assert "parse_mode" not in fake.requests[0].form


@pytest.mark.parametrize(
    ("mood", "kind"),
    [("hangs_up", Unknown), ("gateway", Unknown), ("page", Unknown), ("down", Transient), ("busy", ExternalApi)],
)
def test_each_trouble_is_what_it_means(fake: Fake, mood: str, kind: type[GodmodeError]) -> None:
    fake.mood = mood
    with pytest.raises(GodmodeError) as raised:
        channel(fake).send(CHAT, "x", "k")
    assert type(raised.value) is kind
    assert TOKEN not in str(raised.value)


def test_no_answer_in_time_is_unknown(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.mood = "slow"
    monkeypatch.setattr(http.client, "__kwdefaults__", {**(http.client.__kwdefaults__ or {}), "timeout": 0.1})
    with pytest.raises(Unknown, match="no answer in time"):
        channel(fake).send(CHAT, "x", "k")
    assert fake.texts == ["x"]


def test_a_429_says_how_long_to_wait(fake: Fake) -> None:
    fake.mood = "busy"
    with pytest.raises(ExternalApi) as raised:
        channel(fake).send(CHAT, "x", "k")
    assert raised.value.retry_after == timedelta(seconds=7)
    assert raised.value.retried


def test_a_bot_that_was_blocked_and_a_chat_that_is_not_there_are_refused_for_good(fake: Fake) -> None:
    fake.blocked = {CHAT}
    with pytest.raises(Refused, match="blocked by the user") as blocked:
        channel(fake).send(CHAT, "x", "k")
    with pytest.raises(Refused, match="chat not found") as missing:
        channel(fake).send("42", "x", "k")
    assert not blocked.value.retried
    assert not missing.value.retried


def test_a_wrong_token_is_an_auth_error_that_does_not_show_it(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "999:wrong-and-secret")
    with pytest.raises(Auth) as raised:
        channel(fake).send(CHAT, "x", "k")
    assert "wrong-and-secret" not in str(raised.value)


def test_a_body_of_a_megabyte_becomes_a_few_messages_that_are_taken(fake: Fake) -> None:
    made = channel(fake)
    parts = made.parts("A line of the log, with an emoji 🙂 in it.\n" * 25_000)
    for number, part in enumerate(parts):
        made.send(CHAT, part, f"k{number}")
    assert len(fake.delivered) == 4
    assert fake.texts[-1].endswith("(the rest was cut)")


def test_a_voice_message_is_an_ogg_file_with_its_text_below(fake: Fake) -> None:
    channel(fake).speak(CHAT, b"OggS...", "Good morning. " * 200, "k")
    form = fake.requests[0].form
    assert (form["voice"], form["chat_id"]) == (b"OggS...", CHAT)
    assert 900 < len(form["caption"]) <= 1024
