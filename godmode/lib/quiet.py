"""Quiet hours: local times of the day within which nothing speaks to her but what is urgent. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from godmode.lib.config import parse_time
from godmode.lib.sections import MIDNIGHT, QuietHours

NEVER = datetime.max.replace(tzinfo=UTC)


def until(quiet: QuietHours, now: datetime, zone: tzinfo) -> datetime | None:
    """When the quiet hours that hold at `now` end (UTC); None outside them, NEVER where they last all day.

    A start or end in an hour that the clocks skip or repeat is read so that quiet is never shorter than was said.
    """
    if quiet.start == "00:00" and quiet.end == MIDNIGHT:
        return NEVER
    today = now.astimezone(zone).date()
    for day in (today - timedelta(days=1), today):
        start, end = _night(quiet, day, zone)
        if start <= now < end:
            return end
    return None


def _night(quiet: QuietHours, day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """The quiet hours that begin on a day."""
    begins = parse_time(quiet.start)
    ends = time(0) if quiet.end == MIDNIGHT else parse_time(quiet.end)
    over_midnight = ends < begins or quiet.end == MIDNIGHT
    last = day + timedelta(days=1) if over_midnight else day
    return min(_readings(day, begins, zone)), max(_readings(last, ends, zone))


def _readings(day: date, at: time, zone: tzinfo) -> tuple[datetime, datetime]:
    """Both moments that a wall-clock time can mean: two where the clocks change, else twice the same."""
    wall = datetime.combine(day, at, tzinfo=zone)
    return wall.replace(fold=0).astimezone(UTC), wall.replace(fold=1).astimezone(UTC)
