"""At which minutes cron and the timers look whether a job is due. Pure: from the configured cadences.

A look that comes too early or too often costs a tick and does no harm: `--scheduled` decides, in godmode's own zone.
Cron knows the host's zone, which may be any other and may change its offset while the slots do not. So looks repeat
every hour, and where the minute of the hour matters, every quarter: all offsets of today are multiples of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from godmode.lib.config import parse_time
from godmode.lib.kernel import Cadence, Daily, Job

HOUR = 60
QUARTER = 15
ROOMY = 120  # minutes in which hourly looks surely come once, also while the clocks change
_SHIFT = 30  # the smallest step by which any zone's clocks change (Lord Howe)
_STEPS = tuple(minutes for minutes in range(_SHIFT, 0, -1) if _SHIFT % minutes == 0)


def period(cadence: Cadence) -> timedelta:
    """How far apart two slots are."""
    return timedelta(days=1) if isinstance(cadence, Daily) else cadence.period


def step(job: Job) -> int:
    """How many minutes apart two looks at a job are: 1 to 60, a divisor of 60.

    A slot lasts longer than a step, also across a change of the host's clocks, so none is without a look.
    """
    if isinstance(job.cadence, Daily):
        return QUARTER if is_exact(job) else HOUR
    minutes = int(job.cadence.period.total_seconds()) // 60
    return HOUR if minutes >= ROOMY else next((s for s in _STEPS if s <= minutes), 1)


def is_exact(job: Job) -> bool:
    """Whether a daily job has to begin in its very minute: it speaks to a person, or its time is soon over."""
    if not isinstance(job.cadence, Daily):
        return False
    at = parse_time(job.cadence.at)
    left = timedelta(days=1) - timedelta(hours=at.hour, minutes=at.minute)  # a slot is over with its date
    return job.speaks or min(job.cadence.catch_up, left) < timedelta(minutes=ROOMY)


def spread(jobs: Sequence[Job], shift: int = 0) -> dict[str, tuple[int, ...]]:
    """The minutes of an hour at which each job is looked at, so that few coincide, and none without need at :00.

    `shift` turns the choice, so that several hosts do not all come in the same minute.
    """
    load = [1] + [0] * (HOUR - 1)  # all else on a machine starts at :00
    found: dict[str, tuple[int, ...]] = {}
    for job in sorted(jobs, key=lambda job: (not is_exact(job), step(job))):
        every = step(job)
        firsts = [_minute(job)] if is_exact(job) else [(first + shift) % every for first in range(every)]
        best = min((range(first, HOUR, every) for first in firsts), key=lambda at: sum(load[m] for m in at))
        for minute in best:
            load[minute] += 1
        found[job.name] = tuple(best)
    return found


def _minute(job: Job) -> int:
    assert isinstance(job.cadence, Daily)
    return parse_time(job.cadence.at).minute % QUARTER


def seconds(job: Job) -> tuple[int, ...]:
    """The seconds of a minute at which a job is looked at: an interval below a minute has several."""
    apart = int(period(job.cadence).total_seconds())
    return tuple(range(0, 60, apart)) if apart < 60 else (0,)
