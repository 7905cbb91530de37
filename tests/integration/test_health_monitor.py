"""The health monitor: what it finds, since when, what it tells of that, and when."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from fakes.company import NOON, configured
from fakes.reached import Reached, status
from fakes.stands import STANDS
from fakes.telegram import Telegram
from fakes.twilio import Twilio

from godmode.lib.clock import FixedClock, SystemClock
from godmode.lib.config import Config
from godmode.lib.engine.equipment import Mode
from godmode.lib.health import database, services
from godmode.lib.health.finding import Finding, Patient
from godmode.lib.store import vitals
from godmode.wiring import App

MONITOR, SCAN = "health_monitor", "periodic_scan"


@pytest.fixture(autouse=True)
def roomy(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A disk of 100 GB, half full, whatever the machine's is."""
    made = Disk()
    monkeypatch.setattr(shutil, "disk_usage", made.usage)
    return made


class Disk:
    used = 50

    def usage(self, path: object) -> Any:
        return SimpleNamespace(total=100, used=self.used, free=100 - self.used)


def looks(desk: App) -> dict[str, Any]:
    report = desk.runner.run(MONITOR, Mode(again=True))
    assert report.result.error is None
    return dict(report.result.data)


def fails(db: psycopg.Connection, job: str = "sync_n8n", times: int = 3) -> None:
    db.execute(
        "INSERT INTO job_state (job, consecutive_failures, last_error) VALUES (%(job)s, %(times)s, 'no answer')"
        " ON CONFLICT (job) DO UPDATE SET consecutive_failures = %(times)s",
        {"job": job, "times": times},
    )


def subjects(data: dict[str, Any]) -> list[str]:
    return [finding["subject"] for finding in data["findings"]]


# -- what is told ----------------------------------------------------------------------------------------------


def test_an_alert_says_what_since_when_and_what_to_do(
    desk: Reached, db: psycopg.Connection, telegram: Telegram
) -> None:
    fails(db)
    looks(desk)
    (text,) = telegram.texts
    assert text.splitlines()[0] == "WARN: System Health Degraded"
    assert "1. Sync-n8n failed 3 times in a row: no answer, since Tue 10 Mar 12:00." in text
    assert "What to do: `godmode audit --job sync-n8n`." in text


def test_what_lasts_is_told_once_in_four_hours_and_its_end_once(
    desk: Reached, db: psycopg.Connection, telegram: Telegram
) -> None:
    fails(db)
    for _ in range(47):  # nearly four hours
        looks(desk)
        desk.later(minutes=5)
    assert len(telegram.texts) == 1
    for _ in range(2):
        looks(desk)
        desk.later(minutes=5)
    assert len(telegram.texts) == 2
    assert "since Tue 10 Mar 12:00" in telegram.texts[1]
    fails(db, times=0)
    for _ in range(3):
        looks(desk)
        desk.later(minutes=5)
    assert len(telegram.texts) == 3
    assert telegram.texts[2].startswith("INFO: System Health Recovered")
    assert "Sync-n8n failed 3 times in a row: no answer: from Tue 10 Mar 12:00" in telegram.texts[2]


def test_after_its_first_day_what_lasts_is_told_once_a_day(
    desk: Reached, db: psycopg.Connection, telegram: Telegram
) -> None:
    fails(db)
    told = [0]
    for _ in range(4):
        for _ in range(24):
            looks(desk)
            desk.later(hours=1)
        told.append(len(telegram.texts))
    of_day = [after - before for before, after in pairwise(told)]
    assert of_day[0] > 2, "the first day it is told every four hours"
    assert of_day[1:] == [1, 1, 1]


def test_something_new_is_told_as_soon_as_the_hour_is_over(
    desk: Reached, db: psycopg.Connection, telegram: Telegram
) -> None:
    fails(db)
    looks(desk)
    desk.later(minutes=5)
    fails(db, "sync_notion")
    for _ in range(10):
        looks(desk)
        desk.later(minutes=5)
    assert len(telegram.texts) == 1
    for _ in range(3):
        looks(desk)
        desk.later(minutes=5)
    assert len(telegram.texts) == 2
    assert "sync-notion" in telegram.texts[1].lower()


