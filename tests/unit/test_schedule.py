"""The shipped crontab is what the program prints, and its lines come when each job's slot begins, in any zone."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from godmode import registry
from godmode.lib.engine import slots
from godmode.lib.errors import Usage
from godmode.lib.kernel import Daily, Every, Job
from godmode.lib.paths import shipped
from godmode.lib.schedule import cron, looks
from godmode.lib.schedule.calling import Call
from godmode.lib.sections import Settings
from godmode.wiring import configured

JOBS = [configured(registry.load(target), Settings()) for _, target in registry.JOBS.values()]
LINE = re.compile(r"([\d,*]+) \* \* \* \* (?:sleep (\d+); )?(.+)")
YEAR = datetime(2027, 1, 1, tzinfo=UTC)
QUARTERS = 365 * 24 * 4
MINUTES = 60 * 24 * 365


def lines(text: str, job: str) -> list[tuple[list[int], int, str]]:
    """The minutes of the hour, the second and the command of every line that starts a job."""
    found = []
    for line in text.splitlines():
        if (match := LINE.fullmatch(line)) and f" run {job} --scheduled" in match[3]:
            minutes = range(60) if match[1] == "*" else map(int, match[1].split(","))
            found.append((list(minutes), int(match[2] or 0), match[3]))
    return found


def minutes_of(jobs: list[Job], name: str) -> list[int]:
    return sorted({minute for minutes, _, _ in lines(cron.block(jobs, Call()), name) for minute in minutes})


def job(cadence: Every | Daily, *, speaks: bool = False) -> Job:
    return Job("some_job", "", cadence, None, speaks=speaks)


@cache
def offsets(zone: str) -> list[int]:
    """The zone's offset in minutes, for every quarter of an hour of the year."""
    there = ZoneInfo(zone)
    quarter = timedelta(minutes=15)
    return [
        int((YEAR + n * quarter).astimezone(there).utcoffset().total_seconds()) // 60  # type: ignore[union-attr]
        for n in range(QUARTERS)
    ]


