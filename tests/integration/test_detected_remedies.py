"""From what stands in the database to her yes, what it changed, and its way back, for what the detectors offer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from fakes.approving import Approver
from fakes.company import NOON
from fakes.n8n import KEY, N8n, taking_orders
from psycopg.types.json import Jsonb

from godmode.lib.config import Config
from godmode.lib.kernel import Outcome
from godmode.lib.store import corrections, dead_letters, job_state, retry_jobs
from godmode.lib.store.proposals import ProposalRow

NOTION = '[sources.notion]\nbase_url = "http://127.0.0.1:1"\n'
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def n8n() -> Iterator[N8n]:
    with taking_orders() as made:
        yield made


@pytest.fixture
def her(config: Config, n8n: N8n, monkeypatch: pytest.MonkeyPatch) -> Iterator[Approver]:
    monkeypatch.setenv("N8N_API_KEY", KEY)
    monkeypatch.setenv("NOTION_TOKEN", "k")
    made = Approver(config, n8n, NOTION)
    yield made
    made.store.close()


def only(her: Approver, type_: str) -> ProposalRow:
    (found,) = (row for row in her.detects() if row.type == type_)
    return found


# -- work that was given up on -------------------------------------------------------------------------------


def letter(her: Approver, hours: float = 10, category: str = "transient", payload: Any = None) -> int:
    error = {"at": "2026-03-10T07:00:00+00:00", "category": category, "error": "the hook timed out"}
    return dead_letters.bury(
        her.conn, "custom", payload or {"do": "noop"}, 5, "the hook timed out", NOON - hours * HOUR, errors=[error]
    )


def retried(her: Approver, outcomes: str, type_: str = "custom") -> None:
    """Retries of the last hours, the oldest first: w(orked), f(ailed)."""
    for n, one in enumerate(reversed(outcomes)):
        her.conn.execute(
            "INSERT INTO agent_audit_log (ts, action, action_type, success) VALUES (%s, %s, 'retry', %s)",
            (NOON - (n + 1) * 10 * MINUTE, type_, one == "w"),
        )


def message(her: Approver, status: str, ago: timedelta, via: str = "telegram") -> int:
    row = her.conn.execute(
        "INSERT INTO notifications (type, title, status, via, created_at, updated_at, sent_at)"
        " VALUES ('t', 'The shop is down', %s, %s, %s, %s, %s) RETURNING id",
        (status, [via], NOON - ago, NOON - ago, NOON - ago if status == "sent" else None),
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_work_whose_kind_works_again_is_started_anew_by_a_yes_and_taken_back(her: Approver) -> None:
    number = letter(her)
    retried(her, "wwwwww")
    found = only(her, "revivable_letters")
    assert found.remedy == {"kind": "retry_dead_letter", "dead_letter": number}
    assert her.approves(found.id).outcome is Outcome.SUCCEEDED
    started = her.correction(found.id).after
    assert started is not None
    assert her.conn.execute("SELECT status FROM dead_letter_jobs").fetchall() == [("retried",)]
    assert her.undoes(found.id).outcome is Outcome.SUCCEEDED
    assert her.conn.execute("SELECT status FROM dead_letter_jobs").fetchall() == [("open",)]
    work = retry_jobs.one(her.conn, started["as"])
    assert work is not None
    assert work.status == "dismissed"
    assert her.row(found.id).status == "undone"
    assert [row.type for row in her.detects()] == []


def test_the_work_of_a_yes_is_done_by_the_queue(her: Approver) -> None:
    number = letter(her)
    retried(her, "wwwwww")
    her.approves(only(her, "revivable_letters").id)
    her.queue_runs()
    assert her.conn.execute("SELECT status FROM retry_jobs WHERE type = 'custom'").fetchall() == [("completed",)]
    assert [row.type for row in her.detects()] == []
    assert number == 1


def test_a_message_is_offered_by_how_others_fared_on_its_ways(her: Approver) -> None:
    lost = message(her, "failed", 11 * HOUR)
    letter = dead_letters.bury(her.conn, "notification", {"id": lost}, 5, "timed out", NOON - 10 * HOUR)
    for n in range(5):
        message(her, "sent", n * HOUR, via="email")
        message(her, "failed", n * HOUR, via="twilio")
    assert her.detects() == []
    for n in range(5):
        message(her, "sent", n * HOUR)
    found = only(her, "revivable_letters")
    assert (found.title, found.remedy and found.remedy["dead_letter"]) == (
        f"dead letter {letter} would now work: 5 of 5 messages by telegram did since", letter,
    )  # fmt: skip


def test_of_one_kind_the_oldest_letter_is_offered_and_a_no_holds_for_the_kind(her: Approver) -> None:
    first, second = letter(her, 12), letter(her, 11, payload={"do": "noop"})
    retried(her, "wwwwww")
    found = only(her, "revivable_letters")
    assert found.evidence["seen"].endswith("1 more of its kind waits (`godmode queue dead`).")
    assert (found.remedy or {})["dead_letter"] == first < second
    her.rejects(found.id)
    assert her.detects() == []


NOT_OFFERED: dict[str, Callable[[Approver], object]] = {
    "what is wrong in itself": lambda her: letter(her, category="data"),
    "what has waited for too long": lambda her: letter(her, hours=15 * 24),
    "a job, which has had its next slot": lambda her: dead_letters.bury(
        her.conn, "job", {"job": "custom"}, 5, "e", NOON - 10 * HOUR
    ),
    "a payload of another program": lambda her: dead_letters.bury(
        her.conn, "notification", {"id": "x" * 40}, 5, "e", NOON - 10 * HOUR
    ),
    "what was started anew and given up on again": lambda her: (
        dead_letters.close(her.conn, letter(her, 30), "retried", None, NOON - 29 * HOUR),
        letter(her),
    ),
}


@pytest.mark.parametrize("given", NOT_OFFERED.values(), ids=NOT_OFFERED)
def test_what_would_not_work_or_is_of_no_use_is_not_offered(her: Approver, given: Callable[[Approver], object]) -> None:
    given(her)
    retried(her, "wwwwww")
    assert her.detects() == []


# -- syncs that find nothing ---------------------------------------------------------------------------------


def synced(her: Approver, source: str = "notion", every: timedelta = HOUR, **more: Any) -> None:
    """Two weeks of syncs, of which the newest found something."""
    for n in range(14 * DAY // every):
        data = {"new": int(n == 0), "changed": 0, "unchanged": 3, "gone": 0} | more
        her.conn.execute(
            "INSERT INTO agent_audit_log (ts, action, success, output_data) VALUES (%s, %s, true, %s)",
            (NOON - n * every - MINUTE, f"sync_{source}", Jsonb({"outcome": "succeeded", "data": data})),
        )
    her.conn.execute(
        "INSERT INTO api_usage (service, hour, calls) SELECT %s, generate_series(%s, %s, interval '1 hour'), 2",
        (source, NOON - 13 * DAY, NOON),
    )


def test_a_source_read_in_vain_is_read_more_rarely_by_a_yes_and_as_before_by_its_undoing(her: Approver) -> None:
    synced(her)
    found = only(her, "idle_syncs")
    assert found.remedy == {"kind": "change_interval", "job": "sync_notion", "minutes": 240, "was": 60}
    assert her.approves(found.id).outcome is Outcome.SUCCEEDED
    assert job_state.of(her.conn, "sync_notion").interval_minutes == 240
    done = her.correction(found.id)
    assert (done.before, done.after) == ({"minutes": 60, "override": None}, {"minutes": 240, "override": 240})
    assert done.figure is not None
    assert (done.figure["what"], done.figure["value"]) == ("runs of sync_notion a week that found nothing new", 167)
    assert her.detects() == []  # what she said yes to is not asked again
    assert her.undoes(found.id).outcome is Outcome.SUCCEEDED
    assert job_state.of(her.conn, "sync_notion").interval_minutes is None
    assert her.detects() == []


def test_what_came_of_it_is_counted_as_it_was_then(her: Approver) -> None:
    synced(her)
    count = corrections.count(her.conn, "idle_syncs", "sync_notion", NOON)
    assert count == 167
    assert corrections.count(her.conn, "idle_syncs", "sync_notion", NOON + 30 * DAY) == 0


@pytest.mark.parametrize("more", [{"changed": 2}, {"gone": 1}, {"more": True}])
def test_a_sync_that_found_something_or_did_not_read_all_was_not_in_vain(her: Approver, more: dict[str, Any]) -> None:
    synced(her, **more)
    assert her.detects() == []


def test_what_the_watchers_live_on_is_never_to_be_read_more_rarely(her: Approver) -> None:
    synced(her, "n8n")
    assert [row.type for row in her.detects()] == []


def test_a_source_that_is_not_configured_any_more_is_left_alone(her: Approver) -> None:
    synced(her, "hubspot")
    assert her.detects() == []
