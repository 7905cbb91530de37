"""What follows a run: when it is tried again, and what the operator hears of failures. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from godmode.lib.kernel import Job, JobResult, Notification, Outcome, Severity

STREAK = 3  # failures in a row from which every job alerts (specification, Failure handling)


def retry_at(job: Job, attempt: int, result: JobResult, retried: bool, now: datetime) -> datetime | None:
    """When a failed run's slot may be claimed again; None where its next slot is the retry, or nothing is."""
    if result.outcome is not Outcome.FAILED or job.retry is None or not retried:
        return None
    delay = job.retry.delay(attempt)
    return None if delay is None else now + delay


def given_up(job: Job, result: JobResult, again_at: datetime | None) -> bool:
    """Whether work that must not be lost has failed for good."""
    return result.outcome is Outcome.FAILED and job.retry is not None and again_at is None


def alerts(
    job: Job, run_id: str, result: JobResult, alert_from: int, before: int, dead: bool
) -> Iterator[Notification]:
    """What to tell. `before` counts the failures in a row before this run; `alert_from` is the category's."""
    words = job.name.replace("_", " ")
    if result.outcome is Outcome.FAILED:
        if dead:
            yield Notification(
                "permanent_failure",
                Severity.WARN,
                f"{words} failed for good",
                result.error or "",
                f"permanent_failure:{job.name}:{run_id}",
            )
        elif before + 1 == min(alert_from or STREAK, STREAK):
            times = f"{before + 1} times in a row" if before else "and will not mend itself"
            yield Notification(
                "job_failing",
                Severity.WARN,
                f"{words} failed {times}",
                result.error or "",
                f"job_failing:{job.name}:{run_id}",
            )
    elif before >= STREAK:
        yield Notification(
            "job_recovered",
            Severity.INFO,
            f"{words} works again after {before} failures",
            "",
            f"job_recovered:{job.name}:{run_id}",
        )
