"""cost_anomaly: far more is asked of a service than at this hour of this weekday."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Annotated

from msgspec import Meta, Struct

from godmode.lib.kernel import Incident, Severity
from godmode.lib.ports import Grounds
from godmode.lib.sections import Section
from godmode.lib.store import Store, spending

WEEKS = 4
HOUR = timedelta(hours=1)


class CostAnomaly(Struct, frozen=True):
    """Calls that are 200 % or more over the baseline of the same hour and weekday are an INFO, 400 % a WARN
    (specification, Watchers).

    The baseline is the median of the last four weeks, at the local hour; a week without a call counts as none. With
    less than `least_weeks` of history nothing is said. It counts calls, not failures: a loop of which every call
    succeeds costs as much as any other, and is seen nowhere else. A small baseline is taken as `least_calls`.
    """

    name = "cost_anomaly"

    class Settings(Section, frozen=True):
        info_percent_over: Annotated[float, Meta(gt=0)] = 200
        warn_percent_over: Annotated[float, Meta(gt=0)] = 400
        least_calls: Annotated[int, Meta(ge=1)] = 10
        least_weeks: Annotated[int, Meta(ge=1, le=WEEKS)] = 3

    settings: Settings
    grounds: Grounds

    def look(self, store: Store, now: datetime) -> Iterator[Incident]:
        hours = {at: self._same_hours(at) for at in (_hour(now), _hour(now - HOUR))}
        wanted = {*hours, *(earlier for weeks in hours.values() for earlier in weeks)}
        usage = spending.hours(store.conn, sorted(wanted))
        for service, rows in groupby(usage, key=lambda row: row.service):
            if found := self._judged(service, list(rows), hours):
                yield found

    def _same_hours(self, hour: datetime) -> list[datetime]:
        """The same local hour of the weeks before."""
        local = hour.astimezone(self.grounds.zone)
        return [_hour(local - timedelta(weeks=week)) for week in range(1, WEEKS + 1)]

    def _judged(
        self, service: str, rows: Sequence[spending.Hour], hours: Mapping[datetime, Sequence[datetime]]
    ) -> Incident | None:
        """The worse of the present hour and the one before, where there is history enough."""
        of_hour = {row.hour: row for row in rows}
        worst: Incident | None = None
        for hour in hours.keys() & of_hour.keys():
            known = [week for week in hours[hour] if week >= rows[0].first]
            if len(known) < self.settings.least_weeks:
                continue
            usual = _median([of_hour[week].calls if week in of_hour else 0 for week in known])
            found = self._over(service, of_hour[hour], usual, len(known))
            if found and (worst is None or found.evidence["percent_over"] > worst.evidence["percent_over"]):
                worst = found
        return worst

    def _over(self, service: str, row: spending.Hour, usual: float, weeks: int) -> Incident | None:
        baseline = max(usual, self.settings.least_calls)
        over = 100 * (row.calls - baseline) / baseline
        if over < self.settings.info_percent_over:
            return None
        severity = Severity.WARN if over >= self.settings.warn_percent_over else Severity.INFO
        local = row.hour.astimezone(self.grounds.zone)
        silent = ", none of them failed" if not row.errors else f", {row.errors:,} of them failed"
        title = f"{service} was called {row.calls:,} times at {local:%a %H}:00, usually {usual:,.0f}{silent}"
        evidence = {
            "calls": row.calls, "usual": usual, "percent_over": round(over), "weeks": weeks, "errors": row.errors,
            "hour": row.hour.isoformat(),
        }  # fmt: skip
        return Incident(self.name, severity, title, f"{self.name}:{service}", None, row.calls, evidence)


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _median(values: Sequence[int]) -> float:
    """The middle; not statistics.median, whose import would cost every run more than all watchers do."""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2
