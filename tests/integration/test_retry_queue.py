"""The retry queue on a real database: what is ready, what becomes of it, and what a dead process leaves behind."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from godmode import registry
from godmode.lib.clock import FixedClock
from godmode.lib.config import Config
from godmode.lib.engine.equipment import Mode
from godmode.lib.errors import Auth, ExternalApi, KillSwitchOn, Refused, Transient
from godmode.lib.kernel import Daily, Every, Job, JobContext, JobResult, Notification, Outcome
from godmode.lib.store import retry_jobs
from godmode.wiring import App

NOON = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)  # 12:00 in Chicago
NIGHT = datetime(2026, 3, 11, 4, 0, tzinfo=UTC)  # 23:00 in Chicago


@dataclass
class Delivery:
    status: str
    error: str | None = None
    cause: Exception | None = None


class Notify:
    """A router that says what the test wants, and keeps what it was asked."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.delivered: list[int] = []
        self.answers: list[Delivery | Exception] = []

    def __call__(self, note: Notification) -> Delivery:
        self.told.append(note.title)
        return Delivery("sent")

    def deliver(self, message_id: int) -> Delivery:
        self.delivered.append(message_id)
        answer = self.answers.pop(0) if self.answers else Delivery("sent")
        if isinstance(answer, Exception):
            raise answer
        return answer

    def release(self) -> dict[str, int]:
        return {}


class Queue(App):
    """godmode with a clock that the test moves, jobs of its own, and a router that only listens."""

    def __init__(self, config: Config) -> None:
        self.at = FixedClock(NOON)
        self.heard = Notify()
        self.own: dict[str, Job] = {}
        self.ran: list[str] = []
        super().__init__(config, clock=self.at, stream=io.StringIO())

    def _context(self, **parts: Any) -> JobContext:
        return replace(super()._context(**parts), notify=self.heard)

    def job(self, name: str) -> Job:
        return self.own.get(name) or super().job(name)

    def has_job(self, body: Callable[[JobContext], Any], name: str = "work", **job: Any) -> None:
        def run(ctx: JobContext) -> JobResult:
            self.ran.append(ctx.slot.key)
            body(ctx)
            return JobResult(Outcome.SUCCEEDED)

        self.own[name] = Job(name, name, job.pop("cadence", Every(minutes=30)), run, **job)

    def add(self, type_: str = "custom", payload: Any = None, **options: Any) -> int | None:
        return retry_jobs.enqueue(
            self.store.conn, type_, payload or {"do": "noop"}, now=options.pop("now", NOON), **options
        )

    def works(self, after: timedelta = timedelta(seconds=30)) -> JobResult:
        """The next run of the 30-second job."""
        self.at.advance(after)
        return self.runner.run("process_retry_queue", Mode(again=True)).result

    def row(self, number: int | None) -> retry_jobs.RetryRow:
        row = retry_jobs.one(self.store.conn, number or 0)
        assert row is not None
        return row

    def status(self, number: int | None) -> tuple[str, int]:
        row = self.row(number)
        return row.status, row.attempts


@pytest.fixture
def queue(config: Config) -> Iterator[Queue]:
    made = Queue(config)
    made.migrated()
    yield made
    made.store.close()


def retried(db: psycopg.Connection) -> list[tuple[Any, ...]]:
    return db.execute(
        "SELECT action, success, output_data->>'outcome' FROM agent_audit_log WHERE action_type = 'retry' ORDER BY id"
    ).fetchall()


def letters(db: psycopg.Connection) -> list[tuple[Any, ...]]:
    return db.execute("SELECT type, attempts, error, retry_job_id FROM dead_letter_jobs ORDER BY id").fetchall()


def raising(error: Exception) -> Callable[[JobContext], None]:
    def body(ctx: JobContext) -> None:
        raise error

    return body


def test_a_row_that_works_is_completed_with_one_audit_row(queue: Queue, db: psycopg.Connection) -> None:
    number = queue.add()
    result = queue.works()
    assert (result.outcome, result.data) == (Outcome.SUCCEEDED, {"completed": 1})
    assert queue.status(number) == ("completed", 1)
    assert retried(db) == [("custom", True, "completed")]


