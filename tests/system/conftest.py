"""What the tests of the installed program share: a pooler before their server."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fakes import pooler
from fakes.telegram import CHAT, Telegram

from godmode.lib.store import places


@pytest.fixture(scope="session")
def pooler_port(server: Path) -> Iterator[int]:
    """The port of a PgBouncer in transaction mode before the tests' server."""
    with tempfile.TemporaryDirectory(prefix="godmode-pooler-") as folder:
        Path(folder).chmod(0o755)
        with pooler.running(server, places.PORT, Path(folder)) as port:
            yield port


@pytest.fixture
def pooled_url(database_url: str, pooler_port: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """The test's own database through the pooler, also as DATABASE_URL in the environment."""
    name = urlsplit(database_url).path.removeprefix("/")
    url = f"postgresql://godmode@127.0.0.1:{pooler_port}/{name}"
    monkeypatch.setenv("DATABASE_URL", url)
    return url


@pytest.fixture
def telegram() -> Iterator[Telegram]:
    """Telegram, which hears of her chat; what it was told to hold back ends with the test."""
    with Telegram(CHAT) as made:
        yield made
        made.go_on.set()
