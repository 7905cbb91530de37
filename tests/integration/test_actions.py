"""Actions: never two for a key, never silently none, whoever dies, lies or comes too late."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from godmode.lib.clock import FixedClock
from godmode.lib.engine import killswitch
from godmode.lib.engine.actions import Actor, Ask, Done
from godmode.lib.engine.locks import Owner, this_process
from godmode.lib.engine.stop import Stopper
from godmode.lib.errors import KillSwitchOn, Transient, Unknown
from godmode.lib.kernel import Receipt
from godmode.lib.store import Store, actions
from godmode.lib.store.actions import Intent

NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
GONE = "another process that had this pid"


class Host:
    """A run of the job `work`, with effects that it counts."""

    def __init__(self, url: str, state: Path, run_id: str = "r1") -> None:
        self.store = Store(lambda: psycopg.connect(url, autocommit=True, prepare_threshold=None))
        self.clock = FixedClock(NOW)
        self.owner = this_process(state)
        self.state = state
        self.effects = 0
        self.act = Actor(self.clock, self.store, state, self.owner, "work", run_id, Stopper(), str)

    def send(self) -> Receipt:
        self.effects += 1
        return Receipt(f"SM{self.effects}")

    def does(self, ask: Ask | None = None) -> Done:
        return self.act("key", "send", "her", self.send, ask)

    def breaks_off(self) -> Receipt:
        self.effects += 1
        raise Unknown("no answer")


@pytest.fixture
def host(database_url: str, tmp_path: Path, db: psycopg.Connection[Any]) -> Iterator[Host]:
    made = Host(database_url, tmp_path / "state")
    claim(db, "r1")
    yield made
    made.store.close()


def claim(db: psycopg.Connection[Any], run_id: str) -> None:
    db.execute(
        "INSERT INTO job_state (job, slot, attempt, state, run_id, lease_until) VALUES ('work', 's', 1, 'running', %s,"
        " %s) ON CONFLICT (job) DO UPDATE SET run_id = EXCLUDED.run_id",
        (run_id, NOW + timedelta(minutes=11)),
    )


def begun_by(db: psycopg.Connection[Any], owner: Owner, lease: timedelta = timedelta(minutes=11)) -> None:
    """An action that somebody began and did not end."""
    db.execute(
        "INSERT INTO agent_actions (key, kind, target, owner_host, owner_pid, owner_started, lease_until, started_at)"
        " VALUES ('key', 'send', 'her', %s, %s, %s, %s, %s)",
        (owner.host, owner.pid, owner.started, NOW + lease, NOW - timedelta(minutes=1)),
    )


def row(db: psycopg.Connection[Any], columns: str = "state, attempts") -> Any:
    return db.execute(f"SELECT {columns} FROM agent_actions".encode()).fetchone()


def test_an_action_is_done_once_for_its_key_and_its_receipt_is_kept(host: Host, db: psycopg.Connection[Any]) -> None:
    assert host.does() == Done("done", Receipt("SM1"))
    assert host.does() == Done("done", Receipt("SM1"), again=True)
    assert host.effects == 1
    assert row(db, "state, provider_id") == ("done", "SM1")


def test_a_failed_one_is_begun_again_and_its_whole_life_is_kept(host: Host, db: psycopg.Connection[Any]) -> None:
    def refused() -> Receipt:
        raise Transient("503")

    assert host.act("key", "send", "her", refused).state == "failed"
    host.clock.advance(timedelta(seconds=2))
    assert host.does().state == "done"
    assert row(db) == ("done", 2)
    history = row(db, "history")[0]
    assert [step["state"] for step in history] == ["started", "failed", "started", "done"]
    assert history[0] | {"host": "h", "pid": 1, "at": ""} == {
        "at": "", "state": "started", "run": "r1", "host": "h", "pid": 1,
    }  # fmt: skip
    assert (history[1]["error"], history[3]["provider_id"]) == ("503", "SM1")
    audited = db.execute("SELECT success, error FROM agent_audit_log WHERE action_type = 'action' ORDER BY id")
    assert audited.fetchall() == [(False, "503"), (True, None)]


def test_one_that_broke_off_is_uncertain_and_never_done_again_where_nobody_can_be_asked(host: Host) -> None:
    assert host.act("key", "send", "her", host.breaks_off) == Done("uncertain", error="no answer")
    assert host.does() == Done("uncertain", error="no answer", again=True)
    assert host.effects == 1


def test_one_that_broke_off_is_settled_by_asking_at_once(host: Host, db: psycopg.Connection[Any]) -> None:
    asked = []

    def ask(since: datetime) -> Receipt | None:
        asked.append(since)
        return Receipt("SM7")

    assert host.act("key", "send", "her", host.breaks_off, ask) == Done("done", Receipt("SM7"))
    assert asked == [NOW]
    assert row(db, "state, provider_id") == ("done", "SM7")


def test_one_that_its_provider_never_saw_may_be_done_by_the_next_try(host: Host) -> None:
    done = host.act("key", "send", "her", host.breaks_off, lambda since: None)
    assert (done.state, done.error) == ("failed", "no answer; asked, it says that it did nothing")
    assert host.does(lambda since: None).state == "done"
    assert host.effects == 2


def test_a_provider_that_cannot_tell_leaves_it_uncertain_until_it_can(host: Host) -> None:
    def cannot_tell(since: datetime) -> Receipt | None:
        raise Transient("503")

    assert host.act("key", "send", "her", host.breaks_off, cannot_tell).state == "uncertain"
    assert host.does(cannot_tell).state == "uncertain"
    assert host.does(lambda since: Receipt("SM1")) == Done("done", Receipt("SM1"))
    assert host.effects == 1


def test_a_bug_in_an_effect_leaves_it_uncertain(host: Host, db: psycopg.Connection[Any]) -> None:
    def bug() -> Receipt:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        host.act("key", "send", "her", bug)
    assert row(db) == ("uncertain", 1)


@pytest.mark.parametrize(
    ("pid", "started"), [(None, GONE), (4_190_000, None)], ids=["its pid is another's now", "its process is gone"]
)
def test_what_a_dead_process_began_is_uncertain(
    host: Host, db: psycopg.Connection[Any], pid: int | None, started: str | None
) -> None:
    me = host.owner
    begun_by(db, Owner(me.host, pid or me.pid, started or me.started))
    assert host.does().state == "uncertain"
    assert host.effects == 0
    assert row(db, "error") == ("its process died before it could tell",)


def test_what_a_dead_process_began_is_done_once_its_provider_says_that_it_was_not(
    host: Host, db: psycopg.Connection[Any]
) -> None:
    begun_by(db, Owner(host.owner.host, host.owner.pid, GONE))
    assert host.does(lambda since: None).state == "done"
    assert host.effects == 1
    assert row(db) == ("done", 2)


def test_what_a_living_process_or_a_host_within_its_lease_began_is_left_to_it(
    host: Host, db: psycopg.Connection[Any]
) -> None:
    begun_by(db, Owner("elsewhere", 1, "x"))
    with pytest.raises(Transient, match="another run is doing key"):
        host.does()
    db.execute("UPDATE agent_actions SET owner_host = %s, owner_pid = %s, owner_started = %s", _of(host.owner))
    host.clock.advance(timedelta(hours=1))
    with pytest.raises(Transient, match="another run is doing key"):
        host.does()
    assert host.effects == 0


def _of(owner: Owner) -> tuple[str, int, str]:
    return owner.host, owner.pid, owner.started


def test_what_another_host_began_is_taken_over_when_its_lease_is_over(host: Host, db: psycopg.Connection[Any]) -> None:
    begun_by(db, Owner("elsewhere", 1, "x"))
    host.clock.advance(timedelta(minutes=12))
    assert host.does().state == "uncertain"
    assert host.effects == 0


def test_a_settlement_that_comes_late_changes_nothing_of_what_was_begun_anew(
    host: Host, db: psycopg.Connection[Any]
) -> None:
    def refused() -> Receipt:
        raise Transient("503")

    host.act("key", "send", "her", refused)
    host.does()
    db.execute("UPDATE agent_actions SET state = 'started'")
    assert not actions.settle(db, Intent(row(db, "id")[0], 1), "failed", NOW)
    assert row(db) == ("started", 2)
    assert actions.settle(db, Intent(row(db, "id")[0], 2), "done", NOW)


def test_an_effect_that_was_done_while_the_outcome_could_not_be_written_is_written_on_a_new_connection(
    host: Host, db: psycopg.Connection[Any]
) -> None:
    def cut() -> Receipt:
        db.execute("SELECT pg_terminate_backend(%s)", (host.store.conn.info.backend_pid,))
        return host.send()

    assert host.act("key", "send", "her", cut).state == "done"
    assert row(db) == ("done", 1)


def test_an_intent_that_waited_looks_at_the_switch_again_before_its_effect(
    host: Host, db: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    intend = actions.intend

    def slept_after(conn: psycopg.Connection[Any], **intent: Any) -> Intent | None:
        made = intend(conn, **intent)
        killswitch.turn_on(db, "while it slept", "her", NOW)
        return made

    monkeypatch.setattr(actions, "intend", slept_after)
    monkeypatch.setattr("godmode.lib.engine.actions.FRESH_FOR", -1.0)
    with pytest.raises(KillSwitchOn):
        host.does()
    assert host.effects == 0
    assert row(db, "state, error") == ("failed", "Kill switch is active")


def test_a_run_that_lost_its_claim_begins_nothing(host: Host, db: psycopg.Connection[Any]) -> None:
    claim(db, "the one that took over")
    with pytest.raises(Transient, match="no longer holds its claim"):
        host.does()
    assert host.effects == 0


def intend(conn: psycopg.Connection[Any]) -> Intent | None:
    return actions.intend(
        conn,
        key="key",
        kind="send",
        target="her",
        job="work",
        run_id="r1",
        owner=("h", 1, "x"),
        lease_until=NOW,
        now=NOW,
    )


def blocked(db: psycopg.Connection[Any], waiter: psycopg.Connection[Any], holder: psycopg.Connection[Any]) -> bool:
    row = db.execute("SELECT pg_blocking_pids(%s)", (waiter.info.backend_pid,)).fetchone()
    return row is not None and holder.info.backend_pid in row[0]


@pytest.fixture
def two(database_url: str, host: Host) -> Iterator[tuple[psycopg.Connection[Any], psycopg.Connection[Any]]]:
    with psycopg.connect(database_url, autocommit=True) as one, psycopg.connect(database_url, autocommit=True) as two:
        yield one, two


@pytest.mark.parametrize("by", ["godmode", "somebody with psql"])
def test_the_switch_waits_for_an_intent_that_is_being_written(
    db: psycopg.Connection[Any], two: tuple[psycopg.Connection[Any], psycopg.Connection[Any]], by: str
) -> None:
    run, her = two

    def turn() -> None:
        if by == "godmode":
            killswitch.turn_on(her, "stop", "her", NOW)
        else:
            her.execute("UPDATE agent_controls SET kill_switch = true")

    with ThreadPoolExecutor() as pool:
        with run.transaction():
            assert intend(run) is not None
            turning = pool.submit(turn)
            while not blocked(db, her, run):
                assert not turning.done()
        turning.result()
    assert row(db) == ("started", 1)
    assert intend(run) is None


@pytest.mark.parametrize("by", ["godmode", "somebody with psql"])
def test_an_intent_waits_for_the_switch_that_is_being_turned_and_is_not_written(
    db: psycopg.Connection[Any], two: tuple[psycopg.Connection[Any], psycopg.Connection[Any]], by: str
) -> None:
    run, her = two
    with ThreadPoolExecutor() as pool:
        with her.transaction():
            if by == "godmode":
                killswitch.turn_on(her, "stop", "her", NOW)
            else:
                her.execute("UPDATE agent_controls SET kill_switch = true")
            writing = pool.submit(intend, run)
            while not blocked(db, run, her):
                assert not writing.done()
        assert writing.result() is None
    assert row(db) is None


def test_an_intent_that_comes_while_the_switch_waits_does_not_overtake_it(
    db: psycopg.Connection[Any], two: tuple[psycopg.Connection[Any], psycopg.Connection[Any]], database_url: str
) -> None:
    run, her = two
    with psycopg.connect(database_url, autocommit=True) as late, ThreadPoolExecutor() as pool:
        with run.transaction():
            intend(run)
            turning = pool.submit(killswitch.turn_on, her, "stop", "her", NOW)
            while not blocked(db, her, run):
                assert not turning.done()
            overtaking = pool.submit(intend, late)
            while not blocked(db, late, her):
                assert not overtaking.done()
        turning.result()
        assert overtaking.result() is None
