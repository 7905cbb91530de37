"""What every channel promises, each against its own service on loopback, and what is peculiar to each."""

from __future__ import annotations

import socket
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fakes import callmebot, salesmsg, telegram, twilio
from fakes.served import Answer, Request, Served

from godmode.lib.channels.apprise import Apprise
from godmode.lib.channels.callmebot import CallMeBot
from godmode.lib.channels.salesmsg import Salesmsg
from godmode.lib.channels.telegram import Telegram
from godmode.lib.channels.twilio import Twilio, twiml
from godmode.lib.clock import FixedClock
from godmode.lib.errors import Auth, ExternalApi, GodmodeError, KillSwitchOn, Refused, Transient, Unknown, Usage
from godmode.lib.gsm import segments
from godmode.lib.kernel import Receipt
from godmode.lib.ports import Heard, Site

NOON = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
PHONE, FROM, CHAT, USER = "+15125550100", "+15125550199", "123456789", "@jonah"
SECRETS = {
    "TELEGRAM_BOT_TOKEN": telegram.TOKEN,
    "TWILIO_ACCOUNT_SID": twilio.SID,
    "TWILIO_AUTH_TOKEN": twilio.TOKEN,
    "SALESMSG_API_TOKEN": salesmsg.TOKEN,
}


class Hook(Served):
    """A service behind apprise's json:// URL."""

    def __init__(self) -> None:
        super().__init__(self._act)
        self.mood, self.texts = "well", list[str]()

    def _act(self, request: Request) -> Answer:
        if status := {"down": 503, "busy": 429, "locked": 401}.get(self.mood):
            return Answer(status, {})
        self.texts.append(f"{request.form['title']}|{request.form['message']}")
        return Answer(hang_up=self.mood == "hangs_up", document={})


@dataclass
class Bench:
    """A channel, its service, and how what arrived is read."""

    name: str
    service: Any
    make: Callable[[Site, str], Any]
    arrived: Callable[[], Sequence[str]]
    to: str = PHONE
    way: str = "send"
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOON))
    check: Callable[[], None] = lambda: None
    state: Path | None = None

    def channel(self, url: str | None = None) -> Any:
        site = Site(
            self.clock, ZoneInfo("America/Chicago"), "Jonah", Path, lambda: self.check(), phone=PHONE, state=self.state
        )
        return self.make(site, url or self.service.url)

    def send(self, text: str = "a line", url: str | None = None) -> Receipt:
        channel = self.channel(url)
        receipt: Receipt = getattr(channel, self.way)(channel.recipients[0], text, "k1")
        return receipt


def _twilio(site: Site, url: str) -> Twilio:
    return Twilio(Twilio.Settings(base_url=url, from_=FROM), site)


def _callmebot(site: Site, url: str) -> CallMeBot:
    return CallMeBot(CallMeBot.Settings(base_url=url, user="Jonah"), site)


def _apprise(site: Site, url: str) -> Apprise:
    return Apprise(Apprise.Settings(urls=(url.replace("http://", "json://u:s3cret@"),)), site)


def _benches() -> dict[str, Callable[[], Bench]]:
    def of_telegram() -> Bench:
        fake = telegram.Telegram(CHAT)
        return Bench("telegram", fake, lambda site, url: Telegram(Telegram.Settings(base_url=url, chat_id=CHAT), site),
                     lambda: fake.texts)  # fmt: skip

    def of_twilio_sms() -> Bench:
        fake = twilio.Twilio()
        return Bench("twilio sms", fake, _twilio, lambda: fake.messages)

    def of_twilio_call() -> Bench:
        fake = twilio.Twilio()
        return Bench("twilio call", fake, _twilio, lambda: [c["twiml"] for c in fake.calls], way="call")

    def of_salesmsg() -> Bench:
        fake = salesmsg.Salesmsg()
        return Bench("salesmsg", fake,
                     lambda site, url: Salesmsg(Salesmsg.Settings(base_url=url, team_id=salesmsg.TEAM), site),
                     lambda: [text for _, text in fake.texts])  # fmt: skip

    def of_callmebot() -> Bench:
        fake = callmebot.CallMeBot(USER)
        return Bench("callmebot", fake, _callmebot, lambda: fake.said, way="call")

    def of_apprise() -> Bench:
        fake = Hook()
        return Bench("apprise", fake, _apprise, lambda: fake.texts)

    makers = (of_telegram, of_twilio_sms, of_twilio_call, of_salesmsg, of_callmebot, of_apprise)
    return {make.__name__.removeprefix("of_"): make for make in makers}


