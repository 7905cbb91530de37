"""The morning call end to end: answered, voicemail, busy, no answer, failed; and what she gets in place of it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from fakes.callmebot import CallMeBot
from fakes.company import Desk, configured
from fakes.telegram import CHAT, Telegram
from fakes.twilio import Twilio
from psycopg.types.json import Jsonb

from godmode.lib.config import Config
from godmode.lib.engine.equipment import Mode, Report
from godmode.lib.notify import speech
from godmode.lib.store import news

PHONE, USER = "+15125550100", "@jonah"
SIX = datetime(2026, 3, 10, 11, 0, tzinfo=UTC)  # 06:00 in Chicago
BY_CRON = Mode(scheduled=True)
Make = Callable[..., Desk]


@pytest.fixture
def callmebot() -> Iterator[CallMeBot]:
    with CallMeBot(USER) as made:
        yield made


@pytest.fixture
def make(
    config: Config, db: psycopg.Connection, telegram: Telegram, twilio: Twilio, callmebot: CallMeBot
) -> Iterator[Make]:
    """Makes the desk with calls by these channels, in this order, and a telegram chat."""
    db.execute("INSERT INTO communication_allowlist (address) VALUES (%s), (%s), (%s)", (CHAT, PHONE, USER))
    sections = {
        "twilio": f'[channels.twilio]\nbase_url = "{twilio.url}"\nfrom = "+15125550199"\n',
        "callmebot": f'[channels.callmebot]\nbase_url = "{callmebot.url}"\nuser = "{USER}"\n',
    }
    made: list[Desk] = []

    def desk(*channels: str, more: str = "") -> Desk:
        text = f'operator = {{ name = "Jonah", phone = "{PHONE}" }}\n' + "".join(sections[name] for name in channels)
        text += f'[channels.telegram]\nbase_url = "{telegram.url}"\nchat_id = "{CHAT}"\n{more}'
        made.append(Desk(configured(config, text), SIX))
        twilio.now = made[-1].at.now
        return made[-1]

    yield desk
    for one in made:
        one.store.close()


def call(desk: Desk, mode: Mode = BY_CRON) -> Report:
    return desk.runner.run("morning_call", mode)


def row(db: psycopg.Connection) -> tuple[Any, ...]:
    found = db.execute("SELECT status, channel FROM notifications WHERE type = 'morning_call'").fetchall()
    assert len(found) == 1
    return tuple(found[0])


def test_a_person_who_answers_has_heard_it_and_gets_nothing_else(
    make: Make, db: psycopg.Connection, telegram: Telegram, twilio: Twilio
) -> None:
    twilio.fate = ("completed", "human")
    report = call(make("twilio"))
    assert (str(report.result.outcome), report.result.data["delivery"]) == ("succeeded", "sent")
    assert (len(twilio.calls), telegram.delivered, row(db)) == (1, [], ("sent", "twilio"))
    assert "Good morning, Jonah. This is godmode." in twilio.calls[0]["twiml"]
    assert 30 <= report.result.data["seconds"] <= 60


@pytest.mark.parametrize(
    "fate",
    [("completed", "machine_start"), ("busy", None), ("no-answer", None), ("failed", None), ("completed", "unknown")],
    ids=["voicemail", "busy", "no answer", "failed", "nobody knows"],
)
def test_a_call_that_nobody_heard_rings_once_more_after_two_minutes_and_then_is_read(
    make: Make, db: psycopg.Connection, telegram: Telegram, twilio: Twilio, fate: tuple[str, str | None]
) -> None:
    twilio.fate = fate
    desk = make("twilio")
    report = call(desk)
    assert (str(report.result.outcome), report.result.data["delivery"]) == ("succeeded", "sent")
    assert [len(twilio.calls), len(telegram.texts), row(db)] == [2, 1, ("sent", "telegram")]
    assert telegram.texts[0] == report.result.data["text"]
    began = [made[0] for made in db.execute("SELECT started_at FROM agent_actions ORDER BY id").fetchall()]
    assert timedelta(minutes=2) <= began[1] - began[0] < timedelta(minutes=2, seconds=10)
    assert telegram.delivered[0].method == "sendMessage"


def test_the_second_call_that_is_answered_is_enough(
    make: Make, db: psycopg.Connection, telegram: Telegram, twilio: Twilio
) -> None:
    desk = make("twilio")
    twilio.fate = ("busy", None)
    twilio.now = lambda: _answers_later(twilio, desk.at.now())
    call(desk)
    assert (len(twilio.calls), telegram.texts, row(db)) == (2, [], ("sent", "twilio"))


def _answers_later(twilio: Twilio, now: datetime) -> datetime:
    if now > SIX:
        twilio.fate = ("completed", "human")
    return now


def test_twilio_away_is_tried_again_and_then_it_is_read(
    make: Make, db: psycopg.Connection, telegram: Telegram, twilio: Twilio
) -> None:
    twilio.mood = "down"
    desk = make("twilio")
    call(desk)
    assert desk.at.now() - SIX >= timedelta(minutes=2)
    assert (twilio.calls, len(telegram.texts), row(db)) == ([], 1, ("sent", "telegram"))
    assert len([r for r in twilio.requests if r.method == "POST"]) == 2


def test_a_number_that_cannot_be_called_is_not_tried_again(make: Make, telegram: Telegram, twilio: Twilio) -> None:
    twilio.bad = {PHONE}
    desk = make("twilio")
    call(desk)
    assert (desk.at.now(), len(telegram.texts)) == (SIX, 1)


def test_a_run_that_ends_while_it_rings_is_followed_up_by_the_30_second_job(
    make: Make, db: psycopg.Connection, telegram: Telegram, twilio: Twilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("godmode.commands.run.morning_call.PATIENCE", timedelta(seconds=10))
    twilio.fate = ("ringing", None)
    desk = make("twilio")
    assert call(desk).result.data["delivery"] == "sending"
    twilio.becomes("no-answer")
    for _ in range(6):
        desk.later(seconds=30)
        desk.runner.run("process_retry_queue", Mode(again=True))
    assert (len(twilio.calls), len(telegram.texts), row(db)) == (2, 1, ("sent", "telegram"))


@pytest.mark.parametrize("blocked", [False, True])
def test_a_call_whose_run_is_over_is_read_as_soon_as_that_works_and_given_up_on_aloud(
    make: Make, db: psycopg.Connection, telegram: Telegram, twilio: Twilio, monkeypatch: pytest.MonkeyPatch,
    *, blocked: bool,
) -> None:  # fmt: skip
    monkeypatch.setattr("godmode.commands.run.morning_call.PATIENCE", timedelta(seconds=10))
    twilio.fate, telegram.mood = ("ringing", None), "well" if blocked else "down"
    telegram.blocked = {CHAT} if blocked else set()
    desk = make("twilio")
    assert call(desk).result.data["delivery"] == "sending"
    twilio.becomes("no-answer")
    for _ in range(6):
        desk.later(seconds=30)
        desk.runner.run("process_retry_queue", Mode(again=True))
    assert row(db) == ("failed", "telegram")
    assert (len(twilio.calls), telegram.texts) == (2, [])
    telegram.mood = "well"
    desk.later(minutes=1)
    desk.runner.run("process_retry_queue", Mode(again=True))
    assert row(db) == (("failed", "telegram") if blocked else ("sent", "telegram"))
    assert len(twilio.calls) == 2
    assert [text for text in twilio.messages if "Morning call" in text] == twilio.messages
    assert len(twilio.messages) == blocked
    assert db.execute("SELECT count(*) FROM dead_letter_jobs").fetchone() == (int(blocked),)
    assert news.doubtful(db, SIX) == []  # what was given up on is told of as that, once


def test_what_could_not_be_read_while_it_was_morning_is_not_read_at_noon(
    make: Make, db: psycopg.Connection, telegram: Telegram, twilio: Twilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("godmode.commands.run.morning_call.PATIENCE", timedelta(seconds=10))
    twilio.fate, telegram.mood = ("ringing", None), "down"
    desk = make("twilio")
    call(desk)
    twilio.becomes("no-answer")
    for minutes in (0.5, 2.5, 360):
        desk.later(minutes=minutes)
        telegram.mood = "well" if minutes == 360 else "down"
        desk.runner.run("process_retry_queue", Mode(again=True))
    assert (telegram.texts, [doubt.title for doubt in news.doubtful(db, SIX)]) == ([], ["Morning call"])


def test_a_call_that_would_be_one_too_many_is_read_at_once(
    make: Make, db: psycopg.Connection, telegram: Telegram, twilio: Twilio
) -> None:
    rung = [{"way": "call", "channel": "twilio", "at": SIX.isoformat()}] * 3
    read = [{"way": "message", "channel": "telegram", "at": SIX.isoformat()}] * 30
    db.execute(
        "INSERT INTO notifications (type, title, status, tries, tried_at) VALUES ('t', 't', 'digested', %s, %s)",
        (Jsonb(rung + read), SIX),
    )
    call(make("twilio"))
    assert (twilio.calls, len(telegram.texts), row(db)) == ([], 1, ("sent", "telegram"))


def test_callmebot_rings_with_the_beginning_and_telegram_speaks_the_whole(
    make: Make, db: psycopg.Connection, telegram: Telegram, callmebot: CallMeBot
) -> None:
    report = call(make("callmebot"))
    assert len(callmebot.said) == 1
    assert report.result.data["text"].startswith(callmebot.said[0].rstrip("…"))
    assert [sent.method for sent in telegram.delivered] == ["sendVoice"]
    assert row(db) == ("sent", "telegram")
    assert report.result.data["delivery"] == "sent"


def test_without_the_extra_voice_it_is_read_and_the_length_is_estimated(
    make: Make, telegram: Telegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    speech._espeak.cache_clear()
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    data = call(make("callmebot")).result.data
    assert [sent.method for sent in telegram.delivered] == ["sendMessage"]
    assert "pip install 'godmode[voice]'" in data["notes"][0]["why"]
    assert data["seconds"] == round(data["words"] * 60 / 150)


def test_a_chat_that_takes_no_voice_messages_is_written_to(make: Make, telegram: Telegram) -> None:
    telegram.no_voice = True
    call(make("callmebot"))
    assert [sent.method for sent in telegram.delivered] == ["sendMessage"]


def test_the_calls_are_placed_in_the_order_of_the_file(
    make: Make, telegram: Telegram, twilio: Twilio, callmebot: CallMeBot
) -> None:
    twilio.fate = ("completed", "human")
    call(make("twilio", "callmebot"))
    assert (len(twilio.calls), callmebot.said, telegram.delivered) == (1, [], [])


def test_a_call_that_may_have_been_placed_is_read_too(
    make: Make, db: psycopg.Connection, telegram: Telegram, callmebot: CallMeBot
) -> None:
    callmebot.mood = "hangs_up"
    call(make("callmebot"))
    assert (len(callmebot.said), len(telegram.delivered), row(db)[0]) == (1, 1, "sent")


def test_where_nothing_works_the_run_is_tried_again_with_the_same_words_and_then_given_up_on(
    make: Make, db: psycopg.Connection, telegram: Telegram, twilio: Twilio
) -> None:
    twilio.mood = telegram.mood = "down"
    desk = make("twilio")
    assert str(call(desk).result.outcome) == "failed"
    assert db.execute("SELECT count(*) FROM dead_letter_jobs").fetchone() == (0,)
    db.execute("INSERT INTO proposals (title) VALUES ('between the attempts')")
    desk.later(minutes=2)
    assert str(call(desk).result.outcome) == "failed"
    assert db.execute("SELECT count(*) FROM dead_letter_jobs").fetchone() == (1,)
    assert row(db)[0] == "failed"
    body = db.execute("SELECT body FROM notifications WHERE type = 'morning_call'").fetchone()
    assert body is not None
    assert "No proposal waits" in body[0]


def test_the_call_only_reads(make: Make, db: psycopg.Connection, twilio: Twilio) -> None:
    db.execute("INSERT INTO notifications (type, severity, title) VALUES ('trouble', 'WARN', 'trouble')")
    db.execute("INSERT INTO incidents (type, severity, title) VALUES ('x', 'SEV0', 'The store takes no orders')")
    twilio.fate = ("completed", "human")
    call(make("twilio"))
    assert "Severity zero: The store takes no orders" in twilio.calls[0]["twiml"]
    assert db.execute("SELECT status FROM notifications WHERE type = 'trouble'").fetchone() == ("pending",)
    assert db.execute("SELECT status FROM incidents").fetchone() == ("open",)


def test_a_dry_run_shows_the_script_and_its_length_and_rings_nobody(
    make: Make, db: psycopg.Connection, telegram: Telegram, twilio: Twilio
) -> None:
    data = call(make("twilio"), Mode(dry_run=True)).result.data
    assert data["text"].startswith("Good morning, Jonah.")
    assert 30 <= data["seconds"] <= 60
    assert (twilio.calls, telegram.delivered) == ([], [])
    assert db.execute("SELECT count(*) FROM notifications").fetchone() == (0,)


@pytest.mark.parametrize(
    ("more", "since"),
    [
        ("", "yesterday at nine in the evening"),
        ('quiet_hours = { start = "00:30", end = "06:00" }', "twelve thirty in the morning"),
        ('quiet_hours = { start = "00:00", end = "00:00" }', "yesterday at six in the evening"),
    ],
)
def test_overnight_is_since_the_quiet_hours_began(
    make: Make, db: psycopg.Connection, twilio: Twilio, config: Config, more: str, since: str
) -> None:
    db.execute("INSERT INTO corrections (title, applied_at) VALUES ('x', %s)", (SIX - timedelta(minutes=1),))
    twilio.fate = ("completed", "human")
    desk = make("twilio")
    desk = type(desk)(configured(config, f"{more}\n{config.path.read_text()}"), SIX)
    call(desk)
    desk.store.close()
    assert re.search(f"Since {since}, one correction was applied", twilio.calls[0]["twiml"])