def test_a_row_written_by_hand_with_type_and_payload_alone_is_done(queue: Queue, db: psycopg.Connection) -> None:
    db.execute("INSERT INTO retry_jobs (type, payload, run_at) VALUES ('custom', '{\"do\": \"noop\"}', %s)", (NOON,))
    queue.works()
    assert queue.status(1) == ("completed", 1)


def test_a_row_waits_for_its_time_and_the_longest_ready_goes_first(queue: Queue, db: psycopg.Connection) -> None:
    later, second, first = (queue.add(run_at=NOON + timedelta(seconds=s)) for s in (31, 20, 10))
    queue.works()
    assert queue.status(later) == ("pending", 0)
    done = [row[0] for row in db.execute("SELECT output_data->'id' FROM agent_audit_log WHERE action = 'custom'")]
    assert done == [first, second]


def test_a_run_takes_ten_rows_and_leaves_the_others_to_the_next(queue: Queue) -> None:
    for _ in range(13):
        queue.add()
    assert [queue.works().data, queue.works().data] == [{"completed": 10}, {"completed": 3}]


def test_a_failing_row_waits_two_four_eight_and_sixteen_seconds_and_is_dead_after_the_fifth(
    queue: Queue, db: psycopg.Connection
) -> None:
    number = queue.add(payload={"do": "fail", "error": "no route"})
    waits = []
    for _ in range(4):
        queue.works(after=timedelta(minutes=1))
        waits.append((queue.row(number).run_at - queue.at.now()).total_seconds())
    assert waits == [2, 4, 8, 16]
    assert queue.status(number) == ("pending", 4)
    assert letters(db) == []
    queue.works(after=timedelta(minutes=1))
    assert queue.status(number) == ("dead", 5)
    assert letters(db) == [("custom", 5, "no route", number)]
    assert retried(db) == [("custom", False, "pending")] * 4 + [("custom", False, "dead")]


def test_each_attempts_error_is_kept_with_its_time_and_only_the_newest_ten(queue: Queue) -> None:
    number = queue.add(payload={"do": "fail"}, max_attempts=50)
    times = []
    for _ in range(12):
        queue.works(after=timedelta(minutes=2))
        times.append(queue.at.now().isoformat())
    errors = queue.row(number).errors
    assert [error["at"] for error in errors] == times[-10:]
    assert {(error["category"], error["error"]) for error in errors} == {("transient", "this work always fails")}
    assert queue.row(number).run_at - queue.at.now() == timedelta(minutes=1)


def test_a_row_is_dead_only_together_with_its_letter_and_the_message_to_her(
    queue: Queue, db: psycopg.Connection
) -> None:
    number = queue.add(payload={"do": "fail"}, max_attempts=1)
    db.execute("ALTER TABLE notifications RENAME TO gone")  # what it writes last cannot be written
    assert queue.works().error_category == "database"
    assert (queue.status(number), letters(db), retried(db)) == (("running", 0), [], [])
    db.execute("ALTER TABLE gone RENAME TO notifications")
    db.execute("UPDATE retry_jobs SET status = 'pending'")
    queue.works()
    assert (queue.status(number), len(letters(db))) == (("dead", 1), 1)
    assert db.execute("SELECT type, severity, status FROM notifications").fetchall() == [
        ("permanent_failure", "WARN", "pending")
    ]
    assert queue.heard.told == ["a custom fail failed for good after one attempt"]


def test_with_comms_off_the_message_of_a_permanent_failure_stays_in_the_outbox(
    queue: Queue, db: psycopg.Connection
) -> None:
    db.execute("UPDATE agent_controls SET comms_enabled = false")
    queue.add(payload={"do": "fail"}, max_attempts=1)
    queue.works()
    assert queue.heard.told == []
    assert db.execute("SELECT count(*) FROM notifications").fetchone() == (1,)


