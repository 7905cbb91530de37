"""What the operator reads when DATABASE_URL leads nowhere: one line, and never the password."""

from __future__ import annotations

import socket

import pytest

from godmode.commands import db as words
from godmode.lib import config as configuration
from godmode.lib.errors import DatabaseTrouble, GodmodeError, Usage
from godmode.lib.store.connect import connect, reason

PASSWORD = "hunter2"


def refusal(url: str, monkeypatch: pytest.MonkeyPatch) -> GodmodeError:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(GodmodeError) as refused:
        connect(configuration.load(), "test")
    line = str(refused.value)
    assert "\n" not in line
    assert PASSWORD not in line
    assert PASSWORD[4:] not in line.replace("godmode", "")
    return refused.value


def test_a_dead_host_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    e = refusal(f"postgresql://u:{PASSWORD}@127.0.0.1:{port}/db", monkeypatch)
    assert isinstance(e, DatabaseTrouble)
    assert f"127.0.0.1:{port}: connection refused" in str(e)


def test_a_host_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    e = refusal(f"postgresql://u:{PASSWORD}@nowhere.invalid/db", monkeypatch)
    assert "nowhere.invalid:5432: there is no host of this name" in str(e)


def test_a_missing_socket_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "/nonexistent: nothing listens there" in str(refusal("postgresql:///db?host=/nonexistent", monkeypatch))


def test_an_unknown_database_is_named(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    e = refusal(empty_database_url.replace("@/test_", "@/no_such_"), monkeypatch)
    assert 'database "no_such_' in str(e)
    assert "does not exist" in str(e)


def test_a_refused_user_is_named(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    e = refusal(empty_database_url.replace("//godmode@", f"//stranger:{PASSWORD}@"), monkeypatch)
    assert 'authentication failed for user "stranger"' in str(e)


@pytest.mark.parametrize(
    "url",
    [
        f"postgres//u:{PASSWORD}@host/db",
        f"mysql://u:{PASSWORD}@host/db",
        f"postgresql://u:{PASSWORD}@ss@host/db",
        f"postgresql://u:{PASSWORD}/x@host/db",
        f"postgresql://u:{PASSWORD}@host:port/db",
        f"postgresql://u:{PASSWORD}%@host/db",
        f"postgresql://u:x@{PASSWORD}@host/db",
        f"postgresql://u:{PASSWORD}@host/db?no_such=1",
        f"host=x password={PASSWORD} nonsense",
        PASSWORD,
    ],
)
def test_a_malformed_url_is_a_usage_error_that_shows_nothing_of_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(refusal(url, monkeypatch), Usage)


def test_a_server_that_quotes_the_password_is_not_quoted() -> None:
    assert reason(f'FATAL: no entry for "{PASSWORD}"', PASSWORD) == 'no entry for "***"'


def test_the_reason_is_one_line_also_after_several_attempts() -> None:
    message = (
        "Multiple connection attempts failed. All failures were:\n"
        "- host: 'a', port: 1: connection failed: FATAL:  database \"x\" does not exist\n- host: b: no"
    )
    assert reason(message) == 'database "x" does not exist'


def test_a_database_of_someone_elses_is_not_started_or_stopped(
    empty_database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for word in (words.start, words.stop):
        with pytest.raises(Usage, match="not godmode's"):
            word()
    words.url()
    assert capsys.readouterr().out.strip() == empty_database_url