BENCHES = _benches()


@pytest.fixture
def stand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], Bench]]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    made: list[Bench] = []

    def make(name: str) -> Bench:
        bench = BENCHES[name]()
        bench.service.__enter__()
        bench.state = tmp_path / "state"
        made.append(bench)
        return bench

    yield make
    for bench in made:
        getattr(bench.service, "go_on", _Nothing()).set()
        bench.service.__exit__()


class _Nothing:
    def set(self) -> None: ...


@pytest.fixture(params=list(BENCHES))
def bench(request: pytest.FixtureRequest, stand: Callable[[str], Bench]) -> Bench:
    return stand(request.param)


# -- what every channel promises ---------------------------------------------------------------------------------


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


# -- Twilio ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "by", "heard"),
    [
        ("queued", None, Heard("ringing")),
        ("in-progress", None, Heard("ringing")),
        ("in-progress", "human", Heard("answered")),
        ("completed", "human", Heard("answered")),
        ("completed", "machine_start", Heard("unheard", "voicemail answered")),
        ("completed", None, Heard("unheard", "nobody knows whether a person answered")),
        ("busy", None, Heard("unheard", "busy")),
        ("no-answer", None, Heard("unheard", "no answer")),
        ("failed", None, Heard("unheard", "failed")),
    ],
)
def test_a_call_is_heard_when_a_person_answered(
    stand: Callable[[str], Bench], status: str, by: str | None, heard: Heard
) -> None:
    bench = stand("twilio_call")
    call = bench.send()
    bench.service.becomes(status, by)
    assert bench.channel().heard(call.id) == heard


def test_a_number_that_opted_out_and_one_that_is_wrong_are_refused_for_good(stand: Callable[[str], Bench]) -> None:
    bench = stand("twilio_sms")
    bench.service.opted_out = {PHONE}
    with pytest.raises(Refused, match="opted out"):
        bench.send()
    bench.service.opted_out, bench.service.bad = set(), {PHONE}
    with pytest.raises(Refused, match="21211"):
        bench.send()


@pytest.mark.parametrize("name", ["twilio_sms", "twilio_call"])
def test_what_became_of_a_broken_request_is_asked_for(stand: Callable[[str], Bench], name: str) -> None:
    bench, way = stand(name), name.partition("_")[2]
    channel = bench.channel()
    bench.service.mood = "hangs_up"
    with pytest.raises(Unknown):
        bench.send("which one")
    assert channel.ask(way, PHONE, "which one", NOON) == Receipt(bench.service.made[0]["sid"])
    assert way == "call" or channel.ask(way, PHONE, "another", NOON - timedelta(minutes=3)) is None


def test_while_the_lists_may_lag_behind_nobody_knows(stand: Callable[[str], Bench]) -> None:
    bench = stand("twilio_sms")
    with pytest.raises(Transient, match="does not list it yet"):
        bench.channel().ask("sms", PHONE, "x", NOON)
    bench.clock.advance(timedelta(minutes=2))
    assert bench.channel().ask("sms", PHONE, "x", NOON) is None


def test_a_call_of_before_is_not_taken_for_this_one(stand: Callable[[str], Bench]) -> None:
    bench = stand("twilio_call")
    bench.send()
    later = NOON + timedelta(hours=1)
    bench.clock.move_to(later + timedelta(minutes=5))
    assert bench.channel().ask("call", PHONE, "x", later) is None


