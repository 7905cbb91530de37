"""What nobody has looked at, so that all may be well with it or not: no "all is well" while there is any. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from godmode.lib.overview.overdue import GRACE, INTERVALS
from godmode.lib.overview.troubles import Parts, Trouble

Entry = Mapping[str, Any]
Told = Callable[[datetime], str]
NOT_SCHEDULED = "godmode schedule cron"
DAY = 86_400  # seconds


def unseen(parts: Parts, now: datetime, told: Told) -> list[Trouble]:
    """What was not looked at, the widest gap first. `told` writes a moment as the operator reads it.

    Under the kill switch nothing is looked at, and that is said once, by the trouble.
    """
    if parts.kill_switch:
        return []
    jobs = [entry for entry in parts.jobs if _is_expected(entry, parts.controls)]
    idle = [entry for entry in jobs if entry["last_started_at"] is None or entry["overdue_since"]]
    if _nothing_runs(jobs, idle, now):
        found = [_nothing_ran(jobs, told)]
    else:
        found = [_job(entry, told) for entry in idle if _matters(entry)] + list(_sources(parts.sources, now, told))
    if not any(source["configured"] for source in parts.sources):
        found.append(Trouble("no source is configured: nothing is read", "godmode config check"))
    return found


def _is_expected(entry: Entry, controls: Mapping[str, bool]) -> bool:
    """Whether the job is one that should run as things are."""
    allowed = controls["jobs_enabled"] or entry["job"] == "health_monitor"
    return bool(allowed and entry["implemented"] and entry["enabled"] and not entry["lacks"])


def _matters(entry: Entry) -> bool:
    """Whether a job that has not begun should have: a daily one waits for its first hour."""
    return entry["overdue_since"] is not None or entry["period_seconds"] < DAY


def _nothing_runs(jobs: Sequence[Entry], idle: Sequence[Entry], now: datetime) -> bool:
    """Whether not even the job that runs most often was begun of late, nor any other since then."""
    often = min(jobs, key=lambda entry: entry["period_seconds"], default=None)
    if often is None or often not in idle:
        return False
    last = _last_begun(jobs)
    return last is None or now - last > INTERVALS * timedelta(seconds=often["period_seconds"]) + GRACE


def _last_begun(jobs: Sequence[Entry]) -> datetime | None:
    return max((entry["last_started_at"] for entry in jobs if entry["last_started_at"]), default=None)


def _nothing_ran(jobs: Sequence[Entry], told: Told) -> Trouble:
    last = _last_begun(jobs)
    since = f"no job has run since {told(last)}" if last else "no job has run yet"
    return Trouble(f"{since}: are they scheduled?", NOT_SCHEDULED)


def _job(entry: Entry, told: Told) -> Trouble:
    name, last = entry["job"].replace("_", "-"), entry["last_started_at"]
    when = f"has not run since {told(last)}" if last else "has not run yet"
    due = f", due {told(entry['overdue_since'])}" if entry["overdue_since"] and not last else ""
    return Trouble(f"{name} {when}{due}", f"godmode run {name}")


def _sources(sources: Sequence[Entry], now: datetime, told: Told) -> Iterator[Trouble]:
    for source in sources:
        if not source["configured"] or source["lacks"] or source["last_sync_success"] is False:
            continue
        name, last = source["source_name"], source["last_sync_completed_at"]
        if last is None:
            yield Trouble(f"{name} was never read", f"godmode run sync-{name}")
        elif now - last > INTERVALS * timedelta(minutes=source["every_minutes"]) + GRACE:
            yield Trouble(f"{name} was not read since {told(last)}", f"godmode run sync-{name}")
