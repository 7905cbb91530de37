"""Retries of a job: its slot runs through the one road, with its own gate, as if the operator had called it."""

from __future__ import annotations

from msgspec import Struct

from godmode.lib.engine.retry import Retry, Work
from godmode.lib.kernel import JobContext, JobResult


class Payload(Struct, frozen=True):
    """`{"job": "daily_digest", "slot": "2026-03-10"}`. Once another slot is the current one, the row has expired;
    without a slot, the current one is meant."""

    job: str
    slot: str | None = None


def plan(ctx: JobContext, payload: Payload, number: int) -> Work:
    def run() -> JobResult:
        result: JobResult = ctx.worker.run_slot(payload.job, payload.slot)
        return result

    return Work(f"{payload.job.replace('_', ' ')}{f' for {payload.slot}' if payload.slot else ''}", run)


JOB = Retry(Payload, plan)
