"""Thirty days after a change the digest says once what it promised and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from fakes.approving import Approver
from fakes.company import NOON
from fakes.n8n import KEY, N8n, taking_orders

from godmode.lib.config import Config
from godmode.lib.engine.equipment import Mode
from godmode.lib.kernel import Outcome, Record
from godmode.lib.remedies import DeactivateWorkflow, DisableJob, Remedy, SupersedeMemory
from godmode.lib.store.executions import store

DAY = timedelta(days=1)
OFF = DeactivateWorkflow("w1", "Orders")


@pytest.fixture
def n8n() -> Iterator[N8n]:
    with taking_orders() as made:
        yield made


@pytest.fixture
def her(config: Config, n8n: N8n, monkeypatch: pytest.MonkeyPatch) -> Iterator[Approver]:
    monkeypatch.setenv("N8N_API_KEY", KEY)
    made = Approver(config, n8n)
    yield made
    made.store.close()


def digest(her: Approver, day: int) -> str:
    """The digest of noon, so many days later; only what it looks back at."""
    her.at.move_to(NOON + day * DAY)
    result = her.runner.run("daily_digest", Mode()).result
    assert result.outcome is Outcome.SUCCEEDED, result
    return "\n".join(line[3:] for line in result.data["text"].splitlines() if "Thirty days ago" in line)


def carried_out(her: Approver, remedy: Remedy = OFF) -> int:
    number = her.is_offered(remedy, "Orders fails every night")
    assert her.approves(number).outcome is Outcome.SUCCEEDED
    return number


def failed(her: Approver, *ids: int) -> None:
    """Runs of the workflow that failed just now."""
    at = her.at.now() - timedelta(hours=1)
    fields = {
        "workflow_id": "w1", "workflow_name": "Orders", "status": "error", "mode": "trigger", "retry_of": None,
        "started_at": at.isoformat(), "stopped_at": at.isoformat(), "retry_success_id": None,
    }  # fmt: skip
    store(her.conn, "n8n", [Record("n8n", str(number), at, "", fields) for number in ids], "observed", at)


def test_what_was_promised_is_held_against_what_came_of_it_once(her: Approver) -> None:
    failed(her, 101, 102, 103)
    carried_out(her)
    assert digest(her, 29) == ""
    her.at.move_to(NOON + 30 * DAY)
    failed(her, 104)
    assert digest(her, 30) == (
        'Thirty days ago "Orders fails every night" was mended (switch the n8n workflow "Orders" off): '
        'failed runs of "Orders" a week: 3 then, 1 now (`godmode proposals show 1`)'
    )
    assert digest(her, 31) == ""


def test_a_day_without_a_digest_is_made_up_for(her: Approver) -> None:
    carried_out(her)
    digest(her, 28)
    assert "Thirty days ago" in digest(her, 33)
    assert digest(her, 34) == ""


def test_what_has_no_figure_is_said_not_to_be_measured(her: Approver) -> None:
    her.conn.execute("INSERT INTO memory_items (key, value) VALUES ('notion.a', 'we ship on Mondays')")
    carried_out(her, SupersedeMemory(1))
    digest(her, 29)
    assert "(take memory item 1 as outdated): what came of it was not measured" in digest(her, 30)


def test_where_nobody_looked_of_late_no_figure_is_claimed(her: Approver, n8n: N8n) -> None:
    carried_out(her)
    digest(her, 29)
    n8n.fail("unauthorized", times=99)
    n8n.fail("unauthorized", at=100, times=99)
    assert "0 then, now not known, since n8n was not looked at" in digest(her, 31)


def test_what_was_taken_back_is_not_looked_back_at(her: Approver) -> None:
    number = carried_out(her, DisableJob("sync_n8n"))
    her.undoes(number)
    digest(her, 29)
    assert digest(her, 30) == ""


def test_the_digest_counts_what_was_applied_and_says_what_a_yes_would_do(her: Approver) -> None:
    carried_out(her)
    her.is_offered(DisableJob("sync_n8n"), "n8n fails all the time", "k2")
    her.at.move_to(NOON + timedelta(minutes=1))
    text = her.runner.run("daily_digest", Mode()).result.data["text"]
    assert "1 correction applied" in text
    assert "n8n fails all the time; a yes would disable sync-n8n" in text
