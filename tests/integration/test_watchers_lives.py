"""Every watcher's trouble, from its first sighting to its end: one incident for an hour, joined by what comes after,
and resolved when it has stayed away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import NamedTuple

import psycopg
import pytest
from fakes.company import configured
from fakes.watched import Watched

from godmode import registry
from godmode.lib.config import Config

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
CONFIG = '[sources.n8n]\nbase_url = "http://n8n"\nscan_interval_minutes = 1440\n[sources.chatlogs]\npath = "chats"\n'


class Trouble(NamedTuple):
    """What makes it, for a first and for a second subject where there can be two; and what ends it but time."""

    make: Callable[[Watched, str], object]
    second: bool = True
    cure: str = "SELECT"


def runs(watched: Watched, workflow: str, status: str, times: int) -> None:
    for number in range(times):
        watched.insert(
            "workflow_executions", execution_id=f"{workflow}:{status}:{number}", workflow_id=workflow, status=status,
            started_at=watched.now - timedelta(minutes=number + 1),
        )  # fmt: skip


def fails_often(watched: Watched, subject: str) -> None:
    runs(watched, subject, "success", 40)
    runs(watched, subject, "error", 9)


def falls_silent(watched: Watched, subject: str) -> None:
    watched.db.execute(
        "INSERT INTO workflow_executions (execution_id, workflow_id, status, started_at)"
        " SELECT %(id)s || n, %(id)s, 'success', %(now)s - n * interval '1 hour' FROM generate_series(3, 800) n",
        {"id": subject, "now": watched.now},
    )
    watched.db.execute("UPDATE data_source_sync SET last_sync_completed_at = %s", (watched.now,))


def spends(watched: Watched, subject: str) -> None:
    this_hour = watched.now.replace(minute=0)
    watched.insert("api_usage", service=subject, hour=this_hour, calls=900)
    for week in range(1, 5):
        watched.insert(
            "api_usage", service=subject, hour=this_hour + HOUR - week * WEEK, calls=10
        )  # the clocks went ahead


TROUBLES = {
    "repeated_failures": Trouble(lambda w, subject: w.fails(subject)),
    "failure_rate": Trouble(fails_often, cure="UPDATE workflow_executions SET archived = true"),
    "silent_workflows": Trouble(falls_silent, cure="UPDATE workflow_executions SET archived = true"),
    "stale_sources": Trouble(
        lambda w, subject: w.db.execute(
            "UPDATE data_source_sync SET last_sync_completed_at = %s", (w.now - 3 * DAY,)
        ),
        second=False,
        cure="UPDATE data_source_sync SET last_sync_completed_at = '2026-03-11'",
    ),
    "rate_limits": Trouble(
        lambda w, subject: w.insert(
            "rate_limit_buckets", name=subject, capacity=10, used=10, window_ms=3_600_000, window_start=w.now
        )
    ),
    "cost_anomaly": Trouble(spends),
    "slow_jobs": Trouble(lambda w, subject: w.audits(subject, duration_ms=31_000)),
    "missed_slots": Trouble(
        lambda w, subject: w.audits(subject, action_type="missed", success=None, output_data='{"count": 1}'),
        cure="UPDATE job_state SET slot = NULL",  # the test lets hours pass, which the watchers miss
    ),
    "stuck_claims": Trouble(
        lambda w, subject: w.insert(
            "job_state", job=subject, state="running", run_id="r", lease_until=w.now - HOUR, slot="2026-03-10"
        ),
        cure="UPDATE job_state SET state = 'failed' WHERE run_id = 'r'",
    ),
    "queue_depth": Trouble(
        lambda w, subject: w.db.execute(
            "INSERT INTO retry_jobs (type) SELECT 'custom' FROM generate_series(1, 101)"
        ),
        second=False,
        cure="UPDATE retry_jobs SET status = 'dismissed'",
    ),
    "dead_letters": Trouble(
        lambda w, subject: w.db.execute(
            "INSERT INTO dead_letter_jobs (type, created_at) SELECT %s, %s FROM generate_series(1, 3)", (subject, w.now)
        )
    ),
    "performance": Trouble(
        lambda w, subject: w.audits("query", 500, action_type="database", duration_ms=1100), second=False
    ),
}  # fmt: skip


@pytest.fixture
def watched(config: Config, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setenv("N8N_API_KEY", "x")
    made = Watched(configured(config, CONFIG), db)
    made.insert("data_source_sync", source_name="n8n", last_sync_success=True, last_sync_completed_at=made.now)
    yield made
    made.store.close()


def of(watched: Watched, type_: str) -> list[tuple[str, int]]:
    return watched.db.execute(
        "SELECT status, jsonb_array_length(subjects) FROM incidents WHERE type = %s ORDER BY id", (type_,)
    ).fetchall()


def test_every_watcher_has_its_trouble_here() -> None:
    assert set(TROUBLES) == set(registry.WATCHERS)


@pytest.mark.parametrize("name", TROUBLES)
def test_the_life_of_an_incident(watched: Watched, name: str) -> None:
    trouble = TROUBLES[name]
    trouble.make(watched, "one")
    assert watched.looks().error is None
    (opened,) = of(watched, name)
    assert opened[0] == "open"
    watched.looks()
    assert of(watched, name) == [opened]
    if trouble.second:
        trouble.make(watched, "two")
        watched.looks()
        ((status, subjects),) = of(watched, name)
        assert (status, subjects > opened[1]) == ("open", True)
    watched.db.execute(trouble.cure)
    watched.looks(hours=2)
    watched.db.execute(trouble.cure)
    watched.looks()
    ((status, _),) = of(watched, name)
    assert status == "resolved", watched.rows("type, title, status, last_seen_at, evidence, life")
