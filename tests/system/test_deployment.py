"""docs/deployment.md does what it says: its marked blocks are run in order on a machine of their own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fakes import machine
from fakes.installation import GODMODE

GUIDE = machine.PROJECT / "docs" / "deployment.md"
BLOCKS = dict(re.findall(r"<!-- tried: (.+?) -->\n```sh\n(.*?)```\n", GUIDE.read_text(), re.DOTALL))
JOBS = 10


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each block printed."""
    results = tmp_path_factory.mktemp("deployment")
    script = f"export PATH={GODMODE.parent}:$PATH\nmkdir -p /var/spool/cron/crontabs\nset +x\n"
    for number, block in enumerate(BLOCKS.values()):
        script += f"{{\n{block}}} >{machine.RESULTS}/{number} 2>&1\n"
    machine.with_cron(f"{script}\ngodmode db stop\n", results, seconds=300)
    return {name: (Path(results) / str(number)).read_text() for number, name in enumerate(BLOCKS)}


def test_production_starts_with_everything_off(said: dict[str, str]) -> None:
    for name in ("jobs_enabled", "comms_enabled", "write_enabled"):
        assert re.search(rf"^{name} +off$", said["init"], re.MULTILINE)
    assert "is good" in said["init"]


def test_secrets_come_from_the_file_beside_the_configuration(said: dict[str, str]) -> None:
    assert re.search(r"^N8N_API_KEY +from /etc/godmode/secrets\.env$", said["secrets"], re.MULTILINE)
    assert "n8n_api_0123456789" not in said["secrets"]


def test_the_operators_phone_is_on_the_allowlist(said: dict[str, str]) -> None:
    assert re.search(r"^\+15125550100 +Jonah +call, sms, message", said["allowlist"], re.MULTILINE)


def test_jobs_are_all_disabled_and_enabled_one_by_one(said: dict[str, str]) -> None:
    assert len(re.findall(r" disabled  ", said["isolation"])) >= JOBS - 1  # one may not be in this version
    for job in ("health-monitor", "cleanup-old-data", "process-retry-queue"):
        assert f"{job} is enabled" in said["one by one"]
        assert f"{job} succeeded" in said["one by one"]


def test_the_schedule_is_in_the_crontab_once(said: dict[str, str]) -> None:
    assert "in your crontab: installed" in said["cron"]
    assert "in your crontab: as it was" in said["cron"]
    assert said["cron"].count("# BEGIN godmode") == 2  # once printed, once listed


def test_check_the_switch_stops_every_job(said: dict[str, str]) -> None:
    assert said["switch"].count("skipped: kill_switch") == JOBS


def test_check_without_jobs_enabled_the_health_monitor_alone_runs(said: dict[str, str]) -> None:
    assert said["jobs_enabled"].count("skipped: jobs_disabled") == JOBS - 1
    assert "health-monitor succeeded" in said["jobs_enabled"]


def test_check_in_quiet_hours_only_sev0_and_sev1_pass(said: dict[str, str]) -> None:
    text = said["quiet hours"]
    assert "daily-digest skipped: quiet_hours" in text
    printed = text.partition("process-retry-queue succeeded")[0]
    assert [s for s in ("SEV0", "SEV1", "WARN", "INFO") if f"a {s}" in printed] == ["SEV0", "SEV1"], text


def test_check_at_most_ten_proposals_an_hour(said: dict[str, str]) -> None:
    words = said["proposals"].split()
    assert (words.count("new"), words.count("over"), words.count("0.90")) == (10, 2, 10)


def test_check_retries_back_off(said: dict[str, str]) -> None:
    assert "this work always fails" in said["back off"]
    assert re.search(r"5 (of 5|attempts)", said["back off"]), said["back off"]
