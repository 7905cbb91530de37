"""run_watchers: what it sees is one incident for a type and hour, which lives until its trouble has stayed away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from fakes.company import NOON, configured
from fakes.watched import Watched

from godmode import registry
from godmode.lib.config import Config
from godmode.lib.engine import incidents
from godmode.lib.engine.equipment import Mode
from godmode.lib.errors import DatabaseTrouble
from godmode.lib.kernel import Incident, Severity
from godmode.lib.notify.router import Router
from godmode.lib.sections import Section
from godmode.lib.store import incident_rows, mutes
from godmode.lib.store import incidents as incidents_store
from godmode.lib.store.connect import connect

WARN = Severity.WARN


class Says:
    """A watcher that sees what the test says: subjects with their severity, or an error."""

    name = "says"
    seen: dict[str, Severity]
    error: Exception | None
    blind: bool

    class Settings(Section, frozen=True): ...

    def __init__(self, settings: Any, grounds: Any) -> None: ...

    def look(self, store: Any, now: datetime) -> Iterator[Incident]:
        for subject, severity in self.seen.items():
            yield Incident("says", severity, f"{subject} is broken", f"says:{subject}")
        if self.error:
            raise self.error

    def sees(self, store: Any, now: datetime) -> bool:
        return not self.blind


@pytest.fixture
def watched(config: Config, db: psycopg.Connection) -> Iterator[Watched]:
    made = Watched(config, db)
    yield made
    made.store.close()


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The only watcher is one that sees these subjects."""
    load = registry.load
    monkeypatch.setattr(registry, "WATCHERS", {"says": ("", "a test's own:Says")})
    monkeypatch.setattr(registry, "load", lambda target: Says if target == "a test's own:Says" else load(target))

    def sees(*subjects: str, severity: Severity = WARN, error: Exception | None = None, blind: bool = False) -> None:
        Says.seen, Says.error, Says.blind = dict.fromkeys(subjects, severity), error, blind

    sees()
    return sees


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
    found = [Incident("says", WARN, f"{s} is broken", f"says:{s}") for s in ("a", "b")]
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


# -- its end -------------------------------------------------------------------------------------------------


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
        yield Incident("says", WARN, "x", "x")

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


# -- what she is told ----------------------------------------------------------------------------------------


def test_a_new_incident_is_told_once_and_waits_for_the_digest(watched: Watched, says: Callable[..., None]) -> None:
    says("a")
    watched.looks()
    says("a", "b")
    watched.looks()
    assert watched.messages() == [("WARN", "a is broken", "pending")]
    assert watched.db.execute("SELECT via, dedup_key FROM notifications").fetchall() == [([], "says:a")]


def test_what_is_over_before_it_was_told_is_told_as_over(watched: Watched, says: Callable[..., None]) -> None:
    says("a")
    watched.looks()
    says()
    watched.looks(minutes=30)
    assert watched.messages() == [("WARN", "a is broken", "suppressed"), ("INFO", "Over: a is broken", "pending")]
    says("a")
    watched.looks()
    assert [status for _, _, status in watched.messages()] == ["suppressed", "suppressed", "pending"]


def test_a_piece_of_news_stays_one_when_it_is_over(watched: Watched, says: Callable[..., None]) -> None:
    says("a", severity=Severity.INFO)
    watched.looks()
    says()
    watched.looks(minutes=30)
    assert watched.messages() == [("INFO", "a is broken", "pending")]


def test_an_incident_of_a_muted_type_is_kept_and_told_of_when_the_mute_is_over(
    watched: Watched, says: Callable[..., None]
) -> None:
    mutes.put(watched.db, "says", watched.now + timedelta(hours=1), watched.now)
    says("a", severity=Severity.SEV1)
    assert watched.looks().data["told"] == 0
    assert (watched.row("status"), watched.messages()) == ("open", [])
    assert watched.looks(hours=1).data["told"] == 1


def sent(watched: Watched) -> int:
    return sum(status == "sent" for _, _, status in watched.messages())


