"""Slots: which scheduled occurrence a moment belongs to. Pure functions; DST-correct.

A daily slot is a local date, so that a changed hour or zone gives no second one. An interval slot is the
start of its period, counted from 1970-01-01 00:00 UTC. The keys sort as time does.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo

from msgspec import Struct

from godmode.lib.config import parse_time
from godmode.lib.kernel import Cadence, Daily, Every, Job, Skip, Slot

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def current(cadence: Cadence, now: datetime, zone: tzinfo) -> Slot:
    """The slot that a run by hand stands for: today's, or the running period's."""
    if isinstance(cadence, Every):
        return _interval(now - (now - _EPOCH) % cadence.period)
    return _daily(cadence, now.astimezone(zone).date(), zone)


def due(cadence: Cadence, now: datetime, zone: tzinfo) -> Slot | None:
    """The slot whose time has come: for a daily job from its hour until `catch_up` later, the same date."""
    slot = current(cadence, now, zone)
    if isinstance(cadence, Daily) and not slot.start <= now < slot.start + cadence.catch_up:
        return None
    return slot


def following(cadence: Cadence, now: datetime, zone: tzinfo) -> Slot:
    """The first slot that starts after `now`."""
    slot = current(cadence, now, zone)
    if slot.start > now:
        return slot
    if isinstance(cadence, Every):
        return _interval(slot.start + cadence.period)
    return _daily(cadence, now.astimezone(zone).date() + timedelta(days=1), zone)


def in_force(job: Job, minutes: int | None) -> Job:
    """The job at the interval that she approved in place of the configured one; never a shorter one than that."""
    if minutes is None or not isinstance(job.cadence, Every) or Every(minutes=minutes).period <= job.cadence.period:
        return job
    return replace(job, cadence=Every(minutes=minutes))


def newest(cadence: Cadence, now: datetime, zone: tzinfo) -> Slot:
    """The newest slot that has begun: today's, or yesterday's before a daily job's hour."""
    slot = current(cadence, now, zone)
    if slot.start <= now or isinstance(cadence, Every):
        return slot
    return _daily(cadence, now.astimezone(zone).date() - timedelta(days=1), zone)


class Missed(Struct, frozen=True):
    """Slots between the last that ran and the one claimed now: `first` and `last` are their keys."""

    first: str
    last: str
    count: int


def missed(cadence: Cadence, last_key: str | None, slot: Slot, zone: tzinfo) -> Missed | None:
    """The slots that never ran between the last claimed one and this one; None when there is no gap."""
    if last_key is None:
        return None
    if isinstance(cadence, Daily):
        if len(last_key) != 10:  # the job had another cadence then
            return None
        first, last = (
            date.fromisoformat(last_key) + timedelta(days=1),
            date.fromisoformat(slot.key) - timedelta(days=1),
        )
        count = (last - first).days + 1
        ends = _daily(cadence, first, zone), _daily(cadence, last, zone)
    else:
        if len(last_key) == 10:
            return None
        before = datetime.fromisoformat(last_key)
        count = (slot.start - before) // cadence.period - 1
        ends = _interval(slot.start - count * cadence.period), _interval(slot.start - cadence.period)
    return Missed(ends[0].key, ends[1].key, count) if count > 0 else None


def _interval(start: datetime) -> Slot:
    return Slot(start.strftime("%Y-%m-%dT%H:%M:%SZ"), start)


def _daily(cadence: Daily, day: date, zone: tzinfo) -> Slot:
    # An hour that the clocks jump over is read with the offset before the jump, so 02:00 becomes 03:00;
    # of an hour that comes twice, the first is taken (PEP 495, fold=0).
    wall = datetime.combine(day, parse_time(cadence.at), tzinfo=zone)
    return Slot(day.isoformat(), wall.astimezone(UTC))


class Held(Struct, frozen=True):
    """What `job_state` says of a job's newest slot. `dead` is whether the run that holds it is gone."""

    slot: str | None
    state: str
    attempt: int
    retry_at: datetime | None
    dead: bool


def claim(held: Held, slot: Slot, now: datetime, *, by_hand: bool, again: bool) -> int | Skip:
    """The number of the attempt that may begin at this slot, from 1; or why none may.

    A slot may be claimed when it is newer than the stored one, or is the stored one and either failed with
    a retry due or was left by an owner that is dead. By hand, a failed slot may always be tried again.
    """
    if held.state == "running" and not held.dead:
        return Skip("locked", "another run of it is under way")
    if held.slot is None or slot.key > held.slot:
        return 1
    if again:
        return held.attempt + 1
    if slot.key < held.slot:
        if len(held.slot) > 10 and held.slot <= _interval(now).key:  # it began when the interval was another one
            return Skip("already_ran", f"slot {held.slot} has run")
        return Skip(
            "not_due",
            f"its last slot {held.slot} lies ahead of the clock",
            "see that the clock is right; an interval job runs all the same with --again",
        )
    if held.state == "running" or (held.state == "failed" and _retry(held, now, by_hand)):
        return held.attempt + 1
    if held.state == "failed":
        return Skip("already_ran", f"slot {slot.key} failed" + (", its retry is not due yet" if held.retry_at else ""))
    if held.state == "succeeded":
        return Skip("already_ran", f"slot {slot.key} has run")
    return 1


def _retry(held: Held, now: datetime, by_hand: bool) -> bool:
    return by_hand or (held.retry_at is not None and held.retry_at <= now)
