"""process_retry_queue: retry what failed. Declared; its body is not part of this version."""

from __future__ import annotations

from datetime import timedelta

from godmode.lib.kernel import Every, Job

JOB = Job(
    name="process_retry_queue",
    help="retry what failed",
    cadence=Every(seconds=30),
    run=None,
    deadline=timedelta(seconds=25),
)
