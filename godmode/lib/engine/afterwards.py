"""What follows a run: when it is tried again, and what the operator hears of failures. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from godmode.lib.errors import Auth, GodmodeError, Transient
from godmode.lib.kernel import Job, JobResult, Notification, Outcome, Severity

RECOVERED = "job_recovered"
STREAK = 3  # failures in a row from which every job alerts (specification, Failure handling)


def cause(result: JobResult) -> GodmodeError:
    """The error behind a failure; one that a job put into words itself is transient."""
    return result.cause if isinstance(result.cause, GodmodeError) else Transient(result.error or "it failed")


def retry_at(job: Job, attempt: int, result: JobResult, now: datetime) -> datetime | None:
    """When a failed run's slot may be claimed again; None where its next slot is the retry, or nothing is."""
    if result.outcome is not Outcome.FAILED or job.retry is None:
        return None
    wait = cause(result).wait(job.retry, attempt)
    return None if wait is None else now + wait


def given_up(job: Job, result: JobResult, again_at: datetime | None) -> bool:
    """Whether work that must not be lost has failed for good."""
    return result.outcome is Outcome.FAILED and job.retry is not None and again_at is None


def alert_due(result: JobResult, before: int, alerted: bool) -> bool:
    """Whether a streak of failures has become one to tell of: at the category's length, at the latest at STREAK.

    `before` counts the failures in a row before this run, `alerted` says whether this streak was told of already.
    """
    if result.outcome is not Outcome.FAILED or alerted:
        return False
    return before + 1 >= min(cause(result).alert_from or STREAK, STREAK)


def alerts(job: Job, run_id: str, result: JobResult, before: int, alerted: bool, dead: bool) -> Iterator[Notification]:
    """What to tell: work given up on, each time; a streak once; and its end, where it was told of."""
    words = job.name.replace("_", " ")
    if dead:
        yield _note("permanent_failure", Severity.WARN, f"{words} failed for good", result, job, run_id)
    elif alert_due(result, before, alerted):
        times = f"{before + 1} times in a row" if before else "and will not mend itself"
        kind = "credentials" if isinstance(cause(result), Auth) else "job_failing"  # those are told of at once
        yield _note(kind, Severity.WARN, f"{words} failed {times}", result, job, run_id)
    elif result.outcome is Outcome.SUCCEEDED and alerted:
        times = f"{before} failures" if before > 1 else "a failure"
        yield _note(RECOVERED, Severity.INFO, f"{words} works again after {times}", result, job, run_id)


def _note(type_: str, severity: Severity, title: str, result: JobResult, job: Job, run_id: str) -> Notification:
    return Notification(type_, severity, title, result.error or "", f"{type_}:{job.name}:{run_id}")