def test_trouble_that_ends_before_it_was_told_is_not_told_at_all(
    desk: Reached, db: psycopg.Connection, telegram: Telegram
) -> None:
    desk.at.move_to(datetime(2026, 3, 11, 8, 0, tzinfo=UTC))  # 03:00: quiet hours
    fails(db)
    looks(desk)
    assert status(db, db.execute("SELECT dedup_key FROM notifications").fetchall()[0][0]) == "held"
    desk.later(minutes=5)
    fails(db, times=0)
    looks(desk)
    desk.later(hours=5)
    desk.release()
    assert telegram.texts == []


def test_what_becomes_known_twice_keeps_its_beginning(desk: Reached, db: psycopg.Connection) -> None:
    fails(db)
    looks(desk)
    desk.later(minutes=5)
    (finding,) = looks(desk)["findings"]
    assert (finding["since"], finding["looks"]) == (NOON.isoformat(), 2)


def test_a_dry_run_tells_and_keeps_nothing(desk: Reached, db: psycopg.Connection, telegram: Telegram) -> None:
    fails(db)
    data = desk.runner.run(MONITOR, Mode(dry_run=True)).result.data
    assert data["degraded"] == ["jobs"]
    assert telegram.texts == []
    assert not (desk.config.state / "fallback" / "mirror.json").exists()


# -- jobs ------------------------------------------------------------------------------------------------------


