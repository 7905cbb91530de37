"""What cron's and systemd's logs get of a run."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from fakes.installation import CONFIG, GODMODE, Operator


@pytest.fixture
def her(tmp_path: Path, database_url: str) -> Operator:
    (tmp_path / "home").mkdir(exist_ok=True)
    return Operator(tmp_path / "home")


def test_a_scheduled_run_is_one_line_of_json_where_that_is_wanted(her: Operator) -> None:
    (her.home / "config.toml").write_text(f'{CONFIG}[log]\nformat = "json"\n')
    done = her.types("run", "cleanup-old-data", "--scheduled")
    (line,) = done.stderr.splitlines() or ["{}"]
    (monitor,) = her.types("run", "health-monitor", "--scheduled").stderr.splitlines()
    event = json.loads(monitor)
    assert (event["level"], event["job"], event["outcome"]) == ("info", "health_monitor", "succeeded")
    assert {"ts", "message", "slot", "run", "ms"} <= event.keys()
    assert json.loads(line) == {} or json.loads(line)["job"] == "cleanup_old_data"


def test_a_failure_is_an_error_of_the_same_form(her: Operator) -> None:
    (her.home / "config.toml").write_text(f'{CONFIG}[log]\nformat = "json"\n')
    dead = "postgresql://her:s3cret-word@127.0.0.1:9/db"
    for job in ("run-watchers", "health-monitor"):
        (line,) = her.types("run", job, "--scheduled", DATABASE_URL=dead).stderr.splitlines()
        assert json.loads(line)["level"] == "error"
        assert "s3cret-word" not in line
    (line,) = her.types("run", "no-such-job", "--scheduled").stderr.splitlines()
    assert json.loads(line)["level"] == "error"


def test_the_journal_is_told_how_much_each_line_matters(her: Operator) -> None:
    read, write = os.pipe()
    seen = os.fstat(write)
    with os.fdopen(read) as stream:
        subprocess.run(
            [GODMODE, "run", "health-monitor", "--scheduled"],
            env=her.env | {"JOURNAL_STREAM": f"{seen.st_dev}:{seen.st_ino}"}, stderr=write, check=True,
        )  # fmt: skip
        os.close(write)
        assert stream.read().startswith("<6>health_monitor: succeeded slot=")


def test_a_quiet_level_leaves_what_went_well_out(her: Operator) -> None:
    (her.home / "config.toml").write_text(f'{CONFIG}[log]\nlevel = "warning"\n')
    assert her.types("run", "health-monitor", "--scheduled").stderr == ""


@pytest.mark.parametrize(
    ("section", "says"),
    [
        (
            'pings = { dayly_digest = "https://example.com/x" }',
            'there is no "dayly_digest" (did you mean "daily_digest"?)',
        ),
        ('fallback = ["telegramm"]', 'there is no "telegramm" (did you mean "telegram"?)'),
    ],
)
def test_config_check_knows_the_jobs_and_channels_that_health_names(her: Operator, section: str, says: str) -> None:
    (her.home / "config.toml").write_text(f"{CONFIG}[health]\n{section}\n")
    checked = her.types("config", "check")
    assert checked.returncode == 2
    assert says in checked.stderr


def test_config_check_says_what_a_pre_armed_alarm_lacks(her: Operator) -> None:
    (her.home / "config.toml").write_text(f"{CONFIG}[health]\npre_armed = true\n")
    assert "messaging_service" in her.types("config", "check").stdout
