"""What she approved, or wants to be taken back, until it is done: `{"proposal": 4, "do": "apply"}`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from godmode.lib import remedies
from godmode.lib.engine import corrections, outcome
from godmode.lib.engine.retry import Retry, Work
from godmode.lib.errors import BadData
from godmode.lib.kernel import JobContext, JobResult, Notification, Severity
from godmode.lib.store import outbox, proposals


class Payload(Struct, frozen=True):
    """`reply` is the key of the message that answers her phone, where she said it from there."""

    proposal: int
    do: Literal["apply", "undo"] = "apply"
    reply: str | None = None


def plan(ctx: JobContext, payload: Payload, number: int) -> Work:
    def run() -> JobResult:
        proposals.note_work(ctx.store.conn, payload.proposal, number)  # one that started anew has another number
        result = (corrections.apply if payload.do == "apply" else corrections.undo)(ctx, payload.proposal)
        if payload.reply is not None and result.reason != "already_ran":
            _answer(ctx, payload.proposal, payload.reply, result)
        return result

    what = "what proposal {} offers" if payload.do == "apply" else "the undoing of proposal {}"
    return Work(
        what.format(payload.proposal),
        run,
        needs=frozenset({"write_enabled"}),
        ignores=frozenset({"jobs_disabled"}),  # her own hand; the queue's job has passed that check itself
    )


def told(ctx: JobContext, number: int, result: JobResult) -> str:
    """What came of her yes, as it is answered to the phone."""
    row = proposals.one(ctx.store.conn, number)
    try:
        remedy = remedies.read(row.remedy or {}) if row else None
    except BadData:
        remedy = None
    change = ctx.remedies[remedies.kind(remedy)].describe(remedy) if remedy else None

    def local(at: datetime | None) -> str:
        return f"{at.astimezone(ctx.zone):%H:%M}" if at else "never"

    line = outcome.words(ctx.store.conn, number, "is approved", result, change, local)
    return f"{line[:1].upper()}{ctx.clean(line[1:])}."


def _answer(ctx: JobContext, number: int, key: str, result: JobResult) -> None:
    """Let the reply say what was done; where it has gone out already, by another message."""
    conn, now, text = ctx.store.conn, ctx.clock.now(), told(ctx, number, result)
    reply = outbox.of_key(conn, key)
    if reply is None or outbox.reword(conn, reply.id, text, now):
        return
    note = Notification("phone_reply", Severity.INFO, "A reply to the phone", text, f"{key}:done")
    with conn.transaction():
        row = outbox.put(conn, note, ctx.worker.run_id, now, window=None)
        outbox.route(conn, row.id, reply.via or [], None, now)


REMEDY = Retry(Payload, plan)
