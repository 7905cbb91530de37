"""What she is told of incidents: each once, SEV0 and SEV1 again until she answers, and all in the next digest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from fakes.company import NOON
from fakes.watched import Watched

from godmode.lib.config import Config
from godmode.lib.kernel import Severity
from godmode.lib.notify.router import Router
from godmode.lib.store import incident_rows, mutes
from godmode.lib.store import incidents as incidents_store


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


def test_one_of_any_shape_stops_the_telling_of_no_other(watched: Watched, says: Callable[..., None]) -> None:
    says("a")
    for subjects in ('"x"', "{}", "[1, {}]"):
        insert = "INSERT INTO incidents (type, title, subjects, life, evidence) VALUES ('x', 'odd', %s, '3', '[1]')"
        watched.db.execute(insert, (subjects,))
    assert watched.looks().data["told"] == 4
    assert incidents_store.decide(watched.db, 2, "acknowledged", watched.now, by="her") is not None


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


def urgent(watched: Watched) -> list[tuple[str, str]]:
    return [(title, status) for severity, title, status in watched.messages() if severity in ("SEV0", "SEV1")]


def test_what_wakes_her_and_comes_back_within_hours_is_told_again_at_once(
    watched: Watched, says: Callable[..., None]
) -> None:
    for _ in range(2):
        says("a", severity=Severity.SEV1)
        watched.looks()
        says()
        watched.looks(minutes=40)
    assert urgent(watched) == [("a is broken", "sent")] * 2


def test_what_flapped_and_then_stayed_away_is_told_when_it_comes_back(
    watched: Watched, says: Callable[..., None]
) -> None:
    for _ in range(5):
        says("a", severity=Severity.SEV1)
        watched.looks(minutes=35)
        says()
        watched.looks(minutes=35)
    assert watched.looks(hours=5).data["resolved"] == 1
    before = len(urgent(watched))
    says("a", severity=Severity.SEV1)
    watched.looks(hours=12)
    assert urgent(watched)[before:] == [("a is broken", "sent")]
    assert watched.row("flapping") is False


def test_what_comes_back_once_a_day_does_not_flap(watched: Watched, says: Callable[..., None]) -> None:
    for _ in range(5):
        says("a", severity=Severity.SEV1)
        watched.looks(hours=22)
        says()
        watched.looks(minutes=40)
    assert (watched.row("flapping"), urgent(watched)) == (False, [("a is broken", "sent")] * 5)


def test_what_hovers_is_told_once_as_long_as_nothing_else_reached_her(
    watched: Watched, says: Callable[..., None]
) -> None:
    says("a")
    watched.looks()
    digested(watched)
    for _ in range(2):
        says()
        assert watched.looks(hours=2).data["resolved"] == 1
        says("a")
        assert watched.looks(hours=2).data["told"] == 0
    assert [title for _, title, status in watched.messages() if status != "suppressed"] == ["a is broken"]
    assert watched.row("status, reopened, told") == ("open", 2, 1)


@pytest.mark.parametrize(
    "returns", [{"subjects": ("a",), "severity": Severity.SEV1}, {"subjects": ("a", "b")}], ids=["worse", "more"]
)
def test_what_comes_back_as_more_than_she_heard_of_is_told(
    watched: Watched, says: Callable[..., None], returns: Mapping[str, Any]
) -> None:
    says("a")
    watched.looks()
    digested(watched)
    says()
    watched.looks(minutes=35)
    says(*returns["subjects"], severity=returns.get("severity", Severity.WARN))
    assert watched.looks(minutes=5).data["told"] == 1


@pytest.mark.parametrize("late", [5, 35], ids=["within the message's hour", "after it was opened again"])
def test_what_joined_without_a_word_is_told_where_its_incident_came_back_without_one(
    watched: Watched, says: Callable[..., None], late: int
) -> None:
    """`b` was in no message: while `a` was told it was not there, and what came back was not told."""
    says("a")
    watched.looks()
    digested(watched)
    says("a", "b") if late == 5 else says("a")
    watched.looks(minutes=5)
    says()
    assert watched.looks(minutes=35).data["resolved"] == 1
    says("a")
    assert watched.looks(minutes=5).data["told"] == 0
    says("a", "b")
    assert watched.looks(minutes=5).data["told"] == 1
    assert "b is broken" in str(watched.db.execute("SELECT array_agg(title || body) FROM notifications").fetchone())
    assert watched.looks(minutes=5).data["told"] == 0


def test_what_comes_back_after_she_read_that_it_is_over_is_told(watched: Watched, says: Callable[..., None]) -> None:
    says("a")
    watched.looks()
    digested(watched)
    says()
    watched.looks(hours=2)
    digested(watched)
    says("a")
    assert watched.looks(hours=2).data["told"] == 1


def test_a_piece_of_news_is_told_once_a_day(watched: Watched, says: Callable[..., None]) -> None:
    told = []
    for _ in range(4):
        says("a", severity=Severity.INFO)
        told.append(watched.looks(hours=2).data["told"])
        digested(watched)
        says()
        watched.looks(hours=8)
    assert told == [1, 0, 0, 1]


def digested(watched: Watched) -> None:
    """What waits has been told in a digest."""
    watched.db.execute("UPDATE notifications SET status = 'digested' WHERE status = 'pending'")


def test_her_word_on_some_is_none_on_another_that_joins_and_would_wake_her(
    watched: Watched, says: Callable[..., None]
) -> None:
    says("a", severity=Severity.SEV1)
    watched.looks()
    incidents_store.decide(watched.db, 1, "acknowledged", watched.now, by="her")
    says("a", "b", severity=Severity.SEV1)
    assert watched.looks().data["told"] == 1
    assert (watched.row("status"), urgent(watched)[1:]) == ("open", [("a is broken, and 1 more", "sent")])
    body = watched.db.execute("SELECT body FROM notifications ORDER BY id DESC LIMIT 1").fetchone()
    assert body == ("also: b is broken; `godmode incidents ack 1` stops this",)
    assert watched.looks().data["told"] == 0


def repetition_waits(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told of a SEV0, and a run that dies before it can tell of it again."""
    watched.looks()
    with monkeypatch.context() as dies:
        dies.setattr(Router, "__call__", lambda self, note: None)
        watched.looks(minutes=10)
    assert urgent(watched) == [("a is broken", "sent"), ("a is broken", "pending")]


def test_a_repetition_that_waits_is_not_sent_once_she_has_answered(
    watched: Watched, says: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    says("a", severity=Severity.SEV0)
    repetition_waits(watched, monkeypatch)
    incidents_store.decide(watched.db, 1, "acknowledged", watched.now, by="her")
    assert urgent(watched) == [("a is broken", "sent"), ("a is broken", "suppressed")]


def test_the_digest_names_what_is_told_again_once(
    watched: Watched, says: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    says("a", severity=Severity.SEV0)
    repetition_waits(watched, monkeypatch)
    assert digest(watched).count("a is broken") == 1
