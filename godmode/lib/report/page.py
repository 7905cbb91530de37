"""From facts to a page: what the templates need, and nothing that they could compute wrongly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import jinja2

from godmode.lib.notify.wording import took
from godmode.lib.report import charts
from godmode.lib.report.calendar import Calendar, calendar, told
from godmode.lib.report.charts import Bars
from godmode.lib.report.facts import Facts, JobDays
from godmode.lib.store.attention import WAYS
from godmode.lib.store.history import IncidentRow, Runs

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class JobCard:
    """A job as it stands on the page. `worked` is a part of 100, rounded down, None where it never ran."""

    job: JobDays
    calendar: Calendar
    worked: float | None
    median: str
    high: str


@dataclass(frozen=True)
class Lifetime:
    """An incident, and where it stands in the days: left edge and width in units of a hundred."""

    row: IncidentRow
    left: float
    width: float
    lasted: str


@dataclass(frozen=True)
class Chart:
    """Columns with their name, what the first and the last stand for, and a table of the same: heads and rows."""

    name: str
    bars: Bars
    ends: tuple[str, str]
    total: int
    heads: Sequence[str]
    rows: Sequence[Sequence[object]]


def page(facts: Facts, now: Mapping[str, Any], version: str) -> str:
    """The whole page. `now` is the document of `godmode status --json`."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    zone = facts.zone
    env.filters["when"] = lambda at: f"{at.astimezone(zone):%a %d %b %H:%M}" if at else "–"
    env.filters["day"] = lambda at: f"{at:%a %d %b}"
    env.filters["count"] = lambda number: f"{number:,}"
    env.filters["took"] = lambda ms: took(ms).replace(" ", "\N{NO-BREAK SPACE}")
    env.filters["told"] = told
    env.filters["command"] = lambda name: name.replace("_", "-")
    return env.get_template("page.html").render(
        facts=facts,
        now=now,
        version=version,
        css=(TEMPLATES / "style.css").read_text(),
        jobs=[_card(job, facts.days) for job in facts.jobs],
        totals=_totals(facts),
        lifetimes=[_lifetime(row, facts) for row in facts.incidents],
        weeks=list(_weekly(facts)),
        services=list(_services(facts)),
        depth=_depth(facts),
        decisions=_decisions(facts),
        looked={job.name: _days_looked(job) for job in facts.jobs},
    )


def _card(job: JobDays, days: Sequence[date]) -> JobCard:
    daily = [job.days.get(number) for number in range(len(days))]
    high = [_ms(runs, "p95_ms") for runs in daily]
    top = max((ms for ms in high if ms is not None), default=0.0)
    ran = job.total.succeeded + job.total.failed
    worked = job.total.succeeded * 1000 // ran / 10 if ran else None
    median = charts.curve([_ms(runs, "median_ms") for runs in daily], top)
    return JobCard(job, calendar(job, days), worked, median, charts.curve(high, top))


def _days_looked(job: JobDays) -> int:
    """On how many days a job worked at least once: what it looks for was not looked for on the others."""
    return sum(runs.succeeded > 0 for runs in job.days.values())


def _ms(runs: Runs | None, name: str) -> float | None:
    return getattr(runs, name) if runs is not None else None


def _totals(facts: Facts) -> dict[str, int]:
    """The page's first figures."""
    reached = dict.fromkeys(WAYS, 0)
    for row in facts.reached:
        reached[row.way] = reached.get(row.way, 0) + row.count
    return {
        "succeeded": sum(job.total.succeeded for job in facts.jobs),
        "failed": sum(job.total.failed for job in facts.jobs),
        "missed": sum(job.total.missed for job in facts.jobs),
        "opened": sum(row.opened_at >= facts.since for row in facts.incidents),
        "unresolved": sum(row.status != "resolved" for row in facts.incidents),
        **reached,
    }


def _lifetime(row: IncidentRow, facts: Facts) -> Lifetime:
    ended = row.resolved_at or facts.until
    left, width = charts.stretch(row.opened_at, ended, facts.since, facts.until)
    return Lifetime(row, left, width, _long(ended - row.opened_at))


def _long(time: timedelta) -> str:
    minutes = int(time / timedelta(minutes=1))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"


def _weekly(facts: Facts) -> Iterator[Chart]:
    """How often she was reached, a chart for each way, a column for each week from Monday on."""
    mondays = sorted({day - timedelta(days=day.weekday()) for day in facts.days})
    for way in WAYS:
        counts = dict.fromkeys(mondays, 0)
        for row in facts.reached:
            if row.way == way and 0 <= row.day < len(facts.days):
                day = facts.days[row.day]
                counts[day - timedelta(days=day.weekday())] += row.count
        ends = f"{mondays[0]:%d %b}", f"{mondays[-1]:%d %b}"
        yield _chart(way, {f"week of {monday:%d %b}": n for monday, n in counts.items()}, "Week", ends)


def _services(facts: Facts) -> Iterator[Chart]:
    for service in sorted({row.service for row in facts.asked}):
        rows = {row.day: row for row in facts.asked if row.service == service}
        calls = [rows[n].calls if n in rows else 0 for n in range(len(facts.days))]
        words = [f"{day:%a %d %b}: {count:,} calls" for day, count in zip(facts.days, calls, strict=True)]
        table = [
            (f"{day:%a %d %b}", row.calls, row.errors, row.throttled)
            for n, day in enumerate(facts.days)
            if (row := rows.get(n)) is not None
        ]
        heads = ("Day", "Calls", "Failed", "Refused as too many")
        bars = charts.bars(calls, words, facts.limits.get(service))
        yield Chart(service, bars, _ends(facts), sum(calls), heads, table)


def _depth(facts: Facts) -> Chart:
    depths = {f"{day:%a %d %b}": n for day, n in zip(facts.days, facts.depth, strict=True)}
    return _chart("greatest depth", depths, "Day", _ends(facts))


def _ends(facts: Facts) -> tuple[str, str]:
    return f"{facts.days[0]:%d %b}", f"{facts.days[-1]:%d %b}"


def _chart(name: str, values: Mapping[str, int], head: str, ends: tuple[str, str]) -> Chart:
    words = [f"{when}: {count:,}" for when, count in values.items()]
    bars = charts.bars(list(values.values()), words)
    return Chart(name, bars, ends, sum(values.values()), (head, name), list(values.items()))


def _decisions(facts: Facts) -> dict[str, int]:
    """How many proposals came to what, the most frequent first."""
    counts: dict[str, int] = {}
    for row in facts.proposals:
        counts[row.status] = counts.get(row.status, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))
