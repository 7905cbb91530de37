"""`godmode proposals approve|reject`, as she types it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

GODMODE = Path(sys.executable).with_name("godmode")


@pytest.fixture(autouse=True)
def _two_proposals(db: psycopg.Connection) -> None:
    db.execute("INSERT INTO proposals (title, remedy) VALUES ('plain', NULL), ('with a remedy', '{\"do\": \"x\"}')")


def types(*words: str) -> tuple[int, str]:
    done = subprocess.run([GODMODE, *words], env=os.environ, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def test_a_decision_is_made_once_and_what_is_not_open_is_wrong_usage(db: psycopg.Connection) -> None:
    assert types("proposals", "approve", "1") == (0, "proposal 1 is approved\n")
    assert types("proposals", "approve", "1") == (0, "proposal 1 was approved already\n")
    code, said = types("proposals", "reject", "1", "--reason", "no")
    assert (code, "proposal 1 is not open: it is approved since" in said) == (2, True)
    code, said = types("proposals", "approve", "9")
    assert (code, "there is no proposal 9" in said) == (2, True)
    code, said = types("proposals", "approve", "2")
    assert (code, "its remedy is not carried out" in said) == (0, True)


def test_an_approval_goes_through_the_gate_and_a_rejection_needs_nothing_of_it(db: psycopg.Connection) -> None:
    db.execute("UPDATE agent_controls SET write_enabled = false")
    code, said = types("proposals", "approve", "1")
    assert (code, "write_enabled is off" in said) == (2, True)
    db.execute("UPDATE agent_controls SET kill_switch = true")
    code, said = types("proposals", "approve", "1")
    assert (code, "Kill switch is active" in said) == (2, True)
    assert types("proposals", "reject", "1", "--reason", "not now") == (0, "proposal 1 is rejected\n")
    row = db.execute("SELECT output_data ->> 'reason' FROM agent_audit_log WHERE action_type = 'decision'").fetchone()
    assert row == ("not now",)
