"""What she approved is carried out, and taken back where she says so: once each, by the one road of actions.

A run that dies on the way is completed by the next. What it was like before is noted before the effect. A change of
godmode's own database is one transaction with its correction, so that either both are there or neither; what reaches
outside is asked there what became of it, and its correction follows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from godmode.lib import remedies
from godmode.lib.engine.remedies.contract import BackFromOutside, Outside, Place, Reversible, Void, Way
from godmode.lib.errors import BadData, GodmodeError, Transient, Usage
from godmode.lib.kernel import JobContext, JobResult, Outcome, Receipt
from godmode.lib.remedies import Remedy
from godmode.lib.store import actions, audit, controls, corrections, proposals
from godmode.lib.store.corrections import Correction
from godmode.lib.store.proposals import ProposalRow


def apply(ctx: JobContext, number: int) -> JobResult:
    """Carry out an approved proposal's remedy. `expired` where there is nothing to do any more, and why.

    Raises GodmodeError where it failed: nothing was done, or (Transient) nobody knows yet, and it has to be asked.
    """
    row = _found(ctx, number)
    if row.status != "approved":
        over = row.status in ("applied", "undone")
        return _no("already_ran" if over else "expired", f"it is {row.status}, so nothing is carried out")
    task = _Task(ctx, row, f"remedy:{number}:apply")
    try:
        before = task.before()
        made = task.act("", lambda: task.apply(before), lambda since: task.was_applied(before, since))
    except Void as e:
        return _nothing_to_do(ctx, row, e)
    finally:
        task.close()
    if isinstance(task.way, Outside):
        task.keep(before, made)
    return JobResult(Outcome.SUCCEEDED, data={"message": task.way.describe(task.remedy).did})


def undo(ctx: JobContext, number: int) -> JobResult:
    """Take back what was carried out; `expired`, and why, where the world has changed since. Raises as `apply`."""
    row, done = _found(ctx, number), corrections.of(ctx.store.conn, number)
    if done is None or done.undone_at is not None:
        return _no("already_ran", "it is taken back already" if done else "nothing was carried out")
    task = _Task(ctx, row, f"remedy:{number}:undo")
    try:
        if not task.began():
            task.reversible.still(task.place, task.remedy, done.after or {})
        task.act("undo_", lambda: task.take_back(done), task.was_taken_back)
    except Void as e:
        return _no("expired", f"nothing was taken back: {e}")
    finally:
        task.close()
    if isinstance(task.way, Outside):
        task.keep_undone(done)
    return JobResult(Outcome.SUCCEEDED, data={"message": f"that {task.way.describe(task.remedy).undo}"})


def place_of(ctx: JobContext) -> Place:
    """Where a remedy works, in a run."""

    def n8n() -> Any:
        if "n8n" not in ctx.sources:
            raise Usage("n8n is not configured", "add [sources.n8n] to the configuration")
        return ctx.sources["n8n"].actions

    return Place(ctx.store.conn, ctx.clock.now(), ctx.worker.job, n8n)


def _found(ctx: JobContext, number: int) -> ProposalRow:
    row = proposals.one(ctx.store.conn, number)
    if row is None or row.remedy is None:
        raise BadData(f"there is no proposal {number}" if row is None else f"proposal {number} offers no remedy")
    return row


def _no(reason: str, message: str) -> JobResult:
    return JobResult(Outcome.SKIPPED, reason, data={"message": message})


def _nothing_to_do(ctx: JobContext, row: ProposalRow, why: Void) -> JobResult:
    conn, now = ctx.store.conn, ctx.clock.now()
    said = ctx.clean(str(why))
    with conn.transaction():
        if proposals.move(conn, row.id, "expired", "approved"):
            data = {"proposal": row.id, "remedy": row.remedy}
            audit.write(conn, now, "proposal_expired", "correction", success=None, error=said, data=data)
    return _no("expired", f"nothing was done: {said}")


@dataclass
class _Task:
    """One remedy on its way, in one direction."""

    ctx: JobContext
    row: ProposalRow
    key: str
    remedy: Remedy = field(init=False)
    way: Way = field(init=False)
    place: Place = field(init=False)
    error: GodmodeError | None = None

    def __post_init__(self) -> None:
        self.remedy = remedies.read(self.row.remedy or {})
        self.way = self.ctx.remedies[remedies.kind(self.remedy)]
        self.place = place_of(self.ctx)

    @property
    def reversible(self) -> Reversible:
        if not isinstance(self.way, Reversible):
            raise Void(self.way.describe(self.remedy).final)
        return self.way

    def began(self) -> bool:
        """Whether the effect was begun and has not failed: then what it was like before is known."""
        before = actions.by_key(self.ctx.store.conn, self.key)
        return before is not None and before.state != "failed"

    def before(self) -> Mapping[str, Any]:
        """What it is like before the effect, noted. Raises Void where there is nothing to do."""
        if self.began() and self.row.before is not None:
            return self.row.before
        before = self.way.look(self.place, self.remedy)
        proposals.note_before(self.ctx.store.conn, self.row.id, before)
        return before

    def act(self, prefix: str, effect: Callable[[], str], ask: Callable[[datetime], Receipt | None]) -> str:
        """Do it once, ever; what it is known by. Raises what made it fail, Transient where nobody knows."""
        kind = prefix + remedies.kind(self.remedy)
        target = f"{'n8n' if isinstance(self.way, Outside) else 'godmode'} for proposal {self.row.id}"
        done = self.ctx.act(self.key, kind, target, lambda: self._effect(effect), ask)
        if done.state == "done":
            return str(done.receipt.id)
        if done.state == "failed":
            raise self.error or Transient(done.error or "it failed")
        raise Transient(f"nobody knows whether it was done: {done.error}", "n8n is asked again before anything is")

    def _effect(self, effect: Callable[[], str]) -> Receipt:
        try:
            self._may_write()
            return Receipt(effect())
        except GodmodeError as e:
            self.error = e
            raise

    def _may_write(self) -> None:
        held = controls.read(self.ctx.store.conn)
        if held is None or not held.write_enabled:
            raise Transient("write_enabled is off", "`godmode controls set write_enabled on`")

    def close(self) -> None:
        if isinstance(self.way, Outside) and "n8n" in self.ctx.sources:
            self.ctx.sources["n8n"].close()

    # -- there ---------------------------------------------------------------------------------------------

    def apply(self, before: Mapping[str, Any]) -> str:
        if isinstance(self.way, Outside):
            return self.way.apply(self.place, self.remedy, before)
        with self.ctx.store.conn.transaction():
            made = self.way.apply(self.place, self.remedy, before)
            self.keep(before, made)
        return made

    def keep(self, before: Mapping[str, Any], made: str) -> None:
        """The correction, its audit row, and the proposal's end, in one transaction."""
        conn, now, row = self.ctx.store.conn, self.ctx.clock.now(), self.row
        after, figure = self.way.after(self.remedy, made), self._figure(now)
        with conn.transaction():
            if not proposals.move(conn, row.id, "applied", "approved"):
                return
            number = corrections.add(conn, row.id, row.title, before, after, figure, now)
            data = {"proposal": row.id, "correction": number, "before": dict(before), "after": dict(after)}
            audit.write(conn, now, "proposal_applied", "correction", success=True, data=data)

    def _figure(self, now: datetime) -> Mapping[str, Any] | None:
        figure = self.way.measure(self.place, self.remedy)
        if figure is None:
            return None
        return asdict(figure) | {"value": corrections.count(self.ctx.store.conn, figure.counted, figure.of, now)}

    def was_applied(self, before: Mapping[str, Any], since: datetime) -> Receipt | None:
        if isinstance(self.way, Outside):
            return _receipt(self.way.done(self.place, self.remedy, before, since))
        return Receipt("") if corrections.of(self.ctx.store.conn, self.row.id) else None

    # -- and back ------------------------------------------------------------------------------------------

    def take_back(self, done: Correction) -> str:
        before, after = done.before or {}, done.after or {}
        if isinstance(self.way, Outside):
            self.reversible.undo(self.place, self.remedy, before, after)
            return ""
        with self.ctx.store.conn.transaction():
            self.reversible.undo(self.place, self.remedy, before, after)
            self.keep_undone(done)
        return ""

    def keep_undone(self, done: Correction) -> None:
        conn, now, row = self.ctx.store.conn, self.ctx.clock.now(), self.row
        with conn.transaction():
            if corrections.undo(conn, done.id, now):
                proposals.move(conn, row.id, "undone", "applied")
                data = {"proposal": row.id, "correction": done.id, "before": done.after, "after": done.before}
                audit.write(conn, now, "proposal_undone", "correction", success=True, data=data)

    def was_taken_back(self, since: datetime) -> Receipt | None:
        if isinstance(self.way, BackFromOutside):
            return _receipt(self.way.undone(self.place, self.remedy, since))
        done = corrections.of(self.ctx.store.conn, self.row.id)
        return Receipt("") if done and done.undone_at else None


def _receipt(made: str | None) -> Receipt | None:
    return None if made is None else Receipt(made)
