"""Every channel on a bench: with its service on loopback, and how what arrived there is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fakes import callmebot, salesmsg, telegram, twilio
from fakes.served import Answer, Request, Served

from godmode.lib.channels.apprise import Apprise
from godmode.lib.channels.callmebot import CallMeBot
from godmode.lib.channels.salesmsg import Salesmsg
from godmode.lib.channels.telegram import Telegram
from godmode.lib.channels.twilio import Twilio
from godmode.lib.clock import FixedClock
from godmode.lib.kernel import Receipt
from godmode.lib.ports import Site

NOON = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
PHONE, FROM, USER = "+15125550100", "+15125550199", "@jonah"
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
        fake = telegram.Telegram(telegram.CHAT)
        return Bench("telegram", fake,
                     lambda site, url: Telegram(Telegram.Settings(base_url=url, chat_id=telegram.CHAT), site),
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
