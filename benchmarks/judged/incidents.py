"""Troubles that watchers have to see within minutes. Each function makes one that begins at `at`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from psycopg.types.json import Jsonb

from benchmarks.judged.company import an_error
from benchmarks.judged.history import HOUR, MINUTE, History, Trouble, next_of

REPEATED, RATE_LIMIT, COST = "repeated_failures", "rate_limits", "cost_anomaly"
SLOW_DATABASE, SLOW_JOB, FAILURE_RATE = "performance", "slow_jobs", "failure_rate"
QUEUE, DEAD, MISSED, STALE = "queue_depth", "dead_letters", "missed_slots", "stale_sources"
SILENT, STUCK = "silent_workflows", "stuck_claims"

Make = Callable[[History, datetime], None]


def _label(
    history: History, kind: str, at: datetime, lasts: timedelta, visible: datetime, about: str, *seen_as: str,
    beside: tuple[str, ...] = (),
) -> None:  # fmt: skip
    history.troubles.append(
        Trouble(kind, at, at + lasts, visible, about, frozenset(seen_as), frozenset(), frozenset(beside))
    )


def workflow_breaks(history: History, at: datetime) -> None:
    """A workflow that runs every five minutes fails each time for five hours. n8n is read every half hour."""
    history.quiet.append(("Shipping labels", at, at + 5 * HOUR, 0.0))
    for n in range(60):
        history.ran("Shipping labels", at + n * 5 * MINUTE, error=f"Label service says 500 for order {n * 7919}")
    beside = ("error_templates", FAILURE_RATE, SILENT, "changed_rate")
    _label(
        history,
        "workflow_breaks",
        at,
        5 * HOUR,
        next_of(HOUR / 2, at + 11 * MINUTE),
        "shipping labels",
        REPEATED,
        beside=beside,
    )


def action_fails(history: History, at: datetime) -> None:
    """Messages fail five times within twenty minutes."""
    for n in range(5):
        history.outcome("telegram_message", at + n * 5 * MINUTE, error="Bad Gateway", kind="action", ms=300)
    _label(history, "action_fails", at, 25 * MINUTE, at + 10 * MINUTE, "telegram", REPEATED, beside=(FAILURE_RATE,))


def failure_rate(history: History, at: datetime) -> None:
    """A third of what is done fails for an hour and a half, none of it three times in a row."""
    for n in range(90):
        at_ = at + n * MINUTE
        error = an_error(history.chance) if n % 3 == 0 else None
        history.outcome(f"webhook_{n % 45}", at_, error=error, kind="action", ms=400)
    _label(history, "failure_rate", at, 90 * MINUTE, at + 12 * MINUTE, "", FAILURE_RATE, beside=(REPEATED,))


def slow_job(history: History, at: datetime) -> None:
    """The sync of Notion takes longer than half a minute for three hours."""
    history.slow.append(("sync_notion", at, at + 3 * HOUR, 14.0))
    _label(history, "slow_job", at, 3 * HOUR, next_of(HOUR, at) + MINUTE, "notion", SLOW_JOB)


def slow_database(history: History, at: datetime) -> None:
    """The database takes nearly two seconds for what took milliseconds."""
    for n in range(60):
        history.outcome("query", at + n * MINUTE, kind="database", ms=1500 + n * 17)
    _label(history, "slow_database", at, HOUR, at + 8 * MINUTE, "", SLOW_DATABASE)


def _bucket(history: History, at: datetime, used: int) -> None:
    history.add(
        at,
        "INSERT INTO rate_limit_buckets (name, capacity, used, window_ms, window_start)"
        " VALUES ('hubspot.day', 1000, %(used)s, 86400000, %(start)s)"
        " ON CONFLICT (name) DO UPDATE SET used = EXCLUDED.used, window_start = EXCLUDED.window_start",
        used=used, start=at - 6 * HOUR,
    )  # fmt: skip


def rate_limit_near(history: History, at: datetime) -> None:
    """Of a day's calls 86 % are used."""
    _bucket(history, at, 860)
    _bucket(history, at + 4 * HOUR, 120)
    _label(history, "rate_limit_near", at, 4 * HOUR, at, "hubspot", RATE_LIMIT, beside=(COST,))


def rate_limit_reached(history: History, at: datetime) -> None:
    """Of a day's calls 97 % are used."""
    _bucket(history, at, 970)
    _bucket(history, at + 4 * HOUR, 120)
    _label(history, "rate_limit_reached", at, 4 * HOUR, at, "hubspot", RATE_LIMIT, beside=(COST,))


