"""The scan's detectors: one failing stops no other, and takes nothing back of what it saw before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from fakes.scanning import Look, Scanned, only

from godmode.lib.config import Config
from godmode.lib.errors import DatabaseTrouble
from godmode.lib.kernel import Outcome, Proposal

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


def test_a_dry_run_looks_and_keeps_nothing(godmode: Scanned, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, one=sees("one"), bad=raises(ValueError("broken")), two=sees("two"))
    result = godmode.scans(dry_run=True)
    assert result.data["patterns"] == {"found": 2}
    assert godmode.open() == []
