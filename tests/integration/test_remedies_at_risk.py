"""A yes through switches, faults and deaths: what she approved is done once, or told why it was not."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from fakes.approving import Approver, said
from fakes.n8n import KEY, N8n, taking_orders

from godmode.lib.config import Config
from godmode.lib.engine import killswitch
from godmode.lib.errors import KillSwitchOn
from godmode.lib.remedies import DeactivateWorkflow, DisableJob, Remedy, RetryWorkflow
from godmode.lib.store import controls, job_state, retry_jobs
from godmode.lib.store.proposals import Decided

OFF = DeactivateWorkflow("w1", "Orders")
EFFECTS = [(OFF, "/workflows/w1/deactivate"), (RetryWorkflow("1"), "/executions/1/retry")]


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


def is_approved(her: Approver, remedy: Remedy = OFF) -> tuple[int, int]:
    """Her word, and nothing more: as a process leaves it that dies right after."""
    number = her.is_offered(remedy)
    came = her.says(number)
    assert isinstance(came, Decided)
    assert came.work is not None
    return number, came.work


# -- the gate ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("off", ["kill_switch", "write_enabled"])
def test_while_the_gate_is_closed_a_yes_is_refused_and_the_proposal_stays_open(off: str, her: Approver) -> None:
    number = her.is_offered(OFF)
    if off == "kill_switch":
        killswitch.turn_on(her.conn, "test", "her", her.at.now())
    else:
        controls.set_control(her.conn, off, False)
    assert her.refused(number)
    assert (her.row(number).status, her.n8n.calls) == ("open", [])
    her.rejects(number)
    assert her.row(number).status == "rejected"


@pytest.mark.parametrize(("remedy", "order"), EFFECTS, ids=("deactivate", "retry"))
def test_the_switch_between_her_yes_and_the_effect_holds_it_back_and_loses_nothing(
    remedy: Remedy, order: str, her: Approver, n8n: N8n
) -> None:
    number, work = is_approved(her, remedy)
    killswitch.turn_on(her.conn, "test", "her", her.at.now())
    assert her.does(work).reason == "kill_switch"
    assert her.queue_runs().reason == "kill_switch"
    assert (n8n.calls, her.row(number).status, her.work(number).attempts) == ([], "approved", 0)
    killswitch.turn_off(her.conn, her.config.state, "", "her", her.at.now())
    assert her.queue_runs().outcome == "succeeded"
    assert (n8n.orders(), her.row(number).status) == ([order], "applied")


def test_write_enabled_between_her_yes_and_the_effect_holds_it_back(her: Approver, n8n: N8n) -> None:
    number, work = is_approved(her)
    controls.set_control(her.conn, "write_enabled", False)
    assert her.does(work).reason == "prerequisite"
    her.queue_runs()
    assert (n8n.calls, her.work(number).status) == ([], "pending")
    controls.set_control(her.conn, "write_enabled", True)
    her.queue_runs(timedelta(minutes=2))
    assert n8n.orders() == ["/workflows/w1/deactivate"]


def test_the_switch_is_asked_before_each_request(her: Approver, n8n: N8n) -> None:
    """It is turned while n8n is being looked at; the order that would follow is not given."""
    number, work = is_approved(her)

    def turn(_: object) -> None:
        with psycopg.connect(her.conn.info.dsn, autocommit=True) as other:
            other.execute("UPDATE agent_controls SET kill_switch = true")

    n8n.before = turn
    result = her.does(work)
    assert (result.reason, isinstance(result.cause, KillSwitchOn)) == ("kill_switch", True)
    assert (len(n8n.calls), n8n.orders(), her.row(number).status) == (1, [], "approved")


def test_write_enabled_is_asked_before_the_order(her: Approver, n8n: N8n) -> None:
    number, work = is_approved(her)

    def turn(_: object) -> None:
        with psycopg.connect(her.conn.info.dsn, autocommit=True) as other:
            other.execute("UPDATE agent_controls SET write_enabled = false")

    n8n.before = turn
    assert "write_enabled is off" in said(her.does(work))
    assert (n8n.orders(), her.row(number).status, her.work(number).status) == ([], "approved", "pending")


def test_her_own_hand_works_while_the_schedule_is_off(her: Approver) -> None:
    controls.set_control(her.conn, "jobs_enabled", False)
    assert her.approves(her.is_offered(DisableJob("sync_n8n"))).outcome == "succeeded"


def test_between_two_of_her_words_no_slot_was_missed(her: Approver) -> None:
    her.approves(her.is_offered(DisableJob("sync_n8n")))
    her.at.advance(timedelta(days=1))
    her.approves(her.is_offered(OFF, "another", "k2"))
    assert her.conn.execute("SELECT count(*) FROM agent_audit_log WHERE action_type = 'missed'").fetchone() == (0,)


# -- once ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("remedy", "order"), EFFECTS, ids=("deactivate", "retry"))
def test_what_was_approved_and_not_done_is_done_by_the_queues_next_run_once(
    remedy: Remedy, order: str, her: Approver, n8n: N8n
) -> None:
    number, work = is_approved(her, remedy)
    for _ in range(3):
        her.queue_runs()
    assert (n8n.orders(), her.row(number).status) == ([order], "applied")
    assert her.does(work).reason == "locked"
    assert her.conn.execute("SELECT count(*) FROM corrections").fetchone() == (1,)


def test_of_two_yeses_at_once_one_is_carried_out(her: Approver, n8n: N8n, config: Config) -> None:
    number = her.is_offered(OFF)

    with ThreadPoolExecutor(1) as pool:  # signals are heard by the main thread alone, so one of them is this one
        other = pool.submit(lambda: her_word(config, n8n, number))
        came = her.says(number)
        mine = came.came_to if came.work is None else str(her.does(came.work).outcome)
        theirs = other.result()
    assert sorted([mine, theirs]) in (["already", "decided"], ["already", "succeeded"])
    her.queue_runs()
    assert (n8n.orders(), her.row(number).status) == (["/workflows/w1/deactivate"], "applied")


def her_word(config: Config, n8n: N8n, number: int) -> str:
    other = Approver(config, n8n)
    try:
        return str(other.says(number).came_to)
    finally:
        other.store.close()


# -- what she saw --------------------------------------------------------------------------------------------


def test_a_yes_holds_while_the_finding_grows_and_not_for_another_remedy_or_other_words(her: Approver) -> None:
    number = her.is_offered(OFF, "Failing for 5 days")
    shown = her.row(number).shown
    assert her.row(her.is_offered(OFF, "Failing for 6 days")).shown == shown
    assert her.row(her.is_offered(RetryWorkflow("1"), "Failing for 6 days")).shown != shown
    assert her.says(number, shown=shown).came_to == "changed"
    assert her.row(her.is_offered(OFF, "Failing, and losing orders, for 6 days")).shown != shown
    her.is_offered(OFF, "Failing for 7 days")
    assert her.says(number, shown=shown).came_to == "decided"


# -- faults --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("remedy", [OFF, RetryWorkflow("1")], ids=("deactivate", "retry"))
def test_a_500_is_told_and_tried_again(remedy: Remedy, her: Approver, n8n: N8n) -> None:
    number, work = is_approved(her, remedy)
    n8n.fail("internal error", at=2 if remedy is OFF else 3)
    result = her.does(work)
    assert (result.outcome, "n8n answered 500" in said(result)) == ("failed", True)
    assert (her.row(number).status, her.work(number).status) == ("approved", "pending")
    her.queue_runs()
    assert (her.row(number).status, len(n8n.orders())) == ("applied", 2)
    assert her.conn.execute("SELECT attempts, state FROM agent_actions").fetchall() == [(2, "done")]


def test_a_bad_key_is_told_once_and_waits_for_her(her: Approver, n8n: N8n, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("N8N_API_KEY", "another")
    number, work = is_approved(her)
    assert "n8n answered 401" in said(her.does(work))
    her.queue_runs()
    assert (her.work(number).status, her.row(number).status, len(n8n.calls)) == ("dead", "approved", 1)
    row = her.conn.execute("SELECT title FROM notifications WHERE type = 'permanent_failure'").fetchone()
    assert row == ("what proposal 1 offers failed for good after one attempt",)


@pytest.mark.parametrize("fault", ["hang up", "half answer", "broken json"])
@pytest.mark.parametrize(("remedy", "order"), EFFECTS, ids=("deactivate", "retry"))
def test_an_order_without_an_answer_is_asked_about_and_not_repeated(
    fault: str, remedy: Remedy, order: str, her: Approver, n8n: N8n
) -> None:
    number, work = is_approved(her, remedy)
    n8n.fail(fault, at=2 if remedy is OFF else 3)
    assert her.does(work).outcome == "succeeded"
    assert (n8n.orders(), her.row(number).status) == ([order], "applied")


def test_an_order_that_nobody_knows_of_is_asked_about_until_it_is_known(her: Approver, n8n: N8n) -> None:
    number, work = is_approved(her, RetryWorkflow("1"))
    n8n.fail("hang up", at=3)
    n8n.fail("unauthorized", at=4)  # the question what became of it
    result = her.does(work)
    assert (result.outcome, "nobody knows whether it was done" in said(result)) == ("failed", True)
    assert her.conn.execute("SELECT state FROM agent_actions").fetchone() == ("uncertain",)
    her.queue_runs()
    assert (n8n.orders(), her.row(number).status) == (["/executions/1/retry"], "applied")
    assert her.correction(number).after == {"retried_as": "2"}


def test_a_retry_that_n8n_does_not_show_is_repeated_only_once_it_would_have_been_shown(her: Approver, n8n: N8n) -> None:
    number, work = is_approved(her, RetryWorkflow("1"))
    n8n.fail("bad gateway", at=3)
    n8n.fail("unauthorized", at=4)
    her.does(work)
    n8n.prune(2)  # as if the order had never come through
    her.queue_runs(timedelta(seconds=20))
    assert len(n8n.orders()) == 1
    her.queue_runs(timedelta(seconds=41))
    assert (len(n8n.orders()), her.row(number).status) == (2, "applied")


def test_nothing_is_carried_out_without_her_yes(her: Approver, n8n: N8n) -> None:
    number = her.is_offered(OFF)
    work = retry_jobs.enqueue(her.conn, "remedy", {"proposal": number}, now=her.at.now())
    assert said(her.does(work or 0)) == "it is open, so nothing is carried out"
    her.rejects(number)
    retry_jobs.enqueue(her.conn, "remedy", {"proposal": number}, now=her.at.now())
    her.queue_runs()
    assert (n8n.calls, her.row(number).status) == ([], "rejected")


def test_an_unknown_remedy_is_approved_and_not_carried_out(her: Approver) -> None:
    her.conn.execute("INSERT INTO proposals (title, remedy) VALUES ('x', '{\"kind\": \"drop_database\"}')")
    came = her.says(1)
    assert (came.came_to, came.work, her.row(1).status) == ("decided", None, "approved")


def test_without_n8n_it_says_so(her: Approver, monkeypatch: pytest.MonkeyPatch) -> None:
    number = her.is_offered(OFF)
    her.config.settings.sources.clear()
    assert "n8n is configured by half: sources.n8n.base_url is missing" in said(her.approves(number))
    monkeypatch.delenv("N8N_API_KEY")
    assert "n8n is not configured" in said(her.approves(her.is_offered(RetryWorkflow("1"), "another", "k2")))


def test_an_undo_that_died_half_way_is_completed(her: Approver, n8n: N8n) -> None:
    number = her.is_offered(OFF)
    her.approves(number)
    n8n.fail("internal error", at=2)
    assert her.undoes(number).outcome == "failed"
    assert "w1" in n8n.inactive
    her.queue_runs()
    assert ("w1" in n8n.inactive, her.row(number).status) == (False, "undone")
    assert n8n.orders() == ["/workflows/w1/deactivate", "/workflows/w1/activate", "/workflows/w1/activate"]


def test_the_jobs_state_is_untouched_by_a_change_whose_correction_cannot_be_written(
    her: Approver, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, work = is_approved(her, DisableJob("sync_n8n"))
    her.conn.execute("ALTER TABLE corrections ADD CONSTRAINT none CHECK (false) NOT VALID")
    assert her.does(work).outcome == "failed"
    assert job_state.of(her.conn, "sync_n8n").enabled
    her.conn.execute("ALTER TABLE corrections DROP CONSTRAINT none")
    her.queue_runs()
    assert (job_state.of(her.conn, "sync_n8n").enabled, her.row(number).status) == (False, "applied")
