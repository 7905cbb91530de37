"""Her word from the phone, on a real database and a bot API on loopback: once, from her alone, nothing after stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from fakes.company import Desk, configured
from fakes.telegram import TOKEN, Telegram

from godmode.lib.config import Config
from godmode.lib.engine.equipment import Mode, Report
from godmode.lib.kernel import Proposal
from godmode.lib.store import proposals

CHAT, STRANGER = 123456789, 666
EIGHT = datetime(2026, 3, 10, 13, 0, tzinfo=UTC)  # 08:00 in Chicago
AT = int(EIGHT.timestamp())
MORTAL = Path(__file__).parents[1] / "fakes" / "mortal.py"


@pytest.fixture
def telegram(monkeypatch: pytest.MonkeyPatch) -> Iterator[Telegram]:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", TOKEN)
    with Telegram(str(CHAT), str(STRANGER)) as made:
        yield made


@pytest.fixture
def desk(config: Config, db: psycopg.Connection, telegram: Telegram) -> Iterator[Desk]:
    db.execute("INSERT INTO communication_allowlist (address) VALUES (%s)", (str(CHAT),))
    made = Desk(configured(config, settings(telegram)), EIGHT)
    yield made
    made.store.close()


def settings(telegram: Telegram, approvals: str = "true") -> str:
    return f'[channels.telegram]\nbase_url = "{telegram.url}"\nchat_id = "{CHAT}"\napprovals = {approvals}\n'


def propose(db: psycopg.Connection, title: str = "Write this down", count: int = 3) -> None:
    proposals.put(db, Proposal("t", title, 0.8, {"summary": "s", "count": count}, "k"), EIGHT)


def told(desk: Desk, telegram: Telegram) -> dict[str, str]:
    """Send the digest; its buttons."""
    assert str(desk.runner.run("daily_digest", Mode(scheduled=True)).result.outcome) == "succeeded"
    return dict(telegram.delivered[-1].buttons)


def tick(desk: Desk) -> Report:
    desk.later(seconds=30)
    return desk.runner.run("process_retry_queue", Mode(scheduled=True))


def status(db: psycopg.Connection) -> str:
    row = db.execute("SELECT status FROM proposals").fetchone()
    assert row is not None
    return str(row[0])


def audited(db: psycopg.Connection, action: str) -> int:
    row = db.execute("SELECT count(*) FROM agent_audit_log WHERE action = %s", (action,)).fetchone()
    assert row is not None
    return int(row[0])


def test_a_button_pressed_twice_decides_once_and_both_presses_are_answered(
    desk: Desk, db: psycopg.Connection, telegram: Telegram
) -> None:
    propose(db)
    buttons = told(desk, telegram)
    assert list(buttons) == ["Approve 1", "Reject 1"]
    for _ in range(2):
        telegram.presses(CHAT, buttons["Approve 1"])
    assert str(tick(desk).result.outcome) == "succeeded"
    assert (status(db), audited(db, "proposal_approved")) == ("approved", 1)
    assert telegram.texts[1:] == ["Proposal 1 approved.", "Proposal 1 is already approved, Tue 10 Mar 08:00."]
    assert [query for query, _ in telegram.acknowledged] == ["q1000", "q1001"]
    tick(desk)
    assert (len(telegram.texts), telegram.updates) == (3, [])


def test_a_rejection_is_kept_and_an_approval_after_it_is_told_so(
    desk: Desk, db: psycopg.Connection, telegram: Telegram
) -> None:
    propose(db)
    buttons = told(desk, telegram)
    telegram.presses(CHAT, buttons["Reject 1"])
    telegram.presses(CHAT, buttons["Approve 1"])
    tick(desk)
    assert status(db) == "rejected"
    assert telegram.texts[-1] == "Proposal 1 is no longer open: it was rejected, Tue 10 Mar 08:00."


def test_a_proposal_that_changed_since_is_shown_again_and_decided_only_then(
    desk: Desk, db: psycopg.Connection, telegram: Telegram
) -> None:
    propose(db)
    buttons = told(desk, telegram)
    propose(db, "Write this down at once", 4)
    telegram.presses(CHAT, buttons["Approve 1"])
    tick(desk)
    assert status(db) == "open"
    assert "Write this down at once" in telegram.texts[-1]
    telegram.presses(CHAT, dict(telegram.delivered[-1].buttons)["Approve 1"])
    tick(desk)
    assert status(db) == "approved"


def test_an_approval_needs_write_enabled_and_says_that_a_remedy_is_not_carried_out(
    desk: Desk, db: psycopg.Connection, telegram: Telegram
) -> None:
    propose(db)
    db.execute("""UPDATE proposals SET remedy = '{"do": "x"}'""")
    buttons = told(desk, telegram)
    db.execute("UPDATE agent_controls SET write_enabled = false")
    telegram.presses(CHAT, buttons["Approve 1"])
    tick(desk)
    assert (status(db), "write_enabled is off" in telegram.texts[-1]) == ("open", True)
    db.execute("UPDATE agent_controls SET write_enabled = true")
    telegram.presses(CHAT, buttons["Approve 1"])
    tick(desk)
    assert (status(db), "remedy is not carried out" in telegram.texts[-1]) == ("approved", True)


def test_a_stranger_hears_nothing_decides_nothing_and_is_counted_once_an_hour(
    desk: Desk, db: psycopg.Connection, telegram: Telegram
) -> None:
    propose(db)
    buttons = told(desk, telegram)
    before = len(telegram.texts)
    telegram.presses(STRANGER, buttons["Approve 1"])
    telegram.types(STRANGER, "/kill", AT)
    for _ in range(3):
        tick(desk)
        telegram.types(STRANGER, "/status", AT)
    assert (status(db), len(telegram.texts), telegram.acknowledged) == ("open", before, [])
    assert db.execute("SELECT kill_switch FROM agent_controls").fetchone() == (False,)
    rows = "SELECT output_data -> 'count' FROM agent_audit_log WHERE action_type = 'strangers' ORDER BY id"
    assert db.execute(rows.encode()).fetchall() == [(2,)]
    desk.later(hours=1)
    tick(desk)
    assert db.execute(rows.encode()).fetchall() == [(2,), (3,)]


def test_status_is_answered_and_there_is_no_way_back_from_afar(desk: Desk, telegram: Telegram) -> None:
    for text in ("/status", "/unkill", "/resume@her_bot", "/start", "good morning"):
        telegram.types(CHAT, text, AT)
    tick(desk)
    assert "kill_switch off" in telegram.texts[0]
    assert ["terminal can allow" in text for text in telegram.texts] == [False, True, True, False]


def test_kill_goes_before_all_answers_and_its_reply_is_the_last_that_goes_out(
    desk: Desk, db: psycopg.Connection, telegram: Telegram, config: Config
) -> None:
    propose(db)
    buttons = told(desk, telegram)
    telegram.presses(CHAT, buttons["Reject 1"])
    telegram.types(CHAT, "/kill it is burning", AT)
    telegram.types(CHAT, "/status", AT)
    assert tick(desk).result.reason == "kill_switch"
    assert (status(db), "last message" in telegram.texts[-1], len(telegram.texts)) == ("rejected", True, 2)
    row = db.execute("SELECT kill_switch, kill_switch_reason, kill_switch_changed_by FROM agent_controls").fetchone()
    assert row == (True, "it is burning", f"telegram {CHAT}")
    assert '"on":true' in (config.state / "kill-switch.json").read_text()
    requests = len(telegram.requests)
    tick(desk)
    assert len(telegram.requests) == requests


@pytest.mark.parametrize("mood", ["down", "hangs_up"])
def test_kill_is_set_though_its_reply_cannot_be_sent(
    desk: Desk, db: psycopg.Connection, telegram: Telegram, mood: str
) -> None:
    telegram.types(CHAT, "/kill", AT)
    take = telegram._act

    def first_well(request: object) -> object:
        telegram.mood = "well" if len(telegram.requests) == 1 else mood
        return take(request)  # type: ignore[arg-type]

    telegram._answer = first_well  # type: ignore[assignment]
    tick(desk)
    assert db.execute("SELECT kill_switch FROM agent_controls").fetchone() == (True,)
    assert [request.path.rpartition("/")[2] for request in telegram.requests] == ["getUpdates", "sendMessage"]


def test_a_reply_that_is_refused_is_a_dead_letter_and_the_next_is_answered(
    desk: Desk, db: psycopg.Connection, telegram: Telegram
) -> None:
    telegram.types(CHAT, "/status", AT)
    telegram.blocked = {str(CHAT)}
    tick(desk)
    assert db.execute("SELECT type FROM dead_letter_jobs").fetchall() == [("notification",)]
    telegram.blocked = set()
    telegram.types(CHAT, "/status", AT)
    tick(desk)
    assert "kill_switch off" in telegram.texts[-1]


def test_a_kill_of_before_the_switch_was_last_turned_is_settled(
    desk: Desk, db: psycopg.Connection, telegram: Telegram
) -> None:
    db.execute("UPDATE agent_controls SET kill_switch_changed_at = %s", (EIGHT,))
    telegram.types(CHAT, "/kill", AT - 3600)
    assert tick(desk).result.reason is None
    assert db.execute("SELECT kill_switch FROM agent_controls").fetchone() == (False,)
    telegram.types(CHAT, "/kill", AT - 60)
    assert tick(desk).result.reason == "kill_switch"


def test_with_the_switch_on_or_approvals_off_nothing_is_asked(
    desk: Desk, db: psycopg.Connection, telegram: Telegram, config: Config
) -> None:
    telegram.types(CHAT, "/status", AT)
    db.execute("UPDATE agent_controls SET kill_switch = true")
    tick(desk)
    db.execute("UPDATE agent_controls SET kill_switch = false")
    silent = Desk(configured(config, settings(telegram, "false")), desk.clock.now())
    tick(silent)
    silent.store.close()
    assert telegram.requests == []


def test_a_webhook_is_told_of_once_and_stops_nothing_else(
    desk: Desk, db: psycopg.Connection, telegram: Telegram
) -> None:
    db.execute("INSERT INTO retry_jobs (type, payload, run_at) VALUES ('custom', '[1]', %s)", (EIGHT,))
    telegram.mood = "webhook"
    for _ in range(3):
        assert str(tick(desk).result.outcome) == "succeeded"
    assert audited(db, "read_telegram") == 1
    warned = "SELECT count(*) FROM notifications WHERE type = 'phone' AND severity = 'WARN'"
    assert db.execute(warned.encode()).fetchone() == (1,)
    row = db.execute("SELECT attempts FROM retry_jobs").fetchone()
    assert row is not None
    assert row[0] > 0
    telegram.mood = "well"
    telegram.types(CHAT, "/status", AT)
    tick(desk)
    assert "kill_switch off" in telegram.texts[-1]


def test_a_429_is_obeyed_and_warned_of_only_from_the_third_in_a_row(
    desk: Desk, db: psycopg.Connection, telegram: Telegram
) -> None:
    telegram.mood, telegram.retry_after = "busy", 45
    for _ in range(4):
        tick(desk)
    assert len(telegram.asked("getUpdates")) == 2
    assert db.execute("SELECT count(*) FROM notifications").fetchone() == (0,)


def test_numbers_that_begin_anew_after_a_quiet_week_are_heard(desk: Desk, telegram: Telegram) -> None:
    telegram.types(CHAT, "/status", AT)
    tick(desk)
    desk.later(days=8)
    telegram._next = 5
    telegram.types(CHAT, "/status", AT)
    tick(desk)
    assert len(telegram.texts) == 2


def test_a_run_killed_at_any_moment_of_a_press_neither_loses_nor_doubles_it(
    desk: Desk, db: psycopg.Connection, telegram: Telegram, config: Config, tmp_path: Path
) -> None:
    """Killed right before and right after each step from the reading of the word to the end of its decision."""
    env = {**os.environ, "GODMODE_HOME": str(config.state)}
    words = ["--config", str(config.path), "run", "process-retry-queue", "--again"]

    def run(**more: str) -> int:
        return subprocess.run(
            [sys.executable, MORTAL, *words], env=env | more, capture_output=True, check=False
        ).returncode

    def press(number: int) -> None:
        proposals.put(db, Proposal("t", f"finding {number}", 0.8, {}, f"k{number}"), EIGHT)
        db.execute("UPDATE proposals SET created_at = %s", (EIGHT.replace(year=2025),))
        row = next(p for p in proposals.waiting(db))
        telegram.presses(CHAT, f"approved:{row.id}:{row.shown}")

    log = tmp_path / "moments"
    press(0)
    assert run(MORTAL_LOG=str(log)) == 0
    lines = log.read_text().splitlines()
    mine = [
        line for line in lines if any(w in line for w in (" request ", "hold_cursor", "proposals.decide", "phone."))
    ]
    assert len(mine) > 4
    for turn, line in enumerate(mine, 1):
        press(turn)
        side = ("before", "after")[turn % 2]
        assert run(MORTAL_DIES=f"{side}:{line.split()[0]}") == -signal.SIGKILL, line
        assert run() == 0
        assert db.execute("SELECT count(*) FROM proposals WHERE status = 'open'").fetchone() == (0,), line
        assert audited(db, "proposal_approved") == turn + 1, line
    replies = [text for text in telegram.texts if text.endswith("approved.")]
    assert len(replies) == len(set(replies))
