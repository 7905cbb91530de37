"""A yes from the phone is carried out by the same road as one from the terminal, and its reply says what was done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from fakes.company import Desk, configured
from fakes.n8n import KEY, N8n, taking_orders
from fakes.telegram import TOKEN, Telegram

from godmode.lib import remedies
from godmode.lib.approval import APPROVED, Approval
from godmode.lib.config import Config
from godmode.lib.engine import approvals
from godmode.lib.engine.equipment import Mode, Report
from godmode.lib.kernel import Proposal
from godmode.lib.remedies import DeactivateWorkflow
from godmode.lib.store import proposals

CHAT = 123456789
EIGHT = datetime(2026, 3, 10, 13, 0, tzinfo=UTC)  # 08:00 in Chicago
MORTAL = Path(__file__).parents[1] / "fakes" / "mortal.py"


@pytest.fixture
def telegram(monkeypatch: pytest.MonkeyPatch) -> Iterator[Telegram]:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", TOKEN)
    with Telegram(str(CHAT)) as made:
        yield made


@pytest.fixture
def n8n(monkeypatch: pytest.MonkeyPatch) -> Iterator[N8n]:
    monkeypatch.setenv("N8N_API_KEY", KEY)
    with taking_orders() as made:
        yield made


@pytest.fixture
def desk(config: Config, db: psycopg.Connection, telegram: Telegram, n8n: N8n) -> Iterator[Desk]:
    db.execute("INSERT INTO communication_allowlist (address) VALUES (%s)", (str(CHAT),))
    text = (
        'quiet_hours = { start = "00:00", end = "00:00" }\n'
        f'[sources.n8n]\nbase_url = "{n8n.url}"\n'
        f'[channels.telegram]\nbase_url = "{telegram.url}"\nchat_id = "{CHAT}"\napprovals = true\n'
    )
    made = Desk(configured(config, text), EIGHT)
    yield made
    made.store.close()


def press(db: psycopg.Connection, telegram: Telegram, key: str = "k", workflow: str = "w1") -> int:
    """A finding with a remedy, and her press under it; the proposal's number."""
    offered = remedies.stored(DeactivateWorkflow(workflow, "Orders"))
    proposals.put(db, Proposal("t", f"finding {key}", 0.8, {}, key, offered), EIGHT)
    db.execute("UPDATE proposals SET created_at = %s", (EIGHT.replace(year=2025),))
    row = proposals.waiting(db)[0]
    telegram.presses(CHAT, Approval(APPROVED, row.id, row.shown).data)
    return row.id


def tick(desk: Desk) -> Report:
    desk.later(seconds=30)
    return desk.runner.run("process_retry_queue", Mode(scheduled=True))


def status(db: psycopg.Connection, number: int) -> str:
    row = proposals.one(db, number)
    return row.status if row else ""


DONE = (
    'Proposal {} is applied: the n8n workflow "Orders" is switched off; '
    "`godmode proposals undo {}` switches it on again."
)


def test_a_press_is_carried_out_and_its_one_reply_says_what_was_done(
    desk: Desk, db: psycopg.Connection, telegram: Telegram, n8n: N8n
) -> None:
    press(db, telegram)
    assert str(tick(desk).result.outcome) == "succeeded"
    assert (status(db, 1), n8n.orders()) == ("applied", ["/workflows/w1/deactivate"])
    assert telegram.texts == [DONE.format(1, 1)]
    assert [text for _, text in telegram.acknowledged] == [DONE.format(1, 1)[:200]]
    tick(desk)
    assert (len(telegram.texts), len(n8n.orders())) == (1, 1)


def test_a_failure_is_told_at_once_and_the_success_after_it_too(
    desk: Desk, db: psycopg.Connection, telegram: Telegram, n8n: N8n
) -> None:
    n8n.fail("internal error", at=2)
    press(db, telegram)
    tick(desk)
    assert telegram.texts == [
        "Proposal 1 is approved, but not carried out yet: n8n answered 500: Internal server error; it is tried again "
        "08:00 (`godmode queue show 1`)."
    ]
    tick(desk)
    tick(desk)
    assert (status(db, 1), telegram.texts[1:]) == ("applied", [DONE.format(1, 1)])


def test_a_press_after_the_terminal_has_said_yes_does_nothing_more(
    desk: Desk, db: psycopg.Connection, telegram: Telegram, n8n: N8n
) -> None:
    number = press(db, telegram)
    approvals.decide(db, desk.config.state, Approval(APPROVED, number), EIGHT, by="terminal")
    tick(desk)
    assert "already approved" in telegram.texts[0]
    assert n8n.orders() == ["/workflows/w1/deactivate"]


def test_a_run_killed_at_any_moment_carries_it_out_once_and_tells_of_it(
    desk: Desk, db: psycopg.Connection, telegram: Telegram, n8n: N8n, tmp_path: Path
) -> None:
    env = {**os.environ, "GODMODE_HOME": str(desk.config.state)}
    words = ["--config", str(desk.config.path), "run", "process-retry-queue", "--again"]

    def run(**more: str) -> int:
        for table, column in (("retry_jobs", "run_at"), ("notifications", "updated_at")):  # a minute passes
            db.execute(f"UPDATE {table} SET {column} = now() - interval '1 minute' WHERE status = 'pending'".encode())
        return subprocess.run(
            [sys.executable, MORTAL, *words], env=env | more, capture_output=True, check=False
        ).returncode

    log = tmp_path / "moments"
    n8n.workflow("w0", "Orders")
    press(db, telegram, "k0", "w0")
    assert run(MORTAL_LOG=str(log)) == 0
    named: dict[str, str] = {}
    for line in log.read_text().splitlines():
        number, _, name = line.partition(" ")
        named.setdefault(name, number)
    mine = {name: n for name, n in named.items() if any(w in name for w in MOMENTS)}
    assert len(mine) > 9
    for turn, (name, number) in enumerate(mine.items(), 1):
        workflow = n8n.workflow(f"x{turn}", "Orders")
        proposal = press(db, telegram, f"k{turn}", workflow)
        n8n.forget()
        side = ("before", "after")[turn % 2]
        assert run(MORTAL_DIES=f"{side}:{number}") == -signal.SIGKILL, name
        for _ in range(3):
            assert run() == 0
        assert n8n.orders() == [f"/workflows/{workflow}/deactivate"], name
        assert (status(db, proposal), workflow in n8n.inactive) == ("applied", True), name
        assert db.execute("SELECT count(*) FROM corrections WHERE proposal_id = %s", (proposal,)).fetchone() == (1,)
        told = [text for text in telegram.texts if text == DONE.format(proposal, proposal)]
        doubtful = "SELECT count(*) FROM notifications WHERE status = 'uncertain' AND body LIKE %s"
        lost = db.execute(doubtful.encode(), (f"Proposal {proposal} %",)).fetchone()
        assert len(told) == 1 or lost != (0,), name


MOMENTS = (
    " request ", "hold_cursor", "proposals.", "corrections.", "actions.", "claim_one", "retry_jobs.settle", "reword",
)  # fmt: skip
