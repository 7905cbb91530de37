"""Which slot of a job should have begun by now and did not: the sign that nobody starts the jobs. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from godmode.lib.engine import slots
from godmode.lib.kernel import Cadence, Daily, Slot

GRACE = timedelta(minutes=10)  # a daily job is looked at every 5 minutes; a machine may be busy, or restart
INTERVALS = 2  # of an interval job that were missed, from which on it counts as not run


def overdue(
    cadence: Cadence, begun: str | None, skipped: str | None, now: datetime, zone: tzinfo, installed: datetime | None
) -> datetime | None:
    """The start of the newest slot that should have begun, where neither it nor a later one has; else None.

    `begun` is the key of the newest slot that was claimed, `skipped` that of the newest one skipped by rule.
    A slot from before the installation does not count.
    """
    slot = _expected(cadence, now, zone)
    if installed is not None and slot.start < installed:
        return None
    return None if any(key is not None and _reaches(key, slot) for key in (begun, skipped)) else slot.start


def _expected(cadence: Cadence, now: datetime, zone: tzinfo) -> Slot:
    missed = timedelta(0) if isinstance(cadence, Daily) else (INTERVALS - 1) * cadence.period
    return slots.newest(cadence, now - missed - GRACE, zone)


def _reaches(key: str, slot: Slot) -> bool:
    """Whether a slot is this one or a later one. Of a job that had another cadence then, its time is compared."""
    if len(key) == len(slot.key):
        return key >= slot.key
    try:
        return datetime.fromisoformat(key).replace(tzinfo=UTC) >= slot.start - timedelta(days=1)
    except ValueError:
        return False
