"""An incident lives until its trouble has stayed away; what comes back opens it again, and again and again flaps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from fakes.company import configured
from fakes.watched import Watched

from godmode.lib.config import Config
from godmode.lib.engine import incidents
from godmode.lib.errors import DatabaseTrouble
from godmode.lib.kernel import Severity
from godmode.lib.store import incident_rows
from godmode.lib.store import incidents as incidents_store
from godmode.lib.store.connect import connect


def test_it_is_resolved_when_the_trouble_has_stayed_away_for_half_an_hour(
    watched: Watched, says: Callable[..., None]
) -> None:
    says("a")
    watched.looks()
    says()
    assert watched.looks(minutes=29).data["resolved"] == 0
    assert watched.looks(minutes=1).data["resolved"] == 1
    assert watched.row("status, resolved_at") == ("resolved", watched.now)
    assert [step["what"] for step in watched.row("life")] == ["opened", "resolved"]


def test_a_watcher_that_failed_or_could_not_see_resolves_nothing(watched: Watched, says: Callable[..., None]) -> None:
    says("a")
    watched.looks()
    says(error=DatabaseTrouble("gone"))
    watched.looks(hours=2)
    assert watched.row("status") == "open"
    says(blind=True)
    watched.looks(hours=2)
    assert watched.row("status") == "open"
    says()
    watched.looks()
    assert watched.row("status") == "resolved"


def test_a_scan_resolves_what_has_stayed_away_and_sees_what_has_not(
    config: Config, db: psycopg.Connection, says: Callable[..., None]
) -> None:
    (config.path.parent / "chats").mkdir(parents=True)
    watched = Watched(configured(config, '[sources.chatlogs]\npath = "chats"\n'), db)
    says("a")
    watched.looks()
    watched.later(hours=1)
    says("a", "b")
    assert watched.runner.run("periodic_scan").result.data["incidents_resolved"] == 0
    assert watched.row("title, last_seen_at") == ("a is broken", watched.now)
    watched.later(hours=1)
    says(blind=True)
    assert watched.runner.run("periodic_scan").result.data["incidents_resolved"] == 0
    watched.later(hours=1)
    says()
    assert watched.runner.run("periodic_scan").result.data["incidents_resolved"] == 1
    assert watched.row("status") == "resolved"
    watched.store.close()


def test_an_incident_of_somebody_else_is_never_resolved(watched: Watched, says: Callable[..., None]) -> None:
    says()
    watched.insert("incidents", type="says", title="by hand", last_seen_at=watched.now - timedelta(days=9))
    watched.looks()
    assert watched.row("status") == "open"


def test_trouble_that_comes_back_within_a_day_opens_its_incident_again(
    watched: Watched, says: Callable[..., None]
) -> None:
    says("a")
    watched.looks()
    says()
    watched.looks(minutes=30)
    says("a")
    assert watched.looks(hours=20).data["subjects"] == {"reopened": 1}
    assert watched.row("status, reopened, resolved_at") == ("open", 1, None)
    says()
    watched.looks(hours=1)
    says("a")
    assert watched.looks(hours=25).data["subjects"] == {"new": 1}


def test_what_a_person_resolved_stays_so_as_long_as_nothing_is_new(watched: Watched, says: Callable[..., None]) -> None:
    says("a")
    watched.looks()
    incidents_store.decide(watched.db, 1, "resolved", watched.now, by="her", reason="that is as it should be")
    for _ in range(8):
        watched.looks(minutes=15)
    assert watched.row("status, told") == ("resolved", 1)
    says("a", severity=Severity.SEV1)
    watched.looks()
    assert watched.row("status, severity") == ("open", "SEV1")


@pytest.mark.parametrize(("waiting", "status"), [(100, "resolved"), (200, "open")])
def test_a_queue_that_a_person_resolved_opens_again_when_it_has_doubled(
    watched: Watched, waiting: int, status: str
) -> None:
    fill = "INSERT INTO retry_jobs (type, payload, run_at) SELECT 'custom', '{}', %s FROM generate_series(1, %s)"
    watched.db.execute(fill, (watched.now, 150))
    watched.looks()
    incidents_store.decide(watched.db, 1, "resolved", watched.now, by="her")
    watched.db.execute(fill, (watched.now, waiting))
    watched.looks(minutes=15)
    row = watched.db.execute("SELECT status FROM incidents WHERE type = 'queue_depth'").fetchone()
    assert row == (status,)


def test_her_word_is_not_lost_to_a_run_that_looks_meanwhile(
    watched: Watched, says: Callable[..., None], config: Config
) -> None:
    says("a")
    watched.looks()
    with connect(config, "run") as conn, conn.transaction():
        (row,) = incident_rows.load(conn, "says", watched.now, incidents.BACK)
        watched.db.execute("SET lock_timeout = 100")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            incidents_store.decide(watched.db, row.id, "acknowledged", watched.now, by="her")


def test_what_a_person_resolved_opens_again_when_it_was_away_or_happens_anew(watched: Watched) -> None:
    watched.fails("send_message")
    watched.looks()
    incidents_store.decide(watched.db, 1, "resolved", watched.now, by="her")
    assert watched.looks().data["subjects"] == {"known": 1}
    watched.fails("send_message", 1)
    assert watched.looks().data["subjects"] == {"reopened": 1}
    assert watched.row("occurrences") == 4
    incidents_store.decide(watched.db, 1, "resolved", watched.now, by="her")
    watched.looks(hours=1)
    watched.fails("send_message")
    watched.looks()
    assert watched.rows("type, status")[0] == ("repeated_failures", "open")


def test_what_comes_back_again_and_again_flaps_which_is_told_once(watched: Watched, says: Callable[..., None]) -> None:
    for _ in range(5):
        says("a")
        watched.looks(minutes=35)
        says()
        watched.looks(minutes=35)
    assert watched.row("reopened, flapping") == (3, True)
    assert watched.row("title") == "a is broken (flapping: it came back 3 times)"
    assert watched.row("status") == "open"  # it has to stay away longer
    told = [title for severity, title, _ in watched.messages() if severity == "WARN"]
    assert told == ["a is broken"] * 3 + ["a is broken (flapping: it came back 3 times)"]
    assert watched.looks(hours=4).data["resolved"] == 1
    assert sum(title.startswith("Over: ") for _, title, _ in watched.messages()) == 3


def test_what_flaps_is_not_told_again_on_a_schedule(watched: Watched, says: Callable[..., None]) -> None:
    for _ in range(4):
        says("a", severity=Severity.SEV1)
        watched.looks(minutes=35)
        says()
        watched.looks(minutes=35)
    says("a", severity=Severity.SEV1)
    watched.looks()
    assert [watched.looks(hours=1).data["told"] for _ in range(3)] == [0, 0, 0]


def test_a_new_subject_joins_what_was_opened_again_within_the_hour(watched: Watched, says: Callable[..., None]) -> None:
    says("a")
    watched.looks()
    says()
    watched.looks(hours=3)
    says("a")
    watched.looks()
    says("a", "b")
    assert watched.looks(minutes=50).data["subjects"] == {"same": 1, "joined": 1}


def test_a_clock_that_jumped_ahead_and_back_leaves_nothing_open_for_ever_and_nothing_doubled(
    watched: Watched, says: Callable[..., None]
) -> None:
    says("a")
    watched.looks(days=365)
    assert watched.looks(days=-365).data["subjects"] == {"same": 1}
    watched.db.execute("UPDATE incidents SET last_seen_at = last_seen_at + interval '365 days'")
    says()
    watched.looks()
    assert watched.looks(minutes=30).data["resolved"] == 1
    assert len(watched.rows()) == 1


def test_what_a_clock_that_was_ahead_has_opened_swallows_nothing_new(
    watched: Watched, says: Callable[..., None]
) -> None:
    says("a")
    watched.looks(days=365)
    watched.looks(days=-365)
    says("a", "b")
    assert watched.looks(hours=3).data["subjects"] == {"same": 1, "new": 1}


def test_a_key_that_another_unresolved_incident_has_stops_no_look(watched: Watched, says: Callable[..., None]) -> None:
    says("a", "b")
    watched.looks()
    says()
    watched.looks(minutes=40)
    says("a")
    watched.looks(days=2)
    says("b", "c")
    watched.insert("incidents", type="store", title="c of another system", dedup_key="says:c")
    assert watched.looks(days=-2).error is None
    keys = watched.rows("dedup_key, status")
    assert keys == [("incident:1", "open"), ("says:a", "open"), ("says:c", "open")]
    assert watched.looks(minutes=70).error is None
    says("c")
    assert watched.looks(minutes=70).error is None
