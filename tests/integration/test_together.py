"""periodic_scan: all sources at once, none stopped by another, all stopped together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fakes.n8n import KEY, N8n

from godmode.lib import config as configuration
from godmode.lib.clock import FixedClock
from godmode.lib.config import Config
from godmode.lib.engine import sync, together
from godmode.lib.engine.equipment import Mode, Report
from godmode.lib.errors import Transient
from godmode.lib.kernel import Every, Job, Record
from godmode.lib.ports import Source
from godmode.wiring import App

NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
Read = Callable[[], Iterator[Record]]


class Feed:
    """A source that reads as a test tells it to."""

    every, authority = Every(minutes=30), "observed"

    def __init__(self, name: str, read: Read) -> None:
        self.name, self._read = name, read

    def changes(self, cursor: Mapping[str, Any]) -> Iterator[Record]:
        return self._read()


class Company(App):
    """godmode with sources of a test's own, beside those that are configured."""

    def __init__(self, config: Config, **feeds: Read) -> None:
        self.feeds = feeds
        super().__init__(config, clock=FixedClock(NOW))

    def sources(self, check: Callable[[], None]) -> Mapping[str, Source]:
        return dict(super().sources(check)) | {name: Feed(name, read) for name, read in self.feeds.items()}

    def job(self, name: str) -> Job:
        source = name.removeprefix("sync_")
        if source in self.feeds:
            return Job(name, "", Feed.every, partial(sync.run, name=source))
        return super().job(name)

    def lacking(self, job: Job) -> Any:
        return {key: value for key, value in super().lacking(job).items() if key != "source"}

    def scan(self) -> Report:
        return self.runner.run("periodic_scan", Mode(scheduled=True))


@pytest.fixture
def company(config: Config) -> Iterator[Callable[..., Company]]:
    made: list[Company] = []

    def make(settings: Config | None = None, **feeds: Read) -> Company:
        made.append(Company(settings or config, **feeds))
        return made[-1]

    yield make
    for one in made:
        one.store.close()


def gives(name: str, count: int) -> Read:
    return lambda: (Record(name, str(n), NOW, "hello") for n in range(count))


def raises(error: Exception) -> Read:
    def read() -> Iterator[Record]:
        raise error
        yield

    return read


def stored(db: psycopg.Connection) -> dict[str, int]:
    return dict(db.execute("SELECT source_type, count(*) FROM memory_items GROUP BY 1").fetchall())


def test_all_sources_are_read_at_the_same_time(company: Callable[..., Company], db: psycopg.Connection) -> None:
    meeting = threading.Barrier(4, timeout=30)

    def meets(name: str) -> Iterator[Record]:
        meeting.wait()
        yield Record(name, "1", NOW, "hello")

    names = ("one", "two", "three", "four")
    report = company(**{name: partial(meets, name) for name in names}).scan()
    assert {name: data["new"] for name, data in report.result.data["sources"].items()} == dict.fromkeys(names, 1)
    assert stored(db) == dict.fromkeys(names, 1)


def test_one_that_fails_stops_no_other_and_every_outcome_is_written(
    company: Callable[..., Company], db: psycopg.Connection
) -> None:
    report = company(good=gives("good", 3), bad=raises(Transient("cut")), bug=raises(RuntimeError("bug"))).scan()
    outcomes = {name: (data["outcome"], data["error"]) for name, data in report.result.data["sources"].items()}
    assert report.result.outcome == "succeeded"
    assert outcomes["good"] == ("succeeded", None)
    assert outcomes["bad"] == ("failed", "cut")
    assert outcomes["bug"][0] == "failed"
    rows = db.execute("SELECT source_name, last_sync_success, last_error FROM data_source_sync ORDER BY 1").fetchall()
    assert rows[0] == ("bad", False, "cut")
    assert rows[2][:2] == ("good", True)
    assert stored(db) == {"good": 3}
    jobs = db.execute("SELECT job, state FROM job_state WHERE job LIKE 'sync%' ORDER BY 1").fetchall()
    assert jobs == [("sync_bad", "failed"), ("sync_bug", "failed"), ("sync_good", "succeeded")]


