"""The retry queue: rows whose time has come, one after the other, each through the gate.

A run claims a few rows at once, does them in their order, and commits what became of each before it begins the next.
So of the rows that a dead process held, the first was begun and the others were not: the first has failed an attempt,
or a row that kills its process would be taken for ever, and the others are given back as they were. What an attempt
did before its process died is not known here: handlers reach outside by actions and slots, which are not repeated.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from godmode.lib.engine import afterwards, locks, stop
from godmode.lib.engine.worker import Worker
from godmode.lib.errors import BadData, GodmodeError, KillSwitchOn, Transient
from godmode.lib.kernel import Backoff, Every, Job, JobContext, JobResult, Notification, Outcome, Severity, Skip
from godmode.lib.store import audit, controls, dead_letters, outbox, retry_jobs
from godmode.lib.store.controls import Controls
from godmode.lib.store.retry_jobs import RetryRow, Told

AT_MOST = 10  # rows a run (specification, Retry queue)
BATCH = 10  # rows claimed at once
LEASE = timedelta(minutes=2)
MARGIN = 3.0  # seconds before the deadline from which no further row is begun
SKIPPED_FOR = timedelta(minutes=1)  # how long a row that the gate held back lets others go first
KEPT_ERRORS = 10
LONGEST_ERROR = 500  # characters


class Work(Struct, frozen=True):
    """What a row asks for: `what` it is in words, how it is done, and what the gate has to grant before."""

    what: str
    run: Callable[[], JobResult]
    needs: frozenset[str] = frozenset()
    speaks: bool = False
    alarming: bool = True  # False where a message about its failure would be one more of the same
    ignores: frozenset[str] = frozenset()


class Retry(Struct, frozen=True):
    """A type of row: the class, or union of classes, that its payload has to fit, and what makes it into work.

    `plan` is handed the payload and the row's number, and raises GodmodeError where there is nothing to be done.
    """

    payload: Any
    plan: Callable[[JobContext, Any, int], Work]


class Verdict(Struct, frozen=True):
    """What becomes of a row after an attempt. `success` is None for a skip, `errors` None where nothing failed."""

    status: str
    attempts: int
    success: bool | None = None
    run_at: datetime | None = None
    error: str | None = None
    errors: list[Any] | None = None
    note: str | None = None

    @property
    def skip(self) -> bool:
        return self.success is None and self.status == "pending"


def run(ctx: JobContext, kind: Callable[[str], Retry | None], at_most: int = AT_MOST) -> JobResult:
    """1. Expire what has lost its point. 2. Take over what dead processes held. 3. Do what is ready.

    `kind` finds the Retry of a type. Raises KillSwitchOn as soon as the switch is on, before another row is begun.
    """
    if ctx.dry_run:
        ready = retry_jobs.ready(ctx.store.conn, ctx.clock.now(), at_most)
        return JobResult(Outcome.SUCCEEDED, data={"would_run": [f"{row.id} {row.type}" for row in ready]})
    queue = _Queue(ctx, kind)
    with queue.worker.stopper.deferred():
        queue.expire()
        queue.take_over()
        queue.work(at_most)
    return JobResult(Outcome.SUCCEEDED, data=dict(queue.tally))


def one(ctx: JobContext, kind: Callable[[str], Retry | None], number: int) -> JobResult:
    """Do one row now, since somebody waits for it; a failed attempt leaves it to the queue, as any other does.

    Skipped as `locked` where it does not wait, or another run has taken it.
    """
    queue = _Queue(ctx, kind)
    with queue.worker.stopper.deferred():
        return queue.one(number)


def judge(row: RetryRow, result: JobResult, now: datetime) -> Verdict:
    """What an attempt's result means for its row (specification, Retry policy).

    A failure waits 2000 ms * 2**(attempts - 1), at most 60000 ms, or as long as the service asked. A skip uses up no
    attempt. `already_ran` is work that somebody else did, `expired` and `not_due` the end of its point.
    """
    if result.outcome is Outcome.SUCCEEDED:
        return Verdict("completed", row.attempts + 1, True, note=result.reason)
    if result.outcome is Outcome.FAILED:
        return _failed(row, afterwards.cause(result), now)
    why = f"{result.reason}: {result.error or result.data.get('message') or ''}".rstrip(": ")
    if result.reason == "already_ran":
        return Verdict("completed", row.attempts, True, note=why)
    if result.reason in ("expired", "not_due"):
        return Verdict("expired", row.attempts, note=why)
    later = None if result.reason == "kill_switch" else now + SKIPPED_FOR
    return Verdict("pending", row.attempts, run_at=later, note=why)


def _failed(row: RetryRow, error: GodmodeError, now: datetime) -> Verdict:
    attempts, line = row.attempts + 1, _line(error)
    wait = error.wait(Backoff(attempts=row.max_attempts), attempts)
    before = row.errors if isinstance(row.errors, list) else []
    entry = {"at": now.isoformat(), "category": error.category, "error": line}
    errors = [*before[1 - KEPT_ERRORS :], entry]
    if wait is None:
        return Verdict("dead", attempts, False, error=line, errors=errors)
    return Verdict("pending", attempts, False, now + wait, line, errors)


class _Queue(Struct):
    """One run's work on the queue."""

    ctx: JobContext
    kind: Callable[[str], Retry | None]
    tally: Counter[str] = msgspec.field(default_factory=Counter)

    @property
    def worker(self) -> Worker:
        worker: Worker = self.ctx.worker
        return worker

    def expire(self) -> None:
        conn, now = self.ctx.store.conn, self.ctx.clock.now()
        with conn.transaction():
            for row in retry_jobs.expire(conn, now):
                audit.write(
                    conn, now, row.type, "retry", success=None,
                    data={"id": row.id, "outcome": "expired", "note": row.note},
                    run_id=self.worker.run_id, host=self.worker.owner.host,
                )  # fmt: skip
                self.tally["expired"] += 1

    def take_over(self) -> None:
        """Give back what dead processes held: on this host by pid and start time, on others by the lease."""
        conn, died = self.ctx.store.conn, JobResult(Outcome.FAILED, cause=Transient("the process that was at it died"))
        held: dict[Any, list[RetryRow]] = {}
        for row in retry_jobs.running(conn):
            held.setdefault(row.owner, []).append(row)
        for rows in held.values():
            if locks.is_dead(rows[0], self.worker.owner, self.ctx.clock.now()):
                retry_jobs.give_back(conn, rows[1:], self.ctx.clock.now())
                self._settle(rows[0], died, None, 0)

    def work(self, at_most: int) -> None:
        me = self.worker.owner
        while at_most > 0 and self._may_go_on():
            now = self.ctx.clock.now()
            rows = retry_jobs.claim(
                self.ctx.store.conn, min(BATCH, at_most),
                owner=(me.host, me.pid, me.started), lease_until=now + LEASE, now=now,
            )  # fmt: skip
            if not rows:
                return
            at_most -= len(rows)
            self._do(rows)

    def one(self, number: int) -> JobResult:
        me, now, conn = self.worker.owner, self.ctx.clock.now(), self.ctx.store.conn
        owner = (me.host, me.pid, me.started)
        row = retry_jobs.claim_one(conn, number, owner=owner, lease_until=now + LEASE, now=now)
        if row is None:
            return JobResult(Outcome.SKIPPED, "locked", data={"message": "another run is at it"})
        begun = time.monotonic()
        work, result = self._attempt(row, controls.read(conn))
        self._settle(row, result, work, round((time.monotonic() - begun) * 1000))
        return result

    def _may_go_on(self) -> bool:
        return not self.worker.stopper.asked and stop.time_left() > MARGIN

    def _do(self, rows: Sequence[RetryRow]) -> None:
        """Do rows that were claimed, one after the other, as long as the run may go on."""
        allowed, stopped = controls.read(self.ctx.store.conn), False
        for place, row in enumerate(rows):
            if stopped or not self._may_go_on():
                retry_jobs.give_back(self.ctx.store.conn, rows[place:], self.ctx.clock.now())
                break
            begun = time.monotonic()
            work, result = self._attempt(row, allowed)
            allowed = self._settle(row, result, work, round((time.monotonic() - begun) * 1000))
            stopped = result.reason == "kill_switch"
        if stopped:
            raise KillSwitchOn("Kill switch is active")

    def _attempt(self, row: RetryRow, allowed: Controls | None) -> tuple[Work | None, JobResult]:
        """Plan, pass the gate, run: whatever that raises is the attempt's failure."""
        planned: list[Work] = []

        def step() -> JobResult:
            work = self._plan(row)
            planned.append(work)
            no = self.worker.gate(_as_job(row, work), allowed)
            if isinstance(no, Skip):
                return JobResult(Outcome.SKIPPED, no.reason, data={"message": no.message})
            return work.run()

        result = self.worker.attempt(step)
        return (planned[0] if planned else None), result

    def _plan(self, row: RetryRow) -> Work:
        kind = self.kind(row.type)
        if kind is None:
            raise Transient(f'there is no work of type "{row.type}"', "`godmode queue add --help` lists the types")
        try:
            payload = msgspec.convert(row.payload, kind.payload)
        except msgspec.ValidationError as e:
            raise BadData(f"its payload does not fit {row.type}: {e}") from e
        return kind.plan(self.ctx, payload, row.id)

    # -- what became of it ---------------------------------------------------------------------------------

    def _settle(self, row: RetryRow, result: JobResult, work: Work | None, ms: int) -> Controls | None:
        """Write what became of a row; the controls as they are afterwards."""
        conn, now = self.ctx.store.fresh(), self.ctx.clock.now()
        verdict = judge(row, result, now)
        if verdict.status == "dead":
            with conn.transaction():
                held, allowed = self._write(row, verdict, result, ms, now)
                note = self._bury(row, verdict, work, now) if held else None
            if note is not None:
                self._send(note)
        else:
            held, allowed = self._write(row, verdict, result, ms, now)
        self.tally[verdict.status if held else "lost"] += 1
        return allowed

    def _write(
        self, row: RetryRow, verdict: Verdict, result: JobResult, ms: int, now: datetime
    ) -> tuple[bool, Controls | None]:
        silent = verdict.skip and verdict.note == row.note  # a row held back for one reason says so once
        return retry_jobs.settle(
            self.ctx.store.conn, row, verdict.status, now,
            attempts=verdict.attempts, run_at=verdict.run_at, errors=verdict.errors, note=verdict.note,
            told=None if silent else self._told(row, verdict, result, ms),
        )  # fmt: skip

    def _told(self, row: RetryRow, verdict: Verdict, result: JobResult, ms: int) -> Told:
        run_at = verdict.run_at.isoformat() if verdict.run_at else None
        data = {
            "id": row.id, "outcome": verdict.status, "attempt": verdict.attempts, "run_at": run_at,
            "note": verdict.note, "data": dict(result.data),
        }  # fmt: skip
        return Told(
            verdict.success, verdict.error, ms, {k: v for k, v in data.items() if v not in (None, {})},
            self.worker.run_id, self.worker.owner.host,
        )  # fmt: skip

    def _bury(self, row: RetryRow, verdict: Verdict, work: Work | None, now: datetime) -> Notification | None:
        conn, error = self.ctx.store.conn, verdict.error or ""
        letter = dead_letters.bury(
            conn, row.type, row.payload, verdict.attempts, error, now,
            retry_job_id=row.id, errors=verdict.errors or (),
        )  # fmt: skip
        if work is not None and not work.alarming:
            return None
        times = f"{verdict.attempts} attempts" if verdict.attempts > 1 else "one attempt"
        note = Notification(
            "permanent_failure",
            Severity.WARN,
            f"{work.what if work else f'a retry of type {row.type}'} failed for good after {times}",
            f"{error} (`{self.ctx.command} queue show dead:{letter}`)",
            f"permanent_failure:dead:{letter}",
        )
        outbox.put(conn, note, self.worker.run_id, now)
        return note

    def _send(self, note: Notification) -> None:
        """Let a message that is in the outbox already go by its route; where it cannot go now, it waits there."""

        def step() -> JobResult:
            if not isinstance(self.worker.gate(_SPEAKING, controls.read(self.ctx.store.conn)), Skip):
                self.ctx.notify(note)
            return JobResult(Outcome.SUCCEEDED)

        self.worker.attempt(step)


def _as_job(row: RetryRow, work: Work) -> Job:
    """A row as the gate looks at it."""
    return Job(f"retry_{row.type}", work.what, Every(seconds=30), _no_body, work.speaks, work.needs, work.ignores)


def _no_body(ctx: JobContext) -> JobResult:
    raise AssertionError("the gate only asks whether there is a body")


_SPEAKING = Job("retry_alert", "", Every(seconds=30), _no_body, needs=frozenset({"comms_enabled"}))


def _line(error: GodmodeError) -> str:
    """An error on one line, of bounded length."""
    line = " ".join(str(error).split())
    return line if len(line) <= LONGEST_ERROR else f"{line[:LONGEST_ERROR]}…"
