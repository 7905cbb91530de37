"""godmode's desks, queues, channels and their services, as more than one file of tests needs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from fakes import twilio as fake_twilio
from fakes.benches import BENCHES, SECRETS, Bench
from fakes.company import Company
from fakes.reached import PHONE, Reached
from fakes.retry_queue import Queue
from fakes.telegram import CHAT, TOKEN, Telegram
from fakes.twilio import Twilio

from godmode.lib.config import Config


@pytest.fixture
def company(config: Config) -> Iterator[Company]:
    made = Company(config)
    yield made
    made.store.close()


@pytest.fixture
def queue(config: Config) -> Iterator[Queue]:
    made = Queue(config)
    made.migrated()
    yield made
    made.store.close()


@pytest.fixture
def telegram(monkeypatch: pytest.MonkeyPatch) -> Iterator[Telegram]:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", TOKEN)
    with Telegram(CHAT) as made:
        yield made


@pytest.fixture
def twilio(monkeypatch: pytest.MonkeyPatch) -> Iterator[Twilio]:
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", fake_twilio.SID)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", fake_twilio.TOKEN)
    with Twilio() as made:
        yield made


@pytest.fixture
def desk(
    config: Config, db: psycopg.Connection, telegram: Telegram, twilio: Twilio, request: pytest.FixtureRequest
) -> Iterator[Reached]:
    db.execute("INSERT INTO communication_allowlist (address) VALUES (%s), (%s)", (CHAT, PHONE))
    made = Reached(config, getattr(request, "param", ""), telegram, twilio)
    yield made
    made.store.close()


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