@pytest.fixture
def with_n8n(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], tuple[N8n, Config]]]:
    with N8n() as fake:

        def make(more: str = "") -> tuple[N8n, Config]:
            path = tmp_path / "godmode.toml"
            path.write_text(f'{more}\n[sources.n8n]\nbase_url = "{fake.url}"\n')
            monkeypatch.setenv("N8N_API_KEY", KEY)
            fake.many(100)
            return fake, configuration.load(path)

        yield make


def test_the_switch_ends_them_all_though_one_hangs_in_an_answer_that_drips(
    company: Callable[..., Company], with_n8n: Callable[[], tuple[N8n, Config]], db: psycopg.Connection
) -> None:
    fake, config = with_n8n()
    fake.fail("drip", times=9)

    def flips() -> Iterator[Record]:
        while not fake.calls:
            threading.Event().wait(0.01)
        yield Record("other", "1", NOW, "hello")
        db.execute("UPDATE agent_controls SET kill_switch = true")

    report = company(config, other=flips).scan()
    assert (report.result.outcome, report.result.reason) == ("skipped", "kill_switch")
    rows = db.execute("SELECT source_name, last_error FROM data_source_sync ORDER BY 1").fetchall()
    assert rows == [("n8n", "Kill switch is active"), ("other", "Kill switch is active")]
    assert len(fake.calls) == 1


def test_the_deadline_ends_them_all(
    company: Callable[..., Company], with_n8n: Callable[[str], tuple[N8n, Config]], db: psycopg.Connection
) -> None:
    fake, config = with_n8n("[jobs.periodic_scan]\ndeadline_seconds = 1\n")
    fake.fail("drip", times=9)
    report = company(config, good=gives("good", 3)).scan()
    assert (report.result.outcome, report.result.error_category) == ("failed", "transient")
    assert "deadline of 1 s" in (report.result.error or "")
    assert stored(db) == {"good": 3}
    row = db.execute("SELECT last_error FROM data_source_sync WHERE source_name = 'n8n'").fetchone()
    assert "deadline of 1 s" in row[0]  # type: ignore[index]


def test_a_statement_that_does_not_end_is_cancelled(
    company: Callable[..., Company], db: psycopg.Connection, tmp_path: Path
) -> None:
    path = tmp_path / "godmode.toml"
    path.write_text("[jobs.periodic_scan]\ndeadline_seconds = 1\n")
    godmode = company(configuration.load(path), one=gives("one", 3))
    db.execute("BEGIN")
    db.execute("LOCK TABLE memory_items IN SHARE MODE")
    report = godmode.scan()
    db.execute("COMMIT")
    assert "deadline of 1 s" in (report.result.error or "")
    assert db.execute("SELECT state FROM job_state WHERE job = 'sync_one'").fetchone() == ("failed",)
    row = db.execute("SELECT last_error FROM data_source_sync").fetchone()
    assert row == ("stopped at its deadline of 1 s",)


def test_one_that_nothing_reaches_is_given_up_on(
    company: Callable[..., Company], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, db: psycopg.Connection
) -> None:
    monkeypatch.setattr(together, "PATIENCE", (0.05, 0.05, 0.05))
    over = threading.Event()

    def hangs() -> Iterator[Record]:
        over.wait(30)
        return iter(())

    path = tmp_path / "godmode.toml"
    path.write_text("[jobs.periodic_scan]\ndeadline_seconds = 1\n")
    report = company(configuration.load(path), one=gives("one", 3), stuck=hangs).scan()
    hung = [thread for thread in threading.enumerate() if thread.name == "sync_stuck"]
    over.set()
    for thread in hung:
        thread.join()
    assert "deadline of 1 s" in (report.result.error or "")
    assert (len(hung), stored(db)) == (1, {"one": 3})


def test_a_source_that_is_configured_by_half_says_so_and_stops_no_other(
    company: Callable[..., Company], with_n8n: Callable[[], tuple[N8n, Config]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, config = with_n8n()
    monkeypatch.delenv("N8N_API_KEY")
    sources = company(config, good=gives("good", 3)).scan().result.data["sources"]
    assert sources["good"]["new"] == 3
    assert "the secret N8N_API_KEY is missing" in sources["n8n"]["error"]