@pytest.mark.parametrize("error", [Auth("401"), Refused("422")])
def test_what_is_never_retried_is_dead_at_once(queue: Queue, db: psycopg.Connection, error: Exception) -> None:
    queue.has_job(raising(error))
    number = queue.add("job", {"job": "work"})
    queue.works()
    assert queue.status(number) == ("dead", 1)
    assert letters(db) == [("job", 1, str(error), number)]


def test_a_longer_retry_after_is_obeyed(queue: Queue) -> None:
    queue.has_job(raising(ExternalApi("429", retry_after=timedelta(minutes=7))))
    number = queue.add("job", {"job": "work"})
    queue.works()
    assert queue.row(number).run_at - queue.at.now() == timedelta(minutes=7)


def test_the_database_category_is_tried_once_more_and_then_given_up(queue: Queue) -> None:
    queue.has_job(lambda ctx: ctx.store.conn.execute("SELECT * FROM no_such_table"))
    number = queue.add("job", {"job": "work"})
    queue.works()
    assert queue.status(number) == ("pending", 1)
    queue.works()
    assert queue.status(number) == ("dead", 2)


BAD: list[tuple[str, Any]] = [
    ("no such type", {}),
    ("custom", {"do": "no such action"}),
    ("custom", {}),
    ("custom", [1, 2]),
    ("custom", "text"),
    ("custom", None),
    ("job", {"slot": "2026-03-10"}),
    ("job", {"job": "no_such_job"}),
    ("job", {"job": 7}),
    ("notification", {"id": "seven"}),
    ("notification", {"id": 99}),
]


def test_rows_that_make_no_sense_never_stop_the_others(queue: Queue, db: psycopg.Connection) -> None:
    for type_, payload in BAD[:9]:
        db.execute(
            "INSERT INTO retry_jobs (type, payload, run_at, errors) VALUES (%s, %s, %s, '\"odd\"')",
            (type_, Jsonb(payload), NOON),
        )
    good = queue.add(now=NOON + timedelta(seconds=1))
    assert queue.works().outcome is Outcome.SUCCEEDED
    assert queue.status(good) == ("completed", 1)


@pytest.mark.parametrize(("type_", "payload"), BAD[1:])
def test_a_payload_that_does_not_fit_is_dead_at_once_with_a_line_that_says_why(
    queue: Queue, db: psycopg.Connection, type_: str, payload: Any
) -> None:
    db.execute("INSERT INTO retry_jobs (type, payload, run_at) VALUES (%s, %s, %s)", (type_, Jsonb(payload), NOON))
    queue.works()
    assert queue.status(1) == ("dead", 1)
    assert all(word in letters(db)[0][2] for word in ("there is",)) or "does not fit" in letters(db)[0][2]


def test_a_bug_in_what_a_row_runs_is_its_failure_and_not_the_runs(queue: Queue) -> None:
    queue.has_job(raising(ZeroDivisionError("division by zero")))
    bad, good = queue.add("job", {"job": "work"}), queue.add()
    assert queue.works().outcome is Outcome.SUCCEEDED
    assert (queue.status(bad), queue.status(good)) == (("dead", 1), ("completed", 1))


def test_an_error_with_bytes_that_no_column_holds_is_stored_all_the_same(queue: Queue) -> None:
    queue.has_job(raising(Transient("bad\0 \ud800 bytes\nand a second line " + "x" * 5000)))
    number = queue.add("job", {"job": "work"})
    queue.works()
    assert queue.row(number).errors[0]["error"].startswith("bad bytes and a second line xxx")
    assert len(queue.row(number).errors[0]["error"]) < 600


# -- the gate ----------------------------------------------------------------------------------------------


def test_with_the_switch_on_no_row_is_touched(queue: Queue, db: psycopg.Connection) -> None:
    number = queue.add()
    db.execute("UPDATE agent_controls SET kill_switch = true")
    assert queue.works().reason == "kill_switch"
    assert queue.status(number) == ("pending", 0)


