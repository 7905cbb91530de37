"""What a row of the retry queue runs, a job or a message, and how its end decides on the row."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from fakes.company import NOON
from fakes.retry_queue import Delivery, Queue, letters, raising, retried

from godmode import registry
from godmode.lib.errors import Auth, Refused, Transient
from godmode.lib.kernel import Daily


def test_every_kind_of_retry_in_the_registry_loads() -> None:
    assert all(registry.retry(name) is not None for name in registry.RETRIES)
    assert registry.retry("nonsense") is None


# -- jobs --------------------------------------------------------------------------------------------------


def test_a_jobs_slot_runs_through_the_one_road_and_only_once(queue: Queue, db: psycopg.Connection) -> None:
    queue.has_job(lambda ctx: None, cadence=Daily("08:00"), speaks=True)
    first, second = (queue.add("job", {"job": "work", "slot": "2026-03-10"}) for _ in range(2))
    queue.works()
    assert queue.ran == ["2026-03-10"]
    assert (queue.status(first), queue.status(second)) == (("completed", 1), ("completed", 0))
    assert "already_ran" in (queue.row(second).note or "")
    assert db.execute("SELECT success FROM agent_audit_log WHERE action = 'work'").fetchall() == [(True,)]


def test_yesterdays_digest_expires_with_a_note_and_an_audit_row(queue: Queue, db: psycopg.Connection) -> None:
    queue.has_job(lambda ctx: None, cadence=Daily("08:00"))
    by_slot = queue.add("job", {"job": "work", "slot": "2026-03-09"})
    by_time = queue.add("job", {"job": "work"}, expires_at=NOON + timedelta(seconds=30))
    queue.works()
    assert queue.ran == []
    assert (queue.status(by_slot), queue.status(by_time)) == (("expired", 0), ("expired", 0))
    assert queue.row(by_slot).note == "expired: slot 2026-03-09 is over"
    assert queue.row(by_time).note == "its point has passed"
    assert sorted(retried(db)) == [("job", None, "expired")] * 2


def test_of_many_rows_that_expired_at_once_none_is_done(queue: Queue) -> None:
    for _ in range(103):
        queue.add(expires_at=NOON + timedelta(seconds=5))
    assert [queue.works().data, queue.works().data] == [{"expired": 100}, {"expired": 3}]


def test_a_disabled_job_is_a_skip(queue: Queue, db: psycopg.Connection) -> None:
    queue.has_job(lambda ctx: None)
    db.execute("INSERT INTO job_state (job, enabled) VALUES ('work', false)")
    number = queue.add("job", {"job": "work"})
    queue.works()
    assert (queue.status(number), queue.ran) == (("pending", 0), [])
    assert queue.row(number).note == "job_disabled: work is disabled"


def test_a_queued_job_leaves_its_retries_to_the_queue(queue: Queue, db: psycopg.Connection) -> None:
    queue.has_job(raising(Transient("no route")), retry=registry.load(registry.JOBS["daily_digest"][1]).retry)
    number = queue.add("job", {"job": "work"})
    for _ in range(5):
        queue.works(after=timedelta(minutes=1))
    assert len(queue.ran) == 5
    assert queue.status(number) == ("dead", 5)
    assert letters(db) == [("job", 5, "no route", number)]
    assert db.execute("SELECT retry_at FROM job_state WHERE job = 'work'").fetchone() == (None,)


# -- messages ----------------------------------------------------------------------------------------------


@pytest.fixture
def message(queue: Queue, db: psycopg.Connection) -> int | None:
    db.execute("INSERT INTO notifications (type, severity, title, body) VALUES ('x', 'WARN', 'A title', 'text')")
    return queue.add("notification", {"id": 1})


@pytest.mark.parametrize(
    ("answer", "status", "attempts"),
    [
        (Delivery("sent"), "completed", 1),
        (Delivery("uncertain", "no answer"), "completed", 1),
        (Delivery("digested"), "completed", 1),
        (Delivery("held"), "pending", 0),
        (Delivery("failed", "500"), "pending", 1),
        (Delivery("failed", "403", Auth("blocked")), "dead", 1),
        (Transient("no longer holds its claim"), "pending", 1),
        (Refused("there is no channel"), "dead", 1),
    ],
)
def test_what_became_of_a_message_decides_on_its_row(
    queue: Queue, message: int, answer: Delivery | Exception, status: str, attempts: int
) -> None:
    queue.heard.answers = [answer]
    queue.works()
    assert queue.status(message) == (status, attempts)


def test_a_message_given_up_on_is_told_of_and_the_telling_given_up_on_is_not(
    queue: Queue, db: psycopg.Connection, message: int
) -> None:
    queue.heard.answers = [Delivery("failed", "500")] * 10
    for _ in range(5):
        queue.works(after=timedelta(minutes=1))
    assert queue.status(message) == ("dead", 5)
    assert queue.heard.told == ['the message "A title" failed for good after 5 attempts']
    telling = db.execute("SELECT id FROM notifications WHERE type = 'permanent_failure'").fetchone()
    assert telling is not None
    number = queue.add("notification", {"id": telling[0]})
    for _ in range(5):
        queue.works(after=timedelta(minutes=1))
    assert queue.status(number) == ("dead", 5)
    assert len(letters(db)) == 2
    assert db.execute("SELECT count(*) FROM notifications").fetchone() == (2,)


def test_a_custom_message_goes_by_its_route_under_a_key_of_its_own(queue: Queue) -> None:
    queue.add(payload={"do": "notify", "title": "Hello", "severity": "WARN"})
    queue.works()
    assert queue.heard.told == ["Hello"]
