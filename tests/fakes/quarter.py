"""Ninety days of a small company's godmode as its tables hold them: runs, gaps, incidents, messages, decisions.

Everything is made by arithmetic, so that each test and each picture gets the same days.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.types.json import Jsonb

# job → (minutes between two runs, milliseconds a run takes, one run in so many fails)
JOBS = {
    "periodic_scan": (30, 4_200, 97),
    "daily_digest": (1440, 1_900, 41),
    "morning_call": (1440, 62_000, 29),
    "run_watchers": (5, 240, 4_001),
    "process_retry_queue": (5, 35, 9_001),
    "cleanup_old_data": (1440, 800, 1_000),
    "health_monitor": (5, 120, 3_001),
    "sync_notion": (60, 9_000, 53),
    "sync_n8n": (30, 1_400, 151),
    "sync_hubspot": (30, 2_600, 211),
}
DOWN = (33, 35)  # days before the end within which the machine was off
TITLES = (
    ("SEV1", "repeated_failures", "Workflow Invoice export failed 14 times"),
    ("WARN", "repeated_failures", "Workflow Nightly backup failed 3 times"),
    ("WARN", "stale_source", "HubSpot was not read for six hours"),
    ("SEV0", "site_down", "The shop answers with 502"),
    ("WARN", "repeated_failures", "Workflow <script>alert(1)</script> failed 5 times"),
)
PROPOSALS = (
    "“Where is my parcel?” was asked 14 times in 30 days",
    "Nobody answered Maria’s question about the saddle clamp",
    "“Crack at the head tube” grows: 3 to 17 messages a week",
    "Somebody exports the invoices by hand every Monday",
)
DIGEST = """godmode digest, {day}
1. {sev} is open since 02:14: Workflow Invoice export failed 14 times
2. {count} new messages, 2 new proposals, 1 failed run
3. “Where is my parcel?” was asked 14 times: `godmode proposals show 7`
4. HubSpot not read since 03:10
5. Nothing else waits for you."""


def fill(conn: psycopg.Connection[Any], now: datetime, days: int = 90) -> None:
    """Put the days up to `now` into an empty, migrated database."""
    with conn.transaction():
        conn.execute("UPDATE schema_migrations SET applied_at = %s", (now - timedelta(days=days),))
        for place, (job, figures) in enumerate(JOBS.items()):
            _runs(conn, job, place, figures, now, days)
        _incidents(conn, now, days)
        _messages(conn, now, days)
        _decisions(conn, now, days)
        _queue(conn, now, days)
        _usage(conn, now, days)


def _runs(
    conn: psycopg.Connection[Any], job: str, place: int, figures: tuple[int, int, int], now: datetime, days: int
) -> None:
    minutes, ms, fails = figures
    conn.execute(
        """
        INSERT INTO agent_audit_log (ts, action, action_type, success, error, duration_ms, output_data, run_id, slot)
        SELECT at, %(job)s, 'job', ok, CASE WHEN NOT ok THEN 'n8n: no answer within 30 s; try again later' END, took,
            jsonb_build_object('outcome', CASE WHEN ok THEN 'succeeded' ELSE 'failed' END, 'attempt', 1,
                               'data', '{}'::jsonb),
            %(job)s || n, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        FROM (
            SELECT n, %(now)s - n * %(step)s AS at, (n + %(place)s) %% %(fails)s <> 0 AS ok,
                (%(ms)s * (0.7 + 0.3 * (1 + sin(n / 9.0)) + 0.4 * ((n * 7919 + %(place)s) %% 101) / 101.0))::int AS took
            FROM generate_series(1, %(count)s) n
        ) runs
        WHERE at NOT BETWEEN %(now)s - interval '1 day' * %(to)s AND %(now)s - interval '1 day' * %(from)s
        """,
        {
            "job": job, "place": place, "fails": fails, "ms": ms, "now": now, "step": timedelta(minutes=minutes),
            "count": days * 1440 // minutes, "from": DOWN[0], "to": DOWN[1],
        },
    )  # fmt: skip
    if days > DOWN[1]:
        missed = {"from": "x", "to": "y", "count": (DOWN[1] - DOWN[0]) * 1440 // minutes}
        conn.execute(
            "INSERT INTO agent_audit_log (ts, action, action_type, output_data) VALUES (%s, %s, 'missed', %s)",
            (now - timedelta(days=DOWN[0]), job, Jsonb(missed)),
        )
    begun = now - timedelta(minutes=minutes)
    recent = [{"at": begun.isoformat(), "outcome": "succeeded", "ms": ms * (20 + n % 7) // 26} for n in range(20)]
    today = now.astimezone(ZoneInfo("America/Chicago")).date()
    slot = today.isoformat() if minutes == 1440 else begun.strftime("%Y-%m-%dT%H:%M:%SZ")
    conn.execute(
        """
        INSERT INTO job_state (job, slot, attempt, state, started_at, finished_at, last_success_at, recent)
        VALUES (%(job)s, %(slot)s, 1, 'succeeded', %(at)s, %(at)s, %(at)s, %(recent)s)
        """,
        {"job": job, "slot": slot, "at": begun, "recent": Jsonb(recent)},
    )


def _incidents(conn: psycopg.Connection[Any], now: datetime, days: int) -> None:
    for n in range(days // 6):
        severity, type_, title = TITLES[n % len(TITLES)]
        opened = now - timedelta(days=6 * n + 1, hours=3)
        resolved = None if n in (0, 1) else opened + timedelta(hours=1 + 7 * (n % 9))
        conn.execute(
            """
            INSERT INTO incidents (type, severity, title, status, dedup_key, occurrences, opened_at, last_seen_at,
                                   resolved_at, acknowledged_at)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            """,
            (
                type_, severity, title, "resolved" if resolved else "open", f"incident:{n}", 1 + n % 5, opened,
                resolved or now, resolved, opened + timedelta(minutes=9) if n % 2 else None,
            ),
        )  # fmt: skip


def _messages(conn: psycopg.Connection[Any], now: datetime, days: int) -> None:
    for n in range(1, days):
        at = (now - timedelta(days=n)).replace(hour=14, minute=0)
        body = DIGEST.format(day=f"{at:%a %d %b}", count=40 + n * 13 % 50, sev="SEV1")
        _message(conn, "daily_digest", "INFO", "godmode digest", body, "sent", "message", "telegram", at)
        if n % 3 == 0:
            heard = "sent" if n % 9 else "failed"
            _message(conn, "morning_call", "INFO", "Morning call", "Good morning.", heard, "call", "twilio", at)
        if n % 4 == 0:
            _message(conn, "incident", "SEV1", TITLES[0][2], "It failed again.", "sent", "sms", "salesmsg", at)
        if n % 2:
            _message(conn, "job_failing", "WARN", "sync notion failed 3 times in a row", "", "digested", "", None, at)
        if n == 17:
            _message(conn, "incident", "SEV0", TITLES[3][2], "It is down.", "uncertain", "call", "callmebot", at)


def _message(
    conn: psycopg.Connection[Any], type_: str, severity: str, title: str, body: str, status: str, way: str,
    channel: str | None, at: datetime,
) -> None:  # fmt: skip
    tries = [{"way": way, "channel": channel, "at": at.isoformat()}] if way else []
    conn.execute(
        """
        INSERT INTO notifications (type, severity, title, body, status, via, tries, tried_at, channel, created_at,
                                   updated_at, sent_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            type_, severity, title, body, status, [way] if way else [], Jsonb(tries), at if way else None, channel,
            at, at, at if status == "sent" else None,
        ),
    )  # fmt: skip


