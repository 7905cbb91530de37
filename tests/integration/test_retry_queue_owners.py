"""Whose a row of the retry queue is: what dead processes leave, who claims what, and how a run ends early."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from fakes.company import NOON
from fakes.retry_queue import Queue, hold, letters, retried

from godmode.lib.kernel import Outcome
from godmode.lib.store import retry_jobs

# -- dead processes ----------------------------------------------------------------------------------------


def test_a_row_of_a_dead_process_is_given_back_and_the_attempt_that_it_had_begun_counts(
    queue: Queue, db: psycopg.Connection
) -> None:
    number, me = queue.add(), queue.runner.me
    hold(db, number, (me.host, me.pid, "another process with this pid"), NOON + timedelta(hours=1))
    assert queue.works().data == {"pending": 1}
    row = queue.row(number)
    assert (row.status, row.attempts, row.owner_pid) == ("pending", 1, None)
    assert row.run_at == queue.at.now() + timedelta(seconds=2)
    assert row.errors[0]["error"] == "the process that was at it died"
    queue.works()
    assert queue.status(number) == ("completed", 2)


def test_of_the_rows_of_a_dead_process_the_first_was_begun_and_the_others_are_given_back_as_they_were(
    queue: Queue, db: psycopg.Connection
) -> None:
    numbers, me = [queue.add() for _ in range(4)], queue.runner.me
    for number in reversed(numbers):
        hold(db, number, (me.host, 1, "gone"), NOON)
    queue.works()
    assert [queue.status(number) for number in numbers] == [("pending", 1)] + [("completed", 1)] * 3


def test_a_row_that_kills_its_process_each_time_is_given_up_on(queue: Queue, db: psycopg.Connection) -> None:
    number, me = queue.add(), queue.runner.me
    for _ in range(5):
        hold(db, number, (me.host, 1, "gone"), NOON)
        queue.works()
    assert queue.status(number) == ("dead", 5)
    assert letters(db) == [("custom", 5, "the process that was at it died", number)]


def test_a_row_of_a_living_process_is_left_alone_whatever_its_lease(queue: Queue, db: psycopg.Connection) -> None:
    number, me = queue.add(), queue.runner.me
    hold(db, number, (me.host, me.pid, me.started), NOON - timedelta(hours=1))
    queue.works()
    assert queue.status(number) == ("running", 0)


def test_a_row_of_another_host_is_given_back_when_its_lease_is_over(queue: Queue, db: psycopg.Connection) -> None:
    number = queue.add()
    hold(db, number, ("elsewhere", 1, "x"), NOON + timedelta(seconds=45))
    queue.works()
    assert queue.status(number) == ("running", 0)
    queue.works()
    assert queue.status(number) == ("pending", 1)


def test_a_run_that_was_taken_over_while_it_slept_changes_nothing_any_more(
    queue: Queue, db: psycopg.Connection
) -> None:
    queue.has_job(lambda ctx: hold(db, 1, ("elsewhere", 1, "x"), NOON + timedelta(hours=1)))
    number = queue.add("job", {"job": "work"})
    queue.works()
    assert queue.row(number).owner_host == "elsewhere"
    assert queue.status(number) == ("running", 0)
    assert retried(db) == [("job", True, "lost to another process")]


def test_a_row_that_another_process_is_claiming_is_passed_over(queue: Queue, db: psycopg.Connection) -> None:
    held, free = queue.add(), queue.add()
    queue.store.conn.execute("SET lock_timeout = '5s'")  # one that waited would fail, not hang
    with db.transaction():
        db.execute("SELECT FROM retry_jobs WHERE id = %s FOR UPDATE", (held,))
        queue.works()
    assert (queue.status(held), queue.status(free)) == (("pending", 0), ("completed", 1))


def test_eight_processes_that_claim_at_once_get_every_row_once(queue: Queue, database_url: str) -> None:
    for _ in range(200):
        queue.add()

    def claims(number: int) -> list[int]:
        mine: list[int] = []
        with psycopg.connect(database_url, autocommit=True) as conn:
            owner, lease = ("host", number, "x"), NOON + timedelta(minutes=2)
            while rows := retry_jobs.claim(conn, 3, owner=owner, lease_until=lease, now=NOON):
                mine += [row.id for row in rows]
        return mine

    with ThreadPoolExecutor(8) as pool:
        claimed = [number for mine in pool.map(claims, range(8)) for number in mine]
    assert sorted(claimed) == list(range(1, 201))


# -- a run that ends early ---------------------------------------------------------------------------------


def test_a_signal_that_came_before_the_first_row_gives_all_back_as_they_were(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = queue.add(), queue.add()
    claim = retry_jobs.claim

    def interrupted(*args: Any, **options: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        return claim(*args, **options)

    monkeypatch.setattr(retry_jobs, "claim", interrupted)
    assert queue.works().error == "stopped by SIGTERM"
    assert (queue.status(first), queue.status(second)) == (("pending", 0), ("pending", 0))
    assert queue.row(first).owner_pid is None


def test_a_signal_ends_the_run_after_the_row_it_hit_which_has_failed_as_transient(queue: Queue) -> None:
    queue.has_job(lambda ctx: os.kill(os.getpid(), signal.SIGTERM))
    hit, next_ = queue.add("job", {"job": "work"}), queue.add()
    result = queue.works()
    assert (result.outcome, result.error) == (Outcome.FAILED, "stopped by SIGTERM")
    assert (queue.status(hit), queue.status(next_)) == (("pending", 1), ("pending", 0))


def test_near_its_deadline_the_job_begins_no_further_row(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        queue.add()
    left = iter([20.0, 20.0, 20.0, 2.0, 2.0])
    monkeypatch.setattr("godmode.lib.engine.stop.time_left", lambda: next(left))
    assert queue.works().data == {"completed": 2}
    assert queue.status(3) == ("pending", 0)
