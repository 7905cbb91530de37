"""run_watchers: all look at once, one failing stops no other, and what they see is one incident for a type and hour."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import psycopg
import pytest
from fakes.company import configured
from fakes.watched import Says, Watched

from godmode import registry
from godmode.lib.config import Config
from godmode.lib.engine import incidents
from godmode.lib.engine.equipment import Mode
from godmode.lib.errors import DatabaseTrouble
from godmode.lib.kernel import Incident, Severity
from godmode.lib.store import incident_rows
from godmode.lib.store.connect import connect

# -- one for a type and hour ---------------------------------------------------------------------------------


def test_an_empty_database_has_no_trouble(watched: Watched) -> None:
    result = watched.looks()
    assert (result.error, result.data["found"]) == (None, 0)
    assert watched.rows() == []


def test_what_is_seen_opens_an_incident_and_seen_again_it_is_the_same(
    watched: Watched, says: Callable[..., None]
) -> None:
    says("a")
    assert watched.looks().data["subjects"] == {"new": 1}
    assert watched.looks().data["subjects"] == {"same": 1}
    assert watched.rows() == [("says", "WARN", "a is broken", "open", 1)]
    assert watched.row("last_seen_at") == watched.now


def test_further_subjects_within_the_hour_join_and_none_is_dropped(watched: Watched, says: Callable[..., None]) -> None:
    says("a")
    watched.looks()
    says("a", "b", *(f"c{n}" for n in range(50)))
    assert watched.looks(minutes=54).data["subjects"] == {"same": 1, "joined": 51}
    assert watched.row("title, occurrences") == ("a is broken, and 51 more", 52)
    assert watched.subjects() == ["says:a", "says:b", *(f"says:c{n}" for n in range(50))]


def test_after_an_hour_a_new_subject_opens_one_of_its_own_and_an_old_one_stays_where_it_is(
    watched: Watched, says: Callable[..., None]
) -> None:
    says("a")
    watched.looks()
    says("a", "b")
    assert watched.looks(minutes=61).data["subjects"] == {"same": 1, "new": 1}
    assert [row[2] for row in watched.rows()] == ["a is broken", "b is broken"]


def test_two_hosts_that_see_the_same_at_once_make_one_incident(
    watched: Watched, says: Callable[..., None], config: Config
) -> None:
    says("a", "b")
    found = [Incident("says", Severity.WARN, f"{s} is broken", f"says:{s}") for s in ("a", "b")]
    gate = threading.Barrier(4)

    def host() -> None:
        with connect(config, "host") as conn:
            gate.wait()
            with conn.transaction():
                rows = incident_rows.load(conn, "says", watched.now, incidents.BACK)
                for one in found:
                    row, _ = incidents.place(rows, one, watched.now)
                    incident_rows.save(conn, row)

    hosts = [threading.Thread(target=host) for _ in range(4)]
    for one in hosts:
        one.start()
    for one in hosts:
        one.join()
    assert watched.row("title, occurrences") == ("a is broken, and 1 more", 2)


def test_a_subject_that_became_worse_makes_its_incident_worse_and_open_again(
    watched: Watched, says: Callable[..., None]
) -> None:
    says("a")
    watched.looks()
    watched.db.execute("UPDATE incidents SET status = 'acknowledged', acknowledged_at = %s", (watched.now,))
    says("a", severity=Severity.SEV1)
    watched.looks()
    assert watched.row("severity, status") == ("SEV1", "open")
    says("a")
    watched.looks()
    assert watched.row("severity") == "SEV1"


# -- one failing never stops another -------------------------------------------------------------------------


@pytest.mark.parametrize("error", [DatabaseTrouble("gone"), ZeroDivisionError("a bug")])
def test_one_watcher_failing_stops_no_other_and_fails_the_run_after_all_have_looked(
    watched: Watched, says: Callable[..., None], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    repeated = ("", "godmode.lib.watchers.repeated_failures:RepeatedFailures")
    others = {f"says{n}": ("", "a test's own:Says") for n in range(6)}
    monkeypatch.setattr(registry, "WATCHERS", {**others, "repeated_failures": repeated})
    says("a", error=error)
    watched.fails("send_message")
    result = watched.looks()
    assert result.outcome == "failed"
    assert result.error is not None
    assert result.error.startswith("6 of 7 watchers failed; says0: ")
    assert [row[0] for row in watched.rows()] == ["repeated_failures"]
    assert [note["where"] for note in result.data["failed"]] == [f"says{n}" for n in range(6)]


def test_a_watcher_cannot_write(watched: Watched, says: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    def writes(self: Any, store: Any, now: datetime) -> Iterator[Incident]:
        store.conn.execute("UPDATE incidents SET title = 'mine'")
        yield Incident("says", Severity.WARN, "x", "x")

    monkeypatch.setattr(Says, "look", writes)
    assert "read-only transaction" in (watched.looks().error or "")


def test_a_wrong_section_stops_its_own_watcher_only(config: Config, db: psycopg.Connection) -> None:
    made = Watched(configured(config, "[watchers.repeated_failures]\nfailure = 3\n"), db)
    result = made.looks()
    assert result.error_category == "usage"
    assert 'did you mean "failures"?' in (result.error or "")
    made.store.close()


def test_a_dry_run_shows_what_it_would_keep(watched: Watched, says: Callable[..., None]) -> None:
    says("a")
    result = watched.runner.run("run_watchers", Mode(dry_run=True)).result
    assert result.data["would_keep"] == [{"where": "says", "why": "a is broken"}]
    assert watched.rows() == []


def test_a_secret_in_what_was_seen_is_neither_kept_nor_told(watched: Watched, says: Callable[..., None]) -> None:
    says("Bearer sk-ant-REDACTED")
    watched.looks()
    assert "abcdefghij" not in str(watched.rows("title, subjects::text")) + str(watched.messages())


# -- the gate ------------------------------------------------------------------------------------------------


def test_with_the_kill_switch_on_or_jobs_off_nothing_is_looked_for(watched: Watched, says: Callable[..., None]) -> None:
    says("a")
    watched.db.execute("UPDATE agent_controls SET jobs_enabled = false")
    assert watched.looks().reason == "jobs_disabled"
    watched.db.execute("UPDATE agent_controls SET kill_switch = true")
    assert watched.looks().reason == "kill_switch"
    assert watched.rows() == []
