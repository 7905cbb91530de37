"""The gate: the checks that every run passes before it works, in the specification's order.

Each check is a pure function of the job and the facts of the moment; the first "no" wins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, tzinfo

from msgspec import Struct, field

from godmode.lib.kernel import GateDecision, Job, JobResult, Proceed, Skip
from godmode.lib.quiet import until as quiet_hours_end
from godmode.lib.sections import QuietHours
from godmode.lib.store.controls import Controls


class Facts(Struct, frozen=True):
    """What the gate knows. `lacking` maps each prerequisite that is not met to what to say of it;
    `slot` is the slot rule's own "no", or None."""

    kill_switch: bool = False
    kill_reason: str = ""
    jobs_enabled: bool = True
    job_enabled: bool = True
    quiet_until: str | None = None
    lacking: Mapping[str, Skip] = field(default_factory=dict)
    slot: Skip | None = None


def kill_switch(job: Job, facts: Facts) -> Skip | None:
    if not facts.kill_switch:
        return None
    return Skip("kill_switch", "Kill switch is active", "`godmode killswitch off` allows work again")


def jobs_disabled(job: Job, facts: Facts) -> Skip | None:
    if facts.jobs_enabled or "jobs_disabled" in job.ignores:
        return None
    return Skip("jobs_disabled", "jobs_enabled is off", "`godmode controls set jobs_enabled on`")


def job_disabled(job: Job, facts: Facts) -> Skip | None:
    if facts.job_enabled:
        return None
    return Skip("job_disabled", f"{job.name} is disabled", f"`godmode jobs enable {job.name.replace('_', '-')}`")


def quiet_hours(job: Job, facts: Facts) -> Skip | None:
    if not job.speaks or facts.quiet_until is None:
        return None
    return Skip("quiet_hours", f"quiet hours until {facts.quiet_until}", "it goes out after them, or not at all today")


def prerequisite(job: Job, facts: Facts) -> Skip | None:
    for need in ("body", *sorted(job.needs)):
        if need in facts.lacking:
            return facts.lacking[need]
    return None


def slot(job: Job, facts: Facts) -> Skip | None:
    return facts.slot


CHECKS: tuple[Callable[[Job, Facts], Skip | None], ...] = (
    kill_switch,
    jobs_disabled,
    job_disabled,
    quiet_hours,
    prerequisite,
    slot,
)


def decide(job: Job, facts: Facts) -> GateDecision:
    """The first "no" of the checks, or Proceed."""
    for check in CHECKS:
        if no := check(job, facts):
            return no
    return Proceed()


def controls_off(held: Controls | None) -> dict[str, Skip]:
    """The prerequisites that the controls do not grant."""
    return {
        name: Skip("prerequisite", f"{name} is off", f"`godmode controls set {name} on`")
        for name in ("comms_enabled", "write_enabled")
        if held is None or not getattr(held, name)
    }


def shown(job: Job, facts: Facts, result: JobResult) -> JobResult:
    """What a dry run shows; in quiet hours, of what speaks, it says as well that it would wait."""
    if (no := quiet_hours(job, facts)) is None:
        return result
    return replace(result, data={**result.data, "waits": f"{no.message}: it would wait for their end"})


def quiet_until(quiet: QuietHours, now: datetime, zone: tzinfo) -> str | None:
    """The local time at which the present quiet hours end, or None outside them. Equal ends: never quiet."""
    return None if quiet_hours_end(quiet, now, zone) is None else quiet.end
