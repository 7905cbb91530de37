"""Every kind of remedy, carried out and taken back, on a real database and an n8n on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fakes.approving import Approver, said
from fakes.company import NOON
from fakes.n8n import KEY, N8n, taking_orders

from godmode import registry
from godmode.lib import remedies
from godmode.lib.config import Config
from godmode.lib.kernel import Record
from godmode.lib.remedies import (
    ChangeInterval,
    DeactivateWorkflow,
    DisableJob,
    MuteIncidents,
    Remedy,
    RetryDeadLetter,
    RetryWorkflow,
    SupersedeMemory,
)
from godmode.lib.store import dead_letters, ingest, job_state, memory, mutes
from godmode.lib.store.ingest import Stored


@pytest.fixture
def n8n() -> Iterator[N8n]:
    with taking_orders(failed=True) as made:
        yield made


@pytest.fixture
def her(config: Config, n8n: N8n, monkeypatch: pytest.MonkeyPatch) -> Iterator[Approver]:
    monkeypatch.setenv("N8N_API_KEY", KEY)
    made = Approver(config, n8n)
    yield made
    made.store.close()


def letter(her: Approver) -> None:
    dead_letters.bury(her.conn, "custom", {"do": "noop"}, 5, "boom", NOON)


def item(her: Approver) -> None:
    her.conn.execute("INSERT INTO memory_items (key, value) VALUES ('notion.a', 'we ship on Mondays')")


def nothing(her: Approver) -> None: ...


def letter_is(her: Approver) -> Any:
    found = dead_letters.one(her.conn, 1)
    return found and found.status


def is_muted(her: Approver) -> bool:
    return mutes.muted(her.conn, "noise", her.at.now())


def holds(her: Approver) -> bool:
    found = memory.one(her.conn, 1)
    return found is not None and found.superseded_at is None


REVERSIBLE: dict[str, tuple[Remedy, Callable[[Approver], None], Callable[[Approver], Any], Any, Any]] = {
    "dead_letter": (RetryDeadLetter(1), letter, letter_is, "open", "retried"),
    "workflow": (DeactivateWorkflow("w1", "Orders"), nothing, lambda her: "w1" in her.n8n.inactive, False, True),
    "interval": (
        ChangeInterval("sync_n8n", 60, was=30), nothing,
        lambda her: job_state.of(her.conn, "sync_n8n").interval_minutes, None, 60,
    ),
    "mute": (MuteIncidents("noise", days=3), nothing, is_muted, False, True),
    "memory": (SupersedeMemory(1), item, holds, True, False),
    "job": (DisableJob("sync_n8n"), nothing, lambda her: job_state.of(her.conn, "sync_n8n").enabled, True, False),
}  # fmt: skip


@pytest.mark.parametrize("name", REVERSIBLE)
def test_a_remedy_is_carried_out_and_taken_back_and_both_are_kept(name: str, her: Approver) -> None:
    remedy, prepare, state, before, after = REVERSIBLE[name]
    prepare(her)
    number = her.is_offered(remedy)
    assert state(her) == before
    assert her.approves(number).outcome == "succeeded"
    done = her.correction(number)
    assert (state(her), her.row(number).status, done.undone_at) == (after, "applied", None)
    assert done.before
    assert done.after
    assert done.before != done.after
    assert her.undoes(number).outcome == "succeeded"
    assert (state(her), her.row(number).status) == (before, "undone")
    assert her.correction(number).undone_at == her.at.now()
    rows = her.conn.execute(
        "SELECT action, success FROM agent_audit_log WHERE action LIKE 'proposal_%' ORDER BY id"
    ).fetchall()
    assert rows == [
        ("proposal_approved", True), ("proposal_applied", True), ("proposal_undo", True), ("proposal_undone", True)
    ]  # fmt: skip
    keys = her.conn.execute("SELECT key, state, attempts FROM agent_actions ORDER BY id").fetchall()
    assert keys == [(f"remedy:{number}:apply", "done", 1), (f"remedy:{number}:undo", "done", 1)]


@pytest.mark.parametrize("name", REVERSIBLE)
def test_what_is_that_way_already_is_left_alone_and_the_proposal_is_over(name: str, her: Approver) -> None:
    remedy, prepare, state, _, after = REVERSIBLE[name]
    prepare(her)
    first, second = her.is_offered(remedy), her.is_offered(remedy, "the same by another finding", "other")
    her.approves(first)
    came = her.approves(second)
    assert (came.outcome, came.reason, "nothing was done" in said(came)) == ("skipped", "expired", True)
    assert (her.row(second).status, her.work(second).status, state(her)) == ("expired", "expired", after)
    assert her.conn.execute("SELECT count(*) FROM corrections").fetchone() == (1,)


@pytest.mark.parametrize("name", REVERSIBLE)
def test_what_has_changed_since_is_not_taken_back(name: str, her: Approver) -> None:
    remedy, prepare, _, _, _ = REVERSIBLE[name]
    prepare(her)
    number = her.is_offered(remedy)
    her.approves(number)
    CHANGED[name](her)
    came = her.undoes(number)
    assert (came.reason, said(came).startswith("nothing was taken back: ")) == ("expired", True)
    assert (her.row(number).status, her.correction(number).undone_at) == ("applied", None)


def tried(her: Approver) -> None:
    her.queue_runs()


def switched_on(her: Approver) -> None:
    her.n8n.inactive.clear()


def another_interval(her: Approver) -> None:
    job_state.set_interval(her.conn, "sync_n8n", 90)


def mute_is_over(her: Approver) -> None:
    her.at.advance(timedelta(days=3))


def newer_version(her: Approver) -> None:
    her.conn.execute("INSERT INTO memory_items (key, value) VALUES ('notion.a', 'we ship on Tuesdays')")


def enabled(her: Approver) -> None:
    job_state.enable(her.conn, "sync_n8n", True)


CHANGED: dict[str, Callable[[Approver], None]] = {
    "dead_letter": tried, "workflow": switched_on, "interval": another_interval, "mute": mute_is_over,
    "memory": newer_version, "job": enabled,
}  # fmt: skip


def test_n8n_retries_an_execution_once_and_that_is_final(her: Approver, n8n: N8n) -> None:
    number = her.is_offered(RetryWorkflow("1"))
    assert said(her.approves(number)) == "n8n has been told to retry execution 1"
    assert n8n.orders() == ["/executions/1/retry"]
    done = her.correction(number)
    assert (done.before, done.after) == ({"status": "error", "workflow": "w1", "retries": []}, {"retried_as": "2"})
    assert "what a workflow has done" in said(her.undoes(number))
    assert n8n.orders() == ["/executions/1/retry"]


def test_an_execution_that_somebody_retried_meanwhile_is_left_alone(her: Approver, n8n: N8n) -> None:
    number = her.is_offered(RetryWorkflow("1"))
    n8n.retried(n8n.runs[1])
    assert said(her.approves(number)) == "nothing was done: execution 1 has been retried with success as 2"
    number = her.is_offered(RetryWorkflow("2"), "another", "k2")
    assert "it is success" in said(her.approves(number))
    number = her.is_offered(RetryWorkflow("77"), "a third", "k3")
    assert "n8n does not keep execution 77 any more" in said(her.approves(number))
    number = her.is_offered(DeactivateWorkflow("w9"), "a fourth", "k4")
    assert "n8n has no workflow w9 any more" in said(her.approves(number))
    assert n8n.orders() == []


def test_an_execution_that_is_being_retried_is_left_alone(her: Approver, n8n: N8n) -> None:
    n8n.retried(n8n.runs[1], "running")
    number = her.is_offered(RetryWorkflow("1"))
    assert "is being retried already, as 2" in said(her.approves(number))


@pytest.mark.parametrize("job", ["process_retry_queue", "health_monitor"])
def test_what_carries_proposals_out_and_what_watches_cannot_be_disabled_by_one(job: str, her: Approver) -> None:
    assert f"{job} is never disabled" in said(her.approves(her.is_offered(DisableJob(job))))
    assert job_state.of(her.conn, job).enabled


@pytest.mark.parametrize(
    ("remedy", "why"),
    [
        (ChangeInterval("sync_n8n", 10), "may run every 30 to 1440 min"),
        (ChangeInterval("periodic_scan", 121), "may run every 30 to 120 min"),
        (ChangeInterval("run_watchers", 60), "is never changed by a proposal"),
        (ChangeInterval("daily_digest", 60), "does not run at an interval"),
        (ChangeInterval("process_retry_queue", 60), "does not run at an interval of minutes"),
        (ChangeInterval("sync_nothing", 60), "there is no job"),
        (ChangeInterval("sync_n8n", 60, was=45), "runs every 30 min now, not every 45"),
        (SupersedeMemory(9), "there is no memory item 9"),
        (MuteIncidents("noise", until=NOON), "would have ended already"),
        (RetryDeadLetter(9), "there is no dead letter 9"),
        (DisableJob("nothing"), "there is no job"),
    ],
)
def test_a_remedy_out_of_bounds_does_nothing_and_says_why(remedy: Remedy, why: str, her: Approver) -> None:
    assert why in said(her.approves(her.is_offered(remedy)))
    assert her.conn.execute("SELECT count(*) FROM corrections").fetchone() == (0,)


def test_work_of_a_letter_that_is_open_again_already_is_not_added_twice(her: Approver) -> None:
    her.conn.execute("INSERT INTO retry_jobs (type, payload, unique_key, status) VALUES ('custom', '{}', 'u', 'dead')")
    dead_letters.bury(her.conn, "custom", {"do": "noop"}, 5, "boom", NOON, retry_job_id=1)
    her.conn.execute("INSERT INTO retry_jobs (type, payload, unique_key) VALUES ('custom', '{}', 'u')")
    assert 'work of key "u" is open already' in said(her.approves(her.is_offered(RetryDeadLetter(1))))
    assert letter_is(her) == "open"


def test_the_figure_of_the_week_is_kept_with_the_correction(her: Approver) -> None:
    her.runner.run("sync_n8n")
    her.conn.execute("UPDATE workflow_executions SET started_at = %s", (NOON,))
    her.approves(number := her.is_offered(DeactivateWorkflow("w1", "Orders")))
    assert her.correction(number).figure == {
        "what": 'failed runs of "Orders" a week', "counted": "failed_runs", "of": "w1", "value": 1,
    }  # fmt: skip


def test_every_kind_of_the_list_is_in_the_registry_and_describes_itself() -> None:
    every = [*(remedy for remedy, *_ in REVERSIBLE.values()), RetryWorkflow("1")]
    assert {remedies.kind(remedy) for remedy in every} == set(registry.REMEDIES)
    for remedy in every:
        change = registry.load(registry.REMEDIES[remedies.kind(remedy)][1])().describe(remedy)
        assert change.does
        assert change.did
        assert bool(change.undo) is not bool(change.final)


def test_what_she_took_as_outdated_comes_back_with_another_text_alone(her: Approver) -> None:
    page = Record("notion", "a", NOON, "we ship on Mondays")
    ingest.store(her.conn, "notion", [page], "canonical", NOON)
    her.approves(her.is_offered(SupersedeMemory(1)))
    assert ingest.store(her.conn, "notion", [page], "canonical", NOON) == Stored(0, 0, 1)
    assert ingest.absent(her.conn, "notion", ["a", "b"]) == ["b"]
    assert not holds(her)
    ingest.store(her.conn, "notion", [replace(page, text="we ship on Tuesdays")], "canonical", NOON)
    assert [found.value for found in memory.search(her.conn, "ship", 9)] == ["we ship on Tuesdays"]
