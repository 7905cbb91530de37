"""The installed program as a process: what the operator and cron get to see."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from fakes.installation import GODMODE, Operator

MESSAGES = 60_000


@pytest.fixture
def her(tmp_path: Path, database_url: str) -> Operator:
    return Operator(tmp_path)


def stored(db: psycopg.Connection) -> tuple[int, int]:
    """Messages kept, and how many different ones."""
    row = db.execute("SELECT count(*), count(DISTINCT key) FROM memory_items").fetchone()
    assert row is not None
    return row[0], row[1]


def until(process: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
    """Wait for a condition while a process works; it must not end before."""
    while not condition():
        assert process.poll() is None, process.communicate()


def test_the_digest_goes_out_once_a_day_and_a_second_call_shows_it_again(her: Operator, db: psycopg.Connection) -> None:
    first, second = her.types("run", "daily-digest"), her.types("run", "daily-digest")
    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stdout.startswith("godmode digest, ")
    assert second.stdout == first.stdout
    assert "already_ran" in second.stderr
    assert db.execute("SELECT count(*) FROM notifications WHERE status = 'sent'").fetchone() == (1,)


def test_json_is_one_document_on_stdout_with_the_promised_keys(her: Operator) -> None:
    done = her.types("run", "daily-digest", "--json")
    document = json.loads(done.stdout)
    assert list(document) == [
        "job", "run_id", "slot", "outcome", "reason", "error", "error_category", "duration_ms", "data",
    ]  # fmt: skip
    assert (document["job"], document["outcome"], document["error"]) == ("daily_digest", "succeeded", None)


@pytest.mark.parametrize(
    "words",
    [
        ("jobs",), ("controls",), ("audit",), ("proposals",), ("killswitch", "status"),
        ("memory", "search", "anything"), ("config", "show"), ("db", "url"),
    ],
)  # fmt: skip
def test_every_command_that_shows_something_has_json(her: Operator, words: tuple[str, ...]) -> None:
    shown = her.types(*words, "--json")
    json.loads(shown.stdout)
    assert (shown.returncode, shown.stderr) == (0, "")


def test_status_of_a_fresh_installation_says_that_nothing_was_looked_at_and_is_no_failure(her: Operator) -> None:
    shown = her.types("status", "--json")
    document = json.loads(shown.stdout)
    assert (shown.returncode, shown.stderr, document["well"], document["troubles"]) == (0, "", True, [])
    assert document["unseen"][0]["what"].startswith("no job has run yet")
    assert "all is well" not in her.types("status").stdout


def test_a_scheduled_run_is_quiet_on_stdout_and_a_second_one_silent(her: Operator) -> None:
    first, second = (her.types("run", "health-monitor", "--scheduled") for _ in range(2))
    assert (first.returncode, first.stdout) == (0, "")
    assert first.stderr.startswith("health_monitor: succeeded slot=")
    assert (second.returncode, second.stdout) == (0, "")


def test_a_tick_that_finds_nothing_to_do_imports_neither_typer_nor_a_job_body(her: Operator) -> None:
    her.types("run", "daily-digest")
    env = her.env | {"PYTHONPROFILEIMPORTTIME": "1"}
    tick = subprocess.run(
        [sys.executable, GODMODE, "run", "daily-digest", "--scheduled"],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in tick.stderr.splitlines()}
    assert "godmode.lib.engine.runner" in imported
    assert not imported & {"typer", "rich", "godmode.lib.notify.digest", "godmode.lib.notify.redact"}
    assert "godmode.lib.sources.chatlogs" not in imported


def test_the_30_second_job_imports_nothing_of_the_phone_where_approvals_are_off(her: Operator) -> None:
    env = her.env | {"PYTHONPROFILEIMPORTTIME": "1"}
    tick = subprocess.run(
        [sys.executable, GODMODE, "run", "process-retry-queue", "--again"],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in tick.stderr.splitlines()}
    assert "godmode.lib.engine.retry" in imported
    phone = {"engine.phone", "engine.phone_words", "engine.approvals", "channels.telegram_updates", "approval"}
    assert not imported & {f"godmode.lib.{name}" for name in phone}


def test_with_the_switch_on_no_job_runs_and_each_says_so(her: Operator, db: psycopg.Connection) -> None:
    assert her.types("killswitch", "on", "--reason", "drill").returncode == 0
    for job in ("periodic-scan", "daily-digest", "cleanup-old-data", "health-monitor", "morning-call", "sync-notion"):
        document = json.loads(her.types("run", job, "--json").stdout)
        assert (document["outcome"], document["reason"]) == ("skipped", "kill_switch")
    rows = db.execute("SELECT success, error FROM agent_audit_log WHERE action_type = 'job'").fetchall()
    assert rows == [(False, "Kill switch is active")] * 6
    assert her.types("killswitch", "off", "--yes").returncode == 0
    assert json.loads(her.types("run", "health-monitor", "--json").stdout)["outcome"] == "succeeded"


def test_turning_the_switch_off_asks_and_changes_nothing_where_nobody_answers(her: Operator) -> None:
    her.types("killswitch", "on")
    refused = her.types("killswitch", "off")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert json.loads(her.types("killswitch", "status", "--json").stdout)["kill_switch"] is True


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run", "dayly-digest"), 'did you mean "daily-digest"'),
        (("rum",), 'did you mean "run"'),
        (("run",), "Missing argument"),
        (("run", "daily-digest", "--agian"), "--agian"),
        (("run", "daily-digest", "--again"), "--dry-run"),
        (("run", "periodic-scan", "--scheduled", "--dry-run"), "--dry-run"),
        (("controls", "set", "jobs_enabeld", "off"), 'did you mean "jobs_enabled"'),
        (("controls", "set", "jobs_enabled", "maybe"), '"on" or "off"'),
        (("controls", "set", "kill_switch", "on"), "godmode killswitch on"),
        (("jobs", "disable", "nonsense"), "godmode jobs"),
        (("proposals", "show", "99"), "godmode proposals"),
        (("memory", "show", "nothing"), "godmode memory search"),
        (("--config", "no-such-file.toml", "status"), "godmode init"),
    ],
)
def test_wrong_words_get_one_line_that_says_what_next_and_exit_code_2(
    her: Operator, words: tuple[str, ...], says: str
) -> None:
    refused = her.types(*words)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert len(refused.stderr.splitlines()) == 1, refused.stderr
    assert says in refused.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("audit", "--hours", "nan"),
        ("audit", "--hours", "inf"),
        ("audit", "--hours", "-1"),
        ("audit", "--job", ""),
        ("audit", "--run", "\udcff"),
        ("audit", "action", ""),
        ("audit", "messages", "--told-by", " "),
        ("memory", "search", " "),
        ("memory", "search", "\udcff"),
        ("killswitch", "on", "--wait", "nan"),
        ("allowlist", "add", "-12", "--nam", "x"),
        ("allowlist", "add", "123456789", "--name", "\n"),
        ("jobs", "disable", "DAILY-DIGEST"),
        ("controls", "set", "jobs_enabled", "ON"),
        ("channels", "test", "console", "--way", "", "--yes"),
        ("queue", "show", "\u0663"),
    ],
)
def test_a_word_that_an_option_cannot_take_is_one_line_and_exit_code_2(her: Operator, words: tuple[str, ...]) -> None:
    done = her.types(*words)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert "Error:" not in done.stderr
    assert "please report it" not in done.stderr


def test_somebody_elses_words_do_nothing_to_the_terminal(her: Operator, db: psycopg.Connection) -> None:
    db.execute("INSERT INTO notifications (type, title) VALUES ('incident', E'big \\x1b[31mred \\u202eder\\u202c 🔥')")
    listed = her.types("audit", "messages").stdout
    assert "big [31mred der 🔥" in listed
    assert "\x1b" in json.loads(her.types("audit", "messages", "--json").stdout)[0]["title"]


def test_a_slot_that_a_run_by_hand_took_before_its_time_is_not_the_next(her: Operator, db: psycopg.Connection) -> None:
    her.types("run", "daily-digest")
    taken = db.execute("SELECT slot FROM job_state WHERE job = 'daily_digest'").fetchone()
    digest = next(e for e in json.loads(her.types("jobs", "--json").stdout) if e["job"] == "daily_digest")
    starts = datetime.fromisoformat(digest["next_slot"]).astimezone(ZoneInfo("America/Chicago"))
    assert taken is not None
    assert starts.date() > date.fromisoformat(taken[0])


def test_a_telegram_groups_id_is_added_and_removed_as_a_channel_names_it(her: Operator) -> None:
    assert her.types("allowlist", "add", "-1001234567890", "--for", "message").returncode == 0
    assert her.types("allowlist", "remove", "-1001234567890").returncode == 0


def test_a_dead_database_is_one_line_without_the_password_and_exit_code_1(her: Operator) -> None:
    url = "postgresql://her:s3cret-word@127.0.0.1:9/db"
    for words in (("run", "daily-digest"), ("run", "daily-digest", "--scheduled"), ("status",), ("audit",)):
        failed = her.types(*words, DATABASE_URL=url)
        assert failed.returncode == 1
        assert len(failed.stderr.splitlines()) == 1, failed.stderr
        assert "127.0.0.1" in failed.stderr
        assert "s3cret-word" not in failed.stderr


def test_the_switch_works_with_the_database_down_and_is_carried_into_it(her: Operator, db: psycopg.Connection) -> None:
    dead = "postgresql://127.0.0.1:9/db"
    assert her.types("killswitch", "on", "--reason", "smoke", DATABASE_URL=dead).returncode == 0
    skipped = json.loads(her.types("run", "health-monitor", "--json", DATABASE_URL=dead).stdout)
    assert (skipped["outcome"], skipped["reason"]) == ("skipped", "kill_switch")
    assert json.loads(her.types("run", "health-monitor", "--json").stdout)["reason"] == "kill_switch"
    assert db.execute("SELECT kill_switch, kill_switch_reason FROM agent_controls").fetchone() == (True, "smoke")


def test_a_state_folder_that_cannot_be_made_is_one_line_and_exit_code_2(tmp_path: Path, database_url: str) -> None:
    (tmp_path / "file").write_text("in the way")
    env = {**os.environ, "GODMODE_HOME": str(tmp_path / "file" / "home")}
    for words in (("run", "health-monitor"), ("run", "health-monitor", "--scheduled")):
        failed = subprocess.run([GODMODE, *words], env=env, capture_output=True, text=True, check=False)
        assert failed.returncode == 2
        assert len(failed.stderr.splitlines()) == 1, failed.stderr


def test_of_eight_processes_at_once_exactly_one_runs_the_slot(her: Operator, db: psycopg.Connection) -> None:
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: json.loads(her.types("run", "cleanup-old-data", "--json").stdout), range(8)))
    assert sorted(run["outcome"] for run in runs) == ["skipped"] * 7 + ["succeeded"]
    assert {run["reason"] for run in runs if run["outcome"] == "skipped"} <= {"locked", "already_ran"}
    assert db.execute(
        "SELECT count(*) FROM agent_audit_log WHERE success AND action = 'cleanup_old_data'"
    ).fetchone() == (1,)


@pytest.fixture
def scan(her: Operator, db: psycopg.Connection) -> Iterator[subprocess.Popen[str]]:
    """A scan that has stored some of its messages and is at work on the others."""
    her.drops(MESSAGES)
    process = her.starts("run", "periodic-scan", "--json")
    until(process, lambda: stored(db)[0] > 0)
    yield process
    process.kill()
    process.communicate()


def test_a_scan_killed_half_way_is_taken_over_and_every_message_is_there_once(
    her: Operator, db: psycopg.Connection, scan: subprocess.Popen[str]
) -> None:
    scan.kill()
    scan.communicate()
    assert 0 < stored(db)[0] < MESSAGES
    again = json.loads(her.types("run", "periodic-scan", "--json").stdout)
    assert again["outcome"] == "succeeded"
    assert stored(db) == (MESSAGES, MESSAGES)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_scan_told_to_end_records_it_keeps_what_it_stored_and_is_completed_by_the_next(
    her: Operator, db: psycopg.Connection, scan: subprocess.Popen[str], number: signal.Signals
) -> None:
    scan.send_signal(number)
    out, err = scan.communicate(timeout=10)
    document = json.loads(out)
    assert (scan.returncode, document["outcome"], document["error_category"]) == (1, "failed", "transient")
    assert document["error"] == f"stopped by {number.name}"
    assert "Traceback" not in err
    assert 0 < stored(db)[0] < MESSAGES
    assert json.loads(her.types("run", "periodic-scan", "--json").stdout)["outcome"] == "succeeded"
    assert stored(db) == (MESSAGES, MESSAGES)


def test_a_second_run_on_the_same_host_says_that_one_is_under_way(her: Operator, scan: subprocess.Popen[str]) -> None:
    assert json.loads(her.types("run", "periodic-scan", "--json").stdout)["reason"] == "locked"


def test_a_credential_in_a_reason_is_neither_kept_nor_shown(her: Operator, db: psycopg.Connection) -> None:
    key = "ghp_" + "a1B2" * 9
    assert her.types("killswitch", "on", "--reason", f"leaked {key}").returncode == 0
    assert "leaked [redacted: GitHub token]" in her.types("killswitch", "status").stdout
    kept = str(
        db.execute("SELECT to_jsonb(c), (SELECT jsonb_agg(l) FROM agent_audit_log l) FROM agent_controls c").fetchall()
    )
    assert "[redacted: GitHub token]" in kept and key not in kept
    assert not any(key in file.read_text(errors="replace") for file in her.home.rglob("*") if file.is_file())


def test_status_says_how_often_she_was_reached_this_week(her: Operator, db: psycopg.Connection) -> None:
    db.execute(
        "INSERT INTO notifications (type, title, tried_at, tries) SELECT 'trouble', 't', now(),"
        " jsonb_build_array(jsonb_build_object('way', 'sms', 'channel', 'twilio', 'at', now()))"
    )
    assert json.loads(her.types("status", "--json").stdout)["reached"] == {"call": 0, "sms": 1, "message": 0}
    assert "reached you in 7 days: call 0, sms 1, message 0" in her.types("status").stdout