def cost_doubles(history: History, at: datetime) -> None:
    """Notion is asked four times as often for four hours."""
    history.dear.append(("notion", at, at + 4 * HOUR, 4.0))
    _label(history, "cost_doubles", at, 4 * HOUR, next_of(HOUR, at) + HOUR, "notion", COST, beside=("changed_rate",))


def cost_explodes(history: History, at: datetime) -> None:
    """HubSpot is asked seven times as often for three hours."""
    history.dear.append(("hubspot", at, at + 3 * HOUR, 7.0))
    _label(history, "cost_explodes", at, 3 * HOUR, next_of(HOUR, at) + HOUR, "hubspot", COST, beside=("changed_rate",))


def queue_deep(history: History, at: datetime) -> None:
    """A hundred and forty pieces of work wait for two hours."""
    for n in range(140):
        history.row(
            at + n * timedelta(seconds=2), "retry_jobs", type="custom", payload=Jsonb({"n": n}), run_at=at,
            created_at=at, updated_at=at, unique_key=f"deep-{at:%d%H}-{n}",
        )  # fmt: skip
    history.add(
        at + 2 * HOUR,
        "UPDATE retry_jobs SET status = 'completed', updated_at = %(at)s WHERE unique_key LIKE 'deep-%%'"
        " AND status = 'pending'",
        at=at + 2 * HOUR,
    )
    _label(history, "queue_deep", at, 2 * HOUR, at + 5 * MINUTE, "", QUEUE, beside=("slowing_queue",))


def dead_letters(history: History, at: datetime) -> None:
    """Within half an hour eight pieces of work are given up on."""
    for n in range(8):
        when = at + n * 4 * MINUTE
        history.row(
            when, "dead_letter_jobs", type="notification", payload=Jsonb({"notification": n}), attempts=5,
            error="the recipient is unknown", created_at=when, updated_at=when,
        )  # fmt: skip
    history.add(
        at + 6 * HOUR,
        "UPDATE dead_letter_jobs SET status = 'dismissed', updated_at = %(at)s WHERE status = 'open'",
        at=at + 6 * HOUR,
    )
    _label(history, "dead_letters", at, 6 * HOUR, at + 8 * MINUTE, "", DEAD)


def job_stops(history: History, at: datetime) -> None:
    """The health monitor misses its slots for three hours: its line in the crontab is gone."""
    history.down.append(("health_monitor", at, at + 3 * HOUR))
    _label(history, "job_stops", at, 3 * HOUR, at + 15 * MINUTE, "health", MISSED)


def source_stale(history: History, at: datetime) -> None:
    """HubSpot is not read any more for five hours."""
    history.down += [("sync_hubspot", at, at + 5 * HOUR), ("source.hubspot", at, at + 5 * HOUR)]
    _label(history, "source_stale", at, 5 * HOUR, at + 90 * MINUTE, "hubspot", STALE, beside=(MISSED,))


def workflow_silent(history: History, at: datetime) -> None:
    """A workflow that runs every quarter of an hour has fallen silent."""
    history.quiet.append(("Support triage", at, at + 9 * HOUR, 0.0))
    _label(
        history,
        "workflow_silent",
        at,
        9 * HOUR,
        next_of(HOUR / 2, at + 57 * MINUTE),
        "support",
        SILENT,
        beside=("changed_rate",),
    )


def claim_stuck(history: History, at: datetime) -> None:
    """The sync of Notion began on another host and never came back."""
    history.down += [("stuck.sync_notion", at, at + 4 * HOUR), ("sync_notion", at, at + 4 * HOUR)]
    _label(history, "claim_stuck", at, 4 * HOUR, at + 26 * MINUTE, "notion", STUCK, beside=(MISSED, STALE))


def spend_hidden(history: History, at: datetime) -> None:
    """n8n is asked six times as often for six hours, and nothing fails."""
    history.dear.append(("n8n", at, at + 6 * HOUR, 6.0))
    _label(history, "spend_hidden", at, 6 * HOUR, next_of(HOUR, at) + HOUR, "n8n", COST, beside=("changed_rate",))


KINDS: tuple[Make, ...] = (
    workflow_breaks, action_fails, failure_rate, slow_job, slow_database, rate_limit_near, rate_limit_reached,
    cost_doubles, cost_explodes, queue_deep, dead_letters, job_stops, source_stale, workflow_silent, claim_stuck,
    spend_hidden,
)  # fmt: skip
