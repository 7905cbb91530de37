"""The status page of an installation with a history."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fakes import quarter
from fakes.company import configured
from hypothesis import given
from hypothesis import strategies as st

from godmode.commands import screen, status, terminal
from godmode.lib.clock import FixedClock
from godmode.lib.config import Config
from godmode.lib.notify.wording import took
from godmode.wiring import App

NOW = datetime(2026, 3, 10, 18, 30, tzinfo=UTC)
DOCUMENT = Path(__file__).parents[2] / "docs" / "status.md"
CONFIG = '[sources.notion]\nbase_url = "http://127.0.0.1:9"\n'


@pytest.fixture
def app(db: psycopg.Connection, config: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    monkeypatch.setenv("NOTION_TOKEN", "x")
    quarter.fill(db, NOW, days=7)
    db.execute(
        "INSERT INTO data_source_sync (source_name, last_sync_completed_at, last_sync_success)"
        " VALUES ('notion', %s, true)",
        (NOW - timedelta(minutes=9),),
    )
    for table, settled in (("incidents", "resolved_at = %s, status = 'resolved'"), ("dead_letter_jobs", "note = %s")):
        db.execute(f"UPDATE {table} SET {settled}, archived = true".encode(), (NOW,))
    db.execute("UPDATE notifications SET status = 'suppressed' WHERE status = 'uncertain' OR status = 'failed'")
    terminal.config.cache_clear()
    made = App(configured(config, CONFIG), clock=FixedClock(NOW))
    terminal.config()
    yield made
    made.store.close()
    terminal.config.cache_clear()


def keys_of(heading: str) -> set[str]:
    """The keys in the table below a heading of the document."""
    section = DOCUMENT.read_text().partition(heading)[2].partition("\n#")[0]
    return set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))


def test_where_every_job_runs_and_nothing_is_open_all_is_well(app: App) -> None:
    document = status.look(app)
    assert (document["troubles"], document["unseen"], document["well"]) == ([], [], True)
    assert screen.plain(document).startswith("✓ all is well")


def test_the_document_names_every_key_and_no_other(app: App, db: psycopg.Connection) -> None:
    document = status.look(app)
    assert set(document) == keys_of("## `--json`")
    assert set(document["jobs"][0]) == keys_of("### A job")
    assert set(document["sources"][0]) == keys_of("### A source")


def test_a_week_later_without_a_run_nothing_is_well(app: App, db: psycopg.Connection) -> None:
    app.clock.advance(timedelta(days=7))  # type: ignore[attr-defined]
    document = status.look(app)
    assert not document["well"]
    assert document["unseen"][0]["what"].startswith("no job has run since ")
    assert "all is well" not in screen.plain(document)


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("", ""),
        (
            "UPDATE job_state SET slot = NULL, started_at = NULL WHERE job = 'health_monitor'",
            "health-monitor has not run",
        ),
        (
            "INSERT INTO notifications (type, severity, title, status, created_at, updated_at)"
            " VALUES ('x', 'SEV0', 'The shop is down', 'uncertain', %(at)s, %(at)s)",
            "SEV0 may not have reached you: The shop is down",
        ),
        (
            "INSERT INTO notifications (type, severity, title, status, created_at, updated_at)"
            " VALUES ('x', 'SEV0', 'The shop is down', 'sending', %(at)s, %(at)s)",
            "SEV0 has not gone out (sending): The shop is down",
        ),
        (
            "INSERT INTO incidents (type, severity, title)"
            " VALUES ('x', 'WARN', 'token ghp_' || repeat('a1B2', 9))",
            "WARN: token [redacted: GitHub token]",
        ),
        ("UPDATE job_state SET state = 'running', run_id = 'x', lease_until = %(at)s WHERE job = 'run_watchers'",
         "run-watchers began and never ended"),
        ("UPDATE agent_controls SET jobs_enabled = false", "jobs_enabled is off"),
    ],
)  # fmt: skip
def test_what_was_not_looked_at_or_is_wrong_is_no_all_clear(
    app: App, db: psycopg.Connection, statement: str, says: str
) -> None:
    if statement:
        db.execute(statement.encode(), {"at": NOW - timedelta(minutes=5)})
    document = status.look(app)
    found = [trouble["what"] for trouble in (*document["troubles"], *document["unseen"])]
    assert any(what.startswith(says) for what in found) == bool(says), found
    assert document["well"] == (not says)


def seen_at(document: dict[str, Any], width: int, height: int) -> list[str]:
    return ["".join(text for text, _ in line) for line in screen.lines(document, width, height)]


def test_of_many_troubles_the_worst_are_shown_and_how_many_more_there_are(app: App, db: psycopg.Connection) -> None:
    db.execute(
        "INSERT INTO incidents (type, severity, title) SELECT 'x', 'WARN', repeat('a long title ', 20) || n"
        " FROM generate_series(1, 12) n"
    )
    db.execute("INSERT INTO incidents (type, severity, title) VALUES ('x', 'SEV0', 'The shop is down')")
    document = status.look(app)
    shown = seen_at(document, 80, 23)
    assert len(shown) <= 23
    assert shown[0].startswith("✗ 13 things are wrong")
    assert shown[1].startswith("  ✗ SEV0: The shop is down  godmode incidents show ")
    assert any(re.fullmatch(r"  and \d+ more  godmode status \| less", line) for line in shown)
    assert max(map(len, shown)) <= 80
    assert len(screen.plain(document).splitlines()) > 23


def test_a_sparkline_is_as_high_as_a_run_took_long_and_marks_what_did_not_work() -> None:
    assert screen.sparkline(["succeeded", "failed", "skipped", "succeeded"], [2, 5, 0, 100]) == "▂✗·█"
    assert screen.sparkline([], []) == ""


@given(st.floats(0, 10 * 3600 * 1000))
def test_a_duration_fits_its_column(ms: float) -> None:
    assert len(took(ms)) <= 6
