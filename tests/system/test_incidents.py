"""`godmode incidents`, as she types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

GODMODE = Path(sys.executable).with_name("godmode")


def types(*words: str) -> tuple[int, str]:
    done = subprocess.run([GODMODE, *words], env=os.environ, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def document(*words: str) -> Any:
    code, said = types(*words, "--json")
    assert code == 0, said
    return json.loads(said)


@pytest.fixture
def seen(db: psycopg.Connection) -> None:
    """Three failures of one action, of which the watchers made an incident."""
    for minute in (1, 2, 3):
        db.execute(
            "INSERT INTO agent_audit_log (ts, action, success, error) VALUES (%s, 'send_message', false, 'no answer')",
            (datetime.now(UTC) - timedelta(minutes=minute),),
        )
    assert types("run", "run-watchers")[0] == 0


@pytest.mark.usefixtures("seen")
def test_an_incident_is_listed_shown_acknowledged_and_resolved(db: psycopg.Connection) -> None:
    (listed,) = document("incidents")
    assert (listed["id"], listed["type"], listed["severity"], listed["occurrences"]) == (
        1, "repeated_failures", "WARN", 3,
    )  # fmt: skip
    code, said = types("incidents", "show", "1")
    assert (code, said.count("no answer"), "send message failed 3 times in 30 min" in said) == (0, 3, True)
    assert "told: pending" in said
    assert types("incidents", "ack", "1") == (0, "incident 1 is acknowledged\n")
    assert types("incidents", "ack", "1") == (0, "incident 1 was acknowledged already\n")
    assert types("incidents", "resolve", "1", "--reason", "a new token") == (0, "incident 1 is resolved\n")
    code, said = types("incidents", "ack", "1")
    assert (code, "incident 1 is not open: it is resolved since" in said) == (2, True)
    assert types("incidents") == (0, "no incidents are open\n")
    assert [i["status"] for i in document("incidents", "--all")] == ["resolved"]
    told = db.execute(
        "SELECT action, output_data ->> 'reason' FROM agent_audit_log WHERE action_type = 'decision' ORDER BY id"
    ).fetchall()
    assert told == [("incident_acknowledged", ""), ("incident_resolved", "a new token")]
    shown = document("incidents", "show", "1")
    assert [(step["what"], step.get("why")) for step in shown["life"]] == [
        ("opened", None), ("acknowledged", None), ("resolved", "a new token"),
    ]  # fmt: skip
    assert [message["status"] for message in shown["messages"]] == ["suppressed"]


@pytest.mark.parametrize("words", [("show", "9"), ("ack", "9"), ("resolve", "9"), ("show", "x"), ("ack",), ("shwo",)])
@pytest.mark.usefixtures("db")
def test_wrong_words_are_one_line_and_exit_2(words: tuple[str, ...]) -> None:
    code, said = types("incidents", *words)
    assert (code, len(said.splitlines())) == (2, 1), said


def test_the_latest_failures_of_a_workflow_are_shown_with_their_messages(db: psycopg.Connection) -> None:
    db.execute("INSERT INTO incidents (type, title, related_workflow_id) VALUES ('x', 'Invoice sync fails', 'w1')")
    db.execute(
        "INSERT INTO workflow_executions (execution_id, workflow_id, status, stopped_at, noted_at, error)"
        " VALUES ('7', 'w1', 'error', now(), now(), 'ECONNREFUSED')"
    )
    assert "execution 7: ECONNREFUSED" in types("incidents", "show", "1")[1]


@pytest.mark.parametrize("column", ["subjects", "evidence"])
@pytest.mark.parametrize("value", ['["one", 2]', '{"latest": [1, {"error": null}]}', '"text"', "[]", "null"])
def test_what_another_system_wrote_is_shown_whatever_its_shape(db: psycopg.Connection, column: str, value: str) -> None:
    db.execute(f"INSERT INTO incidents (type, title, {column}) VALUES ('x', 'Store is down', %s)", (value,))
    assert types("incidents", "show", "1")[0] == 0
    assert types("incidents")[0] == 0


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (
            "[watchers.queue_dept]\nrows = 5",
            1,
            'watchers.queue_dept: there is no such section (did you mean "queue_depth"?)',
        ),
        ("[watchers.queue_depth]\nrow = 5", 2, 'watchers.queue_depth.row: there is no such key (did you mean "rows"?)'),
        ("[watchers.queue_depth]\nrows = 0", 2, "watchers.queue_depth.rows: expected"),
    ],
)
def test_a_mistake_in_the_section_of_a_watcher_is_named(tmp_path: Path, text: str, line: int, says: str) -> None:
    (tmp_path / "c.toml").write_text(text)
    code, said = types("--config", str(tmp_path / "c.toml"), "config", "check")
    assert (code, f"line {line}: {says}" in said) == (2, True), said
