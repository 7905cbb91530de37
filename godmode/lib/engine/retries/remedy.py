"""What she approved, or wants to be taken back, until it is done: `{"proposal": 4, "do": "apply"}`."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from godmode.lib.engine import corrections
from godmode.lib.engine.retry import Retry, Work
from godmode.lib.kernel import JobContext, JobResult


class Payload(Struct, frozen=True):
    """`reply` is the key of the message that answers her phone, where she said it from there."""

    proposal: int
    do: Literal["apply", "undo"] = "apply"
    reply: str | None = None


def plan(ctx: JobContext, payload: Payload, number: int) -> Work:
    def run() -> JobResult:
        way = corrections.apply if payload.do == "apply" else corrections.undo
        return way(ctx, payload.proposal)

    what = "what proposal {} offers" if payload.do == "apply" else "the undoing of proposal {}"
    return Work(
        what.format(payload.proposal),
        run,
        needs=frozenset({"write_enabled"}),
        ignores=frozenset({"jobs_disabled"}),  # her own hand; the queue's job has passed that check itself
    )


REMEDY = Retry(Payload, plan)
