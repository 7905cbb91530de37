"""A small company that the watchers look after: its rows are written by hand, its clock is moved by the test."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from fakes.company import NOON, configured

from godmode.lib.clock import FixedClock
from godmode.lib.config import Config
from godmode.lib.engine.equipment import Mode
from godmode.lib.kernel import Incident, JobResult, Severity
from godmode.lib.sections import Section
from godmode.wiring import App

N8N = '[sources.n8n]\nbase_url = "http://n8n"\n[sources.chatlogs]\npath = "chats"\n'
MINUTE = timedelta(minutes=1)


class Watched(App):
    """godmode with a clock that the test moves; it looks when it is asked to."""

    def __init__(self, config: Config, db: psycopg.Connection, now: datetime = NOON) -> None:
        self.at, self.db = FixedClock(now), db
        super().__init__(config, clock=self.at, stream=io.StringIO())

    @property
    def now(self) -> datetime:
        return self.at.now()

    def later(self, **step: float) -> None:
        self.at.advance(timedelta(**step))

    def looks(self, **after: float) -> JobResult:
        """The next run of the watchers, five minutes later or when the test says."""
        self.later(**(after or {"minutes": 5}))
        return self.runner.run("run_watchers", Mode(again=True)).result

    def sees(self, watcher: str) -> list[Incident]:
        """What one watcher sees now."""
        return list(self.watchers()[watcher].look(self.store, self.now))

    def fails(
        self, action: str, times: int = 3, ago: timedelta = MINUTE, error: str = "no answer", **more: Any
    ) -> None:
        self.audits(action, times, ago, success=False, error=error, **more)

    def audits(self, action: str, times: int = 1, ago: timedelta = MINUTE, **columns: Any) -> None:
        """Audit rows of an action, a second apart, the newest so long ago."""
        names = {"action": action, "success": True} | columns
        for number in range(times):
            ts = self.now - ago - timedelta(seconds=number)
            self.insert("agent_audit_log", ts=ts, **names)

    def insert(self, table: str, **columns: Any) -> None:
        names, places = ", ".join(columns), ", ".join(["%s"] * len(columns))
        self.db.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", list(columns.values()))

    def rows(self, columns: str = "type, severity, title, status, occurrences") -> list[tuple[Any, ...]]:
        return self.db.execute(f"SELECT {columns} FROM incidents ORDER BY id").fetchall()

    def row(self, columns: str) -> Any:
        """The values of the one incident that there is."""
        (values,) = self.rows(columns)
        return values[0] if len(values) == 1 else values

    def subjects(self) -> list[str]:
        return [subject["key"] for subject in self.row("subjects")]

    def messages(self) -> list[tuple[Any, ...]]:
        return self.db.execute("SELECT severity, title, status FROM notifications ORDER BY id").fetchall()


def reading_n8n(config: Config, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """The body of a fixture: the company with n8n and chats for its sources."""
    monkeypatch.setenv("N8N_API_KEY", "x")
    made = Watched(configured(config, N8N), db)
    yield made
    made.store.close()


def titles(watched: Watched, watcher: str) -> list[str]:
    return [f"{one.severity} {one.title}" for one in watched.sees(watcher)]


def keys(watched: Watched, watcher: str) -> list[str]:
    return [one.dedup_key.partition(":")[2] for one in watched.sees(watcher)]


def read(watched: Watched, name: str, ago: timedelta, **columns: object) -> None:
    columns = {"last_sync_success": True, "last_sync_completed_at": watched.now - ago} | columns
    watched.insert("data_source_sync", source_name=name, last_sync_started_at=watched.now - ago, **columns)


class Says:
    """A watcher that sees what the test says: subjects with their severity, or an error."""

    name = "says"
    seen: dict[str, Severity]
    error: Exception | None
    blind: bool

    class Settings(Section, frozen=True): ...

    def __init__(self, settings: Any, grounds: Any) -> None: ...

    def look(self, store: Any, now: datetime) -> Iterator[Incident]:
        for subject, severity in self.seen.items():
            yield Incident("says", severity, f"{subject} is broken", f"says:{subject}")
        if self.error:
            raise self.error

    def sees(self, store: Any, now: datetime) -> bool:
        return not self.blind
