"""Proposals: one open row per finding, and at most ten new ones in any hour, from however many processes."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing import get_context

import psycopg
import pytest

from godmode.lib import remedies
from godmode.lib.kernel import Proposal
from godmode.lib.remedies import RetryDeadLetter
from godmode.lib.store import proposals

NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)


def finding(key: str, title: str = "Something", count: int = 3) -> Proposal:
    return Proposal("recurring_asks", title, 0.8, {"summary": "s", "count": count}, key)


def test_a_finding_is_one_row_that_grows(db: psycopg.Connection) -> None:
    assert proposals.put(db, finding("a", "Asked on 3 days"), NOW) == "new"
    assert proposals.put(db, finding("a", "Asked on 3 days"), NOW) == "same"
    assert proposals.put(db, finding("a", "Asked on 4 days", 4), NOW + timedelta(hours=1)) == "grown"
    rows = proposals.waiting(db)
    assert [(r.title, r.created_at, r.updated_at) for r in rows] == [("Asked on 4 days", NOW, NOW + timedelta(hours=1))]


@pytest.mark.parametrize(
    ("evidence", "remedy", "read"),
    [
        ("[1]", "[2]", ({"noted": "[1]"}, {"kind": "[2]"})),
        ("null", "null", ({}, None)),
        ('{"summary": 3, "also": [1]}', '"x"', ({"also": [], "noted": "{'summary': 3, 'also': [1]}"}, {"kind": "x"})),
        (
            '{"messages": ["x", {"text": "hello"}]}', '{"kind": "y"}',
            ({"messages": [{"text": "hello"}], "noted": "{'messages': ['x']}"}, {"kind": "y"}),
        ),
    ],
)  # fmt: skip
def test_one_of_any_shape_that_another_system_wrote_can_be_read(
    db: psycopg.Connection, evidence: str, remedy: str, read: tuple[object, object]
) -> None:
    db.execute("INSERT INTO proposals (title, evidence, remedy) VALUES ('odd', %s, %s)", (evidence, remedy))
    (row,) = proposals.waiting(db)
    assert (row.evidence, row.remedy) == read


def test_a_title_that_only_counts_days_is_renewed_without_being_news(db: psycopg.Connection) -> None:
    proposals.put(db, finding("a", "Unanswered for 5 days", 1), NOW)
    assert proposals.put(db, finding("a", "Unanswered for 6 days", 1), NOW + timedelta(days=1)) == "same"
    assert [(r.title, r.updated_at) for r in proposals.waiting(db)] == [("Unanswered for 6 days", NOW)]


def test_a_decided_finding_is_not_raised_again(db: psycopg.Connection) -> None:
    proposals.put(db, finding("a"), NOW)
    db.execute("UPDATE proposals SET status = 'rejected'")
    assert proposals.put(db, finding("a", "Something else"), NOW) == "decided"
    assert proposals.waiting(db) == []


@pytest.mark.parametrize("status", ["rejected", "approved", "undone", "expired"])
def test_a_decided_finding_is_raised_again_once_it_is_clearly_worse(status: str, db: psycopg.Connection) -> None:
    proposals.put(db, finding("a"), NOW)
    db.execute("UPDATE proposals SET status = %s, decided_at = %s", (status, NOW))
    for count, confidence in [(3, 0.8), (5, 0.94), (1, 0.9)]:
        assert proposals.put(db, replace(finding("a", count=count), confidence=confidence), NOW) == "decided"
    assert proposals.put(db, finding("a", count=6), NOW + timedelta(days=1)) == "new"
    row = proposals.waiting(db)[0]
    assert row.evidence["earlier"] == {"proposal": 1, "status": status, "count": 3, "at": NOW.isoformat()}
    assert proposals.put(db, finding("a", count=7), NOW + timedelta(days=2)) == "grown"
    assert proposals.waiting(db)[0].evidence["earlier"]["proposal"] == 1
    db.execute("UPDATE proposals SET status = 'rejected' WHERE id = %s", (row.id,))
    assert proposals.put(db, finding("a", count=13), NOW + timedelta(days=3)) == "decided"
    assert proposals.put(db, finding("a", count=14), NOW + timedelta(days=3)) == "new"


def test_a_rejected_finding_is_raised_again_when_it_is_much_surer(db: psycopg.Connection) -> None:
    proposals.put(db, replace(finding("a"), confidence=0.7), NOW)
    db.execute("UPDATE proposals SET status = 'rejected'")
    assert proposals.put(db, replace(finding("a"), confidence=0.84), NOW) == "decided"
    assert proposals.put(db, replace(finding("a"), confidence=0.85), NOW) == "new"


def test_the_eleventh_within_an_hour_waits_until_the_first_is_an_hour_old(db: psycopg.Connection) -> None:
    came_to = [proposals.put(db, finding(str(n)), NOW + timedelta(minutes=n)) for n in range(11)]
    assert came_to == ["new"] * 10 + ["over"]
    assert proposals.put(db, finding("10"), NOW + timedelta(minutes=59, seconds=59)) == "over"
    assert proposals.put(db, finding("10"), NOW + timedelta(minutes=60)) == "new"


def store_five(url: str, worker: int) -> list[str]:
    with psycopg.connect(url, autocommit=True) as conn:
        return [proposals.put(conn, finding(f"{worker}.{n}"), NOW) for n in range(5)]


def test_eight_processes_at_once_cannot_store_more_than_ten(database_url: str, db: psycopg.Connection) -> None:
    with ProcessPoolExecutor(8, mp_context=get_context("spawn")) as pool:
        came_to = [come for comes in pool.map(partial(store_five, database_url), range(8)) for come in comes]
    assert sorted(came_to) == ["new"] * 10 + ["over"] * 30
    assert db.execute("SELECT count(*) FROM proposals").fetchone() == (10,)


def test_a_decision_holds_for_what_was_shown_and_is_made_once(db: psycopg.Connection) -> None:
    proposals.put(db, finding("a"), NOW)
    (row,) = proposals.waiting(db)
    proposals.put(db, finding("a", "Something else"), NOW)
    assert proposals.decide(db, row.id, "approved", NOW, by="her", shown=row.shown).came_to == "changed"
    assert proposals.decide(db, row.id, "approved", NOW, by="her").came_to == "decided"
    assert proposals.decide(db, row.id, "approved", NOW, by="her").came_to == "already"
    assert proposals.decide(db, row.id, "rejected", NOW, by="her").came_to == "over"
    assert proposals.decide(db, 99, "rejected", NOW, by="her").came_to == "missing"
    assert db.execute("SELECT status, decided_at FROM proposals").fetchone() == ("approved", NOW)
    assert db.execute("SELECT count(*) FROM agent_audit_log WHERE action_type = 'decision'").fetchone() == (1,)


def test_the_remedy_that_a_detector_offers_is_kept_and_follows_the_finding(db: psycopg.Connection) -> None:
    offered = remedies.stored(RetryDeadLetter(4))
    proposals.put(db, replace(finding("a"), remedy=offered), NOW)
    assert proposals.waiting(db)[0].remedy == offered
    proposals.put(db, finding("a"), NOW)
    assert proposals.waiting(db)[0].remedy is None


def test_what_a_clock_that_was_ahead_has_raised_leaves_room_when_it_is_set_back(db: psycopg.Connection) -> None:
    for number in range(10):
        proposals.put(db, finding(str(number)), NOW + timedelta(days=365))
    assert proposals.put(db, finding("10"), NOW) == "new"
