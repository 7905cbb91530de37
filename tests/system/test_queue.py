"""`godmode queue` and the 30-second job as processes: added by hand, seen, retried, dismissed, killed in the middle."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fakes.installation import GODMODE, Operator

MESSAGES = 60_000


class Queuer(Operator):
    """The operator at the retry queue."""

    def sees(self, *words: str) -> Any:
        done = self.types(*words, "--json")
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    def works(self) -> dict[str, Any]:
        done = self.types("run", "process-retry-queue", "--again", "--json")
        document: dict[str, Any] = json.loads(done.stdout)
        return document


@pytest.fixture
def her(tmp_path: Path, database_url: str) -> Queuer:
    return Queuer(tmp_path)


def give_up(her: Queuer, *more: str) -> None:
    """One piece of work that is given up on."""
    her.sees("queue", "add", "custom", '{"do": "fail", "error": "no route"}', "--tries", "1", *more)
    assert her.works()["data"] == {"dead": 1}


@pytest.mark.parametrize(("option", "value"), [("after", "1e300"), ("expires", "nan"), ("tries", "99999999999")])
def test_a_number_that_no_calendar_or_column_holds_is_wrong_usage(her: Queuer, option: str, value: str) -> None:
    done = her.types("queue", "add", "custom", '{"do": "noop"}', f"--{option}", value)
    assert (done.returncode, f"'--{option}'" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("job", '{"job": "nosuch"}'), 'there is no job "nosuch"'),
        (("job", '{"job": "daily_digets"}'), 'there is no job "daily_digets" (did you mean "daily-digest"?)'),
        (("job", '{"job": "sync_chatlog"}'), 'there is no job "sync_chatlog" (did you mean "sync-chatlogs"?)'),
        (("job", '{"job": "daily_digest", "slot": "banana"}'), '"banana" is no slot'),
        (("job", '{"job": "daily_digest", "x": NaN}'), "the payload does not fit job: JSON is malformed"),
        (("custom", '{"do": "notify", "title": "a\\u0000b"}'), "it holds a NUL"),
        (("notification", '{"id": 12345}'), "there is no message 12345"),
        (("notification", '{"id": 99999999999999999999}'), "the payload does not fit notification"),
        (("custom", '{"do": "noop"}', "--key", ""), "--key has nothing in it"),
        (("custom", '{"do": "noop"}', "--after", "10", "--expires", "10"), "it would have expired before it may run"),
    ],
)
def test_work_that_nothing_can_do_is_not_added(her: Queuer, words: tuple[str, ...], said: str) -> None:
    done = her.types("queue", "add", *words)
    assert (done.returncode, said in done.stderr, done.stderr.count("\n")) == (2, True, 1), done.stderr
    assert her.sees("queue")["rows"] == []


def test_work_added_by_hand_is_listed_done_and_shown(her: Queuer) -> None:
    assert her.sees("queue", "add", "custom", '{"do": "noop"}') == {"id": 1}
    listed = her.sees("queue")
    assert listed["counts"] == {"waiting": 1, "ready": 1, "running": 0, "completed_last_day": 0, "dead": 0}
    assert [row["payload"] for row in listed["rows"]] == [{"do": "noop"}]
    assert her.works()["data"] == {"completed": 1}
    assert her.sees("queue", "show", "1")["status"] == "completed"
    assert "completed" in her.types("queue", "show", "1").stdout
    assert her.types("queue").stdout.startswith("0 waiting (0 ready), 0 running, 1 completed in the last day")


def test_a_dead_letter_is_listed_shown_and_starts_anew_as_work_of_its_own(her: Queuer, db: psycopg.Connection) -> None:
    give_up(her, "--key", "k")
    assert [(row["id"], row["error"]) for row in her.sees("queue", "dead")] == [(1, "no route")]
    assert her.types("queue", "dead").stdout.splitlines()[1].startswith("dead:1  custom")
    assert her.sees("queue", "show", "dead:1")["errors"][0]["error"] == "no route"
    assert "godmode queue dead" in her.types("queue", "retry", "1").stderr
    assert her.sees("queue", "retry", "dead:1") == {"retried": [{"which": "dead:1", "id": 2}]}
    assert db.execute("SELECT status, unique_key FROM retry_jobs WHERE id = 2").fetchone() == ("pending", "k")
    assert her.sees("queue", "dead") == []
    again = her.types("queue", "retry", "dead:1")
    assert (again.returncode, again.stdout) == (2, "")
    assert db.execute("SELECT count(*) FROM retry_jobs").fetchone() == (2,)


def test_of_one_key_nothing_is_added_while_work_of_it_is_open(her: Queuer) -> None:
    words = ("queue", "add", "custom", '{"do": "noop"}', "--key", "k")
    assert [her.sees(*words), her.sees(*words)] == [{"id": 1}, {"id": None}]


def test_what_is_dismissed_is_kept_with_the_reason_and_not_done(her: Queuer, db: psycopg.Connection) -> None:
    her.sees("queue", "add", "custom", '{"do": "noop"}')
    assert her.types("queue", "dismiss", "1").returncode == 2
    assert her.sees("queue", "dismiss", "1", "--reason", "made by mistake") == {"dismissed": ["1"]}
    assert her.works()["data"] == {}
    shown = her.sees("queue", "show", "1")
    assert (shown["status"], shown["note"]) == ("dismissed", "made by mistake")
    assert db.execute("SELECT output_data FROM agent_audit_log WHERE action = 'queue' ORDER BY id").fetchall() == [
        ({"added": 1, "type": "custom"},),
        ({"dismissed": "1", "reason": "made by mistake"},),
    ]


def test_all_says_how_many_and_acts_only_after_a_yes(her: Queuer) -> None:
    for _ in range(3):
        give_up(her)
    refused = her.types("queue", "dismiss", "--all", "--dead", "--reason", "seen")
    assert refused.returncode == 2
    assert "Dismiss 3 dead letters?" in refused.stderr
    assert len(her.sees("queue", "dead")) == 3
    assert her.sees("queue", "retry", "--all", "--dead", "--yes")["retried"][2] == {"which": "dead:3", "id": 6}
    assert "Dismiss 3 waiting pieces of work?" in her.types("queue", "dismiss", "--all", "--reason", "x").stderr
    assert her.sees("queue", "dismiss", "--all", "--reason", "x", "--yes") == {"dismissed": ["4", "5", "6"]}
    assert her.types("queue", "retry", "--all", "--yes").stdout == "nothing waits\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("show", "9"), "there is no work 9"),
        (("show", "dead:9"), "there is no dead letter 9"),
        (("show", "99999999999999999999"), "neither a number nor dead:N"),
        (("show", "letter:9"), "neither a number nor dead:N"),
        (("retry",), "--all"),
        (("retry", "1", "--all"), "--all"),
        (("add", "costum", "{}"), 'did you mean "custom"'),
        (("add", "custom", "{"), "does not fit custom"),
        (("add", "custom", '{"do": "nop"}'), "does not fit custom"),
        (("add", "job", '{"slot": "x"}'), "job"),
    ],
)
def test_wrong_words_get_one_line_and_exit_code_2(her: Queuer, words: tuple[str, ...], says: str) -> None:
    refused = her.types("queue", *words)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert len(refused.stderr.splitlines()) == 1, refused.stderr
    assert says in refused.stderr


def working(her: Queuer, db: psycopg.Connection) -> subprocess.Popen[str]:
    """The 30-second job, in the middle of a row that reads many messages."""
    lines = (json.dumps({"ts": 1_700_000_000 + n, "author": "Ana", "text": f"m {n}", "id": n}) for n in range(MESSAGES))
    (her.home / "chats" / "chat.jsonl").write_text("\n".join(lines) + "\n")
    her.sees("queue", "add", "job", '{"job": "sync_chatlogs"}')
    her.sees("queue", "add", "custom", '{"do": "noop"}')
    process = subprocess.Popen(
        [GODMODE, "run", "process-retry-queue", "--json"],
        env=her.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while db.execute("SELECT count(*) FROM memory_items").fetchone() == (0,):
        assert process.poll() is None, process.communicate()
    return process


def rows(db: psycopg.Connection) -> list[tuple[Any, ...]]:
    return db.execute("SELECT status, attempts, errors->-1->>'error' FROM retry_jobs ORDER BY id").fetchall()


def test_a_job_killed_in_the_middle_of_a_row_loses_nothing(her: Queuer, db: psycopg.Connection) -> None:
    process = working(her, db)
    process.kill()
    process.communicate()
    assert rows(db) == [("running", 0, None), ("running", 0, None)]
    assert her.works()["data"] == {"pending": 1, "completed": 1}
    assert rows(db) == [("pending", 1, "the process that was at it died"), ("completed", 1, None)]
    her.sees("queue", "retry", "1")
    assert her.works()["data"] == {"completed": 1}
    assert db.execute("SELECT count(DISTINCT key) FROM memory_items").fetchone() == (MESSAGES,)


def test_a_job_told_to_end_ends_with_its_row_marked_and_begins_no_other(her: Queuer, db: psycopg.Connection) -> None:
    process = working(her, db)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=10)
    document = json.loads(out)
    assert (document["outcome"], document["error"], err) == ("failed", "stopped by SIGTERM", "")
    assert rows(db) == [("pending", 1, "stopped by SIGTERM"), ("pending", 0, None)]


def test_a_tick_with_an_empty_queue_imports_nothing_of_what_works_on_it(her: Queuer) -> None:
    her.works()
    tick = subprocess.run(
        [sys.executable, GODMODE, "run", "process-retry-queue", "--scheduled"],
        env=her.env | {"PYTHONPROFILEIMPORTTIME": "1"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    imported = {line.rpartition("|")[2].strip() for line in tick.stderr.splitlines()}
    assert "godmode.lib.engine.runner" in imported
    assert not imported & {"typer", "rich", "tenacity", "httpx", "godmode.lib.engine.retries.custom"}


def test_three_hosts_on_one_database_share_the_work_and_nothing_is_done_twice(
    her: Queuer, db: psycopg.Connection, tmp_path: Path
) -> None:
    db.execute(
        "INSERT INTO retry_jobs (type, payload) SELECT 'custom', '{\"do\": \"noop\"}' FROM generate_series(1, 60)"
    )
    folders = [tmp_path / f"host-{n}" for n in range(3)]
    for folder in folders:
        folder.mkdir()
    for _ in range(4):
        runs = [
            subprocess.Popen(
                [GODMODE, "run", "process-retry-queue", "--again", "--json"],
                env=her.env | {"GODMODE_HOME": str(folder)}, stdout=subprocess.DEVNULL,
            )
            for folder in folders
        ]  # fmt: skip
        assert {run.wait(timeout=60) for run in runs} == {0}
    done = db.execute(
        "SELECT output_data->'id', count(*) FROM agent_audit_log WHERE action = 'custom' GROUP BY 1"
    ).fetchall()
    assert {count for _, count in done} <= {1}
    assert db.execute("SELECT count(*) FROM retry_jobs WHERE status = 'running'").fetchone() == (0,)
    assert db.execute("SELECT count(*) FROM retry_jobs WHERE status = 'completed'").fetchone() == (len(done),)
    assert len(done) >= 40
