"""`godmode proposals` as a process: what is listed and shown, what a yes does, what undoing does, and wrong words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fakes.n8n import KEY, N8n, taking_orders

from godmode.lib import remedies
from godmode.lib.kernel import Proposal
from godmode.lib.remedies import ChangeInterval, DeactivateWorkflow, DisableJob, Remedy, RetryWorkflow
from godmode.lib.store import proposals

GODMODE = Path(sys.executable).with_name("godmode")
NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)


@pytest.fixture
def n8n() -> Iterator[N8n]:
    with taking_orders(failed=True) as made:
        yield made


class Operator:
    def __init__(self, home: Path, n8n: N8n) -> None:
        home.mkdir()
        (home / "config.toml").write_text(f'[sources.n8n]\nbase_url = "{n8n.url}"\n')
        self.env = {**os.environ, "GODMODE_HOME": str(home), "N8N_API_KEY": KEY}

    def types(self, *words: str) -> tuple[int, str]:
        done = subprocess.run([GODMODE, *words], env=self.env, capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr
        return done.returncode, (done.stdout + done.stderr).strip()

    def asks(self, *words: str) -> Any:
        done = subprocess.run([GODMODE, *words, "--json"], env=self.env, capture_output=True, text=True, check=False)
        return json.loads(done.stdout)


@pytest.fixture
def her(tmp_path: Path, n8n: N8n, database_url: str) -> Operator:
    return Operator(tmp_path / "hers", n8n)


def offer(db: psycopg.Connection, remedy: Remedy, title: str, key: str = "k") -> None:
    evidence = {"summary": "It failed 3 times.", "count": 3}
    assert proposals.put(db, Proposal("t", title, 0.83, evidence, key, remedies.stored(remedy)), NOW) == "new"


def test_a_yes_is_shown_carried_out_and_undone_in_words(her: Operator, db: psycopg.Connection, n8n: N8n) -> None:
    offer(db, DeactivateWorkflow("w1", "Orders"), "Orders fails every night")
    code, said = her.types("proposals", "show", "1")
    shown = her.asks("proposals", "show", "1")["shown"]
    assert (code, said.splitlines()) == (0, [
        "Orders fails every night",
        "open, confidence 0.83, seen Tue 10 Mar 12:00",
        "It failed 3 times.",
        'a yes would switch the n8n workflow "Orders" off',
        "that can be taken back: `undo` switches it on again",
        f"`godmode proposals approve 1 --shown {shown}` says yes to just this",
    ])  # fmt: skip
    assert her.types("proposals", "approve", "1", "--shown", "0123456789ab")[0] == 2
    assert her.types("proposals", "approve", "1", "--shown", shown) == (
        0,
        'proposal 1 is applied: the n8n workflow "Orders" is switched off; '
        "`godmode proposals undo 1` switches it on again",
    )
    assert n8n.inactive == {"w1"}
    assert her.types("proposals", "approve", "1") == (0, "proposal 1 was approved already")
    said = her.types("proposals", "show", "1")[1]
    assert "active True → active False" in said
    assert 'counted then: failed runs of "Orders" a week: 0' in said
    document = her.asks("proposals", "undo", "1")
    assert (document["status"], document["outcome"]) == ("undone", "succeeded")
    assert n8n.inactive == set()
    assert her.types("proposals", "undo", "1") == (0, "proposal 1 was undone")
    assert "taken back" in her.types("proposals", "show", "1")[1]


def test_a_yes_is_bound_to_what_was_shown_last_without_saying_so(her: Operator, db: psycopg.Connection) -> None:
    offer(db, ChangeInterval("sync_n8n", 120), "n8n is asked too often 3 times a day")
    her.types("proposals", "show", "1")
    offered = remedies.stored(DisableJob("sync_n8n"))
    grown = Proposal("t", "n8n is asked too often 4 times a day", 0.83, {"count": 4}, "k", offered)
    assert proposals.put(db, grown, NOW) == "grown"
    code, said = her.types("proposals", "approve", "1")
    assert (code, said) == (2, "godmode: proposal 1 has changed since it was shown; `godmode proposals show 1`")
    assert "a yes would disable sync-n8n" in her.types("proposals", "show", "1")[1]
    assert her.types("proposals", "approve", "1")[0] == 0


def test_what_it_is_like_now_is_shown_beside_what_a_yes_would_do(her: Operator, db: psycopg.Connection) -> None:
    offer(db, ChangeInterval("sync_n8n", 120), "n8n is asked more often than it changes")
    lines = her.types("proposals", "show", "1")[1].splitlines()
    assert lines[3:5] == ["a yes would run sync-n8n every 120 min", "it is now: minutes 30"]
    assert her.types("proposals", "approve", "1")[0] == 0
    row = next(line for line in her.types("jobs")[1].splitlines() if line.startswith("sync-n8n"))
    assert "every 120 min (proposal)" in row
    assert "sync_n8n: every 120 min, by a proposal" in her.types("config", "show")[1]
    assert her.asks("config", "show")["intervals"] == {"sync_n8n": 120}
    offer(db, ChangeInterval("sync_n8n", 120), "once more", "k2")
    assert "there is nothing to do: sync_n8n runs every 120 min already" in her.types("proposals", "show", "2")[1]
    her.types("proposals", "undo", "1")
    assert her.asks("config", "show")["intervals"] == {}


def test_the_list_shows_what_is_open_first_and_with_all_what_is_decided(her: Operator, db: psycopg.Connection) -> None:
    assert her.types("proposals") == (0, "no proposals are open")
    assert her.types("proposals", "--all") == (0, "there are no proposals")
    for number in range(3):
        offer(db, DisableJob("sync_n8n"), f"finding {number}", f"k{number}")
    her.types("proposals", "reject", "3")
    db.execute("UPDATE proposals SET status = 'approved', decided_at = now() WHERE id = 1")
    lines = her.types("proposals")[1].splitlines()
    assert [line.split()[:2] for line in lines] == [["N", "STATUS"], ["2", "open"], ["1", "approved"]]
    lines = her.types("proposals", "--all")[1].splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["2", "open"], ["3", "rejected"], ["1", "approved"]]
    assert [row["id"] for row in her.asks("proposals", "--all")] == [2, 3, 1]


def test_a_failure_is_told_in_a_line_with_what_follows(her: Operator, db: psycopg.Connection, n8n: N8n) -> None:
    offer(db, DeactivateWorkflow("w1", "Orders"), "Orders fails every night")
    n8n.fail("internal error", at=2)
    code, said = her.types("proposals", "approve", "1")
    assert code == 1
    assert said.startswith("proposal 1 is approved, but not carried out yet: n8n answered 500: Internal server error; ")
    assert said.endswith("(`godmode queue show 1`)")
    assert "it is tried again" in her.types("proposals", "show", "1")[1]
    offer(db, RetryWorkflow("1"), "An order was lost", "k2")
    n8n.fail("unauthorized")
    code, said = her.types("proposals", "approve", "2")
    assert code == 1
    assert said.startswith("proposal 2 is approved, but could not be carried out: n8n answered 401: unauthorized; ")
    assert said.endswith("; `godmode queue retry dead:1` tries again")
    assert her.types("queue", "retry", "dead:1")[0] == 0
    assert her.types("run", "process-retry-queue", "--again")[0] == 0
    assert "/executions/1/retry" in n8n.orders()
    assert her.types("proposals", "undo", "2") == (
        2, "godmode: proposal 2 cannot be undone: what a workflow has done, it has done",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("failure", "waits_as"), [("internal error", "retry_jobs"), ("unauthorized", "dead_letter_jobs")]
)
def test_a_yes_of_which_nothing_is_done_yet_can_be_taken_back_whatever_is_switched_off(
    failure: str, waits_as: str, her: Operator, db: psycopg.Connection, n8n: N8n
) -> None:
    offer(db, DeactivateWorkflow("w1", "Orders"), "Orders fails every night")
    n8n.fail(failure, at=2)
    assert her.types("proposals", "approve", "1")[0] == 1
    assert "`godmode proposals undo 1` takes the yes back" in her.types("proposals", "show", "1")[1]
    db.execute("UPDATE agent_controls SET kill_switch = true, write_enabled = false")
    assert her.types("proposals", "undo", "1") == (0, "proposal 1 is undone: nothing of it had been done")
    assert her.types("proposals", "undo", "1") == (0, "proposal 1 was undone")
    db.execute("UPDATE agent_controls SET kill_switch = false, write_enabled = true")
    assert her.types("run", "process-retry-queue", "--again")[0] == 0
    assert her.types("proposals")[1] == "no proposals are open"
    assert n8n.inactive == set()
    assert db.execute(f"SELECT DISTINCT status FROM {waits_as}".encode()).fetchall() == [("dismissed",)]
    rows = db.execute("SELECT action FROM agent_audit_log WHERE action_type = 'decision' ORDER BY id").fetchall()
    assert rows == [("proposal_approved",), ("proposal_withdrawn",)]


def test_a_yes_that_may_have_been_carried_out_is_not_taken_for_undone(
    her: Operator, db: psycopg.Connection, n8n: N8n
) -> None:
    offer(db, DeactivateWorkflow("w1", "Orders"), "Orders fails every night")
    n8n.fail("internal error", at=2)
    her.types("proposals", "approve", "1")
    db.execute("UPDATE agent_actions SET state = 'uncertain'")
    code, said = her.types("proposals", "undo", "1")
    assert (code, "is being carried out" in said) == (2, True)
    assert db.execute("SELECT status FROM proposals").fetchone() == ("approved",)
    assert db.execute("SELECT status FROM retry_jobs").fetchone() == ("pending",)


def test_what_is_over_or_changed_is_said_in_a_line(her: Operator, db: psycopg.Connection, n8n: N8n) -> None:
    offer(db, DeactivateWorkflow("w1", "Orders"), "Orders fails every night")
    n8n.inactive.add("w1")
    assert her.types("proposals", "approve", "1") == (
        0, 'proposal 1 is approved, but nothing was done: the n8n workflow "Orders" is switched off already'
    )  # fmt: skip
    code, said = her.types("proposals", "approve", "1")
    assert (code, "is not open: it is expired" in said) == (2, True)
    offer(db, DisableJob("sync_n8n"), "n8n is down", "k2")
    her.types("proposals", "approve", "2")
    her.types("jobs", "enable", "sync-n8n")
    assert her.types("proposals", "undo", "2") == (
        1, "godmode: nothing was taken back: sync_n8n has been enabled since"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("show", "9"), "there is no proposal 9"),
        (("approve", "9"), "there is no proposal 9"),
        (("undo", "9"), "there is no proposal 9"),
        (("undo", "1"), "proposal 1 is open, so there is nothing to take back"),
        (("undo",), "Missing argument"),
        (("undo", "x"), "'x' is not a valid int"),
        (("undo", "0"), "0 is not in the range"),
        (("approve", "99999999999999999999"), "is not in the range"),
        (("aprove", "1"), "No such command"),
    ],
)
def test_wrong_words_are_one_line_and_exit_2(
    words: tuple[str, ...], says: str, her: Operator, db: psycopg.Connection
) -> None:
    offer(db, DisableJob("sync_n8n"), "n8n is down")
    code, said = her.types("proposals", *words)
    assert (code, says in said, len(said.splitlines())) == (2, True, 1), said


@pytest.mark.parametrize("off", ["kill_switch", "write_enabled"])
def test_while_the_gate_is_closed_nothing_is_approved_or_undone(
    off: str, her: Operator, db: psycopg.Connection, n8n: N8n
) -> None:
    offer(db, DeactivateWorkflow("w1", "Orders"), "Orders fails every night")
    assert her.types("proposals", "approve", "1")[0] == 0
    offer(db, DisableJob("sync_n8n"), "n8n is down", "k2")
    db.execute(f"UPDATE agent_controls SET {off} = {'true' if off == 'kill_switch' else 'false'}".encode())
    for word in ("approve", "undo"):
        code, said = her.types("proposals", word, "2" if word == "approve" else "1")
        assert (code, "was not" in said, len(said.splitlines())) == (2, True, 1), said
    assert n8n.inactive == {"w1"}
    rows = db.execute("SELECT status FROM proposals ORDER BY id").fetchall()
    assert rows == [("applied",), ("open",)]
