"""What every channel promises, each against its own service on loopback."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fakes.benches import BENCHES, FROM, NOON, PHONE, SECRETS, Bench

from godmode.lib.channels.apprise import Apprise
from godmode.lib.channels.callmebot import CallMeBot
from godmode.lib.channels.salesmsg import Salesmsg
from godmode.lib.channels.telegram import Telegram
from godmode.lib.channels.twilio import Twilio
from godmode.lib.clock import FixedClock
from godmode.lib.errors import Auth, ExternalApi, GodmodeError, KillSwitchOn, Transient, Unknown, Usage
from godmode.lib.ports import Site


@pytest.fixture(params=list(BENCHES))
def bench(request: pytest.FixtureRequest, stand: Callable[[str], Bench]) -> Bench:
    return stand(request.param)


def test_a_text_arrives_and_its_receipt_names_it(bench: Bench) -> None:
    assert bench.send("n8n is down & out").id
    assert len(bench.arrived()) == 1
    assert "n8n is down" in bench.arrived()[0]


def test_a_service_that_cannot_be_reached_was_sent_nothing_and_may_be_tried_again(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Transient) as raised:
        bench.send(url=f"http://127.0.0.1:{port}")
    assert not isinstance(raised.value, Unknown)


def test_a_line_that_breaks_after_it_was_taken_is_unknown_and_nothing_is_resent(bench: Bench) -> None:
    bench.service.mood = "hangs_up"
    with pytest.raises(Unknown):
        bench.send()
    assert len(bench.arrived()) == 1


@pytest.mark.parametrize(("mood", "kind"), [("down", Transient), ("busy", ExternalApi)])
def test_a_service_that_is_down_or_asks_for_patience_may_be_tried_again(
    bench: Bench, mood: str, kind: type[GodmodeError]
) -> None:
    bench.service.mood = mood
    with pytest.raises(GodmodeError) as raised:
        bench.send()
    assert (type(raised.value), raised.value.retried, list(bench.arrived())) == (kind, True, [])


def test_nothing_is_requested_once_the_switch_is_on(bench: Bench) -> None:
    def on() -> None:
        raise KillSwitchOn("Kill switch is active")

    bench.check = on
    with pytest.raises(KillSwitchOn):
        bench.send()
    assert bench.service.requests == []


PROVING = ("telegram", "salesmsg", "twilio_sms")


@pytest.mark.parametrize("name", PROVING)
def test_credentials_are_tried_and_nothing_is_sent(
    stand: Callable[[str], Bench], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = stand(name)
    assert bench.channel().prove()
    for secret in ("TELEGRAM_BOT_TOKEN", "SALESMSG_API_TOKEN", "TWILIO_AUTH_TOKEN"):
        monkeypatch.setenv(secret, "another-one")
    with pytest.raises(Auth):
        bench.channel().prove()
    assert list(bench.arrived()) == []


@pytest.mark.parametrize("name", PROVING)
@pytest.mark.parametrize("mood", ["down", "busy"])
def test_a_trial_that_a_service_cannot_answer_now_condemns_no_credential(
    stand: Callable[[str], Bench], name: str, mood: str
) -> None:
    bench = stand(name)
    bench.service.mood = mood
    with pytest.raises(GodmodeError) as raised:
        bench.channel().prove()
    assert (raised.value.retried, isinstance(raised.value, Unknown)) == (True, False)


@pytest.mark.parametrize("mood", ["hangs_up", "down", "busy"])
def test_no_secret_stands_in_an_error_or_in_a_log_line(
    bench: Bench, mood: str, caplog: pytest.LogCaptureFixture
) -> None:
    bench.service.mood = mood
    with caplog.at_level(0), pytest.raises(GodmodeError) as raised:
        bench.send()
    for secret in [*SECRETS.values(), "s3cret"]:
        assert secret not in str(raised.value) + caplog.text


def test_a_text_of_a_megabyte_with_all_kinds_of_signs_is_taken(bench: Bench) -> None:
    text = "Ampersand & <b>, emoji 👩‍👩‍👧‍👦, שלום \u202eright to left, \x07 bell, [trap](x) _y*\n" * 20_000
    channel = bench.channel()
    for number, part in enumerate(channel.parts(text) if hasattr(channel, "parts") else (text,)):
        getattr(channel, bench.way)(channel.recipients[0], part, f"k{number}")
    assert 1 <= len(bench.arrived()) <= 4


@pytest.mark.parametrize(
    ("kind", "settings", "missing"),
    [
        (Telegram, Telegram.Settings(), "channels.telegram.chat_id"),
        (Twilio, Twilio.Settings(), "channels.twilio.from"),
        (Salesmsg, Salesmsg.Settings(), "channels.salesmsg.team_id"),
        (CallMeBot, CallMeBot.Settings(), "channels.callmebot.user"),
        (Apprise, Apprise.Settings(), "channels.apprise.urls"),
    ],
)
def test_half_a_configuration_names_the_other_half(
    kind: Any, settings: Any, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    site = Site(FixedClock(NOON), ZoneInfo("UTC"), "", Path, phone=PHONE)
    with pytest.raises(Usage, match=missing.replace(".", r"\.")):
        kind(settings, site)


def test_a_phone_number_that_cannot_be_is_a_mistake_of_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    site = Site(FixedClock(NOON), ZoneInfo("UTC"), "", Path, phone="+1 512")
    with pytest.raises(Usage, match="no possible phone number"):
        Twilio(Twilio.Settings(from_=FROM), site)
