"""Killed at any moment between her yes and what follows from it: n8n is told once, and the next runs complete it.

A sample is tried, each moment by its name on one of its sides; GODMODE_FAULTS=all tries every moment on both.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from fakes.n8n import KEY, N8n

from godmode.lib import remedies
from godmode.lib.kernel import Proposal
from godmode.lib.remedies import DeactivateWorkflow, DisableJob, Remedy, RetryWorkflow
from godmode.lib.store import corrections, job_state, proposals

MORTAL = Path(__file__).parents[1] / "fakes" / "mortal.py"
ALL = os.environ.get("GODMODE_FAULTS") == "all"
LONG_AGO = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
NEVER_ENDS = 6
SAMPLED = ("request", "end of", "actions.", "claim_one", "settle", "enable")


class Home:
    """An installation whose commands can be killed, and the n8n that it acts in."""

    def __init__(self, folder: Path, db: psycopg.Connection, n8n: N8n) -> None:
        folder.mkdir()
        (folder / "config.toml").write_text(f'[sources.n8n]\nbase_url = "{n8n.url}"\n')
        self.db, self.n8n, self.log = db, n8n, folder / "moments"
        self.env = {**os.environ, "GODMODE_HOME": str(folder), "N8N_API_KEY": KEY}

    def run(self, *words: str, **env: str) -> int:
        done = subprocess.run(
            [sys.executable, MORTAL, *words], env=self.env | env, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode

    def offered(self, remedy: Remedy) -> int:
        self.db.execute("UPDATE proposals SET created_at = %s", (LONG_AGO - timedelta(days=1),))
        kept = remedies.stored(remedy)
        assert proposals.put(self.db, Proposal("t", "x", 0.8, {}, str(remedy), kept), LONG_AGO) == "new"
        return proposals.waiting(self.db)[0].id

    def status(self, number: int) -> str:
        row = proposals.one(self.db, number)
        return row.status if row else "missing"

    def is_mended(self, number: int, word: str, until: str) -> None:
        """The queue runs, a few minutes apart; she says it again where her word was not heard."""
        for _ in range(NEVER_ENDS):
            waiting = "SELECT count(*) FROM retry_jobs WHERE status IN ('pending', 'running')"
            if self.status(number) != until and self.db.execute(waiting.encode()).fetchone() == (0,):
                self.run("proposals", word, str(number))
            if self.status(number) == until and self.db.execute(waiting.encode()).fetchone() == (0,):
                return
            self.db.execute("UPDATE agent_actions SET started_at = started_at - interval '2 minutes'")
            self.db.execute("UPDATE retry_jobs SET run_at = now() - interval '1 minute' WHERE status = 'pending'")
            assert self.run("run", "process-retry-queue", "--again") == 0
        raise AssertionError(f"after {NEVER_ENDS} runs it is {self.status(number)}")


@pytest.fixture
def home(tmp_path: Path, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    with N8n() as n8n:
        n8n.takes_orders = True
        yield Home(tmp_path / "home", db, n8n)


def tried(lines: list[str]) -> list[tuple[str, str]]:
    """Moments to die at, `before:17` and its name."""
    if ALL:
        return [(f"{side}:{line.split()[0]}", line) for line in lines for side in ("before", "after")]
    first: dict[str, str] = {}
    for line in lines:
        number, _, name = line.partition(" ")
        if any(word in name for word in SAMPLED):
            first.setdefault(name, number)
    return [(f"{('before', 'after')[turn % 2]}:{n}", name) for turn, (name, n) in enumerate(first.items())]


def moments(home: Home, *words: str) -> list[tuple[str, str]]:
    assert home.run(*words, MORTAL_LOG=str(home.log)) == 0
    return tried(home.log.read_text().splitlines())


def test_a_yes_that_is_killed_at_any_moment_has_n8n_retry_once(home: Home) -> None:
    failed = home.n8n.ran("w1", "error")
    number = home.offered(RetryWorkflow(str(failed.id)))
    names = moments(home, "proposals", "approve", str(number))
    assert any("request" in name for _, name in names)
    for dies, name in names:
        failed = home.n8n.ran("w1", "error")
        number = home.offered(RetryWorkflow(str(failed.id)))
        home.n8n.forget()
        assert home.run("proposals", "approve", str(number), MORTAL_DIES=dies) == -signal.SIGKILL, name
        home.is_mended(number, "approve", "applied")
        assert home.n8n.orders() == [f"/executions/{failed.id}/retry"], (dies, name)
        done = corrections.of(home.db, number)
        assert done is not None, name
        assert (done.after, done.before and done.before["status"]) == ({"retried_as": str(failed.id + 1)}, "error"), (
            name
        )
        count = home.db.execute("SELECT count(*) FROM corrections WHERE proposal_id = %s", (number,)).fetchone()
        assert count == (1,), name


def test_a_change_of_its_own_that_is_killed_at_any_moment_is_made_once_with_its_correction(home: Home) -> None:
    number = home.offered(DisableJob("sync_n8n"))
    names = moments(home, "proposals", "approve", str(number))
    for dies, name in [n for n in names if ALL or any(w in n[1] for w in ("end of", "actions.", "enable"))]:
        job_state.enable(home.db, "sync_n8n", True)
        home.db.execute("UPDATE proposals SET archived = true")
        number = home.offered(DisableJob("sync_n8n"))
        assert home.run("proposals", "approve", str(number), MORTAL_DIES=dies) == -signal.SIGKILL, name
        done = corrections.of(home.db, number)
        assert (done is None) is job_state.of(home.db, "sync_n8n").enabled, name
        home.is_mended(number, "approve", "applied")
        assert not job_state.of(home.db, "sync_n8n").enabled, name
        count = home.db.execute("SELECT count(*) FROM corrections WHERE proposal_id = %s", (number,)).fetchone()
        assert count == (1,), name


def test_an_undo_that_is_killed_at_any_moment_is_made_once(home: Home) -> None:
    def is_off(turn: int) -> int:
        workflow = home.n8n.workflow(f"w{turn}", "Orders")
        number = home.offered(DeactivateWorkflow(workflow, "Orders"))
        assert home.run("proposals", "approve", str(number)) == 0
        return number

    names = moments(home, "proposals", "undo", str(is_off(0)))
    for turn, (dies, name) in enumerate([n for n in names if ALL or "request" in n[1] or "end of" in n[1]], 1):
        number = is_off(turn)
        home.n8n.forget()
        assert home.run("proposals", "undo", str(number), MORTAL_DIES=dies) == -signal.SIGKILL, name
        home.is_mended(number, "undo", "undone")
        assert home.n8n.orders() == [f"/workflows/w{turn}/activate"], (dies, name)
        assert home.n8n.inactive == set(), name
