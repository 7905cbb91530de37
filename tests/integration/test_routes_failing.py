"""What becomes of a message that fails: the retry queue, the dead letters, and the alert by another way."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import psycopg
import pytest
from fakes import salesmsg as fake_salesmsg
from fakes.company import BY_CRON
from fakes.reached import MORNING, NIGHT, PHONE, Reached, note
from fakes.telegram import CHAT, Telegram
from fakes.twilio import Twilio

from godmode.lib.channels.salesmsg import Salesmsg
from godmode.lib.errors import Auth
from godmode.lib.kernel import JobContext, JobResult
from godmode.lib.kernel import Severity as S
from godmode.lib.store import attention


def test_a_message_that_fails_goes_to_the_retry_queue_once_and_waits_as_long_as_it_was_asked_to(
    desk: Reached, telegram: Telegram, db: psycopg.Connection
) -> None:
    telegram.mood, telegram.retry_after = "busy", 40
    assert desk.tell(note(S.WARN, type_="health_alert")).status == "failed"
    rows = db.execute("SELECT type, payload, run_at, unique_key FROM retry_jobs").fetchall()
    number = db.execute("SELECT id FROM notifications").fetchone()
    assert number is not None
    at = desk.at.now() + timedelta(seconds=40)
    assert rows == [("notification", {"id": number[0]}, at, f"notification:{number[0]}")]
    telegram.mood = "well"
    delivery = desk.work(lambda ctx: ctx.notify.deliver(number[0]))
    assert (delivery.status, telegram.texts) == ("sent", ["WARN: n8n is down\nsince 03:10"])


def test_an_attempt_of_the_retry_queue_says_why_it_failed_and_in_quiet_hours_it_is_held(
    desk: Reached, telegram: Telegram, db: psycopg.Connection
) -> None:
    telegram.mood = "down"
    desk.tell(note(S.WARN, type_="health_alert"))
    (number,) = db.execute("SELECT id FROM notifications").fetchone() or (0,)
    again = desk.work(lambda ctx: ctx.notify.deliver(number))
    assert (again.status, again.cause.retried) == ("failed", True)
    desk.at.move_to(NIGHT)
    assert desk.work(lambda ctx: ctx.notify.deliver(number)).status == "held"
    telegram.mood = "well"
    desk.at.move_to(MORNING)
    desk.release()
    assert len(telegram.texts) == 1


def test_a_message_that_is_refused_for_good_is_a_dead_letter_with_an_alert_by_another_channel(
    desk: Reached, telegram: Telegram, twilio: Twilio, db: psycopg.Connection
) -> None:
    telegram.blocked = {CHAT}
    assert desk.tell(note(S.WARN, type_="health_alert")).status == "failed"
    assert db.execute("SELECT type, status FROM dead_letter_jobs").fetchall() == [("notification", "open")]
    assert db.execute("SELECT count(*) FROM retry_jobs").fetchone() == (0,)
    (text,) = twilio.messages
    assert text.startswith('WARN: the message "n8n is down" could not be sent')
    assert "blocked by the user" in text


def test_where_nothing_works_the_last_word_is_not_told_of_again(
    desk: Reached, telegram: Telegram, twilio: Twilio, db: psycopg.Connection
) -> None:
    telegram.blocked, twilio.opted_out = {CHAT}, {PHONE}
    desk.tell(note(S.WARN, type_="health_alert"))
    rows = db.execute("SELECT type, status FROM notifications ORDER BY id").fetchall()
    assert rows == [("health_alert", "failed"), ("permanent_failure", "failed")]


def test_what_keeps_failing_ends_in_the_dead_letters_with_an_alert_by_another_way(
    desk: Reached, telegram: Telegram, twilio: Twilio, db: psycopg.Connection
) -> None:
    telegram.mood = "down"
    desk.tell(note(S.WARN, type_="health_alert"))
    for _ in range(6):
        desk.later(minutes=2)
        assert desk.runner.run("process_retry_queue").result.outcome == "succeeded"
    assert db.execute("SELECT status, attempts FROM retry_jobs").fetchall() == [("dead", 5)]
    assert db.execute("SELECT count(*) FROM dead_letter_jobs").fetchone() == (1,)
    (text,) = twilio.messages
    assert text.startswith('WARN: the message "n8n is down" failed for good after 5 attempts')


def test_the_30_second_job_sends_what_another_job_left_in_the_outbox(
    desk: Reached, telegram: Telegram, db: psycopg.Connection
) -> None:
    db.execute(
        "INSERT INTO notifications (type, severity, title, dedup_key, created_at, updated_at)"
        " VALUES ('permanent_failure', 'WARN', 'the scan failed for good', 'p', %(now)s, %(now)s)",
        {"now": desk.at.now()},
    )
    desk.later(seconds=30)
    assert desk.runner.run("process_retry_queue").result.data == {"released": {"sent": 1}}
    assert telegram.texts == ["WARN: the scan failed for good"]


def test_every_call_sms_and_message_of_the_week_is_counted(desk: Reached, twilio: Twilio, telegram: Telegram) -> None:
    desk.tell(note(S.SEV0))
    twilio.becomes("busy")
    desk.later(minutes=1)
    desk.release()
    desk.tell(note(S.WARN, "w", "health_alert"))
    assert attention.counts(desk.store.conn, desk.at.now() - timedelta(days=7)) == {"call": 1, "sms": 1, "message": 1}
    desk.later(days=8)
    assert attention.counts(desk.store.conn, desk.at.now() - timedelta(days=7)) == {}


def test_credentials_that_end_are_looked_after_and_told_of_when_they_cannot_be_kept(
    desk: Reached, telegram: Telegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALESMSG_API_TOKEN", fake_salesmsg.TOKEN)
    with fake_salesmsg.Salesmsg(desk.at.now) as salesmsg:
        section = {"base_url": salesmsg.url, "team_id": fake_salesmsg.TEAM}
        desk.config.settings.channels["salesmsg"] = section
        for _ in range(24):
            desk.later(minutes=5)
            desk.runner.run("health_monitor")
        assert (salesmsg.renewals >= 2, telegram.texts) == (True, [])
        salesmsg.token = "revoked"
        desk.later(minutes=40)
        desk.runner.run("health_monitor")
    assert "salesmsg is locked out" in telegram.texts[0]
    assert "set a new SALESMSG_API_TOKEN" in telegram.texts[0]


def test_a_key_that_a_service_refuses_is_told_of_by_the_next_tick_of_the_30_second_job(
    desk: Reached, telegram: Telegram
) -> None:
    def refused(ctx: JobContext) -> JobResult:
        raise Auth("Notion answered 401", "set a new NOTION_TOKEN")

    desk.work(refused)
    desk.later(seconds=30)
    assert desk.runner.run("process_retry_queue", BY_CRON).result.data == {"released": {"sent": 1}}
    assert telegram.texts == ["WARN: work failed and will not mend itself\nNotion answered 401; set a new NOTION_TOKEN"]


def test_a_lockout_that_lasts_is_told_every_four_hours_on_its_first_day_and_once_a_day_afterwards(
    desk: Reached, telegram: Telegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked_out(*args: object) -> None:
        raise Auth("salesmsg does not take its token")

    monkeypatch.setenv("SALESMSG_API_TOKEN", fake_salesmsg.TOKEN)
    monkeypatch.setattr(Salesmsg, "keep", locked_out)
    desk.config.settings.channels["salesmsg"] = {"team_id": fake_salesmsg.TEAM}
    told = [0]
    for _ in range(4):
        for _ in range(24):
            desk.work(lambda ctx: ctx.notify.keep())
            desk.release()
            desk.later(hours=1)
        told.append(sum(text.startswith("WARN: salesmsg is locked out") for text in telegram.texts))
    of_day = [after - before for before, after in pairwise(told)]
    assert of_day[0] > 2
    assert of_day[1:] == [1, 1, 1]
