"""The shipped crontab and units are what the program prints, and fire when each job's slot begins."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise

import pytest

from godmode import registry
from godmode.lib import schedule
from godmode.lib.config import Settings
from godmode.lib.kernel import Daily, Every, Job
from godmode.lib.paths import shipped
from godmode.wiring import configured

JOBS = [configured(registry.load(target), Settings()) for _, target in registry.JOBS.values()]
LINE = re.compile(r"([\d,*]+) \* \* \* \* (?:sleep (\d+); )?(.+)")


def fired(text: str, job: str) -> list[tuple[int, int]]:
    """The (minute, second)s of an hour at which a crontab starts a job."""
    found = []
    for line in text.splitlines():
        if (match := LINE.fullmatch(line)) and f" run {job} --scheduled" in match[3]:
            minutes = range(60) if match[1] == "*" else map(int, match[1].split(","))
            found += [(minute, int(match[2] or 0)) for minute in minutes]
    return sorted(found)


def job(cadence: Every | Daily) -> Job:
    return Job("some_job", "", cadence, None)


def test_the_shipped_crontab_is_what_the_default_configuration_prints() -> None:
    assert shipped("crontab.example").read_text() == schedule.crontab(JOBS)


def test_the_shipped_units_are_what_the_default_configuration_prints() -> None:
    there = {path.name: path.read_text() for path in shipped("systemd").iterdir()}
    assert there == schedule.units(JOBS)


def test_every_job_is_started_by_cron_and_by_a_timer() -> None:
    text, units = schedule.crontab(JOBS), schedule.units(JOBS)
    for each in JOBS:
        name = each.name.replace("_", "-")
        assert fired(text, name)
        assert f"Unit=godmode@{name}.service" in units[f"godmode-{name}.timer"]


def test_every_line_of_the_crontab_is_one_that_cron_takes() -> None:
    for line in schedule.crontab(JOBS).splitlines():
        assert line.startswith("#") or LINE.fullmatch(line) or re.fullmatch(r"[A-Z_]+=\S+", line), line


@pytest.mark.parametrize("minutes", [1, 2, 3, 5, 7, 10, 15, 30, 45, 60, 90, 720])
def test_an_interval_job_is_looked_at_at_least_once_in_each_of_its_slots(minutes: int) -> None:
    times = [minute for minute, _ in fired(schedule.crontab([job(Every(minutes=minutes))]), "some-job")]
    day = [hour * 60 + minute for hour in range(24) for minute in times]
    for start in range(0, 24 * 60 - minutes + 1, minutes):
        assert any(start <= at < start + minutes for at in day), (minutes, start)


@pytest.mark.parametrize("at", ["08:00", "06:03", "23:59", "00:00"])
def test_a_daily_job_is_looked_at_in_its_minute_and_every_five_minutes_after(at: str) -> None:
    times = [minute for minute, _ in fired(schedule.crontab([job(Daily(at, timedelta(hours=1)))]), "some-job")]
    assert int(at[3:]) in times
    assert {b - a for a, b in pairwise(times)} == {5}


def test_the_thirty_second_job_is_two_lines() -> None:
    times = fired(schedule.crontab(JOBS), "process-retry-queue")
    assert times == [(minute, second) for minute in range(60) for second in (0, 30)]


def test_silent_jobs_do_not_all_start_in_the_same_minute() -> None:
    silent = [each.name.replace("_", "-") for each in JOBS if isinstance(each.cadence, Every)]
    firsts = [fired(schedule.crontab(JOBS), name)[0] for name in silent if name != "process-retry-queue"]
    assert len(set(firsts)) == len(firsts)


def test_paths_with_blanks_and_percent_signs_reach_the_program_whole() -> None:
    one = [job(Every(minutes=5))]
    assert r"'/opt/my tools/godmode' --config '/a b/100\%.toml' run some-job" in schedule.crontab(
        one, "/opt/my tools/godmode", "/a b/100%.toml"
    )
    unit = schedule.units(one, "/opt/godmode", "/a/100%.toml", '/home/"x"')["godmode@.service"]
    assert "/a/100%%.toml" in unit
    assert r'Environment="GODMODE_HOME=/home/\"x\""' in unit