@pytest.mark.parametrize(("severity", "minutes", "times"), [(Severity.SEV0, 10, 7), (Severity.SEV1, 60, 5)])
def test_what_nobody_acknowledges_is_told_again_on_a_schedule_that_ends(
    watched: Watched, says: Callable[..., None], severity: Severity, minutes: int, times: int
) -> None:
    says("a", severity=severity)
    told = []
    for _ in range(8 * minutes // 5):
        told.append(watched.looks().data["told"])
    assert [5 * n for n, count in enumerate(told) if count] == [minutes * n for n in range(min(times, 8))]
    assert sum(told) == times
    assert len(watched.messages()) == times


def test_what_was_told_by_a_clock_that_was_ahead_is_told_again(watched: Watched, says: Callable[..., None]) -> None:
    says("a", severity=Severity.SEV0)
    assert watched.looks(days=365).data["told"] == 1
    assert watched.looks(days=-365).data["told"] == 1
    assert watched.looks(minutes=9).data["told"] == 0
    assert watched.looks(minutes=1).data["told"] == 1


def test_an_acknowledged_one_is_not_told_again(watched: Watched, says: Callable[..., None]) -> None:
    says("a", severity=Severity.SEV0)
    watched.looks()
    watched.db.execute("UPDATE incidents SET status = 'acknowledged'")
    assert watched.looks(minutes=10).data["told"] == 0


def test_one_that_another_system_opened_is_told_of_as_well(watched: Watched, says: Callable[..., None]) -> None:
    says()
    watched.insert("incidents", type="store", severity="SEV0", title="The store takes no orders")
    watched.looks()
    assert [row[:2] for row in watched.messages()] == [("SEV0", "The store takes no orders")]
    assert watched.looks().data["told"] == 0
    assert watched.looks().data["told"] == 1


def test_two_hosts_tell_once(watched: Watched, says: Callable[..., None], config: Config) -> None:
    watched.insert("incidents", type="store", severity="SEV0", title="The store takes no orders")
    (row,) = incident_rows.untold(watched.db, watched.now, [])
    assert incident_rows.take_to_tell(watched.db, row, watched.now) == "incident:1"
    assert incident_rows.take_to_tell(watched.db, row, watched.now) is None


def test_with_comms_off_nothing_is_repeated(watched: Watched, says: Callable[..., None]) -> None:
    says("a", severity=Severity.SEV0)
    watched.db.execute("UPDATE agent_controls SET comms_enabled = false")
    for _ in range(6):
        watched.looks()
    assert watched.messages() == [("SEV0", "a is broken", "held")]


def test_a_message_that_was_put_into_the_outbox_by_a_run_that_died_goes_out_once(
    watched: Watched, says: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    says("a", severity=Severity.SEV0)
    with monkeypatch.context() as dies:
        dies.setattr(Router, "__call__", lambda self, note: None)
        watched.looks()
    assert watched.messages() == [("SEV0", "a is broken", "pending")]
    watched.later(seconds=30)
    watched.runner.run("process_retry_queue")
    assert watched.looks().data["told"] == 0
    assert len(watched.messages()) == 1


def digest(watched: Watched) -> str:
    """The digest of the next morning."""
    watched.at.move_to(NOON + timedelta(hours=20))  # 08:00 in Chicago
    result = watched.runner.run("daily_digest").result
    assert result.error is None
    return str(result.data["text"])


def test_the_digest_names_an_open_incident_once_and_says_where_it_is_shown(
    watched: Watched, says: Callable[..., None]
) -> None:
    says("a")
    watched.looks()
    text = digest(watched)
    assert text.count("a is broken") == 1
    assert "WARN: a is broken, since Tue 12:05 (`godmode incidents show 1`)" in text


def test_the_digest_says_what_came_and_went(watched: Watched, says: Callable[..., None]) -> None:
    says("a")
    watched.looks()
    says()
    watched.looks(minutes=40)
    assert "1. Over: a is broken: from Tue 12:05 to Tue 12:05" in digest(watched)


def test_the_digest_tells_of_a_piece_of_news_but_of_nothing_that_is_muted(
    watched: Watched, says: Callable[..., None]
) -> None:
    says("a", severity=Severity.INFO)
    watched.looks()
    watched.insert("incidents", type="noise", title="b is broken")
    mutes.put(watched.db, "noise", watched.now + timedelta(days=3), watched.now)
    text = digest(watched)
    assert "1. a is broken, since Tue 12:05 (`godmode incidents show 1`)" in text
    assert "b is broken" not in text
