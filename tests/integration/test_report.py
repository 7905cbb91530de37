"""What a report tells of days that are known, and that it tells it of these days alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from fakes import quarter
from psycopg.types.json import Jsonb

from godmode.commands import report, status, terminal
from godmode.lib.clock import FixedClock
from godmode.lib.config import Config
from godmode.lib.report import facts
from godmode.lib.report.calendar import calendar
from godmode.lib.report.charts import bars, curve, stretch
from godmode.lib.report.facts import Facts, JobDays
from godmode.lib.report.page import page
from godmode.lib.store.history import Moved, Runs
from godmode.wiring import App

NOW = datetime(2026, 3, 10, 18, 30, tzinfo=UTC)  # two days after the clocks went forward in Chicago
CHICAGO = ZoneInfo("America/Chicago")


@pytest.fixture
def app(db: psycopg.Connection, config: Config) -> Iterator[App]:
    terminal.config.cache_clear()
    made = App(config, clock=FixedClock(NOW))
    yield made
    made.store.close()


def told(app: App, days: int = 7) -> Facts:
    return facts.gather(app.migrated().conn, report.scope(app, days))


def ran(db: psycopg.Connection, at: datetime, outcome: str = "succeeded", ms: int = 100, job: str = "sync_n8n") -> None:
    db.execute(
        "INSERT INTO agent_audit_log (ts, action, success, duration_ms, output_data) VALUES (%s, %s, %s, %s, %s)",
        (at, job, outcome == "succeeded", ms, Jsonb({"outcome": outcome})),
    )


def job_of(found: Facts, name: str = "sync_n8n") -> JobDays:
    return next(job for job in found.jobs if job.name == name)


def test_runs_are_counted_by_the_local_day_also_when_the_clocks_change(app: App, db: psycopg.Connection) -> None:
    for at in (
        datetime(2026, 3, 7, 23, 59, tzinfo=CHICAGO),
        datetime(2026, 3, 8, 0, 0, tzinfo=CHICAGO),
        datetime(2026, 3, 8, 23, 59, tzinfo=CHICAGO),
        datetime(2026, 3, 9, 0, 0, tzinfo=CHICAGO),
    ):
        ran(db, at)
    ran(db, datetime(2026, 3, 3, 23, 59, tzinfo=CHICAGO))  # the day before the first
    found = told(app)
    assert (found.days[0], found.days[-1]) == (date(2026, 3, 4), date(2026, 3, 10))
    assert {found.days[n]: runs.succeeded for n, runs in job_of(found).days.items()} == {
        date(2026, 3, 7): 1, date(2026, 3, 8): 2, date(2026, 3, 9): 1,
    }  # fmt: skip
    assert job_of(found).total.succeeded == 4


def test_failures_skips_and_missed_slots_are_told_apart_and_only_what_worked_has_a_duration(
    app: App, db: psycopg.Connection
) -> None:
    for ms in (100, 200, 900):
        ran(db, NOW - timedelta(hours=1), ms=ms)
    ran(db, NOW - timedelta(hours=1), "failed", ms=50_000)
    ran(db, NOW - timedelta(hours=1), "skipped", ms=0)
    db.execute(
        "INSERT INTO agent_audit_log (ts, action, action_type, output_data) VALUES (%s, 'sync_n8n', 'missed', %s)",
        (NOW - timedelta(hours=1), Jsonb({"count": 12})),
    )
    runs = job_of(told(app)).total
    assert (runs.succeeded, runs.failed, runs.skipped, runs.missed) == (3, 1, 1, 12)
    assert (runs.median_ms, runs.longest_ms) == (200, 900)


def test_an_incident_is_told_of_when_it_was_open_at_some_time_of_these_days(app: App, db: psycopg.Connection) -> None:
    day = timedelta(days=1)
    for title, opened, resolved in (
        ("long ago", 40, 30), ("ended within", 40, 3), ("still open", 40, None), ("within", 3, 2), ("later", -1, None),
    ):  # fmt: skip
        db.execute(
            "INSERT INTO incidents (type, title, status, opened_at, resolved_at) VALUES ('x', %s, %s, %s, %s)",
            (title, "open" if resolved is None else "resolved", NOW - opened * day, resolved and NOW - resolved * day),
        )
    assert {row.title for row in told(app).incidents} == {"ended within", "still open", "within"}


def test_the_queue_is_as_deep_as_what_had_come_and_not_yet_left(app: App, db: psycopg.Connection) -> None:
    for created, ended in ((9.0, 5.5), (6.2, 6.1), (6.2, None), (2.4, 2.3)):  # days before now
        db.execute(
            "INSERT INTO retry_jobs (type, status, created_at, updated_at) VALUES ('x', %s, %s, %s)",
            (
                "completed" if ended else "pending", NOW - timedelta(days=created),
                NOW - timedelta(days=ended or created),
            ),
        )  # fmt: skip
    assert list(told(app).depth) == [3, 2, 1, 1, 2, 1, 1]


def test_the_depth_of_a_queue_follows_from_what_came_and_left() -> None:
    starts = [NOW, NOW + timedelta(days=1)]
    moves = [Moved(None, 2, 0), Moved(NOW + timedelta(hours=1), 3, 4), Moved(NOW + timedelta(hours=30), 0, 1)]
    assert facts.depth(moves, starts) == [5, 1]
    assert facts.depth([], starts) == [0, 0]


@pytest.mark.parametrize("days", [7, 30, 90])
def test_a_page_is_made_of_any_history_and_of_none(app: App, db: psycopg.Connection, days: int) -> None:
    empty = page(told(app, days), status.look(app), "1")
    assert "No service was called." in empty and "Nothing was given up on." in empty
    quarter.fill(db, NOW)
    full = page(told(app, days), status.look(app), "1")
    assert full.count('<article class="card"') == len(quarter.JOBS)
    assert "Workflow &lt;script&gt;alert(1)&lt;/script&gt; failed 5 times" in full or days == 7
    assert "<script" not in full and "http://" not in full and "https://" not in full


def test_where_nobody_looked_the_page_says_so_and_claims_nothing(app: App, db: psycopg.Connection) -> None:
    for days in (1, 2):
        ran(db, NOW - timedelta(days=days), job="run_watchers")
    made = page(told(app, 7), status.look(app), "1")
    assert "None is known of." in made
    assert "run-watchers worked on 2 of these 7 days; on the others nobody looked." in made
    assert "All was well" not in made


EVIL = "</pre></title></style><script>alert(1)</script><img src=x onerror=alert(1)>'\"&{{ 7 * 7 }}"


def test_whatever_others_wrote_is_text_and_without_secrets(app: App, db: psycopg.Connection) -> None:
    key = "ghp_" + "a1B2" * 9
    for statement in (
        "INSERT INTO incidents (type, title, opened_at) VALUES (%(evil)s, %(evil)s, %(at)s)",
        "INSERT INTO proposals (type, title, created_at) VALUES (%(evil)s, %(evil)s, %(at)s)",
        "INSERT INTO dead_letter_jobs (type, error, note, created_at) VALUES (%(evil)s, %(evil)s, %(evil)s, %(at)s)",
        "INSERT INTO notifications (type, title, body, created_at, channel)"
        " VALUES ('daily_digest', '', %(evil)s, %(at)s, %(evil)s)",
        "INSERT INTO notifications (type, title, via, created_at) VALUES (%(evil)s, '', ARRAY[%(evil)s], %(at)s)",
        "INSERT INTO api_usage (service, hour, calls) VALUES (%(evil)s, %(at)s, 3)",
    ):
        db.execute(statement.encode(), {"evil": f"{EVIL} {key}", "at": NOW - timedelta(hours=2)})
    made = page(told(app), status.look(app), "1")
    assert made.count("<script") == made.count("<img") == made.count(" 49 ") == 0
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in made
    assert key not in made and "[redacted: GitHub token]" in made


def test_a_report_reads_its_days_by_an_index_and_never_a_whole_table(app: App, db: psycopg.Connection) -> None:
    quarter.fill(db, NOW, days=30)
    db.execute(
        "INSERT INTO retry_jobs (type, status, created_at, updated_at) SELECT 'x', 'completed', at, at"
        " FROM (SELECT %s - n * interval '1 hour' AS at FROM generate_series(1000, 30000) n) old",
        (NOW,),
    )
    db.execute(
        "INSERT INTO dead_letter_jobs (type, status, created_at) SELECT 'x', 'dismissed', at"
        " FROM (SELECT %s - n * interval '1 hour' AS at FROM generate_series(1000, 30000) n) old",
        (NOW,),
    )
    db.execute("ANALYZE")
    scanned: set[str] = set()

    class Explained(psycopg.Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            if re.match(r"\s*\(?(SELECT|WITH)\b", query):
                plan = psycopg.Cursor(self.connection).execute(f"EXPLAIN {query}", params).fetchall()
                scanned.update(re.findall(r"Seq Scan on (\w+)", str(plan)))
            return super().execute(query, params, **options)

    conn = app.migrated().conn
    conn.cursor_factory = Explained
    told(app, 7)
    assert not scanned & {"agent_audit_log", "retry_jobs", "dead_letter_jobs", "api_usage"}


def test_few_days_stand_in_rows_and_many_in_weeks_from_monday_on() -> None:
    none = JobDays("x", "x", "daily 08:00", Runs("x", None, 0, 0, 0, 0, None, None, None), {})

    def places(days: int) -> list[tuple[int, int]]:
        """Column and row of each day, from a Wednesday on."""
        drawn = calendar(none, [date(2026, 3, 4) + timedelta(days=n) for n in range(days)])
        return [(cell.x // 15, cell.y // 15) for cell in drawn.cells]

    assert places(7) == [(n, 0) for n in range(7)]
    assert places(30)[14:16] == [(14, 0), (0, 1)]
    assert places(90)[:6] == [(0, 2), (0, 3), (0, 4), (0, 5), (0, 6), (1, 0)]


@pytest.mark.parametrize(
    ("succeeded", "failed", "skipped", "missed", "state", "words"),
    [
        (48, 0, 0, 0, "worked", "48 worked"),
        (8, 0, 0, 40, "gaps", "8 worked, 40 slots missed"),
        (47, 1, 0, 0, "mixed", "47 worked, 1 failed"),
        (0, 2, 1, 0, "failed", "2 failed, 1 skipped"),
        (0, 0, 1, 0, "skipped", "1 skipped"),
        (0, 0, 0, 0, "none", "no run"),
    ],
)
def test_a_day_has_a_shape_and_words(
    succeeded: int, failed: int, skipped: int, missed: int, state: str, words: str
) -> None:
    runs = Runs("x", 0, succeeded, failed, skipped, missed, None, None, None)
    cell = calendar(JobDays("x", "x", "x", runs, {0: runs}), [date(2026, 3, 4)]).cells[0]
    assert (cell.state, cell.words) == (state, f"Wed 04 Mar: {words}")


def test_columns_stand_on_zero_and_hold_the_limit() -> None:
    drawn = bars([0, 5, 10], ["a", "b", "c"], limit=20)
    assert [bar.height for bar in drawn.bars] == [0, 25, 50]
    assert drawn.line == 0
    assert bars([], [], None).bars == []
    assert bars([0, 0], ["a", "b"]).top == 1


def test_a_curve_has_a_gap_where_nothing_ran() -> None:
    assert curve([5, None, 10, 0], 10) == "M0.0 50.0h0M66.67 0.0h0L100.0 100.0"
    assert curve([None, None], 0) == curve([], 0) == ""


def test_a_lifetime_stays_within_the_days_and_is_never_invisible() -> None:
    day, end = timedelta(days=1), NOW + timedelta(days=10)
    assert stretch(NOW - 5 * day, NOW + 5 * day, NOW, end) == (0, 50)
    assert stretch(NOW + 5 * day, NOW + 50 * day, NOW, end) == (50, 50)
    left, width = stretch(end, end, NOW, end)
    assert left + width <= 100.01 and width > 0
