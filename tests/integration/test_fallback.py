"""The alert without a database: by which ways, when, and what becomes of it where the ways fail."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from fakes.company import configured
from fakes.reached import Reached
from fakes.telegram import Telegram
from fakes.twilio import Twilio

from godmode import standby
from godmode.lib.config import Config
from godmode.lib.engine import killswitch
from godmode.lib.engine.equipment import Mode
from godmode.lib.engine.killswitch import Mirror
from godmode.lib.health import attempts, mirror, outage, slab
from godmode.lib.health.fallback import Came, Trouble

AWAY = Trouble("database", "the database is away: connection refused; check DATABASE_URL")
NIGHT = datetime(2026, 3, 11, 8, 0, tzinfo=UTC)  # 03:00 in Chicago


@pytest.fixture
def her(desk: Reached) -> Reached:
    """A desk whose last run was healthy."""
    assert desk.runner.run("health_monitor").result.error is None
    return desk


def alerts(her: Reached, trouble: Trouble = AWAY) -> Came:
    return standby.alert(standby.left(None, her.config, her.at), trouble)


def entries(her: Reached) -> list[dict[str, object]]:
    path = her.config.state / "fallback" / "spool.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_it_goes_the_ways_of_sev1_and_no_further_than_the_first_that_works(
    her: Reached, telegram: Telegram, twilio: Twilio
) -> None:
    assert alerts(her) == Came("sent", "sms by twilio")
    (text,) = twilio.messages
    assert text.startswith("SEV1: System Health Degraded")
    assert "since Tue 10 Mar 12:00" in text
    assert "No job runs until it is back" in text
    assert telegram.texts == []


@pytest.mark.parametrize("desk", ['[health]\nfallback = ["telegram", "twilio"]\n'], indirect=True)
def test_the_channels_that_the_configuration_names_come_in_its_order(
    her: Reached, telegram: Telegram, twilio: Twilio
) -> None:
    assert alerts(her) == Came("sent", "message by telegram")
    telegram.mood = "down"
    her.later(hours=1)
    assert alerts(her) == Came("sent", "sms by twilio")


@pytest.mark.parametrize("desk", ['[[routes]]\nseverity = "SEV1"\nvia = ["call"]\n'], indirect=True)
def test_her_own_route_for_sev1_holds_here_too(her: Reached, twilio: Twilio) -> None:
    assert alerts(her) == Came("sent", "call by twilio")
    assert len(twilio.calls) == 1


def test_what_surely_failed_is_tried_again_by_the_next_tick_and_what_may_have_arrived_is_not(
    her: Reached, telegram: Telegram, twilio: Twilio
) -> None:
    telegram.mood = twilio.mood = "down"
    assert alerts(her).status == "failed"
    her.later(minutes=5)
    twilio.mood = "hangs_up"
    assert alerts(her).status == "uncertain"
    twilio.mood = telegram.mood = "well"
    her.later(minutes=5)
    assert alerts(her).status == "kept"
    assert (len(twilio.messages), telegram.texts) == (1, [])


def test_the_first_alert_passes_quiet_hours_and_what_only_lasts_waits_for_their_end(
    her: Reached, twilio: Twilio
) -> None:
    her.at.move_to(NIGHT)
    assert alerts(her).status == "sent"
    for _ in range(2):
        her.later(hours=1, minutes=20)
        assert alerts(her) == Came("kept", "it is quiet hours")
    her.later(minutes=30)  # 06:10
    assert alerts(her).status == "sent"
    assert "since Wed 11 Mar 03:00" in twilio.messages[1]


@pytest.mark.parametrize(
    "desk", ['[[routes]]\nseverity = "SEV1"\nvia = ["sms"]\nquiet_hours = "respect"\n'], indirect=True
)
def test_who_wants_no_sev1_at_night_gets_no_alert_at_night(her: Reached, twilio: Twilio) -> None:
    her.at.move_to(NIGHT)
    assert alerts(her) == Came("kept", "it is quiet hours")
    her.at.move_to(NIGHT + timedelta(hours=3, minutes=5))
    assert alerts(her).status == "sent"
    assert "since Wed 11 Mar 03:00" in twilio.messages[0]


def test_another_jobs_crash_waits_at_night_and_is_told_by_the_monitor(
    her: Reached, twilio: Twilio, telegram: Telegram
) -> None:
    her.at.move_to(NIGHT)
    for _ in range(3):
        times = attempts.crashed(her.config.state, "sync_n8n", her.at.now())
    assert times == 3
    crash = Trouble("crash", "it crashed 3 times within an hour", "sync_n8n")
    assert alerts(her, crash) == Came("kept", "it is quiet hours")
    her.runner.run("health_monitor")
    her.at.move_to(NIGHT + timedelta(hours=3, minutes=1))
    her.release()
    (text,) = telegram.texts
    assert "Sync-n8n crashed 3 times within an hour" in text
    assert twilio.messages == []


def test_another_jobs_crash_is_no_outage_that_the_monitor_could_end(her: Reached, twilio: Twilio) -> None:
    assert alerts(her, Trouble("crash", "it crashed 3 times", "sync_n8n")).status == "sent"
    assert outage.read(her.config.state).since is None


def test_another_jobs_crash_during_an_outage_speaks_of_itself_alone(
    her: Reached, twilio: Twilio, telegram: Telegram
) -> None:
    twilio.mood = telegram.mood = "down"
    assert alerts(her).status != "sent"
    twilio.mood = "well"
    her.later(hours=2)
    assert alerts(her, Trouble("crash", "it crashed 3 times", "sync_n8n")).status == "sent"
    text = twilio.messages[-1]
    assert "since Tue 10 Mar 14:00" in text and "It is not done until that is mended." in text
    seen = outage.read(her.config.state)
    assert (seen.told, seen.since) == (False, her.at.now() - timedelta(hours=2)), "she has not heard of the outage"


def test_only_who_is_on_the_mirrored_allowlist_for_this_way_is_reached(
    her: Reached, db: psycopg.Connection, telegram: Telegram, twilio: Twilio
) -> None:
    db.execute("UPDATE communication_allowlist SET purposes = '{call}' WHERE address LIKE '+%'")
    her.renew_mirror()
    assert alerts(her) == Came("sent", "message by telegram")
    assert twilio.messages == []


def test_a_switch_that_is_turned_on_meanwhile_stops_the_next_way(
    her: Reached, telegram: Telegram, twilio: Twilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    twilio.mood = "down"
    real = twilio._act

    def and_the_switch(request: object) -> object:
        killswitch.write(her.config.state, Mirror(True, None, "smoke"))
        return real(request)  # type: ignore[arg-type]

    monkeypatch.setattr(twilio, "_answer", and_the_switch)
    assert alerts(her) == Came("kept", "Kill switch is active")
    assert telegram.requests == []


def test_a_configuration_that_is_broken_leaves_what_the_mirror_kept(
    her: Reached, twilio: Twilio, telegram: Telegram
) -> None:
    her.config.path.write_text("[channels.")
    left = standby.left(her.config.path, None, her.at)
    assert left.config.state == her.config.state
    came = standby.alert(left, Trouble("configuration", "config.toml: not TOML"))
    assert came == Came("sent", "sms by twilio")


def test_a_broken_configuration_still_names_its_state_folder(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(config, 'state_dir = "elsewhere"\n')
    monkeypatch.delenv("GODMODE_HOME")
    config.path.write_text('state_dir = "elsewhere"\n[jobs\n')
    assert standby.left(config.path).config.state == config.path.parent / "elsewhere"


def test_a_service_that_never_answers_ends_it_in_time_and_no_second_one_follows(
    her: Reached, twilio: Twilio, telegram: Telegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standby, "PATIENCE", timedelta(seconds=0.4))
    twilio.mood = "slow"
    assert alerts(her).status == "uncertain"
    twilio.go_on.set()
    twilio.mood = "well"
    her.later(minutes=5)
    assert alerts(her).status == "kept"
    assert telegram.texts == []


def test_it_is_redacted_as_everything_is(her: Reached, twilio: Twilio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("N8N_API_KEY", "s3cret-key-of-n8n")
    alerts(her, Trouble("crash", "it broke off at s3cret-key-of-n8n and ghp_" + "a1B2" * 9))
    assert "s3cret-key" not in twilio.messages[0] and "ghp_" not in twilio.messages[0]
    assert "s3cret-key" not in str(entries(her)) and "ghp_" not in str(entries(her))


def test_a_killed_writer_leaves_half_a_line_which_harms_nothing(
    her: Reached, db: psycopg.Connection, twilio: Twilio
) -> None:
    alerts(her)
    path = her.config.state / "fallback" / "spool.jsonl"
    path.write_text(path.read_text() + '{"id":"spool-')
    her.later(minutes=5)
    assert her.runner.run("health_monitor", Mode(again=True)).result.error is None
    found = db.execute("SELECT action FROM agent_audit_log WHERE action_type = 'fallback' ORDER BY id").fetchall()
    assert found == [("health_monitor",), ("fallback_alert",)]


def test_a_mirror_of_another_format_or_none_lets_nothing_out(her: Reached, twilio: Twilio, telegram: Telegram) -> None:
    path = mirror.path(her.config.state)
    path.write_text(path.read_text().replace('"format":1', '"format":2'))
    assert alerts(her).status == "kept"
    path.unlink()
    assert alerts(her).status == "kept"
    assert twilio.requests == telegram.requests == []


def test_a_file_that_cannot_say_when_it_was_told_lets_one_out_an_hour_all_the_same(
    her: Reached, twilio: Twilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slab.Slab, "write", lambda self, content: False)
    for _ in range(24):  # from 12:00, every five minutes
        alerts(her)
        her.later(minutes=5)
    assert len(twilio.messages) == 2