def test_the_switch_stops_the_job_between_two_rows_and_uses_up_no_attempt(queue: Queue, db: psycopg.Connection) -> None:
    queue.has_job(lambda ctx: db.execute("UPDATE agent_controls SET kill_switch = true"))
    first, second = queue.add("job", {"job": "work"}), queue.add()
    result = queue.works()
    assert (result.outcome, result.reason) == (Outcome.SKIPPED, "kill_switch")
    assert (queue.status(first), queue.status(second)) == (("completed", 1), ("pending", 0))
    assert queue.row(second).run_at <= queue.at.now()
    db.execute("UPDATE agent_controls SET kill_switch = false")
    queue.works()
    assert queue.status(second) == ("completed", 1)


def test_a_row_that_the_switch_broke_off_waits_as_it_was(queue: Queue) -> None:
    queue.has_job(raising(KillSwitchOn("Kill switch is active")))
    number = queue.add("job", {"job": "work"})
    before = queue.row(number).run_at
    assert queue.works().reason == "kill_switch"
    assert queue.status(number) == ("pending", 0)
    assert queue.row(number).run_at == before


def test_quiet_hours_hold_a_message_without_using_up_an_attempt_and_let_silent_work_and_sev1_through(
    queue: Queue, db: psycopg.Connection
) -> None:
    queue.at.move_to(NIGHT)
    for severity in ("WARN", "SEV1"):
        db.execute("INSERT INTO notifications (type, severity, title) VALUES ('x', %s, 'x')", (severity,))
    held, urgent, silent = queue.add("notification", {"id": 1}), queue.add("notification", {"id": 2}), queue.add()
    queue.works()
    assert [queue.status(n)[0] for n in (held, urgent, silent)] == ["pending", "completed", "completed"]
    assert queue.row(held).attempts == 0
    assert queue.row(held).note == "quiet_hours: quiet hours until 06:00"
    assert queue.heard.delivered == [2]
    queue.works(after=timedelta(hours=9))
    assert queue.status(held) == ("completed", 1)


def test_a_row_held_back_says_so_once_and_lets_others_go_first(queue: Queue, db: psycopg.Connection) -> None:
    db.execute("UPDATE agent_controls SET comms_enabled = false")
    db.execute("INSERT INTO notifications (type, title) VALUES ('x', 'x')")
    number = queue.add("notification", {"id": 1})
    for _ in range(4):
        queue.works(after=timedelta(minutes=2))
    assert queue.status(number) == ("pending", 0)
    assert retried(db) == [("notification", None, "pending")]
    assert queue.row(number).run_at == queue.at.now() + timedelta(minutes=1)
    db.execute("UPDATE agent_controls SET comms_enabled = true")
    queue.works(after=timedelta(minutes=2))
    assert queue.status(number) == ("completed", 1)
    assert queue.row(number).note is None


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


# -- one open retry ----------------------------------------------------------------------------------------


def test_of_one_key_there_is_one_open_row_and_a_new_one_once_it_is_closed(queue: Queue) -> None:
    made = [queue.add(unique_key="job:work") for _ in range(40)]
    assert made == [made[0]] + [None] * 39
    queue.works()
    assert queue.add(unique_key="job:work") is not None


# -- dead processes ----------------------------------------------------------------------------------------


def hold(db: psycopg.Connection, number: int | None, owner: tuple[str, int, str], lease: datetime) -> None:
    db.execute(
        "UPDATE retry_jobs SET status = 'running', owner_host = %s, owner_pid = %s, owner_started = %s,"
        " lease_until = %s WHERE id = %s",
        (*owner, lease, number),
    )


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


def test_a_dry_run_names_what_it_would_do_and_does_nothing(queue: Queue) -> None:
    number = queue.add()
    result = queue.runner.run("process_retry_queue", Mode(dry_run=True)).result
    assert result.data == {"would_run": [f"{number} custom"]}
    assert queue.status(number) == ("pending", 0)


def test_every_kind_of_retry_in_the_registry_loads() -> None:
    assert all(registry.retry(name) is not None for name in registry.RETRIES)
    assert registry.retry("nonsense") is None
