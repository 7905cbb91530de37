"""A message that waits at Twilio says that godmode did not run, unless a run shows that it did."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from fakes.reached import Reached
from fakes.telegram import Telegram
from fakes.twilio import Twilio
from msgspec.structs import replace

from godmode.commands import killswitch as words
from godmode.lib.engine import killswitch
from godmode.lib.engine.equipment import Mode
from godmode.lib.health import prearmed

SERVICE = "MG" + "0" * 32
EIGHT = datetime(2026, 3, 10, 13, 0, tzinfo=UTC)  # 08:00 in Chicago
TEN_PAST = timedelta(minutes=10)
DAY = timedelta(days=1)

pytestmark = pytest.mark.parametrize("desk", ["[health]\npre_armed = true\n"], indirect=True)


@pytest.fixture(autouse=True)
def _at_eight(desk: Reached) -> None:
    desk.config.settings.channels["twilio"]["messaging_service"] = SERVICE
    desk.at.move_to(EIGHT)
    desk.migrated()


def digest(desk: Reached) -> dict[str, Any]:
    report = desk.runner.run("daily_digest", Mode(scheduled=True))
    assert report.result.error is None
    return dict(report.result.data)


def looks(desk: Reached) -> list[str]:
    report = desk.runner.run("health_monitor", Mode(again=True))
    assert report.result.error is None
    return [finding["what"] for finding in report.result.data["findings"] if finding["subject"] == "pre_armed"]


def test_a_godmode_that_runs_each_day_is_never_heard_of(desk: Reached, twilio: Twilio) -> None:
    for day in range(4):
        desk.at.move_to(EIGHT + day * DAY)
        digest(desk)
        assert [at for _, at in twilio.waiting] == [EIGHT + (day + 1) * DAY + TEN_PAST]
    assert twilio.messages == []


def test_a_server_that_is_dead_is_heard_of_ten_minutes_past_the_digests_time(desk: Reached, twilio: Twilio) -> None:
    digest(desk)
    desk.at.move_to(EIGHT + DAY + timedelta(minutes=9))
    assert twilio.messages == []
    desk.later(minutes=1)
    (text,) = twilio.messages
    assert text.startswith("godmode did not run on Wed 11 Mar: there was no sign of life by 08:10.")


def test_tomorrows_is_there_before_todays_is_taken_back(desk: Reached, twilio: Twilio) -> None:
    digest(desk)
    desk.at.move_to(EIGHT + DAY)
    before = len(twilio.requests)
    digest(desk)
    asked = [request.form for request in twilio.requests[before:] if request.form]
    assert ["SendAt" in form or form["Status"] for form in asked] == [True, "canceled"]


def test_what_the_digest_could_not_do_the_monitor_does_and_nothing_twice(desk: Reached, twilio: Twilio) -> None:
    digest(desk)
    desk.at.move_to(EIGHT + DAY)
    twilio.mood = "down"
    digest(desk)
    desk.later(minutes=1)
    assert "could not be scheduled" in looks(desk)[0]
    twilio.mood = "well"
    desk.later(minutes=1)
    assert looks(desk) == []
    for _ in range(3):
        desk.later(minutes=1)
        looks(desk)
    assert [at for _, at in twilio.waiting] == [EIGHT + 2 * DAY + TEN_PAST]
    desk.later(minutes=30)
    assert twilio.messages == []


def test_an_answer_that_got_lost_makes_no_second_one_and_is_found_again(desk: Reached, twilio: Twilio) -> None:
    twilio.mood = "hangs_up"
    digest(desk)
    assert len(twilio.waiting) == 1
    twilio.mood = "well"
    desk.later(minutes=5)
    looks(desk)
    assert len(twilio.waiting) == 1
    desk.at.move_to(EIGHT + DAY)
    digest(desk)
    assert [at for _, at in twilio.waiting] == [EIGHT + 2 * DAY + TEN_PAST]
    assert twilio.messages == []


def test_a_digest_that_is_skipped_by_rule_raises_no_alarm_while_godmode_lives(
    desk: Reached, twilio: Twilio, db: psycopg.Connection
) -> None:
    digest(desk)
    db.execute("UPDATE agent_controls SET jobs_enabled = false")
    desk.at.move_to(EIGHT + DAY)
    assert desk.runner.run("daily_digest", Mode(scheduled=True)).result.reason == "jobs_disabled"
    desk.later(minutes=5)
    looks(desk)
    assert [at for _, at in twilio.waiting] == [EIGHT + 2 * DAY + TEN_PAST]


def test_the_switch_takes_back_what_waits_before_it_returns_and_off_arms_it_anew(
    desk: Reached, twilio: Twilio, db: psycopg.Connection
) -> None:
    digest(desk)
    words._stop(desk, "smoke", 5, lambda still: None)
    assert words._take_back(desk) == ["the message that waited for Wed 08:10 is taken back"]
    assert twilio.waiting == []
    before = len(twilio.requests)
    desk.later(minutes=5)
    assert desk.runner.run("health_monitor", Mode(again=True)).result.reason == "kill_switch"
    assert len(twilio.requests) == before
    killswitch.turn_off(desk.store.conn, desk.config.state, "", "her", desk.at.now())
    looks(desk)
    assert [at for _, at in twilio.waiting] == [EIGHT + DAY + TEN_PAST]
    looks(desk)
    assert len(twilio.waiting) == 1
    kinds = db.execute("SELECT key, state FROM agent_actions WHERE key LIKE 'pre_armed%' ORDER BY id").fetchall()
    assert kinds == [
        ("pre_armed:2026-03-11:1", "done"), ("pre_armed_off:2026-03-11:1", "done"), ("pre_armed:2026-03-11:2", "done"),
    ]  # fmt: skip


def test_the_switch_says_what_it_could_not_take_back(desk: Reached, twilio: Twilio) -> None:
    digest(desk)
    twilio.mood = "down"
    (said,) = words._take_back(desk)
    assert said.startswith("a message that waits at Twilio for Wed 08:10 could NOT be taken back and will come:")


def test_without_the_allowlist_nothing_is_scheduled(desk: Reached, twilio: Twilio, db: psycopg.Connection) -> None:
    db.execute("UPDATE communication_allowlist SET removed_at = now() WHERE address LIKE '+%'")
    digest(desk)
    assert twilio.requests == []
    assert "not on the allowlist for sms" in looks(desk)[0]


def test_with_comms_off_nothing_is_scheduled(desk: Reached, twilio: Twilio, db: psycopg.Connection) -> None:
    db.execute("UPDATE agent_controls SET comms_enabled = false")
    assert looks(desk) == []
    assert twilio.requests == []


def changes(desk: Reached, **settings: Any) -> None:
    desk.config = replace(desk.config, settings=replace(desk.config.settings, **settings))
    desk.__dict__.pop("runner")
    desk.later(minutes=5)


def test_who_turns_it_off_or_moves_the_digest_is_not_alarmed_by_what_was_armed_before(
    desk: Reached, twilio: Twilio
) -> None:
    digest(desk)
    jobs = desk.config.settings.jobs
    changes(desk, jobs=replace(jobs, daily_digest=replace(jobs.daily_digest, time="10:00")))
    looks(desk)
    assert [at for _, at in twilio.waiting] == [EIGHT + DAY + TEN_PAST + timedelta(hours=2)]
    changes(desk, health=replace(desk.config.settings.health, pre_armed=False))
    looks(desk)
    assert twilio.waiting == []


def test_an_alarm_keeps_its_hour_where_the_clocks_change(desk: Reached) -> None:
    spring = prearmed.time_of(desk.config.settings, date(2026, 3, 8), desk.config.zone)
    assert spring == datetime(2026, 3, 8, 13, 10, tzinfo=UTC)
    assert prearmed.time_of(desk.config.settings, date(2026, 3, 7), desk.config.zone).hour == 14


def test_it_says_what_the_digest_says_to_nobody_else(desk: Reached, twilio: Twilio, telegram: Telegram) -> None:
    digest(desk)
    assert len(telegram.texts) == 1
    assert {request.form["To"] for request in twilio.requests if "To" in request.form} == {"+15125550100"}
