"""What holds of every source behind an API: broken off anywhere, it keeps what it has, and the next run completes it.

A source joins by a stand in tests/fakes/stands.py.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fakes.stands import FAULTS, STANDS, Stand

from godmode.lib import caller
from godmode.lib import config as configuration
from godmode.lib.clock import FixedClock
from godmode.lib.engine.equipment import Mode
from godmode.lib.kernel import JobResult
from godmode.wiring import App

NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
GODMODE = [sys.executable, "-c", "from godmode.cli import main; main()"]
PASSING = ("internal error", "bad gateway", "half answer", "hang up", "rate limit")
WRONG = ("login page", "redirect", "wrong json", "broken json")


@pytest.fixture(params=sorted(STANDS))
def stand(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    with STANDS[request.param]() as made:
        for name, value in made.secrets.items():
            monkeypatch.setenv(name, value)
        yield made
        assert made.problems() == []


class Company:
    """godmode with this one source."""

    def __init__(self, stand: Stand, folder: Path) -> None:
        self.stand, self.at = stand, FixedClock(NOW)
        self.path = folder / "godmode.toml"
        self._app: App | None = None

    def configured(self, section: str) -> None:
        """Use another section than the stand's."""
        self.path.write_text(section)
        self.close()

    def syncs(self) -> JobResult:
        """One sync, an hour after the last."""
        if self._app is None:
            self._app = App(configuration.load(self.path), clock=self.at)
        self.at.advance(timedelta(hours=1))
        return self._app.runner.run(f"sync_{self.stand.name}", Mode(scheduled=True)).result

    def close(self) -> None:
        if self._app is not None:
            self._app.store.close()
            self._app = None


@pytest.fixture
def company(stand: Stand, database_url: str, tmp_path: Path) -> Iterator[Company]:
    made = Company(stand, tmp_path)
    made.configured(stand.section)
    yield made
    made.close()


def state(db: psycopg.Connection, columns: str) -> tuple[Any, ...]:
    row = db.execute(f"SELECT {columns} FROM data_source_sync").fetchone()
    assert row is not None
    return tuple(row)


def completes(company: Company, db: psycopg.Connection, ids: set[str]) -> None:
    """The next sync reads the rest, and no more than that."""
    before = company.stand.requests()
    result = company.syncs()
    assert (result.outcome, result.error) == ("succeeded", None)
    assert company.stand.stored(db) == ids
    assert company.stand.requests() - before <= company.stand.rest
    assert state(db, "last_sync_success, last_error, last_sync_completed_at") == (True, None, company.at.now())


def test_every_stand_takes_every_fault(stand: Stand) -> None:
    for fault in FAULTS:
        stand.fail(fault, at=1)


def test_a_first_sync_stores_everything_and_a_second_one_finds_nothing_new(
    company: Company, stand: Stand, db: psycopg.Connection
) -> None:
    ids = stand.fill()
    assert company.syncs().data["new"] == len(ids)
    assert stand.stored(db) == ids
    before = stand.requests()
    again = company.syncs().data
    assert (again["new"], again["changed"], again["gone"]) == (0, 0, 0)
    assert stand.requests() - before <= 3


@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_by_is_tried_again_within_the_run(
    company: Company, stand: Stand, db: psycopg.Connection, fault: str
) -> None:
    ids = stand.fill()
    stand.fail(fault, at=stand.middle, times=2)
    begun = company.at.now()
    result = company.syncs()
    assert (result.outcome, result.error) == ("succeeded", None)
    assert stand.stored(db) == ids
    errors, throttled = db.execute("SELECT sum(errors), sum(throttled) FROM api_usage").fetchone() or (0, 0)
    assert (errors, throttled) == (2, 2 if fault == "rate limit" else 0)
    waited = company.at.now() - begun - timedelta(hours=1)
    assert waited >= timedelta(seconds=60 if fault == "rate limit" else 6)


@pytest.mark.parametrize("fault", ["internal error", "half answer", "hang up"])
def test_what_does_not_pass_by_fails_the_sync_which_keeps_what_it_has_and_goes_on_from_there(
    company: Company, stand: Stand, db: psycopg.Connection, fault: str
) -> None:
    ids = stand.fill()
    stand.fail(fault, at=stand.middle, times=5)
    result = company.syncs()
    assert (result.outcome, result.error_category) == ("failed", "transient")
    assert 0 < len(stand.stored(db)) < len(ids)
    assert state(db, "last_sync_success, last_sync_completed_at, last_error") == (False, None, result.error)
    completes(company, db, ids)


