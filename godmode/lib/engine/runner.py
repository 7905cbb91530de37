"""The one road that every run takes: lock, gate, claim, body, record, afterwards."""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import psycopg
from msgspec.structs import replace

from godmode.lib.engine import gate, killswitch, locks, slots
from godmode.lib.engine.equipment import BY_HAND, Equipment, Mode, Report
from godmode.lib.engine.heartbeat import Heartbeat
from godmode.lib.engine.locks import Owner
from godmode.lib.engine.said import Clean, said
from godmode.lib.engine.stop import Stopped, Stopper
from godmode.lib.engine.worker import Worker
from godmode.lib.errors import DatabaseTrouble, GodmodeError, KillSwitchOn, Transient, Usage
from godmode.lib.kernel import GateDecision, Job, JobResult, Outcome, Skip, Slot
from godmode.lib.store import audit, connect, controls, job_state
from godmode.lib.store.job_state import JobState

LEASE_OVER_DEADLINE = timedelta(minutes=1)


class Runner:
    """Runs jobs. One for a thread; nested runs (a digest's scan) go through the same object.

    With a `stopper`, it belongs to a run that has one already.
    """

    def __init__(self, equipment: Equipment, stopper: Stopper | None = None) -> None:
        self.has = equipment
        self._me: Owner | None = None
        self._stopper = stopper

    @property
    def me(self) -> Owner:
        if self._me is None:
            self._me = locks.this_process(self.has.state)
        return self._me

    @contextmanager
    def stopper(self, deadline: timedelta) -> Iterator[Stopper]:
        """What ends the run; a nested run ends with the one it belongs to, within that one's deadline."""
        if self._stopper is not None:
            yield self._stopper
            return
        self._stopper = Stopper()
        try:
            with self._stopper.listening(deadline):
                yield self._stopper
        finally:
            self._stopper = None

    def run(self, name: str, mode: Mode = BY_HAND) -> Report:
        """Run a job for its slot. Raises Usage for an unusable installation, never for a failed job."""
        begun = time.monotonic()
        job = self.has.job(name)
        if mode.queued:
            job = dataclasses.replace(job, retry=None)
        run = _Run(self, job, mode, f"{self.has.clock.now():%Y%m%dT%H%M%S}-{os.urandom(4).hex()}")
        with locks.hold(self.has.state, run.job.name) as free:
            slot, result, fix = run.go(free)
        return Report(run.job.name, run.run_id, slot, result, round((time.monotonic() - begun) * 1000), fix)