def every_five_minutes(desk: Reached, minutes: int) -> dict[str, Any]:
    for _ in range(minutes // 5):
        desk.later(minutes=5)
        data = looks(desk)
    return data


def test_a_job_whose_ticks_stop_is_late_and_one_that_skips_by_rule_is_not(desk: Reached) -> None:
    desk.runner.run("sync_n8n", Mode(scheduled=True))  # not configured: skipped by rule
    desk.runner.run("cleanup_old_data", Mode(scheduled=True))
    looks(desk)
    data = every_five_minutes(desk, 80)
    late = subjects(data)
    assert "jobs:late:sync_n8n" in late  # no tick came since
    for _ in range(3):
        desk.later(minutes=5)
        desk.runner.run("sync_n8n", Mode(scheduled=True))
        data = looks(desk)
    assert "jobs:late:sync_n8n" not in subjects(data)
    assert "jobs:late:periodic_scan" in subjects(data)  # never ran, though others do


def test_a_job_that_runs_less_often_by_her_own_word_is_not_late(desk: Reached, db: psycopg.Connection) -> None:
    db.execute("INSERT INTO job_state (job, interval_minutes) VALUES ('periodic_scan', 120)")
    for job in ("periodic_scan", "cleanup_old_data"):
        desk.runner.run(job, Mode(scheduled=True))
    looks(desk)
    assert "jobs:late:periodic_scan" not in subjects(every_five_minutes(desk, 80))
    assert "jobs:late:periodic_scan" in subjects(every_five_minutes(desk, 180))


def test_where_nothing_is_scheduled_nothing_is_late(desk: Reached) -> None:
    looks(desk)
    assert every_five_minutes(desk, 120)["findings"] == []


def test_after_a_night_off_no_job_is_late_at_the_first_look(desk: Reached) -> None:
    desk.runner.run("sync_n8n", Mode(scheduled=True))
    looks(desk)
    desk.later(hours=9)
    assert looks(desk)["findings"] == []


def test_a_daily_job_is_late_half_an_hour_after_its_time(desk: Reached) -> None:
    desk.at.move_to(datetime(2026, 3, 11, 12, 55, tzinfo=UTC))  # 07:55; the digest is due at 08:00
    desk.runner.run("run_watchers", Mode(scheduled=True))
    looks(desk)
    assert "jobs:late:daily_digest" not in subjects(every_five_minutes(desk, 30))
    assert "jobs:late:daily_digest" in subjects(every_five_minutes(desk, 15))


def test_a_job_that_does_not_end_is_named_with_its_process(desk: Reached, db: psycopg.Connection) -> None:
    db.execute(
        "INSERT INTO job_state (job, state, run_id, owner_host, owner_pid, lease_until, started_at)"
        " VALUES ('sync_hubspot', 'running', 'r', 'elsewhere', 4711, %s, %s)",
        (NOON, NOON - timedelta(hours=2)),
    )
    (finding,) = looks(desk)["findings"]
    assert "sync-hubspot (pid 4711 on elsewhere) has been running for over an hour" in finding["what"]


# -- disks -----------------------------------------------------------------------------------------------------


def test_a_full_disk_is_found_at_once_and_one_that_fills_before_it_is(desk: Reached, roomy: Disk) -> None:
    for used in range(50, 62):  # two per cent in an hour: full in 19 hours
        roomy.used = used
        data = looks(desk)
        desk.later(minutes=30)
    roomy.used = 62
    desk.later(minutes=30)
    data = looks(desk)
    assert [finding["looks"] for finding in data["findings"]] == [1]
    assert re.search(r"full in 2\d h", data["findings"][0]["what"])
    desk.later(minutes=5)
    assert looks(desk)["findings"][0]["ripe"] is True
    roomy.used = 95
    assert "95%" in looks(desk)["findings"][0]["what"]


# -- the database ----------------------------------------------------------------------------------------------


class Behind(SystemClock):
    def now(self) -> datetime:
        return super().now() - timedelta(minutes=2)


@pytest.mark.parametrize(("clock", "found"), [(Behind(), ["database:clock"]), (SystemClock(), [])])
def test_a_clock_that_is_not_the_databases_is_found(config: Config, clock: SystemClock, found: list[str]) -> None:
    app = App(config, clock=clock)
    app.migrated()
    data = looks(app)
    assert subjects(data) == found
    assert data["database"]["bytes"] > 1_000_000
    app.store.close()


def test_a_database_that_answers_slowly_twice_is_told_of(
    config: Config, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(conn: psycopg.Connection) -> vitals.Vitals:
        conn.execute("SELECT pg_sleep(0.05)")
        return real(conn)

    real = vitals.vitals
    monkeypatch.setattr(vitals, "vitals", slow)
    clock = FixedClock(NOON)
    app = App(configured(config, "[health]\ndatabase_ms = 20\n"), clock=clock)
    assert [f["ripe"] for f in looks(app)["findings"]] == [False]
    clock.advance(timedelta(minutes=5))
    assert [f["ripe"] for f in looks(app)["findings"]] == [True]
    app.store.close()


def test_dead_rows_that_no_vacuum_gave_back_for_a_week_are_found(config: Config) -> None:
    table = vitals.Table("agent_audit_log", 100_000, 50_000, NOON - timedelta(days=8))
    fresh = vitals.Table("agent_actions", 100_000, 50_000, NOON - timedelta(days=1))
    seen = vitals.Vitals(NOON, NOON, "18.6", 1, 1)
    patient = Patient.__new__(Patient)
    object.__setattr__(patient, "limits", config.settings.health)
    found: list[Finding] = list(database._vacuum(patient, seen, [table, fresh]))
    assert [f.subject for f in found] == ["database:vacuum:agent_audit_log"]
    assert "50,000 dead rows" in found[0].what and "8 days ago" in found[0].what


def test_an_embedded_server_that_is_killed_again_and_again_is_found(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FixedClock(NOON)
    app = App(config, clock=clock)
    monkeypatch.setattr(App, "_embedded", property(lambda self: True))
    real, found = vitals.vitals, []
    for _ in range(4):
        clock.advance(timedelta(minutes=5))
        monkeypatch.setattr(vitals, "vitals", lambda conn: replace(real(conn), started_at=clock.now()))
        found = subjects(looks(app))
    assert found == ["database:restarts"]
    clock.advance(timedelta(days=1, minutes=5))
    assert subjects(looks(app)) == []
    app.store.close()


# -- services --------------------------------------------------------------------------------------------------


@pytest.fixture(params=STANDS)
def remote(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with STANDS[request.param]() as stand:
        for name, value in stand.secrets.items():
            monkeypatch.setenv(name, value)
        stand.fill()
        yield stand


@pytest.fixture
def asking(config: Config, remote: Any) -> Iterator[App]:
    made = App(configured(config, remote.section), clock=FixedClock(NOON))
    made.migrated()
    yield made
    made.store.close()


def usage(db: psycopg.Connection, name: str) -> tuple[Any, ...]:
    return db.execute("SELECT calls, errors, throttled FROM api_usage WHERE service = %s", (name,)).fetchall()[0]


def test_a_service_is_asked_once_cheaply_and_counted(asking: App, remote: Any, db: psycopg.Connection) -> None:
    data = looks(asking)
    assert (remote.requests(), remote.problems(), data["findings"]) == (1, [], [])
    assert usage(db, remote.name) == (1, 0, 0)


def test_an_error_that_may_pass_is_told_at_the_third_look_and_not_tried_again(
    asking: App, remote: Any, db: psycopg.Connection
) -> None:
    remote.fail("internal error", 1, times=9)
    ripe = []
    for _ in range(3):
        (finding,) = looks(asking)["findings"]
        ripe.append(finding["ripe"])
        assert isinstance(asking.clock, FixedClock)
        asking.clock.advance(timedelta(minutes=5))
    assert ripe == [False, False, True]
    assert usage(db, remote.name) == (3, 3, 0)


def test_a_service_that_asks_for_a_wait_is_left_alone(asking: App, remote: Any) -> None:
    remote.fail("rate limit", 1)
    looks(asking)
    data = looks(asking)
    assert remote.requests() == 1
    assert data["services"][remote.name].startswith("not asked:")
    assert data["findings"] == []


def test_a_login_page_is_no_answer(asking: App, remote: Any) -> None:
    remote.fail("login page", 1)
    assert "in place of JSON" in looks(asking)["findings"][0]["what"]


def test_a_service_that_drips_is_cut_off(asking: App, remote: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "PATIENCE", 0.5)
    remote.fail("drip", 1)
    assert "0.5 s" in looks(asking)["findings"][0]["what"]


@pytest.mark.parametrize("secret", ["NOTION_TOKEN", "N8N_API_KEY", "HUBSPOT_ACCESS_TOKEN"])
def test_credentials_that_are_refused_are_told_at_once(
    asking: App, remote: Any, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    if secret not in remote.secrets:
        return
    monkeypatch.setenv(secret, "wrong-token-of-" + "x" * 30)
    (finding,) = looks(asking)["findings"]
    assert (finding["ripe"], finding["subject"]) == (True, f"services:{remote.name}")
    assert "401" in finding["what"]


def test_a_key_that_ends_soon_is_found_before_it_does(
    config: Config, monkeypatch: pytest.MonkeyPatch, twilio: Twilio
) -> None:
    import base64
    import json

    claims = base64.urlsafe_b64encode(json.dumps({"exp": int(NOON.timestamp()) + 86400 * 3}).encode()).decode()
    monkeypatch.setenv("N8N_API_KEY", f"aaa.{claims.rstrip('=')}.bbb")
    app = App(configured(config, '[sources.n8n]\nbase_url = "http://127.0.0.1:9"\n'), clock=FixedClock(NOON))
    app.migrated()
    found = [f["what"] for f in looks(app)["findings"] if f["subject"].startswith("credentials")]
    assert found == ["the key of n8n ends on 13 Mar 2026"]
    app.store.close()
