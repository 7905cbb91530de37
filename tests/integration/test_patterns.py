"""Each detector through the scan: what stands in the database becomes one open proposal, with what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from godmode.lib.clock import FixedClock
from godmode.lib.config import Config
from godmode.lib.engine.equipment import Mode
from godmode.lib.kernel import Outcome
from godmode.lib.store import outcomes, proposals
from godmode.lib.store.proposals import ProposalRow
from godmode.wiring import App

NOW = datetime(2026, 3, 30, 17, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REFUSED = "connect ECONNREFUSED 10.0.0.7:5432, request {}"

Db = psycopg.Connection[Any]


@pytest.fixture
def scan(db: Db, config: Config) -> Iterator[Callable[[], Sequence[ProposalRow]]]:
    (config.path.parent / "chats").mkdir(parents=True)
    config.path.write_text('[sources.chatlogs]\npath = "chats"\n')
    from godmode.lib import config as configuration

    app = App(configuration.load(), clock=FixedClock(NOW))

    def scanned() -> Sequence[ProposalRow]:
        report = app.runner.run("periodic_scan", Mode(again=True))
        assert report.result.outcome is Outcome.SUCCEEDED, report.result.error
        return proposals.waiting(db)

    yield scanned
    app.store.close()


def ran(db: Db, workflow: str, status: str, at: datetime, *, seconds: float = 3, **more: Any) -> None:
    row = {
        "execution_id": f"{workflow}{at.timestamp():.0f}", "workflow_id": workflow, "workflow_name": workflow.title(),
        "status": status, "mode": "trigger", "started_at": at, "stopped_at": at + timedelta(seconds=seconds),
        "noted_at": at,
    } | more  # fmt: skip
    db.execute(
        f"INSERT INTO workflow_executions ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})".encode(),
        list(row.values()),
    )


def hourly(db: Db, workflow: str, days: int, failing: Callable[[datetime], bool], error: str | None = None) -> None:
    for n in range(days * 24, 0, -1):
        at = NOW - n * HOUR + timedelta(minutes=5)
        bad = failing(at)
        ran(db, workflow, "error" if bad else "success", at, error=error.format(n) if error and bad else None)


def page(db: Db, key: str, title: str, text: str, edited: datetime) -> None:
    db.execute(
        "INSERT INTO memory_items (key, value, authority, source_type, fields, occurred_at, created_at)"
        " VALUES (%s, %s, 'canonical', 'notion', %s, %s, %s)",
        (key, text, Jsonb({"title": title}), edited, NOW - HOUR),
    )


def test_a_new_error_becomes_one_proposal_however_often_it_is_scanned(
    db: Db, scan: Callable[[], Sequence[ProposalRow]]
) -> None:
    hourly(db, "orders", 14, lambda at: NOW - at < 20 * HOUR, REFUSED)
    (first,) = scan()
    assert first.title == 'workflow Orders: "connect ECONNREFUSED <*> request <*>" 20 times in 24 hours'
    assert first.confidence > 0.9
    assert {"do", "changes", "undo", "summary", "follow_up"} <= first.evidence.keys()
    (again,) = scan()
    assert again.id == first.id


def test_failures_of_one_hour(db: Db, scan: Callable[[], Sequence[ProposalRow]]) -> None:
    hourly(db, "orders", 40, lambda at: at.hour == 9 and (at.day % 4 != 3 or at > NOW - DAY))
    (found,) = (p for p in scan() if p.type == "failure_hours")
    assert "fails between 04:00 and 05:00" in found.title


def test_a_failure_that_follows_another(db: Db, scan: Callable[[], Sequence[ProposalRow]]) -> None:
    for days in (0.2, 3.3, 9.4, 15.1):
        at = NOW - timedelta(days=days)
        ran(db, "orders", "error", at)
        ran(db, "invoices", "crashed", at + timedelta(minutes=3))
    (found,) = scan()
    assert (found.type, found.evidence["count"]) == ("chained_failures", 4)


def test_what_works_on_the_second_try(db: Db, scan: Callable[[], Sequence[ProposalRow]]) -> None:
    for n in range(7):
        at = NOW - HOUR - n * 3 * DAY
        ran(db, "report", "error", at)
        ran(db, "report", "success", at + timedelta(minutes=2), mode="retry", retry_of=f"report{at.timestamp():.0f}")
    (found,) = scan()
    assert found.title == "workflow Report works on the second try: 7 of 7 times"


def test_a_job_that_works_on_the_second_try(db: Db) -> None:
    for n in range(3):
        at = NOW - HOUR - n * DAY
        for attempt, success in ((1, False), (2, True)):
            db.execute(
                "INSERT INTO agent_audit_log (ts, action, success, slot, output_data) VALUES (%s, %s, %s, %s, %s)",
                (at + attempt * HOUR / 12, "daily_digest", success, f"s{n}", Jsonb({"attempt": attempt})),
            )
    found = outcomes.tries(db, NOW - 9 * DAY, NOW)
    assert [(t.subject, t.worked) for t in found] == [("daily_digest", True)] * 3


def test_what_runs_far_less_than_it_used_to(db: Db, scan: Callable[[], Sequence[ProposalRow]]) -> None:
    for day in range(28):
        for n in range(20 if day >= 3 else 3):
            ran(db, "orders", "success", NOW - (day + 1) * DAY + (n + 1) * HOUR)
    (found,) = scan()
    assert found.title == "workflow Orders ran 9 times in 3 days, usually 60"


def test_a_queue_that_drains_ever_more_slowly(db: Db, scan: Callable[[], Sequence[ProposalRow]]) -> None:
    for day in range(12):
        for n in range(4):
            done = NOW - day * DAY - n * HOUR
            db.execute(
                "INSERT INTO retry_jobs (type, status, created_at, run_at, updated_at)"
                " VALUES ('custom', 'completed', %s, %s, %s)",
                (done - timedelta(minutes=30 * 0.7**day), done, done),
            )
    (found,) = scan()
    assert found.title.startswith("custom retries wait ever longer: ")


def test_what_is_started_by_hand_every_week(db: Db, scan: Callable[[], Sequence[ProposalRow]]) -> None:
    for week in range(5):
        ran(db, "report", "success", NOW - HOUR - week * 7 * DAY, mode="manual")
    (found,) = scan()
    assert found.title == "On 5 days workflow Report was started by hand"


def test_a_page_whose_numbers_are_corrected_every_week(db: Db, scan: Callable[[], Sequence[ProposalRow]]) -> None:
    for week in range(6, 0, -1):
        at = NOW - week * 7 * DAY + 6 * DAY + 20 * HOUR
        db.execute(
            "UPDATE memory_items SET superseded_at = %s, supersede_reason = 'canonical_update' WHERE key = 'notion.1'"
            " AND superseded_at IS NULL",
            (at,),
        )
        page(db, "notion.1", "Prices", f"A bag of the house blend costs {week}.50 € in the shop.", at)
    (found,) = scan()
    assert found.title == "On 4 days the page Prices was corrected"


def test_pages_that_contradict_each_other(db: Db, scan: Callable[[], Sequence[ProposalRow]]) -> None:
    said = "Customers receive a refund for unused goods within {} days of delivery."
    page(db, "notion.1", "Refund policy", said.format(14), NOW - 90 * DAY)
    page(db, "notion.2", "Customer service", said.format(30), NOW - 2 * DAY)
    (found,) = scan()
    assert found.title == '"Refund policy" says 14 days, "Customer service" 30 days'


def test_a_page_that_is_there_twice_can_be_superseded(db: Db, scan: Callable[[], Sequence[ProposalRow]]) -> None:
    words = [
        f"{a}{b}" for a in ("par", "lab", "cou", "ship", "stor", "pac") for b in ("cel", "or", "iton", "ment", "ex")
    ]
    page(db, "notion.1", "Packing", " ".join(words), NOW - 90 * DAY)
    page(db, "notion.2", "Packing goods", " ".join([*words, "finally"]), NOW - 2 * DAY)
    (found,) = scan()
    assert found.remedy is not None
    assert found.remedy["kind"] == "supersede_memory"


def test_an_empty_database_and_fifty_thousand_failures_in_an_hour_are_both_taken(
    db: Db, scan: Callable[[], Sequence[ProposalRow]]
) -> None:
    assert scan() == []
    db.execute(
        "INSERT INTO agent_audit_log (ts, action, success, error)"
        " SELECT %s - n * interval '70 milliseconds', 'sync_n8n', false, 'request ' || n || ' timed out'"
        " FROM generate_series(1, 50000) n",
        (NOW,),
    )
    db.execute(
        "INSERT INTO agent_audit_log (ts, action, success, error) VALUES (%s, 'sync_n8n', false, repeat('x ', 500000))",
        (NOW,),
    )
    assert scan() == []
    assert max(len(f.error or "") for f in outcomes.failures(db, NOW - DAY, NOW)) == 500