def test_what_is_spoken_is_well_formed_whatever_the_text_is() -> None:
    from xml.etree import ElementTree

    for text in ("<b> & \x00\x07 \ud800", "&" * 10_000, "x" * 10_000, ""):
        document = twiml(text)
        assert len(document) <= 4000
        ElementTree.fromstring(document.encode("utf-8", "ignore"))


# -- Salesmsg ----------------------------------------------------------------------------------------------------


def test_a_token_is_renewed_before_it_expires_and_kept_private(stand: Callable[[str], Bench]) -> None:
    bench = stand("salesmsg")
    bench.service.now = bench.clock.now
    for _ in range(4):
        bench.send()
        bench.clock.advance(timedelta(minutes=57))
    assert (len(bench.arrived()), bench.service.renewals) == (4, 4)
    assert bench.state is not None
    file = bench.state / "salesmsg_token.json"
    assert (stat.S_IMODE(file.stat().st_mode), bench.service.token in file.read_text()) == (0o600, True)


def test_a_token_that_is_looked_after_outlives_hours_without_an_sms(stand: Callable[[str], Bench]) -> None:
    bench = stand("salesmsg")
    bench.service.now = bench.clock.now
    renewed = 0
    for _ in range(100):
        renewed += bench.channel().keep()
        bench.clock.advance(timedelta(minutes=5))
    bench.send()
    assert (len(bench.arrived()), renewed < 20) == (1, True)


def test_a_token_set_anew_counts_at_once(stand: Callable[[str], Bench], monkeypatch: pytest.MonkeyPatch) -> None:
    bench = stand("salesmsg")
    bench.send()
    bench.service.token = "fake-another-token"
    monkeypatch.setenv("SALESMSG_API_TOKEN", "fake-another-token")
    bench.send()
    assert len(bench.arrived()) == 2


@pytest.mark.parametrize("mood", ["well", "mangled"])
def test_a_token_that_is_over_is_an_auth_error_that_names_it(stand: Callable[[str], Bench], mood: str) -> None:
    bench = stand("salesmsg")
    bench.service.token, bench.service.mood = "another", mood
    with pytest.raises(Auth, match="set a new SALESMSG_API_TOKEN"):
        bench.send()


# -- CallMeBot ---------------------------------------------------------------------------------------------------


def test_an_error_that_comes_as_200_is_recognised(stand: Callable[[str], Bench]) -> None:
    bench = stand("callmebot")
    bench.service.mood = "stranger"
    with pytest.raises(Refused, match="@jonah is not authorized"):
        bench.send()
    bench.service.mood = "well"
    bench.service.users.clear()
    with pytest.raises(Refused):
        bench.send()
    assert bench.arrived() == []


# -- Apprise -----------------------------------------------------------------------------------------------------


def test_the_first_line_is_the_title(stand: Callable[[str], Bench]) -> None:
    bench = stand("apprise")
    bench.send("SEV1: n8n is down\nsince 03:10")
    assert bench.arrived() == ["SEV1: n8n is down|since 03:10"]


def test_a_wrong_password_and_a_url_of_no_service_are_told_apart(stand: Callable[[str], Bench]) -> None:
    bench = stand("apprise")
    bench.service.mood = "locked"
    with pytest.raises(Auth):
        bench.send()
    with pytest.raises(Usage, match=r"cannot use the URL nosuch://…"):
        bench.channel().send("nosuch://a/b/c", "x", "k")


# -- SMS ---------------------------------------------------------------------------------------------------------


def test_an_sms_takes_at_most_three_segments_and_as_few_as_its_signs_allow(stand: Callable[[str], Bench]) -> None:
    bench = stand("twilio_sms")
    for text in ("It’s “down” – again… " * 100, "🙂 " * 500, "€" * 1000, "short"):
        bench.send(text)
    taken = [segments(text) for text in bench.arrived()]
    assert taken == [3, 3, 3, 1]
    assert bench.arrived()[0].startswith('It\'s "down" - again...')
