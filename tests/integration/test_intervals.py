"""An interval that a proposal changed holds for every process, and stands beside what the file says."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from fakes.company import NOON, configured

from godmode.commands import jobs
from godmode.lib.clock import FixedClock
from godmode.lib.config import Config
from godmode.lib.engine.equipment import Mode
from godmode.lib.store import job_state
from godmode.wiring import App


@pytest.fixture
def at() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def app(config: Config, at: FixedClock) -> Iterator[App]:
    folder = config.path.parent / "chats"
    folder.mkdir(parents=True)
    made = App(configured(config, '[sources.chatlogs]\npath = "chats"\n'), clock=at, stream=io.StringIO())
    yield made
    made.store.close()


def runs(app: App, job: str) -> str:
    result = app.runner.run(job, Mode(scheduled=True)).result
    return str(result.reason or result.outcome)


def test_slots_follow_the_interval_in_force_until_it_is_taken_back(
    app: App, at: FixedClock, db: psycopg.Connection
) -> None:
    assert runs(app, "periodic_scan") == "succeeded"
    job_state.set_interval(db, "periodic_scan", 120)
    at.move_to(NOON + timedelta(minutes=30))
    assert runs(app, "periodic_scan") == "already_ran"
    at.move_to(NOON + timedelta(minutes=60))
    assert runs(app, "periodic_scan") == "succeeded"
    at.move_to(NOON + timedelta(minutes=90))
    assert runs(app, "periodic_scan") == "already_ran"
    job_state.set_interval(db, "periodic_scan", None)
    assert runs(app, "periodic_scan") == "succeeded"


def test_an_interval_below_the_files_own_does_not_hold(app: App, at: FixedClock, db: psycopg.Connection) -> None:
    job_state.set_interval(db, "periodic_scan", 5)
    assert runs(app, "periodic_scan") == "succeeded"
    at.advance(timedelta(minutes=5))
    assert runs(app, "periodic_scan") == "already_ran"


def test_a_source_is_as_fresh_as_its_interval_in_force_lets_it_be(app: App, db: psycopg.Connection) -> None:
    before = app.sources(lambda: None)["chatlogs"].every.period
    job_state.set_interval(db, "sync_chatlogs", 600)
    assert app.sources(lambda: None)["chatlogs"].every.period == timedelta(minutes=600) > before


def test_the_jobs_show_both_the_interval_in_force_and_the_files(app: App, db: psycopg.Connection) -> None:
    job_state.set_interval(db, "periodic_scan", 60)
    entries = {entry["job"]: entry for entry in jobs.entries_of(app)}
    scan, watch = entries["periodic_scan"], entries["health_monitor"]
    assert (scan["cadence"], scan["configured"], jobs.runs(scan)) == (
        "every 60 min", "every 30 min", "every 60 min (proposal)",
    )  # fmt: skip
    assert jobs.runs(watch) == watch["configured"]
    job_state.set_interval(db, "periodic_scan", 30)
    assert jobs.runs(next(e for e in jobs.entries_of(app) if e["job"] == "periodic_scan")) == "every 30 min"


def test_a_watcher_knows_the_intervals_in_force(app: App, db: psycopg.Connection) -> None:
    job_state.set_interval(db, "sync_chatlogs", 600)
    job_state.set_interval(db, "periodic_scan", 120)
    grounds = next(watcher for watcher in app.watchers().values() if hasattr(watcher, "grounds")).grounds
    assert grounds.sources() == {"chatlogs": timedelta(minutes=600)}
    due = {one.job: one.start for one in grounds.due(NOON + timedelta(minutes=30))}
    assert due["periodic_scan"] == NOON - timedelta(minutes=60)