def _decisions(conn: psycopg.Connection[Any], now: datetime, days: int) -> None:
    statuses = ("open", "approved", "rejected", "applied", "undone", "expired")
    for n in range(days // 5):
        at = now - timedelta(days=5 * n, hours=6)
        status = statuses[n % len(statuses)]
        conn.execute(
            """
            INSERT INTO proposals (type, title, status, confidence, evidence, dedup_key, created_at, updated_at,
                                   decided_at)
            VALUES ('recurring_asks', %s, %s, %s, '{}', %s, %s, %s, %s)
            """,
            (
                PROPOSALS[n % len(PROPOSALS)], status, 0.7 + n % 3 / 10, f"proposal:{n}", at, at,
                at + timedelta(hours=5) if status != "open" else None,
            ),
        )  # fmt: skip


def _queue(conn: psycopg.Connection[Any], now: datetime, days: int) -> None:
    for n in range(days * 2):
        at = now - timedelta(hours=12 * n, minutes=20)
        status = "dead" if n % 30 == 29 else "completed" if n > 1 else "pending"
        ended = at + timedelta(minutes=1 + n * 37 % 600)
        conn.execute(
            """
            INSERT INTO retry_jobs (type, payload, status, attempts, created_at, updated_at, run_at)
            VALUES ('notification', '{}', %s, %s, %s, %s, %s)
            """,
            (status, 1 + n % 5, at, ended, at),
        )
        if status == "dead":
            conn.execute(
                """
                INSERT INTO dead_letter_jobs (type, attempts, error, status, created_at, updated_at)
                VALUES ('notification', 5, 'telegram: no answer', %s, %s, %s)
                """,
                ("open" if n == 29 else "dismissed", ended, ended),
            )


def _usage(conn: psycopg.Connection[Any], now: datetime, days: int) -> None:
    for place, service in enumerate(("notion", "n8n", "hubspot")):
        conn.execute(
            """
            INSERT INTO api_usage (service, hour, calls, errors, throttled, duration_ms)
            SELECT %(service)s, date_trunc('hour', %(now)s) - n * interval '1 hour',
                (40 + 30 * sin(n / 24.0 + %(place)s) + (n * 31) %% 17)::int,
                (n %% 97 = 0)::int, (n %% 61 = 0)::int, 9000
            FROM generate_series(0, %(hours)s) n
            """,
            {"service": service, "place": place, "now": now, "hours": days * 24},
        )
