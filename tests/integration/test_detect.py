"""The scan's detectors: one failing stops no other, and takes nothing back of what it saw before."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from fakes.company import NOON
from fakes.scanning import Look, Scanned, only

from godmode.lib.config import Config
from godmode.lib.errors import DatabaseTrouble
from godmode.lib.kernel import Outcome, Proposal
from godmode.lib.store import proposals

Db = psycopg.Connection[Any]


@pytest.fixture
def godmode(config: Config, db: Db) -> Iterator[Scanned]:
    made = Scanned(config, db)
    yield made
    made.store.close()


def sees(name: str, count: int = 3) -> Look:
    return lambda store: iter([Proposal(name, f"{name} saw it", 0.8, {"summary": "s", "count": count}, name)])


def raises(error: Exception) -> Look:
    def look(store: Any) -> Iterator[Proposal]:
        yield Proposal("half", "half a look", 0.9, {"summary": "s"}, "half")
        raise error

    return look


def says(statement: bytes) -> Look:
    def look(store: Any) -> Iterator[Proposal]:
        store.conn.execute(statement)
        yield from ()

    return look


@pytest.mark.parametrize("error", [DatabaseTrouble("gone"), ZeroDivisionError("a bug"), psycopg.OperationalError("x")])
def test_one_detector_failing_stops_no_other_and_fails_the_scan_after_all_have_looked(
    godmode: Scanned, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    only(monkeypatch, first=sees("first"), bad=raises(error), last=sees("last"))
    result = godmode.scans()
    assert {row.type for row in godmode.open()} == {"first", "last"}
    assert result.outcome is Outcome.FAILED
    assert (result.error or "").startswith("1 of 3 detectors failed; bad: ")
    assert [note["where"] for note in result.data["failed"]] == ["bad"]
    assert result.data["patterns"] == {"found": 2, "new": 2}


def test_what_a_detector_proposed_stays_open_while_it_fails(godmode: Scanned, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, one=sees("one"))
    godmode.scans()
    (before,) = godmode.open()
    only(monkeypatch, one=raises(ValueError("broken")))
    assert godmode.scans().outcome is Outcome.FAILED
    assert godmode.open() == [before]


def test_a_detector_whose_connection_is_lost_costs_the_next_one_nothing(
    godmode: Scanned, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, bad=says(b"SELECT pg_terminate_backend(pg_backend_pid())"), last=sees("last"))
    assert [note["where"] for note in godmode.scans().data["failed"]] == ["bad"]
    assert [row.type for row in godmode.open()] == ["last"]


def test_a_detector_cannot_write(godmode: Scanned, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, bad=says(b"UPDATE proposals SET title = 'mine'"))
    assert "read-only transaction" in (godmode.scans().error or "")


def test_a_statement_that_takes_too_long_is_the_failure_of_its_detector(
    godmode: Scanned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("godmode.lib.engine.detect.PATIENCE", "20ms")
    only(monkeypatch, bad=says(b"SELECT pg_sleep(60)"), last=sees("last"))
    assert "statement timeout" in (godmode.scans().error or "")
    assert [row.type for row in godmode.open()] == ["last"]


def test_a_stop_in_the_middle_of_a_look_ends_the_scan_and_is_no_failure_of_the_detector(
    godmode: Scanned, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(store: Any) -> Iterator[Proposal]:
        signal.raise_signal(signal.SIGTERM)
        yield from ()

    only(monkeypatch, stopped=look, last=sees("last"))
    result = godmode.scans()
    assert (result.outcome, result.error) == (Outcome.FAILED, "stopped by SIGTERM")
    assert godmode.open() == []


def test_a_dry_run_looks_and_keeps_nothing(godmode: Scanned, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, one=sees("one"), bad=raises(ValueError("broken")), two=sees("two"))
    result = godmode.scans(dry_run=True)
    assert result.data["patterns"] == {"found": 2}
    assert godmode.open() == []


# -- one cause is one proposal -------------------------------------------------------------------------------


def fails(name: str, confidence: float, count: int = 5) -> Look:
    """A detector that sees the failures of the orders, each day of the last ones."""
    times = [(NOON - n * timedelta(days=1)).isoformat() for n in range(count, 0, -1)]
    evidence = {
        "summary": "s", "count": count, "about": ["workflow:orders"], "since": times[0], "until": times[-1],
        "messages": [{"at": at, "text": "failed"} for at in times],
    }  # fmt: skip
    return lambda store: iter([Proposal(name, f"{name} saw it", confidence, evidence, f"{name}:orders")])


def test_what_two_detectors_see_is_one_proposal_whoever_is_surer_next_time(
    godmode: Scanned, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, failure_hours=fails("failure_hours", 0.8), error_templates=fails("error_templates", 0.9))
    assert godmode.scans().data["patterns"] == {"found": 2, "joined": 1, "new": 1}
    (first,) = godmode.open()
    assert (first.type, first.evidence["also"][0]["type"]) == ("error_templates", "failure_hours")
    only(monkeypatch, failure_hours=fails("failure_hours", 0.95, 6), error_templates=fails("error_templates", 0.75, 6))
    assert godmode.scans().data["patterns"] == {"found": 2, "joined": 1, "grown": 1}
    (again,) = godmode.open()
    assert (again.id, again.type, again.confidence) == (first.id, "error_templates", 0.75)


def test_an_open_proposal_becomes_the_others_when_its_own_detector_sees_nothing_any_more(
    godmode: Scanned, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, error_templates=fails("error_templates", 0.9))
    godmode.scans()
    (first,) = godmode.open()
    only(monkeypatch, failure_hours=fails("failure_hours", 0.8))
    assert godmode.scans().data["patterns"] == {"found": 1, "grown": 1}
    (heir,) = godmode.open()
    assert (heir.id, heir.type, heir.dedup_key) == (first.id, "failure_hours", "failure_hours:orders")
    assert heir.shown != first.shown  # a yes to the one is no yes to the other


def test_a_rejected_cause_is_not_raised_by_another_detector_until_it_is_clearly_worse(
    godmode: Scanned, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, error_templates=fails("error_templates", 0.75))
    godmode.scans()
    proposals.decide(godmode.db, godmode.open()[0].id, "rejected", NOON, by="her")
    only(monkeypatch, failure_hours=fails("failure_hours", 0.85, 20))
    assert godmode.scans().data["patterns"] == {"found": 1, "decided": 1}
    only(monkeypatch, failure_hours=fails("failure_hours", 0.95))
    assert godmode.scans().data["patterns"] == {"found": 1, "new": 1}


def test_an_open_cause_is_not_doubled_while_its_own_detector_fails(
    godmode: Scanned, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, error_templates=fails("error_templates", 0.75))
    godmode.scans()
    only(monkeypatch, error_templates=raises(ValueError("broken")), failure_hours=fails("failure_hours", 0.95))
    godmode.scans()
    assert [row.type for row in godmode.open()] == ["error_templates"]
