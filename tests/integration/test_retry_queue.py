"""The retry queue on a real database: what is ready, what becomes of it, and what holds it back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from fakes.company import NOON
from fakes.retry_queue import NIGHT, Queue, letters, raising, retried
from psycopg.types.json import Jsonb

from godmode.lib.engine.equipment import Mode
from godmode.lib.errors import Auth, ExternalApi, KillSwitchOn, Refused, Transient
from godmode.lib.kernel import Outcome


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


def test_a_dry_run_names_what_it_would_do_and_does_nothing(queue: Queue) -> None:
    number = queue.add()
    result = queue.runner.run("process_retry_queue", Mode(dry_run=True)).result
    assert result.data == {"would_run": [f"{number} custom"]}
    assert queue.status(number) == ("pending", 0)


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


# -- one open retry ----------------------------------------------------------------------------------------


def test_of_one_key_there_is_one_open_row_and_a_new_one_once_it_is_closed(queue: Queue) -> None:
    made = [queue.add(unique_key="job:work") for _ in range(40)]
    assert made == [made[0]] + [None] * 39
    queue.works()
    assert queue.add(unique_key="job:work") is not None
