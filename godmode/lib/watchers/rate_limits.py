"""rate_limits: a service's limit, or our own of a day, is nearly used up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from godmode.lib.kernel import Incident, Severity
from godmode.lib.ports import Grounds
from godmode.lib.sections import Section
from godmode.lib.store import Store, spending

Percent = Annotated[float, Meta(gt=0, le=1000)]


class RateLimits(Struct, frozen=True):
    """A bucket that is full to 80 % is an INFO, to 95 % a WARN (specification, Watchers).

    A bucket is a service's limit or, as `NAME.day`, the fuse `sources.NAME.daily_calls`. The pace of seconds is left
    out: a sync takes all of it, evenly, on purpose. Beside that, a service that refuses calls because there were too
    many (429) is at its limit whatever we counted: a WARN from ten in the hour.
    """

    name = "rate_limits"

    class Settings(Section, frozen=True):
        info_percent: Percent = 80
        warn_percent: Percent = 95
        shortest_window_seconds: Annotated[int, Meta(ge=1)] = 60
        refused_calls: Annotated[int, Meta(ge=1)] = 10

    settings: Settings
    grounds: Grounds

    def look(self, store: Store, now: datetime) -> Iterator[Incident]:
        shortest = timedelta(seconds=self.settings.shortest_window_seconds)
        for bucket in spending.buckets(store.conn, now, shortest):
            percent = 100 * bucket.used / bucket.capacity
            if percent >= self.settings.info_percent:
                yield self._full(bucket, percent)
        hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        for usage in spending.hours(store.conn, [hour]):
            if usage.throttled >= self.settings.refused_calls:
                yield self._refused(usage)

    def _full(self, bucket: spending.Bucket, percent: float) -> Incident:
        severity = Severity.WARN if percent >= self.settings.warn_percent else Severity.INFO
        ends = bucket.ends.astimezone(self.grounds.zone)
        what = f"today's calls of {bucket.name.removesuffix('.day')}" if bucket.name.endswith(".day") else bucket.name
        title = f"{percent:.0f} % of {what} are used ({bucket.used:,.0f} of {bucket.capacity:,.0f}, until {ends:%H:%M})"
        evidence = {
            "used": bucket.used, "capacity": bucket.capacity, "percent": round(percent, 1), "until": ends.isoformat(),
        }  # fmt: skip
        return Incident(self.name, severity, title, f"{self.name}:{bucket.name}", evidence=evidence)

    def _refused(self, usage: spending.Hour) -> Incident:
        title = f"{usage.service} refused {usage.throttled:,} of {usage.calls:,} calls this hour: too many (429)"
        evidence = {"calls": usage.calls, "refused": usage.throttled, "hour": usage.hour.isoformat()}
        key = f"{self.name}:{usage.service}:refused"
        return Incident(self.name, Severity.WARN, title, key, None, usage.throttled, evidence)