def test_an_expired_token_is_not_tried_twice(company: Company, stand: Stand, db: psycopg.Connection) -> None:
    ids = stand.fill()
    stand.fail("unauthorized", at=stand.middle)
    result = company.syncs()
    assert (result.outcome, result.error_category, stand.requests()) == ("failed", "auth", stand.middle)
    assert 0 < len(stand.stored(db)) < len(ids)
    completes(company, db, ids)


@pytest.mark.parametrize("fault", WRONG)
def test_an_answer_that_is_none_moves_no_cursor_over_what_was_not_read(
    company: Company, stand: Stand, db: psycopg.Connection, fault: str
) -> None:
    ids = stand.fill()
    stand.fail(fault, at=stand.middle, times=9)
    result = company.syncs()
    assert result.outcome == "failed"
    assert result.error_category in ("data", "external_api")
    assert stand.name in (result.error or "").lower()
    assert stand.stored(db) < ids
    while stand.requests() < stand.middle + 8:  # what is left of the faults
        company.syncs()
    company.syncs()
    assert stand.stored(db) == ids


def test_an_answer_that_drips_is_cut_off_and_asked_for_again(
    company: Company, stand: Stand, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller, "WHOLE_ANSWER", 0.5)
    ids = stand.fill()
    stand.fail("drip", at=stand.middle)
    assert company.syncs().outcome == "succeeded"
    assert stand.stored(db) == ids


def test_one_bad_record_is_skipped_and_counted_and_its_page_is_kept(
    company: Company, stand: Stand, db: psycopg.Connection
) -> None:
    ids = stand.fill()
    stand.fail("bad record", at=stand.middle)
    result = company.syncs()
    assert (result.outcome, result.data["skipped"]) == ("succeeded", 1)
    assert len(ids - stand.stored(db)) == 1
    assert state(db, "jsonb_array_length(last_skipped), last_sync_success") == (1, True)


def test_the_switch_stops_a_sync_between_two_pages(
    company: Company, stand: Stand, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = stand.fill()
    stand.fail("rate limit", at=stand.middle)

    def flip(seconds: float) -> None:
        if seconds > 1:
            db.execute("UPDATE agent_controls SET kill_switch = true")
        company.at.advance(timedelta(seconds=seconds))

    monkeypatch.setattr(company.at, "sleep", flip)
    result = company.syncs()
    assert (result.outcome, result.reason, stand.requests()) == ("skipped", "kill_switch", stand.middle)
    assert stand.stored(db) < ids
    db.execute("UPDATE agent_controls SET kill_switch = false")
    assert company.syncs().outcome == "succeeded"
    assert stand.stored(db) == ids


def test_the_budget_of_a_day_ends_a_sync_well_and_it_goes_on_the_next_day(
    company: Company, stand: Stand, db: psycopg.Connection
) -> None:
    ids = stand.fill()
    company.configured(f"{stand.section}daily_calls = {stand.middle}\n")
    result = company.syncs()
    assert (result.outcome, result.data["more"], stand.requests()) == ("succeeded", True, stand.middle)
    assert 0 < len(stand.stored(db)) < len(ids)
    assert f"its {stand.middle} calls of today are used up" in state(db, "limited")[0]
    assert company.syncs().outcome == "succeeded"
    assert stand.requests() == stand.middle
    company.at.advance(timedelta(days=1))
    company.configured(stand.section)
    company.syncs()
    assert stand.stored(db) == ids


def nowhere() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.mark.parametrize("trouble", ["no such host", "nobody listens", "no TLS there"])
def test_a_service_that_cannot_be_reached_is_transient(
    company: Company, stand: Stand, db: psycopg.Connection, trouble: str
) -> None:
    there = stand.section.split('base_url = "')[1].split('"')[0]
    address = {
        "no such host": "http://nowhere.invalid",
        "nobody listens": nowhere(),
        "no TLS there": there.replace("http://", "https://"),
    }[trouble]
    company.configured(stand.section.replace(there, address))
    result = company.syncs()
    assert (result.outcome, result.error_category) == ("failed", "transient")
    assert state(db, "last_sync_success, cursor") == (False, {})


def test_a_sync_killed_between_two_pages_is_completed_by_the_next(
    company: Company, stand: Stand, db: psycopg.Connection
) -> None:
    ids = stand.fill()
    stand.fail("drip", at=stand.middle)
    command = [*GODMODE, "--config", str(company.path), "run", f"sync-{stand.name}", "--scheduled"]
    with subprocess.Popen(command, env=dict(os.environ), stderr=subprocess.PIPE) as process:
        while stand.requests() < stand.middle and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        process.communicate()
    company.at.move_to(datetime.now(UTC))
    result = company.syncs()
    assert (result.outcome, result.error) == ("succeeded", None)
    assert stand.stored(db) == ids
