"""What systemd itself says of the units: it understands them, they expose little, and their timers come in time."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fakes import debian

from godmode.lib.engine import slots
from godmode.lib.kernel import Daily, Job
from godmode.lib.paths import shipped
from godmode.lib.schedule import units
from godmode.lib.schedule.units import Installation

SERVICES = ["godmode@.service", "godmode-fallback@.service", "godmode-postgres.service"]


def analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    program = debian.program("systemd-analyze", "systemd")
    env = {**os.environ, "TZ": "UTC"}
    return subprocess.run([program, *words], capture_output=True, text=True, timeout=60, check=False, env=env)


def test_systemd_understands_every_unit() -> None:
    done = analyze("verify", *sorted(shipped("systemd").iterdir()))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_systemd_understands_the_units_of_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Job("daily_digest", "", Daily("08:00"), None, speaks=True)
    for name, text in units.units([one], Installation(system=False)).items():
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    done = analyze("verify", "--user", *sorted(tmp_path.glob("godmode*")))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_exposes_two_or_less(service: str) -> None:
    done = analyze("security", "--offline=true", "--threshold=20", shipped("systemd") / service)
    assert done.returncode == 0, done.stdout.splitlines()[-1]
    level = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert level is not None
    assert float(level[1]) <= 2.0


@pytest.mark.parametrize("at", ["00:30", "01:30", "02:00", "02:30", "08:00", "23:50"])
@pytest.mark.parametrize("zone", ["America/Chicago", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu"])
def test_a_daily_timer_comes_in_the_minute_of_its_slot_also_when_the_clocks_change(zone: str, at: str) -> None:
    cadence, there = Daily(at, timedelta(minutes=45)), ZoneInfo(zone)
    one = Job("some_job", "", cadence, None, speaks=True)
    timer = units.units([one], Installation(zone=zone))["godmode-some-job.timer"]
    calendar = next(line for line in timer.splitlines() if line.startswith("OnCalendar="))
    for month in (3, 4, 10, 11):  # in which somewhere clocks change
        start = datetime(2027, month, 1, tzinfo=UTC)
        looks = elapses(calendar.removeprefix("OnCalendar="), start, start + timedelta(days=31))
        slot = slots.following(cadence, start, there)
        while slot.start < start + timedelta(days=30):
            assert next(look for look in looks if look >= slot.start) == slot.start
            slot = slots.following(cadence, slot.start, there)


def elapses(calendar: str, start: datetime, end: datetime) -> list[datetime]:
    """When a calendar expression is true, as systemd computes it."""
    count = 3 * 4 * 32  # quarters of at most three hours of the days of a month
    done = analyze("calendar", f"--base-time={start:%Y-%m-%d %H:%M:%S} UTC", f"--iterations={count}", calendar)
    found = re.findall(r"(?:Next elapse|Iter\. #\d+): \w{3} (\S+ \S+) UTC", done.stdout)
    times = [datetime.fromisoformat(f"{time}Z") for time in found]
    return [time for time in times if time < end]
