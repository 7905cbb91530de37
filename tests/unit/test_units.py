"""The shipped units are what the program prints, and say what the configuration does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from godmode import registry
from godmode.lib.errors import Usage
from godmode.lib.kernel import Daily, Every, Job
from godmode.lib.paths import shipped
from godmode.lib.schedule import unit_files, units
from godmode.lib.schedule.calling import Call
from godmode.lib.schedule.sandbox import Folders
from godmode.lib.schedule.units import Installation
from godmode.lib.sections import Settings
from godmode.wiring import configured

JOBS = [configured(registry.load(target), Settings()) for _, target in registry.JOBS.values()]
DEFAULT = Installation()


def job(cadence: Every | Daily, **others: bool) -> Job:
    return Job("some_job", "", cadence, None, **others)  # type: ignore[arg-type]


def timer(one: Job, made_for: Installation = DEFAULT) -> list[str]:
    return units.units([one], made_for)["godmode-some-job.timer"].splitlines()


def test_the_shipped_units_are_what_the_default_configuration_prints() -> None:
    there = {path.name: path.read_text() for path in shipped("systemd").iterdir()}
    assert there == units.units(JOBS, DEFAULT)


def test_every_job_has_a_timer_that_catches_up() -> None:
    made = units.units(JOBS, DEFAULT)
    for each in JOBS:
        name = each.name.replace("_", "-")
        text = made[f"godmode-{name}.timer"]
        assert f"Unit=godmode@{name}.service" in text
        assert "Persistent=true" in text


def test_the_thirty_second_job_is_exact() -> None:
    lines = timer(job(Every(seconds=30)))
    assert "OnCalendar=*-*-* *:*:00,30 UTC" in lines
    assert "AccuracySec=1" in lines
    assert not [line for line in lines if line.startswith("RandomizedDelaySec")]


def test_a_silent_interval_is_delayed_by_chance_and_always_by_as_much() -> None:
    lines = timer(job(Every(minutes=30)))
    assert "OnCalendar=*-*-* *:01,31:00 UTC" in lines
    assert {"RandomizedDelaySec=30", "FixedRandomDelay=yes"} <= set(lines)


@pytest.mark.parametrize(
    ("cadence", "speaks", "hours"),
    [
        (Daily("08:00", timedelta(hours=12)), True, "08..21:00,15,30,45"),
        (Daily("06:40", timedelta(minutes=45)), True, "06..08:10,25,40,55"),
        (Daily("02:00", timedelta(hours=22)), False, "02..23:01"),
        (Daily("23:50", timedelta(hours=1)), True, "23:05,20,35,50"),
    ],
)
def test_a_daily_job_is_looked_at_in_its_own_zone_as_long_as_it_may_run(
    cadence: Daily, speaks: bool, hours: str
) -> None:
    made_for = replace(DEFAULT, zone="Asia/Kathmandu")
    assert f"OnCalendar=*-*-* {hours}:00 Asia/Kathmandu" in timer(job(cadence, speaks=speaks), made_for)


def test_an_old_systemd_gets_no_zone_and_looks_in_every_hour() -> None:
    lines = timer(job(Daily("08:00"), speaks=True), replace(DEFAULT, version=232))
    assert "OnCalendar=*-*-* *:00,15,30,45:00" in lines


def test_an_old_systemd_gets_no_credentials() -> None:
    made = units.units(JOBS, replace(DEFAULT, version=245))
    assert not [text for text in made.values() if "LoadCredential" in text or "FixedRandomDelay" in text]


def test_with_a_database_elsewhere_there_is_no_unit_for_a_server_and_less_that_a_run_may() -> None:
    made = units.units(JOBS, replace(DEFAULT, embedded=False))
    assert units.SERVER not in made
    assert not [text for text in made.values() if units.SERVER in text or "CAP_DAC_OVERRIDE" in text]
    assert "LoadCredential=DATABASE_URL:godmode.DATABASE_URL" in made["godmode@.service"].splitlines()


def test_the_job_that_proves_backups_may_start_a_scratch_server_and_write_them() -> None:
    made = units.units(JOBS, replace(DEFAULT, folders=Folders(backups="/srv/backups")))
    keeper = made[units.KEEPER].splitlines()
    assert "ReadWritePaths=-/srv/backups" in keeper
    assert [line for line in keeper if line.startswith("CapabilityBoundingSet") and "CAP_SETUID" in line]
    assert "CAP_SETUID" not in made["godmode@.service"]
    assert units.KEEPER not in units.units(JOBS, DEFAULT)


def test_a_server_that_compiles_queries_may_write_code() -> None:
    made = units.units(JOBS, replace(DEFAULT, jit=True))
    assert "MemoryDenyWriteExecute" not in made[units.SERVER]
    assert "MemoryDenyWriteExecute=yes" in made["godmode@.service"]


def test_a_failure_calls_the_fallback_which_calls_nothing() -> None:
    made = units.units(JOBS, DEFAULT)
    assert "OnFailure=godmode-fallback@%i.service" in made["godmode@.service"]
    assert "ExecStart=/usr/bin/env godmode fallback %i" in made["godmode-fallback@.service"]
    assert "OnFailure" not in made["godmode-fallback@.service"]


def test_a_user_gets_what_a_user_may_have() -> None:
    made = units.units(JOBS, replace(DEFAULT, system=False))
    text = "".join(made.values())
    assert "NoNewPrivileges=yes" in text
    for word in ("CapabilityBoundingSet", "ProtectSystem", "LoadCredential", "network-online.target"):
        assert word not in text


def test_a_run_may_last_as_long_as_the_longest_deadline() -> None:
    longer = replace(JOBS[0], deadline=timedelta(hours=2))
    assert "TimeoutStartSec=7500" in units.units([longer, *JOBS[1:]], DEFAULT)["godmode@.service"]


def test_of_a_home_a_run_sees_only_what_it_needs() -> None:
    folders = Folders(
        "/root/gm/state",
        ("/root/gm", "/root/tools/venv", "/root/tools/venv-old", "/root/tools/venv/bin/godmode", "/usr/lib"),
    )
    lines = units.units(JOBS, replace(DEFAULT, folders=folders))["godmode@.service"].splitlines()
    assert "ProtectHome=tmpfs" in lines
    assert [line for line in lines if line.startswith("Bind")] == [
        "BindReadOnlyPaths=-/root/gm", "BindReadOnlyPaths=-/root/tools/venv", "BindReadOnlyPaths=-/root/tools/venv-old",
        "BindPaths=-/root/gm/state",
    ]  # fmt: skip


def test_paths_with_blanks_quotes_dollars_and_percent_signs_reach_the_program_whole() -> None:
    call = Call("/opt/my tools/godmode", "/a/100% $x.toml", {"GODMODE_HOME": '/home/"x"'}, "/a/100% $x.toml")
    text = units.units(JOBS, replace(DEFAULT, call=call))["godmode@.service"]
    assert (
        'ExecStart="/opt/my tools/godmode" "--config" "/a/100%% $$x.toml" run'.replace('"--config"', "--config") in text
    )
    assert r'Environment="GODMODE_HOME=/home/\"x\""' in text
    assert unit_files.owner(text) == "/a/100% $x.toml"


def test_a_path_with_a_line_break_is_refused() -> None:
    with pytest.raises(Usage, match="line break"):
        units.units(JOBS, replace(DEFAULT, call=Call(config="/a\nb")))
