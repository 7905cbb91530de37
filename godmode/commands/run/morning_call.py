"""morning_call: ring her at 6 with a spoken summary. Declared; its body is not part of this version."""

from __future__ import annotations

from datetime import timedelta

from godmode.lib.kernel import Backoff, Daily, Job

JOB = Job(
    name="morning_call",
    help="ring with a spoken summary",
    cadence=Daily("06:00", catch_up=timedelta(minutes=45)),
    run=None,
    speaks=True,
    needs=frozenset({"comms_enabled", "voice_channel"}),
    retry=Backoff(attempts=2, first=timedelta(minutes=2)),
)
