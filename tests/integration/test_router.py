"""From a notification to what arrives: outbox, allowlist and channel on a real database and real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import psycopg
import pytest
from fakes.company import Desk, configured
from fakes.telegram import CHAT, Telegram

from godmode import registry
from godmode.lib.config import Config
from godmode.lib.kernel import Notification, Receipt, Severity
from godmode.lib.ports import Site
from godmode.lib.sections import Section


@pytest.fixture
def desk(config: Config, telegram: Telegram) -> Iterator[Desk]:
    made = Desk(configured(config, f'[channels.telegram]\nbase_url = "{telegram.url}"\nchat_id = "{CHAT}"\n'))
    yield made
    made.store.close()


@pytest.fixture
def allowed(db: psycopg.Connection) -> None:
    db.execute("INSERT INTO communication_allowlist (address) VALUES (%s)", (CHAT,))


def digest(body: str = "five lines") -> Notification:
    return Notification("daily_digest", Severity.INFO, "Daily digest", body, "daily_digest:2026-03-10")


def outbox(db: psycopg.Connection) -> list[tuple[Any, ...]]:
    return db.execute("SELECT type, status, channel, recipient FROM notifications ORDER BY id").fetchall()


def test_a_message_goes_to_the_configured_chat_and_not_to_the_console(
    desk: Desk, telegram: Telegram, allowed: None, db: psycopg.Connection
) -> None:
    assert desk.tell(digest()).status == "sent"
    assert desk.tell(digest("another text")).status == "sent"
    assert (telegram.texts, desk.printed.getvalue()) == (["five lines"], "")
    assert outbox(db) == [("daily_digest", "sent", "telegram", CHAT)]


def test_not_a_byte_leaves_for_somebody_who_is_not_on_the_allowlist(
    desk: Desk, telegram: Telegram, db: psycopg.Connection
) -> None:
    came = desk.tell(digest())
    assert (came.status, telegram.requests) == ("failed", [])
    assert f"{CHAT} is not on the allowlist" in came.error
    assert [row[:2] for row in outbox(db)] == [("daily_digest", "failed"), ("recipient_refused", "pending")]
    audited = db.execute(
        "SELECT success, output_data->>'recipient' FROM agent_audit_log WHERE action_type = 'allowlist'"
    )
    assert audited.fetchall() == [(False, CHAT)]


def test_an_address_that_was_removed_or_stands_for_calls_alone_is_refused(
    desk: Desk, telegram: Telegram, db: psycopg.Connection
) -> None:
    db.execute("INSERT INTO communication_allowlist (address, removed_at) VALUES (%s, now())", (CHAT,))
    db.execute("INSERT INTO communication_allowlist (address, purposes) VALUES (%s, '{call,sms}')", (CHAT,))
    assert desk.tell(digest()).status == "failed"
    assert telegram.requests == []


def test_a_message_that_was_taken_before_the_line_broke_is_uncertain_and_not_resent(
    desk: Desk, telegram: Telegram, allowed: None, db: psycopg.Connection
) -> None:
    telegram.mood = "hangs_up"
    assert desk.tell(digest()).status == "uncertain"
    telegram.mood = "well"
    assert desk.tell(digest()).status == "uncertain"
    assert telegram.texts == ["five lines"]


def test_a_message_that_failed_is_sent_by_its_next_attempt_with_the_text_of_the_first(
    desk: Desk, telegram: Telegram, allowed: None
) -> None:
    telegram.mood = "down"
    assert desk.tell(digest()).status == "failed"
    telegram.mood = "well"
    assert desk.tell(digest("another text")).status == "sent"
    assert telegram.texts == ["five lines"]


def test_a_long_message_goes_in_parts_and_a_retry_sends_only_what_is_missing(
    desk: Desk, telegram: Telegram, allowed: None
) -> None:
    first, second = "a" * 4000, "b" * 4000
    telegram.chats.clear()
    assert desk.tell(digest(f"{first}\n{second}")).status == "failed"
    telegram.chats.add(CHAT)
    assert desk.tell(digest()).status == "sent"
    assert telegram.texts == [first, second]


def test_a_nul_in_a_title_is_left_out_and_the_message_arrives(desk: Desk, telegram: Telegram, allowed: None) -> None:
    note = Notification("incident", Severity.SEV1, "nul\0 and \ud800half", "line\0", "x")
    assert desk.tell(note).status == "sent"
    assert telegram.texts == ["SEV1: nul and half\nline"]


def test_half_a_configuration_fails_with_the_missing_half_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TELEGRAM_BOT_TOKEN")
    came = desk.tell(digest())
    assert (came.status, desk.printed.getvalue()) == ("failed", "")
    assert "TELEGRAM_BOT_TOKEN is not set" in came.error


class Pager:
    """A channel that was added without saying whom it reaches."""

    name, carries = "pager", frozenset({"message"})
    paged: ClassVar[list[str]] = []

    class Settings(Section, frozen=True):
        pass

    def __init__(self, settings: Settings, site: Site) -> None: ...

    def send(self, to: str, text: str, key: str) -> Receipt:
        self.paged.append(text)
        return Receipt(key)


def test_a_channel_that_names_no_recipient_sends_nothing(
    config: Config, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.CHANNELS, "pager", ("a pager", f"{__name__}:Pager"))
    desk = Desk(configured(config, "[channels.pager]\n"))
    came = desk.tell(digest())
    desk.store.close()
    assert (came.status, Pager.paged) == ("failed", [])
    assert "nobody is not on the allowlist" in came.error