@dataclasses.dataclass
class _Run:
    """One run on its way."""

    runner: Runner
    job: Job
    mode: Mode
    run_id: str

    @property
    def _deadline(self) -> timedelta:
        return (not self.mode.scheduled and self.job.deadline_by_hand) or self.job.deadline

    def go(self, free: bool) -> tuple[str | None, JobResult, str]:
        has = self.runner.has
        try:
            facts = self._facts()
        except (psycopg.Error, DatabaseTrouble) as e:
            return None, self._no_database(e), ""
        self.job = slots.in_force(self.job, facts.job.interval_minutes)
        now = has.clock.now()
        slot = (slots.due if self.mode.scheduled else slots.current)(self.job.cadence, now, has.zone)
        claim = self._claimable(facts.job, slot, free, now)
        known = self._gate_facts(self.job, facts, claim, now)
        no = gate.decide(self.job, replace(known, quiet_until=None) if self.mode.dry_run else known)
        key = slot.key if slot else None
        if isinstance(no, Skip):
            return key, self._skip(no, facts.job, key, now), no.fix
        assert slot is not None
        if self.mode.dry_run:
            return key, gate.shown(self.job, known, self._rehearse(facts.job, slot)), ""
        assert isinstance(claim, int)
        if not self._claim(facts.job, slot, claim, now):
            return key, self._skip(Skip("locked", "another run took the slot"), facts.job, key, now), ""
        return key, self._work(facts.job, slot, claim), ""

    # -- the facts of the moment ---------------------------------------------------------------------------

    def _facts(self) -> job_state.Facts:
        """Controls, switch and the job's row; the database is asked once more when it fails."""
        try:
            facts = self._ask()
        except (psycopg.OperationalError, DatabaseTrouble):
            self.runner.has.store.close()
            facts = self._ask()
        return facts

    def _ask(self) -> job_state.Facts:
        has = self.runner.has
        try:
            facts = job_state.facts(has.store.conn, self.job.name)
            behind = facts.schema != has.schema
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
            behind = True  # none of godmode's tables is there, or an earlier version's
        if behind:
            has.migrate(has.store.conn)
            facts = job_state.facts(has.store.conn, self.job.name)
        agreed = killswitch.agree(
            has.store.conn, has.state, facts.controls, has.clock.now(), write_back=not self.mode.dry_run
        )
        return replace(facts, controls=agreed)

    def _gate_facts(self, job: Job, facts: job_state.Facts, claim: int | Skip, now: datetime) -> gate.Facts:
        has, held = self.runner.has, facts.controls
        return gate.Facts(
            kill_switch=killswitch.is_on(has.state, held),
            jobs_enabled=held is not None and held.jobs_enabled,
            job_enabled=facts.job.enabled,
            quiet_until=gate.quiet_until(has.settings.quiet_hours, now, has.zone) if job.speaks else None,
            lacking={**gate.controls_off(held), **has.lacking(job)} if job.needs or job.run is None else {},
            slot=claim if isinstance(claim, Skip) and not self.mode.dry_run else None,
        )

    def _claimable(self, row: JobState, slot: Slot | None, free: bool, now: datetime) -> int | Skip:
        if slot is None:
            start = slots.following(self.job.cadence, now, self.runner.has.zone).start.astimezone(self.runner.has.zone)
            return Skip("not_due", f"its next slot is {start:%a %d %b %H:%M}")
        if self.mode.slot not in (None, slot.key):
            return Skip("expired", f"slot {self.mode.slot} is over")
        if not free:
            return Skip("locked", f"another run of {self.job.name} is under way on this host")
        if self.mode.again and self.job.speaks:
            raise Usage(f"{self.job.name} speaks once a day", "--dry-run shows what would go out")
        dead = row.state == "running" and locks.is_dead(row, self.runner.me, now)
        held = slots.Held(row.slot, row.state, row.attempt, row.retry_at, dead)
        return slots.claim(held, slot, now, by_hand=not self.mode.scheduled, again=self.mode.again)

    # -- a "no" --------------------------------------------------------------------------------------------

    def _skip(self, no: Skip, row: JobState, slot: str | None, now: datetime) -> JobResult:
        """The outcome of a "no". By hand each is audited; of a schedule's ticks, each slot's reason once."""
        data: dict[str, Any] = {"message": no.message} | ({"fix": no.fix} if no.fix else {})
        skipped = f"{slot or now.date().isoformat()} {no.reason}"
        of_slot = no.reason in ("not_due", "already_ran", "locked", "expired")  # the slot rule's own: no trouble at all
        told = of_slot or skipped == row.last_skip
        error = no.message if no.reason == "kill_switch" else None
        store = self.runner.has.store
        if not self.mode.dry_run and not ((self.mode.scheduled or self.mode.queued) and told):
            with store.conn.transaction():
                if not of_slot:
                    job_state.note_skip(store.conn, self.job.name, skipped)
                self._audit(
                    now,
                    None if error is None else False,
                    error,
                    slot,
                    {"outcome": "skipped", "reason": no.reason} | data,
                )
        if no.reason == "already_ran" and not self.mode.scheduled and row.run_id:
            data["earlier"] = next(
                (r.output_data for r in audit.recent(store.conn, limit=1, action=self.job.name, run_id=row.run_id)),
                None,
            )
        category = "kill_switch" if error else None
        return JobResult(Outcome.SKIPPED, no.reason, error, category, data)

    def _no_database(self, error: psycopg.Error | DatabaseTrouble) -> JobResult:
        """Without a database nothing acts; with the mirror on, that is the reason."""
        mirror = killswitch.read(self.runner.has.state)
        if mirror is not None and mirror.on:
            return JobResult(Outcome.SKIPPED, "kill_switch", "Kill switch is active", "kill_switch")
        return self._unwritten(error, {})

    def _unwritten(self, error: psycopg.Error | DatabaseTrouble, data: Mapping[str, Any]) -> JobResult:
        line = str(connect.trouble(error) if isinstance(error, psycopg.Error) else error)
        return JobResult(Outcome.FAILED, None, self.runner.has.clean(line), DatabaseTrouble.category, data)

    # -- the work ------------------------------------------------------------------------------------------

    def _claim(self, row: JobState, slot: Slot, attempt: int, now: datetime) -> bool:
        has, me = self.runner.has, self.runner.me
        with has.store.conn.transaction():
            taken = job_state.claim(
                has.store.conn,
                row,
                slot=slot.key,
                attempt=attempt,
                run_id=self.run_id,
                owner=(me.host, me.pid, me.started),
                lease_until=now + self._deadline + LEASE_OVER_DEADLINE,
                now=now,
            )
            gap = None if self.mode.unscheduled else slots.missed(self.job.cadence, row.slot, slot, has.zone)
            if taken and gap:
                data = {"from": gap.first, "to": gap.last, "count": gap.count}
                audit.write(
                    has.store.conn, now, self.job.name, "missed", success=None, data=data,
                    run_id=self.run_id, slot=slot.key, host=me.host,
                )  # fmt: skip
        return taken

    def _work(self, row: JobState, slot: Slot, attempt: int) -> JobResult:
        has, begun = self.runner.has, time.monotonic()
        heart = Heartbeat(has.pinger(self.job.name), self.job.name, self.run_id, has.state, has.store)
        with self.runner.stopper(self._deadline) as stopper:
            heart.started()
            result = self._body(row, slot, stopper)
            ms = round((time.monotonic() - begun) * 1000)
            heart.ended(result, ms)
            try:
                self._twice(partial(self._record, slot, attempt, result, ms))
            except (psycopg.Error, DatabaseTrouble) as e:
                return self._unwritten(e, result.data)
        return result

    def _twice(self, record: Callable[[bool], None]) -> None:
        """Write the outcome, once more on a new connection where the first was lost, perhaps after it was written."""
        try:
            record(False)
        except (psycopg.OperationalError, DatabaseTrouble):
            self.runner.has.store.close()
            record(True)

    def _rehearse(self, row: JobState, slot: Slot) -> JobResult:
        """A dry run: the body in a transaction that the server keeps from writing anything."""
        conn = self.runner.has.store.conn
        with self.runner.stopper(self._deadline) as stopper, conn.transaction():
            conn.execute("SET TRANSACTION READ ONLY")
            return self._body(row, slot, stopper)

    def _body(self, row: JobState, slot: Slot, stopper: Stopper) -> JobResult:
        from godmode.lib.engine.actions import Actor

        has, me = self.runner.has, self.runner.me
        actor = Actor(has.clock, has.store, has.state, me, self.job.name, self.run_id, stopper, has.clean)
        attempt = partial(_attempt, stopper, has.clean)
        context = has.context(
            job=self.job,
            slot=slot,
            act=actor,
            check=partial(self._check, stopper),
            run_first=self._first,
            run_together=self._together,
            worker=Worker(me, self.run_id, stopper, attempt, self._gate, self._run_slot, has.job, self._apart),
            run_id=self.run_id,
            last_success=row.last_success_at,
            dry_run=self.mode.dry_run,
            by_hand=not self.mode.scheduled,
        )
        assert self.job.run is not None
        return attempt(partial(self.job.run, context))

    def _check(self, stopper: Stopper) -> None:
        """Between two steps. Raises Stopped when the run has to end, KillSwitchOn when the operator said stop."""
        stopper.check()
        if killswitch.is_on(self.runner.has.state, controls.read(self.runner.has.store.conn)):
            raise KillSwitchOn("Kill switch is active")

    def _first(self, name: str) -> JobResult:
        """Run another job before this one goes on, for the same reason and through the same gate.

        A job that speaks goes on all the same, so the other one leaves it half of its time.
        """
        part = 0.5 if self.job.speaks else 1.0
        with self.runner.stopper(self._deadline) as stopper, stopper.deferred(), stopper.sharing(part):
            return self.runner.run(name, self.mode).result

    def _together(self, names: Sequence[str]) -> Mapping[str, JobResult]:
        """Run other jobs at the same time before this one goes on, each through the same gate."""
        from godmode.lib.engine import together

        def twin(follower: Stopper) -> together.Twin:
            equipment, cut = self.runner.has.twin()
            runner = Runner(equipment, follower)
            return together.Twin(lambda name: runner.run(name, self.mode).result, cut, equipment.store)

        with self.runner.stopper(self._deadline) as stopper:
            return together.run(names, twin, stopper, partial(self._check, stopper))

    def _run_slot(self, name: str, slot: str | None) -> JobResult:
        with self.runner.stopper(self._deadline) as stopper, stopper.deferred():
            return self.runner.run(name, Mode(queued=True, slot=slot)).result

    def _apart(self, stopper: Stopper, step: Callable[[], JobResult]) -> JobResult:
        return _attempt(stopper, self.runner.has.clean, step)

    def _gate(self, job: Job, held: controls.Controls | None) -> GateDecision:
        facts = job_state.Facts(self.runner.has.schema, held, JobState(job.name))
        return gate.decide(job, self._gate_facts(job, facts, 0, self.runner.has.clock.now()))

    def _record(self, slot: Slot, attempt: int, result: JobResult, ms: int, again: bool) -> None:
        """The outcome, its audit row and what follows from it, in one transaction; `again`: it may stand there."""
        from godmode.lib.engine import afterwards
        from godmode.lib.store import dead_letters, outbox

        has, now = self.runner.has, self.runner.has.clock.now()
        conn = has.store.fresh()
        stopped_by_switch = isinstance(result.cause, KillSwitchOn)  # a skip, which does not use up the slot
        again_at = now if stopped_by_switch else afterwards.retry_at(self.job, attempt, result, now)
        dead = afterwards.given_up(self.job, result, again_at)
        entry = {"at": now.isoformat(), "outcome": str(result.outcome), "ms": ms}
        with conn.transaction():
            if again and audit.is_recorded(conn, self.job.name, self.run_id):
                return
            before = job_state.finish(
                conn, self.job.name, self.run_id, succeeded=result.outcome is Outcome.SUCCEEDED,
                counts=not stopped_by_switch, error=result.error, retry_at=again_at, now=now, entry=entry,
            )  # fmt: skip
            lost = {} if before is not None else {"claim": "lost to another run"}
            data = {
                "outcome": str(result.outcome),
                "reason": result.reason,
                "attempt": attempt,
                "data": dict(result.data),
            }
            self._audit(now, result.outcome is Outcome.SUCCEEDED, result.error, slot.key, data | lost, ms)
            if before is None or stopped_by_switch:
                return
            if dead:
                work = {"job": self.job.name, "slot": slot.key}  # as the retry queue takes it
                dead_letters.bury(conn, "job", work, attempt, result.error or "", now)
            for note in afterwards.alerts(self.job, self.run_id, result, *before, dead):
                outbox.put(conn, note, self.run_id, now)
                if note.type == afterwards.RECOVERED:
                    outbox.works_again(conn, self.job.name, now)
            if afterwards.alert_due(result, *before):
                job_state.mark_alerted(conn, self.job.name)

    def _audit(
        self,
        now: datetime,
        success: bool | None,
        error: str | None,
        slot: str | None,
        data: Mapping[str, Any],
        ms: int = 0,
    ) -> None:
        audit.write(
            self.runner.has.store.conn, now, self.job.name, "job", success=success, error=error, duration_ms=ms,
            data=data, run_id=self.run_id, slot=slot, host=self.runner.me.host,
        )  # fmt: skip


def _attempt(stopper: Stopper, clean: Clean, step: Callable[[], JobResult]) -> JobResult:
    """Run a body, or one row of the retry queue; whatever it raises becomes its result, cleaned to be kept and told."""
    return said(_caught(stopper, step), clean)


def _caught(stopper: Stopper, step: Callable[[], JobResult]) -> JobResult:
    try:
        with stopper.armed():
            return step()
    except KillSwitchOn as e:
        return JobResult(Outcome.SKIPPED, "kill_switch", e.message, e.category, cause=e)
    except GodmodeError as e:
        return _failed(e)
    except psycopg.Error as e:
        return _failed(connect.trouble(e))
    except Stopped as e:
        return _failed(Transient(str(e)))
    except Exception as e:  # the one place where whatever a job raises becomes its outcome
        if "--debug" in sys.argv:
            raise
        bug = GodmodeError(f"{type(e).__name__}: {e}", "`--debug` shows where; please report it")
        bug.__cause__ = e
        return _failed(bug)


def _failed(error: GodmodeError) -> JobResult:
    return JobResult(Outcome.FAILED, None, str(error), error.category, cause=error)
