"""`godmode db start | migrate | url | stop` on an embedded server of the test's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from godmode.commands import db, terminal
from godmode.lib.store import migrate


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., dict[str, Any]]]:
    """Calls a command with --json and reads its one document."""

    def call(command: Callable[..., None]) -> dict[str, Any]:
        command(json=True)
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        return document

    terminal.config.cache_clear()
    yield call
    terminal.config.cache_clear()


def test_the_words_of_db_do_what_they_say(
    say: Callable[..., dict[str, Any]],
    new_state: Callable[..., Path],
    tmp_path: Path,
) -> None:
    new_state(tmp_path / "home" / "state")  # where GODMODE_HOME puts it
    first = say(db.start)
    assert first["running"]
    assert say(db.start)["pid"] == first["pid"]
    with psycopg.connect(say(db.url)["url"]) as conn:
        assert conn.execute("SELECT current_database()").fetchone() == ("godmode",)
    every = [m.version for m in migrate.migrations()]
    assert say(db.migrate) == {"version": migrate.newest(), "applied": every}
    assert say(db.migrate) == {"version": migrate.newest(), "applied": []}
    stopped = say(db.stop)
    assert (stopped["running"], stopped["pid"]) == (False, None)
    assert say(db.stop)["postgres"] == first["postgres"]
