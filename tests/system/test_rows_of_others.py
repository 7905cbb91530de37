"""Incidents and proposals that another system, or a hand, wrote: with just the columns that the specification names, or
with anything at all in the JSON columns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

GODMODE = Path(sys.executable).with_name("godmode")
ODD = ["[1, 2]", '"text"', "null", "7", '{"latest": 5, "messages": 5, "also": [{}], "summary": 1, "earlier": {}}',
       '{"latest": [{"at": "zz"}], "messages": [3], "follow_up": [], "earlier": 3}',
       '{"latest": {"a": 1}, "messages": [{"text": "x", "at": 5}], "also": 1}']  # fmt: skip
ODD_LISTS = ["{}", "5", "null", '[1, {"first_at": "x"}, {"at": "zz"}]', '[{"first_at": 5, "at": 5}]']


def types(*words: str) -> str:
    done = subprocess.run([GODMODE, *words], env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


def test_whatever_stands_in_an_incident_is_told_shown_and_acknowledged(db: psycopg.Connection[tuple[Any, ...]]) -> None:
    for evidence in ODD:
        db.execute("INSERT INTO incidents (type, title, evidence) VALUES ('other', 'Odd', %s)", (evidence,))
    for some in ODD_LISTS:
        db.execute("INSERT INTO incidents (type, title, subjects, life) VALUES ('other', 'Odd', %s, %s)", (some, some))
    db.execute("INSERT INTO incidents (type, severity, title, status) VALUES ('other', 'INFO', 'Even', 'open')")
    run = json.loads(types("run", "run-watchers", "--json"))
    count = len(ODD) + len(ODD_LISTS) + 1
    assert (run["outcome"], run["data"]["told"]) == ("succeeded", count)
    for number in range(1, count + 1):
        assert types("incidents", "show", str(number)).splitlines()[0] in ("Odd", "Even")
        types("incidents", "ack", str(number))
        assert json.loads(types("incidents", "show", str(number), "--json"))["status"] == "acknowledged"
    assert "'latest': [5]" in types("incidents", "show", str(ODD.index(ODD[4]) + 1))


@pytest.mark.parametrize("column", ["evidence", "remedy"])
def test_whatever_stands_in_a_proposal_is_shown_told_and_decided(
    column: str, db: psycopg.Connection[tuple[Any, ...]]
) -> None:
    for value in ODD:
        db.execute(f"INSERT INTO proposals (title, confidence, {column}) VALUES ('Odd', 0.8, %s)", (value,))
    assert len(json.loads(types("proposals", "--json"))) == len(ODD)
    for number in range(1, len(ODD) + 1):
        assert types("proposals", "show", str(number)).startswith("Odd\nopen")
        types("proposals", "approve" if number % 2 else "reject", str(number))
    statuses = {row["status"] for row in json.loads(types("proposals", "--all", "--json"))}
    assert statuses == {"approved", "rejected"}


def test_a_title_of_a_megabyte_is_told_and_shown_as_a_line(db: psycopg.Connection[tuple[Any, ...]]) -> None:
    db.execute("INSERT INTO incidents (type, severity, title) VALUES ('other', 'SEV1', repeat('word ', 200000))")
    db.execute(
        "INSERT INTO proposals (title, evidence) VALUES (repeat('word ', 200000), jsonb_build_object("
        " 'summary', repeat('word ', 200000),"
        " 'messages', jsonb_build_array(jsonb_build_object('text', repeat('x', 1000000)))))"
    )
    assert json.loads(types("run", "run-watchers", "--json"))["data"]["told"] == 1
    assert db.execute("SELECT max(length(title || body)) < 1000 FROM notifications").fetchone() == (True,)
    for words in (("incidents",), ("incidents", "show", "1"), ("proposals",), ("proposals", "show", "1")):
        assert len(types(*words)) < 6000
