"""Retries of a message: the outbox's row goes out again, with the text of its first attempt."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from godmode.lib.engine.retry import Retry, Work
from godmode.lib.errors import GodmodeError, Refused, Transient
from godmode.lib.kernel import JobContext, JobResult, Outcome, Severity
from godmode.lib.store import outbox

URGENT = (Severity.SEV0, Severity.SEV1)


class Payload(Struct, frozen=True):
    """`{"id": 12}`: the message's number in `notifications`."""

    id: Annotated[int, Meta(ge=1, le=2**63 - 1)]


def plan(ctx: JobContext, payload: Payload, number: int) -> Work:
    """Raises Refused when there is no such message."""
    message = outbox.one(ctx.store.conn, payload.id)
    if message is None:
        raise Refused(f"there is no message {payload.id}")

    notify: Any = ctx.notify

    def run() -> JobResult:
        return result_of(notify.deliver(payload.id))

    return Work(
        f'the message "{message.title}"',
        run,
        needs=frozenset({"comms_enabled"}),
        speaks=message.severity not in URGENT,
        alarming=message.type != "permanent_failure",  # or a dead channel would be reported by itself for ever
    )


def result_of(delivery: Any) -> JobResult:
    """What a delivery came to. One that may have arrived is never repeated, so it is done; the digest tells of it."""
    status, error = delivery.status, delivery.error
    if status == "failed":
        cause = getattr(delivery, "cause", None)
        raise cause if isinstance(cause, GodmodeError) else Transient(error or "it could not be sent")
    if status in ("held", "pending", "sending"):
        return JobResult(Outcome.SKIPPED, status, data={"message": error or ""})
    return JobResult(Outcome.SUCCEEDED, status if status != "sent" else None)


NOTIFICATION = Retry(Payload, plan)
