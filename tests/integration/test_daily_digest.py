"""The digest on a real database: what it carries is told of once, and nothing that it did not tell of is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from fakes.company import Desk, configured
from fakes.telegram import CHAT, Telegram
from psycopg.types.json import Jsonb

from godmode.lib.config import Config
from godmode.lib.engine.equipment import Mode, Report
from godmode.lib.kernel import Notification, Severity
from godmode.lib.store import figures, messages

EIGHT = datetime(2026, 3, 10, 13, 0, tzinfo=UTC)  # 08:00 in Chicago
BY_CRON = Mode(scheduled=True)


@pytest.fixture
def desk(config: Config, db: psycopg.Connection, telegram: Telegram) -> Iterator[Desk]:
    db.execute("INSERT INTO communication_allowlist (address) VALUES (%s)", (CHAT,))
    (config.path.parent / "chats").mkdir(parents=True)
    text = f'[channels.telegram]\nbase_url = "{telegram.url}"\nchat_id = "{CHAT}"\n[sources.chatlogs]\npath = "chats"\n'
    made = Desk(configured(config, text), EIGHT)
    yield made
    made.store.close()


def digest(desk: Desk, mode: Mode = BY_CRON) -> Report:
    return desk.runner.run("daily_digest", mode)


def warn(db: psycopg.Connection, key: str, severity: str = "WARN", at: datetime = EIGHT, **more: Any) -> int:
    row = {
        "type": "trouble",
        "severity": severity,
        "title": f"trouble {key}",
        "dedup_key": key,
        "created_at": at,
    } | more
    names = ", ".join(row)
    made = db.execute(
        f"INSERT INTO notifications ({names}) VALUES ({', '.join(['%s'] * len(row))}) RETURNING id".encode(),
        list(row.values()),
    ).fetchone()
    assert made is not None
    return int(made[0])


def states(db: psycopg.Connection) -> dict[str, str]:
    return dict(db.execute("SELECT dedup_key, status FROM notifications WHERE type = 'trouble'").fetchall())


def test_what_came_between_two_attempts_is_not_taken_for_told(
    desk: Desk, db: psycopg.Connection, telegram: Telegram
) -> None:
    warn(db, "north")
    telegram.mood = "down"
    assert str(digest(desk).result.outcome) == "failed"
    warn(db, "south")
    telegram.mood = "well"
    desk.later(minutes=5)
    assert str(digest(desk).result.outcome) == "succeeded"
    assert ("trouble north" in telegram.texts[0], "trouble south" in telegram.texts[0]) == (True, False)
    assert states(db) == {"north": "digested", "south": "pending"}
    desk.later(days=1)
    digest(desk)
    assert ("trouble north" in telegram.texts[1], "trouble south" in telegram.texts[1]) == (False, True)


def test_a_digest_that_may_have_arrived_carried_its_messages(
    desk: Desk, db: psycopg.Connection, telegram: Telegram
) -> None:
    warn(db, "north")
    telegram.mood = "hangs_up"
    assert digest(desk).result.data["delivery"] == "uncertain"
    assert states(db) == {"north": "digested"}
    telegram.mood = "well"
    desk.later(days=1)
    digest(desk)
    assert "Daily digest may not have reached you by telegram, Tue 08:00" in telegram.texts[-1]


def test_a_digest_that_failed_for_good_leaves_its_messages_to_the_next(
    desk: Desk, db: psycopg.Connection, telegram: Telegram
) -> None:
    warn(db, "north")
    telegram.mood = "down"
    for _ in range(2):
        digest(desk)
        desk.later(minutes=5)
    assert states(db) == {"north": "pending"}
    telegram.mood = "well"
    desk.later(days=1)
    digest(desk)
    text = telegram.texts[-1]
    assert "trouble north" in text
    assert "Given up after 2 attempts: daily digest of 2026-03-10" in text
    assert states(db) == {"north": "digested"}


def test_hundreds_of_messages_are_few_lines_and_each_is_found_again(
    desk: Desk, db: psycopg.Connection, telegram: Telegram
) -> None:
    made = [warn(db, f"k{n}", type=f"type_{n % 3}", title=f"trouble {n}") for n in range(300)]
    digest(desk)
    lines = telegram.texts[0].splitlines()
    assert [line for line in lines if line.startswith("1. ")] == [
        "1. WARN: trouble 0 and 99 others like it, since 08:00, 100 times in all"
        " (`godmode audit messages --type type_0`)"
    ]
    assert not any(line.startswith("4. ") for line in lines)
    assert sorted(row.id for row in messages.told_by_newest(db, "daily_digest")) == sorted(made)
    assert {row.id for row in messages.listed(db, type_="type_0", limit=1000)} <= set(made)


def test_a_message_that_is_on_its_way_by_itself_is_left_to_it(
    desk: Desk, db: psycopg.Connection, telegram: Telegram
) -> None:
    warn(db, "north", severity="SEV1", status="sending", via=["message"], updated_at=EIGHT)
    digest(desk)
    assert "trouble north" not in telegram.texts[0]
    assert states(db) == {"north": "sending"}


def test_the_figures_of_two_digests_meet_though_the_first_was_late(
    desk: Desk, db: psycopg.Connection, telegram: Telegram
) -> None:
    telegram.mood = "down"
    digest(desk)
    db.execute(
        "INSERT INTO corrections (title, applied_at) VALUES ('between the attempts', %s)",
        (EIGHT + timedelta(minutes=3),),
    )
    telegram.mood = "well"
    desk.later(minutes=5)
    digest(desk)
    desk.later(days=1)
    digest(desk)
    assert ["1 correction applied" in text for text in telegram.texts] == [False, True]


def test_an_old_scan_is_made_good_first(desk: Desk, db: psycopg.Connection, telegram: Telegram) -> None:
    digest(desk)
    assert db.execute("SELECT state FROM job_state WHERE job = 'periodic_scan'").fetchone() == ("succeeded",)
    assert "chatlogs (read 08:00), patterns (looked for 08:00)" in telegram.texts[0]


def test_where_the_scan_fails_the_digest_goes_out_and_says_how_old_the_facts_are(
    desk: Desk, db: psycopg.Connection, telegram: Telegram, config: Config
) -> None:
    desk.runner.run("periodic_scan")
    (config.path.parent / "chats").rmdir()
    desk.later(days=1)
    assert str(digest(desk).result.outcome) == "succeeded"
    assert "chatlogs not read since Tue 08:00: " in telegram.texts[0]
    assert "quiet" not in telegram.texts[0]


def test_a_dry_run_shows_the_digest_and_carries_nothing(desk: Desk, db: psycopg.Connection, telegram: Telegram) -> None:
    warn(db, "north")
    assert "trouble north" in digest(desk, Mode(dry_run=True)).result.data["text"]
    assert (telegram.texts, states(db)) == ([], {"north": "pending"})


def test_all_that_can_be_told_is_told_from_the_database(desk: Desk, db: psycopg.Connection, telegram: Telegram) -> None:
    before = EIGHT - timedelta(hours=6)
    db.execute(
        "INSERT INTO incidents (type, severity, title, dedup_key, opened_at, occurrences)"
        " VALUES ('x', 'SEV1', 'Store is down', 'store', %s, 3)",
        (before,),
    )
    warn(db, "store", severity="SEV1", status="held", via=[], error="comms_enabled is off")
    warn(db, "gone", severity="SEV0", status="held", via=[], error="comms_enabled is off")
    db.execute(
        "INSERT INTO dead_letter_jobs (type, payload, attempts, error, created_at) VALUES"
        " ('notification', %s, 5, 'no answer', %s), ('custom', '{\"id\": \"x\"}', 1, 'odd', %s)",
        (Jsonb({"id": warn(db, "lost", status="failed")}), before, before - timedelta(hours=1)),
    )
    db.execute("INSERT INTO proposals (title, created_at, updated_at) VALUES ('Do this', %s, %s)", (before, before))
    db.execute(
        "INSERT INTO agent_actions (key, kind, state, finished_at) VALUES ('w:1', 'update_contact', 'uncertain', %s)",
        (before,),
    )
    db.execute("INSERT INTO api_usage (service, hour, calls) VALUES ('n8n', %s, 40)", (EIGHT,))
    digest(desk)
    assert telegram.texts[0].splitlines()[1:] == [
        "The first digest; since Mon 08:00: 0 new messages, 1 new proposal, 1 new incident, 0 corrections applied, "
        "40 API calls.",
        "1. SEV0: trouble gone, not sent: comms_enabled is off, since 08:00 (`godmode audit messages --type trouble`)",
        "2. SEV1: Store is down, since 02:00, 3 times (`godmode incidents show 1`)",
        '3. Given up after 5 attempts: the message "trouble lost" (no answer), since 02:00 '
        "(`godmode queue show dead:1`); and 1 more given up, since 01:00 (`godmode queue dead`)",
        "4. Do this, since 02:00 (`godmode proposals show 1`)",
        "5. Nobody knows whether update contact to somewhere was done, 02:00 (`godmode audit action 1`)",
    ]
    assert states(db) == {"store": "digested", "gone": "digested", "lost": "failed"}


def test_as_an_sms_the_digest_has_its_own_words(desk: Desk, db: psycopg.Connection) -> None:
    digest(desk)
    row = db.execute("SELECT brief, body FROM notifications WHERE type = 'daily_digest'").fetchone()
    assert row is not None
    assert row[0].startswith("godmode Tue 10 Mar\nAll quiet since Mon 08:00.")
    assert len(row[0]) < 160 < len(row[1])


def test_the_messages_are_listed_by_type_status_and_what_told_of_them(desk: Desk, db: psycopg.Connection) -> None:
    digest_, other = warn(db, "north"), desk.tell(Notification("other", Severity.INFO, "other", "", "o"))
    assert other.status == "pending"
    assert [row.id for row in messages.listed(db, type_="trouble")] == [digest_]
    digest(desk)
    assert {row.status for row in messages.listed(db, status="digested")} == {"digested"}
    assert len(messages.told_by_newest(db, "daily_digest")) == 2
    assert messages.told_by_newest(db, "held_messages") == []


def test_a_workflow_that_runs_while_a_digest_is_written_is_counted_by_the_next(
    desk: Desk, db: psycopg.Connection
) -> None:
    def counted() -> tuple[int, int]:
        found = figures.since(db, EIGHT)
        return found.workflows_executed, found.workflows_failed

    before = EIGHT - timedelta(minutes=1)
    db.execute(
        "INSERT INTO workflow_executions (execution_id, workflow_id, status, started_at) VALUES"
        " ('1', 'w', 'running', %s), ('2', 'w', 'success', %s), ('3', 'w', 'error', %s)",
        (before, before, EIGHT),
    )
    assert counted() == (1, 1)
    db.execute("UPDATE workflow_executions SET status = 'crashed', stopped_at = %s WHERE execution_id = '1'", (EIGHT,))
    assert counted() == (2, 2)
    db.execute("UPDATE workflow_executions SET retry_success_id = '4' WHERE execution_id = '1'")
    assert counted() == (2, 1)
