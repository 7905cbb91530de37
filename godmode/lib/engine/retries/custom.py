"""Retries made by hand or by another system: one of a few named actions, `{"do": NAME, …}`."""

from __future__ import annotations

from msgspec import Struct

from godmode.lib.engine.retry import Retry, Work
from godmode.lib.errors import Transient
from godmode.lib.kernel import JobContext, JobResult, Notification, Outcome, Severity


class Noop(Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="noop"):
    """`{"do": "noop"}`: nothing, successfully; to see that the queue is worked on."""


class Fail(Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="fail"):
    """`{"do": "fail"}`: fails each time, as a service does that does not answer; to see what becomes of it."""

    error: str = "this work always fails"


class Notify(Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="notify"):
    """`{"do": "notify", "title": "…"}`: a message to the operator, by the route of its severity and type."""

    title: str
    body: str = ""
    severity: Severity = Severity.INFO
    type: str = "custom"
    dedup_key: str | None = None


def plan(ctx: JobContext, payload: Noop | Fail | Notify, number: int) -> Work:
    if isinstance(payload, Noop):
        return Work("a custom noop", lambda: JobResult(Outcome.SUCCEEDED))
    if isinstance(payload, Fail):
        return Work("a custom fail", lambda: _fail(payload))
    return Work(f'the custom message "{payload.title}"', lambda: _notify(ctx, payload, number), _COMMS)


def _fail(payload: Fail) -> JobResult:
    raise Transient(payload.error)


def _notify(ctx: JobContext, payload: Notify, number: int) -> JobResult:
    key = payload.dedup_key or f"custom:retry:{number}"
    delivery = ctx.notify(Notification(payload.type, payload.severity, payload.title, payload.body, key))
    if delivery.status == "failed":
        raise Transient(delivery.error or "it could not be sent")
    return JobResult(Outcome.SUCCEEDED, data={"message": delivery.status})


_COMMS = frozenset({"comms_enabled"})
CUSTOM = Retry(Noop | Fail | Notify, plan)
