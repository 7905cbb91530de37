"""`godmode channels`, `channels test` and `config check` as the operator types them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from fakes.callmebot import CallMeBot
from fakes.reached import PHONE
from fakes.telegram import TOKEN, Telegram
from fakes.twilio import SID, Twilio
from fakes.twilio import TOKEN as AUTH
from psycopg.types.json import Jsonb

from godmode.lib.config import Config

GODMODE = str(Path(sys.executable).parent / "godmode")
CHAT = "123456789"


def godmode(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([GODMODE, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def telegram(config: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[Telegram]:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", TOKEN)
    with Telegram(CHAT) as made:
        write(config, f'[channels.telegram]\nbase_url = "{made.url}"\nchat_id = {CHAT}\n')
        yield made


def write(config: Config, text: str) -> None:
    config.path.parent.mkdir(parents=True, exist_ok=True)
    config.path.write_text(text)


def test_a_fresh_installation_has_the_console_alone(database_url: str) -> None:
    document = json.loads(godmode("channels", "--json").stdout)
    assert [c["name"] for c in document["channels"] if c["configured"]] == ["console"]
    assert godmode("config", "check").returncode == 0


def test_a_test_message_is_sent_after_asking_and_is_marked(telegram: Telegram, db: psycopg.Connection) -> None:
    refused = godmode("channels", "test", "telegram")
    assert (refused.returncode, telegram.requests) == (2, [])
    unlisted = godmode("channels", "test", "telegram", "--yes")
    assert (unlisted.returncode, telegram.requests) == (1, [])
    assert f"godmode allowlist add {CHAT}" in unlisted.stdout
    assert unlisted.stdout.startswith(f"telegram: {CHAT} is not on the allowlist")
    godmode("allowlist", "add", CHAT)
    for _ in range(2):
        assert godmode("channels", "test", "telegram", "--yes").stdout == "telegram: sent\n"
    assert len(telegram.texts) == 2
    assert "godmode test" in telegram.texts[0]
    listed = godmode("channels").stdout
    assert "ready" in listed
    assert "in the last 7 days: call 0, sms 0, message 2" in listed


def test_a_test_over_a_limit_is_dropped_and_never_arrives_by_another_way(
    telegram: Telegram, db: psycopg.Connection
) -> None:
    godmode("allowlist", "add", CHAT)
    taken = [{"way": "message", "channel": "telegram", "at": datetime.now(UTC).isoformat()}] * 30
    db.execute(
        "INSERT INTO notifications (type, title, status, tries, tried_at) VALUES ('t', 't', 'digested', %s, now())",
        (Jsonb(taken),),
    )
    tested = godmode("channels", "test", "telegram", "--yes")
    assert (tested.returncode, tested.stdout) == (1, "telegram: the limit of messages is reached\n")
    db.execute("UPDATE notifications SET due_at = now() - interval '1 hour' WHERE due_at IS NOT NULL")
    db.execute("UPDATE notifications SET tries = '[]'")
    assert godmode("run", "process-retry-queue").returncode == 0
    assert telegram.texts == []


@pytest.mark.parametrize(
    ("mood", "code", "said"),
    [
        ("well", 0, "callmebot: it rang; callmebot cannot tell whether the call was answered\n"),
        ("hangs_up", 1, "callmebot: CallMeBot did not answer, so it may have been sent"),
        ("stranger", 1, "callmebot: CallMeBot did not ring: "),
    ],
)
def test_a_call_that_rang_is_a_success_though_nobody_can_tell_whether_it_was_heard(
    config: Config, database_url: str, mood: str, code: int, said: str
) -> None:
    with CallMeBot("@jonah") as made:
        made.mood = mood
        write(config, f'[channels.callmebot]\nbase_url = "{made.url}"\nuser = "jonah"\n')
        godmode("allowlist", "add", "@jonah", "--for", "call")
        tested = godmode("channels", "test", "callmebot", "--yes")
    assert (tested.returncode, tested.stdout[: len(said)]) == (code, said)


def test_a_test_call_that_nobody_answers_rings_by_no_other_channel(
    config: Config, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", SID)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", AUTH)
    with Twilio() as twilio, CallMeBot("@jonah") as other:
        write(
            config,
            'quiet_hours = { start = "00:00", end = "00:00" }\n'
            f'operator.phone = "{PHONE}"\n[channels.twilio]\nbase_url = "{twilio.url}"\nfrom = "+15125550199"\n'
            f'[channels.callmebot]\nbase_url = "{other.url}"\nuser = "jonah"\n',
        )
        twilio.now = lambda: datetime.now(UTC)
        for address in (PHONE, "@jonah"):
            godmode("allowlist", "add", address)
        tested = godmode("channels", "test", "twilio", "--way", "call", "--yes")
        assert (tested.returncode, tested.stdout) == (0, "twilio: it rings\n")
        twilio.becomes("no-answer")
        db.execute("UPDATE notifications SET updated_at = now() - interval '1 minute'")
        assert godmode("run", "process-retry-queue").returncode == 0
        assert (len(twilio.calls), other.said) == (1, [])
    assert db.execute("SELECT count(*) FROM notifications").fetchone() == (1,)


def test_the_switch_and_comms_disabled_hold_for_a_test_too(telegram: Telegram, db: psycopg.Connection) -> None:
    godmode("allowlist", "add", CHAT)
    db.execute("UPDATE agent_controls SET comms_enabled = false")
    assert "comms_enabled" in godmode("channels", "test", "telegram", "--yes").stderr
    db.execute("UPDATE agent_controls SET kill_switch = true, comms_enabled = true")
    done = godmode("channels", "test", "telegram", "--yes")
    assert ("Kill switch is active" in done.stderr, telegram.requests) == (True, [])


def test_half_a_channel_is_a_mistake_that_the_check_names(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    write(config, '[channels.telegram]\nchat_id = "1"\n')
    done = godmode("config", "check")
    assert (done.returncode, "TELEGRAM_BOT_TOKEN is not set" in done.stderr) == (2, True)
    assert "TELEGRAM_BOT_TOKEN is not set" in godmode("channels").stdout
    write(config, "")
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", TOKEN)
    done = godmode("config", "check")
    assert (done.returncode, "channels.telegram.chat_id is not set" in done.stderr) == (2, True)


def test_what_can_never_fire_is_named_by_the_check(telegram: Telegram, config: Config) -> None:
    sections = config.path.read_text()
    write(
        config,
        'quiet_hours = { start = "21:00", end = "06:00" }\njobs.morning_call.time = "05:00"\n' + sections
        + '[[routes]]\nseverity = "SEV1"\nvia = ["sms"]\n',
    )  # fmt: skip
    done = godmode("config", "check")
    assert done.returncode == 0
    assert "jobs.morning_call.time: 05:00 lies in the quiet hours, so it can never fire" in done.stdout
    assert "routes.0: it can never fire: no configured channel carries sms" in done.stdout
    write(config, '[[routes]]\nseverity = "SEV1"\nvia = ["phone"]\n')
    done = godmode("config", "check")
    assert done.returncode == 2
    assert 'line 3: routes.0.via.0: "phone" is none of call, digest, message, sms' in done.stderr


def test_a_channel_that_may_reach_nobody_is_named_by_the_check(telegram: Telegram) -> None:
    said = f"note: channels.telegram: {CHAT} is not on the allowlist for message, so nothing reaches it that way"
    done = godmode("config", "check")
    assert (done.returncode, f"{said}: `godmode allowlist add {CHAT} --for message`" in done.stdout) == (0, True)
    godmode("allowlist", "add", CHAT)
    assert "allowlist" not in godmode("config", "check").stdout


def test_a_call_at_the_hour_at_which_its_time_is_over_can_never_fire(config: Config, database_url: str) -> None:
    write(config, 'quiet_hours = { start = "21:00", end = "06:00" }\njobs.morning_call.time = "05:15"\n')
    assert "05:15 lies in the quiet hours, so it can never fire" in godmode("config", "check").stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('\noperator = { name = "Jonah", phone = "555" }\n', 'line 2: operator.phone: "555" is no phone number'),
        ('[channels.callmebot]\nuser = "@a b"\n', 'channels.callmebot: "@a b" is no address'),
        ('[channels.apprise]\nurls = ["foo://bar"]\n', "apprise cannot use the URL foo://…"),
        (
            '[channels.telegram]\nchat_id = "1"\nbase_url = "nonsense"\n',
            "line 3: channels.telegram.base_url: expected an address such as",
        ),
    ],
)
def test_an_address_that_is_none_is_a_mistake_that_the_check_names(
    config: Config, database_url: str, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", TOKEN)
    write(config, text)
    done = godmode("config", "check")
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_a_call_cannot_be_planned_without_a_channel_that_rings(telegram: Telegram, config: Config) -> None:
    write(config, 'quiet_hours = { start = "00:00", end = "00:00" }\n' + config.path.read_text())
    done = godmode("run", "morning-call")
    assert "prerequisite" in done.stderr