def ticks(minutes: Iterable[int], host: str) -> list[int]:
    """The minutes of the year, in UTC, at which a cron whose clock is in this zone starts a line of these minutes."""
    wanted = frozenset(minutes)
    by_offset = {shift: sorted((m - shift) % 60 for m in wanted) for shift in range(60)}
    return [
        (quarter // 4) * 60 + m
        for quarter, offset in enumerate(offsets(host))
        for m in by_offset[offset % 60]
        if m // 15 == quarter % 4
    ]


def test_the_shipped_crontab_is_what_the_default_configuration_prints() -> None:
    assert shipped("crontab.example").read_text() == cron.block(JOBS, Call())


def test_every_job_has_its_line_whether_or_not_it_is_configured_yet() -> None:
    text = cron.block(JOBS, Call())
    for each in JOBS:
        assert lines(text, each.name.replace("_", "-"))


def test_every_line_of_the_crontab_is_one_that_cron_takes() -> None:
    for line in cron.block(JOBS, Call()).splitlines():
        assert line.startswith("#") or LINE.fullmatch(line), line


HOSTS = ["UTC", "America/Chicago", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Berlin"]
ZONES = ["America/Chicago", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/London"]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("period", [1, 2, 4, 5, 7, 12, 15, 20, 30, 45, 60, 90, 120, 720, 1440])
def test_no_slot_of_an_interval_is_without_a_look_in_a_whole_year(period: int, host: str) -> None:
    one = job(Every(minutes=period))
    at = ticks(minutes_of([one], "some-job"), host)
    bound = max(b - a for a, b in pairwise(at))
    assert bound <= min(period, 90)
    for start in range(0, MINUTES - period, period):
        first = at[bisect_left(at, start)]
        assert first < start + period, (period, start)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("host", HOSTS)
def test_what_speaks_begins_in_its_very_minute_every_day_of_a_year(host: str, zone: str) -> None:
    for each in (each for each in JOBS if each.speaks):
        late = delays(each, host, zone)
        assert len(late) == 363
        assert set(late) == {0}, each.name


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_that_was_off_looks_within_a_quarter_of_an_hour_at_what_it_missed(host: str) -> None:
    for each in (each for each in JOBS if each.speaks):
        at = ticks(minutes_of([each], each.name.replace("_", "-")), host)
        assert max(b - a for a, b in pairwise(at)) == 15


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("at", ["00:00", "02:00", "02:30", "06:07", "22:30", "23:59"])
def test_a_silent_daily_job_begins_within_the_hour_every_day_of_a_year(at: str, host: str, zone: str) -> None:
    late = delays(job(Daily(at, timedelta(hours=22))), host, zone)
    assert len(late) == 363
    assert max(late) <= 90  # an hour, and what the host's clocks change by


def delays(each: Job, host: str, zone: str) -> list[int]:
    """By how many minutes the first look at each daily slot of the year comes late; a slot without one is missing."""
    there = ZoneInfo(zone)
    at = ticks(minutes_of([each], each.name.replace("_", "-")), host)
    found = []
    for day in range(1, 364):
        noon = datetime.combine(date(2027, 1, 1) + timedelta(days=day), datetime.min.time(), there) + timedelta(
            hours=12
        )
        slot = slots.current(each.cadence, noon, there)
        minute = int((slot.start - YEAR).total_seconds()) // 60
        first = at[bisect_left(at, minute)]
        if slots.due(each.cadence, YEAR + timedelta(minutes=first), there) == slot:
            found.append(first - minute)
    return found


def test_the_looks_that_find_nothing_due_are_few() -> None:
    """What a slot does not need: ticks that cost a tenth of a second, beside 3,500 a day that are due."""
    a_day = {each.name: 24 * len(minutes_of(JOBS, each.name.replace("_", "-"))) for each in JOBS}
    useless = {
        each.name: a_day[each.name] - round(timedelta(days=1) / looks.period(each.cadence))
        for each in JOBS
        if each.name != "process_retry_queue"
    }
    assert {name: count for name, count in useless.items() if count} == {
        "daily_digest": 95, "morning_call": 95, "cleanup_old_data": 23, "sync_notion": 24,
    }  # fmt: skip


def test_the_thirty_second_job_is_two_lines() -> None:
    found = lines(cron.block(JOBS, Call()), "process-retry-queue")
    assert [(minutes, second) for minutes, second, _ in found] == [(list(range(60)), 0), (list(range(60)), 30)]


def test_nothing_starts_at_the_full_hour_that_need_not() -> None:
    needs = {each.name for each in JOBS if each.speaks} | {"process_retry_queue"}
    assert {each.name for each in JOBS if 0 in minutes_of(JOBS, each.name.replace("_", "-"))} == needs


def test_silent_jobs_do_not_start_in_the_same_minute() -> None:
    silent = [each.name.replace("_", "-") for each in JOBS if not each.speaks and each.name != "process_retry_queue"]
    taken = [minute for name in silent for minute in minutes_of(JOBS, name)]
    assert len(set(taken)) == len(taken)


def test_another_host_of_the_same_database_looks_at_other_minutes() -> None:
    here, there = (looks.spread(JOBS, shift) for shift in (0, 2))
    moved = {name for name in here if here[name] != there[name]}
    assert moved >= {"health_monitor", "run_watchers", "periodic_scan"}
    assert not moved & {"daily_digest", "morning_call", "process_retry_queue"}


def test_paths_with_blanks_quotes_and_percent_signs_reach_the_program_whole() -> None:
    call = Call("/opt/my tools/godmode", "/a b/100%.toml", {"GODMODE_HOME": "/it's"}, "/a b/100%.toml")
    text = cron.block([job(Every(minutes=5))], call, log="/var/log/50%.log")
    [(_, _, command)] = lines(text, "some-job")
    assert r"'/opt/my tools/godmode' --config '/a b/100\%.toml' run some-job" in command
    assert "GODMODE_HOME='/it'\"'\"'s'" in command
    assert command.endswith(r">> /var/log/50\%.log 2>&1")


def test_a_path_with_a_line_break_is_refused() -> None:
    with pytest.raises(Usage, match="line break"):
        cron.block(JOBS, Call(config="/a\nb"))
