"""How she is reached: the ways in order, quiet hours, what was held, the budget, and what nobody knows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fakes.reached import MORNING, NIGHT, PHONE, Reached, note, status
from fakes.telegram import Telegram
from fakes.twilio import Twilio

from godmode.lib.engine import killswitch
from godmode.lib.errors import KillSwitchOn
from godmode.lib.kernel import Severity as S
from godmode.lib.notify.sending import Sender
from godmode.lib.store import controls, outbox

# -- the ways in order -------------------------------------------------------------------------------------------


def test_sev0_rings_and_is_sent_when_a_person_answers_though_it_is_night(
    desk: Reached, twilio: Twilio, telegram: Telegram, db: psycopg.Connection
) -> None:
    desk.at.move_to(NIGHT)
    assert desk.tell(note(S.SEV0)).status == "sending"
    assert "This is godmode. Severity zero. n8n is down." in twilio.calls[0]["twiml"]
    desk.later(seconds=30)
    assert (desk.release(), status(db)) == ({"sending": 1}, "sending")
    twilio.becomes("completed", "human")
    desk.later(seconds=30)
    assert (desk.release(), status(db)) == ({"sent": 1}, "sent")
    assert (len(twilio.calls), twilio.messages, telegram.texts) == (1, [], [])


@pytest.mark.parametrize(
    "fate", [("completed", "machine_start"), ("busy", None), ("no-answer", None), ("failed", None)]
)
def test_sev0_that_nobody_heard_goes_by_sms_and_where_that_fails_as_a_message(
    desk: Reached, twilio: Twilio, telegram: Telegram, db: psycopg.Connection, fate: tuple[str, str | None]
) -> None:
    desk.tell(note(S.SEV0))
    twilio.becomes(*fate)
    desk.later(minutes=1)
    assert desk.release() == {"sent": 1}
    assert (len(twilio.calls), twilio.messages, telegram.texts) == (1, ["SEV0: n8n is down\nsince 03:10"], [])


def test_sev0_whose_call_never_ends_is_not_waited_for(desk: Reached, twilio: Twilio) -> None:
    desk.tell(note(S.SEV0))
    desk.later(minutes=6)
    assert desk.release() == {"sent": 1}
    assert len(twilio.messages) == 1


def test_sev0_goes_on_where_a_call_may_have_been_placed(desk: Reached, twilio: Twilio) -> None:
    twilio.mood, twilio.lists = "hangs_up", False
    desk.tell(note(S.SEV0))
    assert (len(twilio.calls), len(twilio.messages)) == (1, 1)  # a duplicate is better than a miss


def test_sev0_with_twilio_away_is_a_message_at_once(desk: Reached, twilio: Twilio, telegram: Telegram) -> None:
    twilio.mood = "down"
    assert desk.tell(note(S.SEV0)).status == "sent"
    assert telegram.texts == ["SEV0: n8n is down\nsince 03:10"]


def test_sev1_is_an_sms_and_where_that_is_refused_a_message(desk: Reached, twilio: Twilio, telegram: Telegram) -> None:
    assert desk.tell(note(S.SEV1)).status == "sent"
    twilio.opted_out = {PHONE}
    assert desk.tell(note(S.SEV1, "other")).status == "sent"
    assert (len(twilio.messages), len(telegram.texts), twilio.calls) == (1, 1, [])


def test_warn_and_info_wait_for_the_digest(desk: Reached, telegram: Telegram, db: psycopg.Connection) -> None:
    assert [desk.tell(note(severity, str(severity))).status for severity in (S.WARN, S.INFO)] == ["pending"] * 2
    desk.later(hours=1)
    assert (desk.release(), telegram.texts) == ({}, [])


@pytest.mark.parametrize("desk", ['[[routes]]\nseverity = "WARN"\ntype = "quota"\nvia = ["sms"]\n'], indirect=True)
def test_a_route_of_her_own_is_taken(desk: Reached, twilio: Twilio) -> None:
    assert desk.tell(note(S.WARN, type_="quota")).status == "sent"
    assert len(twilio.messages) == 1


# -- what nobody knows -------------------------------------------------------------------------------------------


def test_an_sms_that_may_have_gone_out_is_settled_by_asking_and_not_sent_twice(
    desk: Reached, twilio: Twilio, telegram: Telegram, db: psycopg.Connection
) -> None:
    twilio.mood, twilio.lists = "hangs_up", False
    assert desk.tell(note(S.SEV1)).status == "sending"
    twilio.mood, twilio.lists = "well", True
    desk.later(minutes=1)
    assert desk.release() == {"sent": 1}
    assert (len(twilio.messages), telegram.texts) == (1, [])


def test_an_sms_that_surely_did_not_go_out_is_sent_again(desk: Reached, twilio: Twilio) -> None:
    twilio.mood, twilio.lists = "hangs_up", False
    desk.tell(note(S.SEV1))
    twilio.made.clear()
    twilio.mood = "well"
    desk.later(minutes=3)
    assert desk.release() == {"sent": 1}
    assert len(twilio.messages) == 1


def test_a_message_that_may_have_arrived_stays_uncertain(
    desk: Reached, telegram: Telegram, db: psycopg.Connection
) -> None:
    telegram.mood = "hangs_up"
    desk.tell(note(S.WARN, type_="health_alert"))
    telegram.mood = "well"
    desk.later(hours=1)
    assert (desk.release(), status(db), len(telegram.texts)) == ({}, "uncertain", 1)


# -- quiet hours, and what was held ------------------------------------------------------------------------------


def test_what_is_held_in_the_night_is_one_message_in_the_morning_without_what_is_over(
    desk: Reached, telegram: Telegram, db: psycopg.Connection
) -> None:
    desk.at.move_to(NIGHT)
    db.execute("INSERT INTO job_state (job, consecutive_failures) VALUES ('sync_n8n', 0)")
    db.execute(
        "INSERT INTO incidents (type, title, dedup_key, status, opened_at, resolved_at)"
        " VALUES ('x', 'x', 'resolved', 'resolved', %s, %s)",
        (NIGHT, NIGHT + timedelta(hours=1)),
    )
    for key, title in (("a", "the disk fills"), ("b", "a key expires"), ("resolved", "over by itself")):
        assert desk.tell(note(S.WARN, key, "credentials", title)).status == "held"
    desk.tell(note(S.WARN, "a", "credentials", "the disk fills"))
    assert (desk.release(), telegram.texts) == ({}, [])
    desk.at.move_to(MORNING)
    assert desk.release() == {"sent": 1}
    (text,) = telegram.texts
    assert "2 messages in one" in text
    assert "the disk fills: since 03:10 (2 times)" in text
    assert "over by itself" not in text
    assert [status(db, key) for key in ("a", "b", "resolved")] == ["digested", "digested", "suppressed"]
    assert desk.release() == {}


def test_a_single_held_message_is_itself(desk: Reached, telegram: Telegram) -> None:
    desk.at.move_to(NIGHT)
    desk.tell(note(S.WARN, type_="health_alert"))
    desk.at.move_to(MORNING)
    desk.release()
    assert telegram.texts == ["WARN: n8n is down\nsince 03:10"]


def test_trouble_that_is_over_is_not_told(desk: Reached, telegram: Telegram, db: psycopg.Connection) -> None:
    desk.at.move_to(NIGHT)
    desk.tell(note(S.WARN, type_="health_alert"))
    assert desk.work(lambda ctx: ctx.notify.over("k")) == 1
    desk.at.move_to(MORNING)
    assert (desk.release(), status(db), telegram.texts) == ({}, "suppressed", [])


def test_the_switch_releases_no_backlog(desk: Reached, telegram: Telegram, db: psycopg.Connection) -> None:
    desk.at.move_to(NIGHT)
    desk.tell(note(S.WARN, type_="health_alert"))
    db.execute(
        "INSERT INTO notifications (type, severity, title, dedup_key, created_at, updated_at)"
        " VALUES ('permanent_failure', 'WARN', 'the scan failed for good', 'unrouted', %(now)s, %(now)s)",
        {"now": NIGHT},
    )
    db.execute("UPDATE agent_controls SET kill_switch_changed_at = %s", (NIGHT + timedelta(minutes=5),))
    desk.at.move_to(MORNING)
    assert (desk.release(), telegram.texts) == ({}, [])
    rows = db.execute("SELECT dedup_key, status, via, due_at FROM notifications ORDER BY id").fetchall()
    assert rows == [("k", "held", [], None), ("unrouted", "pending", [], None)]


@pytest.mark.parametrize("over", [False, True], ids=["still on", "over when the run looks"])
def test_a_drill_demotes_nothing(
    desk: Reached,
    telegram: Telegram,
    twilio: Twilio,
    db: psycopg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    over: bool,
) -> None:
    before = controls.hold(db)

    def ends() -> bool:
        return killswitch.release(db, tmp_path, "drill 20260310T170000", "her", desk.at.now(), before)

    def body(ctx: Any) -> None:
        outbox.put(db, note(S.WARN, "unrouted", "permanent_failure"), "r", desk.at.now())
        ctx.notify(note(S.SEV1))

    def drills(sender: Sender, row: outbox.Message) -> Any:
        killswitch.turn_on(db, "drill 20260310T170000", "her", desk.at.now())
        if over:
            ends()
        raise KillSwitchOn("Kill switch is active")

    with monkeypatch.context() as patched:
        patched.setattr(Sender, "send", drills)
        assert desk.work(body).result.reason == "kill_switch"
    assert ends() is not over
    assert (status(db), status(db, "unrouted")) == ("pending", "pending")
    desk.later(seconds=30)
    assert desk.release() == {"sent": 2}
    assert (len(twilio.messages), len(telegram.texts)) == (1, 1)


def test_the_switch_in_the_middle_leaves_the_message_to_the_digest(
    desk: Reached, telegram: Telegram, db: psycopg.Connection
) -> None:
    def body(ctx: Any) -> Any:
        db.execute("UPDATE agent_controls SET kill_switch = true")
        return ctx.notify(note(S.SEV1))

    report = desk.work(body)
    assert (report.result.reason, status(db), telegram.texts) == ("kill_switch", "held", [])


def test_with_comms_off_nothing_leaves_and_the_digest_has_it(
    desk: Reached, twilio: Twilio, db: psycopg.Connection
) -> None:
    db.execute("UPDATE agent_controls SET comms_enabled = false")
    assert desk.tell(note(S.SEV0)).status == "held"
    assert (twilio.requests, status(db)) == ([], "held")


def test_what_a_dead_run_left_is_sent_by_the_next(desk: Reached, telegram: Telegram, db: psycopg.Connection) -> None:
    db.execute(
        "INSERT INTO notifications (type, severity, title, dedup_key, created_at, updated_at)"
        " VALUES ('permanent_failure', 'WARN', 'the scan failed for good', 'p', %s, %s)",
        (desk.at.now(), desk.at.now()),
    )
    assert desk.release() == {}  # it may still be at it
    desk.later(seconds=30)
    assert desk.release() == {"sent": 1}
    assert telegram.texts == ["WARN: the scan failed for good"]


# -- once, and not too often -------------------------------------------------------------------------------------


def test_the_same_trouble_is_one_message_with_a_count_until_its_window_is_over(
    desk: Reached, twilio: Twilio, db: psycopg.Connection
) -> None:
    for _ in range(3):
        desk.tell(note(S.SEV1))
        desk.later(minutes=5)
    assert len(twilio.messages) == 1
    assert db.execute("SELECT count FROM notifications").fetchall() == [(3,)]
    desk.later(hours=4)
    desk.tell(note(S.SEV1))
    assert len(twilio.messages) == 2


def test_trouble_that_grows_worse_is_told_anew(desk: Reached, twilio: Twilio, db: psycopg.Connection) -> None:
    desk.tell(note(S.WARN))
    desk.tell(note(S.SEV1))
    desk.tell(note(S.WARN))
    assert len(twilio.messages) == 1
    assert db.execute("SELECT severity, count FROM notifications ORDER BY id").fetchall() == [("WARN", 1), ("SEV1", 2)]


def test_health_alerts_are_at_most_one_an_hour_the_others_are_for_the_digest(
    desk: Reached, telegram: Telegram, db: psycopg.Connection
) -> None:
    for minute in range(0, 125, 5):
        desk.tell(note(S.WARN, f"alert {minute}", "health_alert"))
        desk.later(minutes=5)
    assert len(telegram.texts) == 3  # at 0, 60 and 120 minutes
    waiting = db.execute("SELECT count(*) FROM notifications WHERE status = 'pending' AND via = '{}'").fetchone()
    assert waiting == (22,)


def test_what_is_over_a_limit_is_folded_into_one_message_and_sev0_rings_all_the_same(
    desk: Reached, twilio: Twilio, telegram: Telegram, db: psycopg.Connection
) -> None:
    twilio.becomes("completed", "human")
    for number in range(4):
        desk.tell(note(S.SEV0, f"loud {number}"))
    assert len(twilio.calls) == 4
    for number in range(12):
        desk.tell(note(S.SEV1, f"text {number}"))
    assert len(twilio.messages) == 10
    desk.later(minutes=5)
    assert desk.release() == {"sent": 1}
    assert ("2 messages in one" in telegram.texts[0], len(telegram.texts)) == (True, 1)


@pytest.mark.parametrize("desk", ['[[routes]]\ntype = "loud"\nvia = ["call"]\nquiet_hours = "bypass"\n'], indirect=True)
def test_calls_are_at_most_three_in_a_quarter_and_seven_an_hour(
    desk: Reached, twilio: Twilio, telegram: Telegram
) -> None:
    twilio.becomes("completed", "human")
    placed = []
    for minute in range(60):
        desk.tell(note(S.WARN, f"loud {minute}", "loud"))
        placed.append(len(twilio.calls))
        desk.later(minutes=1)
    assert (placed[14], placed[29], placed[59]) == (3, 6, 7)
    assert telegram.texts == []
    desk.release()
    (text,) = telegram.texts
    assert text == "WARN: 49 messages in one\n1. WARN: n8n is down: since 03:10 (49 times)"
