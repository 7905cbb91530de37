"""godmode's desks, queues, channels and their services, as more than one file of tests needs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from fakes import twilio as fake_twilio
from fakes.benches import BENCHES, SECRETS, Bench
from fakes.company import Company
from fakes.n8n import KEY, N8n
from fakes.n8n_company import NOW, Syncing
from fakes.reached import PHONE, Reached
from fakes.retry_queue import Queue
from fakes.telegram import CHAT, TOKEN, Telegram
from fakes.twilio import Twilio
from fakes.watched import Says, Watched

from godmode import registry
from godmode.lib import config as configuration
from godmode.lib.clock import FixedClock
from godmode.lib.config import Config
from godmode.lib.kernel import Severity
from godmode.wiring import App


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
def watched(config: Config, db: psycopg.Connection) -> Iterator[Watched]:
    made = Watched(config, db)
    yield made
    made.store.close()


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The only watcher is one that sees these subjects."""
    load = registry.load
    monkeypatch.setattr(registry, "WATCHERS", {"says": ("", "a test's own:Says")})
    monkeypatch.setattr(registry, "load", lambda target: Says if target == "a test's own:Says" else load(target))

    def sees(
        *subjects: str, severity: Severity = Severity.WARN, error: Exception | None = None, blind: bool = False
    ) -> None:
        Says.seen, Says.error, Says.blind = dict.fromkeys(subjects, severity), error, blind

    sees()
    return sees


@pytest.fixture
def n8n() -> Iterator[N8n]:
    with N8n() as made:
        made.workflow("w1", "Invoice sync")
        made.workflow("w2", "Nightly export")
        yield made
    assert made.problems == []


@pytest.fixture
def syncing(n8n: N8n, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Syncing]:
    path, clock = tmp_path / "godmode.toml", FixedClock(NOW)
    path.write_text(f'[sources.n8n]\nbase_url = "{n8n.url}/"\n')
    monkeypatch.setenv("N8N_API_KEY", KEY)
    app = App(configuration.load(path), clock=clock)
    yield Syncing(app, clock, n8n)
    app.store.close()


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
