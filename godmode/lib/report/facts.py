"""Everything that a report tells, looked up once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from functools import cache
from typing import Any, TypeVar

from psycopg import Connection

from godmode.lib.store import history
from godmode.lib.store.history import Asked, Digest, Found, IncidentRow, Letter, Moved, Reached, Routed, Runs

Row = TypeVar("Row", Asked, Digest, Found, IncidentRow, Letter, Routed)
MOST = 500  # rows of a table; more would be no page


@dataclass(frozen=True)
class JobDays:
    """A job's runs: `total` of all days, `days` by the day's number; a day without any is left out."""

    name: str
    help: str
    cadence: str
    total: Runs
    days: Mapping[int, Runs]


@dataclass(frozen=True)
class Facts:
    """What is told of `days`, up to the moment `until`. Times are UTC, days those of `zone`.

    `depth` is the retry queue's greatest depth on each day, `limits` the daily calls that are configured, by service.
    `cut` names the tables that hold more rows than are shown.
    """

    days: Sequence[date]
    since: datetime
    until: datetime
    zone: tzinfo
    jobs: Sequence[JobDays]
    incidents: Sequence[IncidentRow]
    routed: Sequence[Routed]
    reached: Sequence[Reached]
    asked: Sequence[Asked]
    limits: Mapping[str, int]
    depth: Sequence[int]
    letters: Sequence[Letter]
    proposals: Sequence[Found]
    digests: Sequence[Digest]
    cut: Sequence[str]


@dataclass(frozen=True)
class Scope:
    """What a report is about. `jobs` are their names, with what they do and how often; `clean` as in JobContext."""

    days: int
    now: datetime
    zone: tzinfo
    jobs: Mapping[str, tuple[str, str]]
    limits: Mapping[str, int]
    clean: Callable[[str], str]


def gather(conn: Connection, scope: Scope) -> Facts:
    """Look everything up, in one transaction so that all of it is of one moment."""
    days = _days(scope)
    starts = [datetime.combine(day, time(), tzinfo=scope.zone) for day in days]
    since, until = starts[0], scope.now
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        facts = Facts(
            days=days,
            since=since,
            until=until,
            zone=scope.zone,
            jobs=_jobs(scope, history.runs(conn, list(scope.jobs), starts, until)),
            incidents=history.incidents(conn, since, until, MOST),
            routed=history.routed(conn, since, until, MOST),
            reached=history.reached(conn, starts, until),
            asked=history.asked(conn, starts, until),
            limits=scope.limits,
            depth=depth(history.moved(conn, since, until), starts),
            letters=history.letters(conn, since, until, MOST),
            proposals=history.proposals(conn, since, until, MOST),
            digests=history.digests(conn, since, until),
            cut=(),
        )
    return _cleaned(facts, scope.clean)


def _days(scope: Scope) -> list[date]:
    today = scope.now.astimezone(scope.zone).date()
    return [today - timedelta(days=ago) for ago in range(scope.days - 1, -1, -1)]


def _jobs(scope: Scope, rows: Sequence[Runs]) -> list[JobDays]:
    totals = {row.job: row for row in rows if row.day is None}
    days: dict[str, dict[int, Runs]] = {}
    for row in rows:
        if row.day is not None:
            days.setdefault(row.job, {})[row.day] = row
    return [
        JobDays(name, does, often, totals.get(name, Runs(name, None, 0, 0, 0, 0, None, None, None)), days.get(name, {}))
        for name, (does, often) in scope.jobs.items()
    ]


def depth(moves: Sequence[Moved], starts: Sequence[datetime]) -> list[int]:
    """The greatest depth of the queue on each day, from what came and left by the hour."""
    now, peaks, rest = 0, [], list(moves)
    while rest and rest[0].hour is None:
        now += rest.pop(0).came
    for number in range(len(starts)):
        peak = now
        while rest and (number + 1 == len(starts) or _hour(rest[0]) < starts[number + 1]):
            move = rest.pop(0)
            peak = max(peak, now + move.came)
            now += move.came - move.left
        peaks.append(peak)
    return peaks


def _hour(move: Moved) -> datetime:
    assert move.hour is not None
    return move.hour


def _cleaned(facts: Facts, clean: Callable[[str], str]) -> Facts:
    """What others wrote, without what must not be shown; and which tables are cut."""
    once = cache(clean)  # a type or a channel stands in many rows
    tables = {"incidents": facts.incidents, "dead letters": facts.letters, "proposals": facts.proposals}
    return replace(
        facts,
        incidents=_all(facts.incidents, once),
        routed=_all(facts.routed, once),
        asked=_all(facts.asked, once),
        letters=_all(facts.letters, once),
        proposals=_all(facts.proposals, once),
        digests=_all(facts.digests, once),
        cut=[name for name, rows in tables.items() if len(rows) == MOST],
    )


def _all(rows: Sequence[Row], clean: Callable[[str], str]) -> list[Row]:
    """The rows with every text in them cleaned, whoever wrote it: other systems write to these tables too."""
    return [replace(row, **{name: _text(value, clean) for name, value in vars(row).items()}) for row in rows]


def _text(value: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        return [_text(part, clean) for part in value]
    return clean(value) if isinstance(value, str) else value
