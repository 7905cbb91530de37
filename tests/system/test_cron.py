"""Debian's cron runs the installed schedule: as root and as a user, in the bare environment that it gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import machine
from fakes.installation import GODMODE

# For root the default places, for Jonah a folder that a crontab and a shell have to be told of with care.
HOME = "/home/jonah/100% mine"
SCRIPT = f"""
echo 'jonah:x:4711:4711::/home/jonah:/bin/sh' >>/etc/passwd
echo 'jonah:x:4711:' >>/etc/group
echo 'jonah:*:19000:0:99999:7:::' >>/etc/shadow
mkdir -p "{HOME}" /etc/godmode /var/spool/cron/crontabs
chown -R jonah:jonah /home/jonah
chgrp crontab /var/spool/cron/crontabs
chmod 1730 /var/spool/cron/crontabs
as_root() {{ {GODMODE} "$@"; }}
as_jonah() {{ runuser -u jonah -- env GODMODE_HOME="{HOME}" {GODMODE} "$@"; }}
for who in root jonah; do
    as_$who init --yes >/dev/null
    folder=/etc/godmode; [ $who = root ] || folder="{HOME}"
    cat >>"$folder/config.toml" <<'MINE'
[jobs.health_monitor]
interval_minutes = 1
MINE
    echo '59 23 31 12 * true # mine' | runuser -u $who crontab -
    as_$who schedule cron --install --log "$folder/cron.log"
    runuser -u $who -- crontab -l >{machine.RESULTS}/$who.crontab
done
cron -f -L 15 &
satisfied() {{
    as_$1 audit --json -n 100 >{machine.RESULTS}/$1.new
    mv {machine.RESULTS}/$1.new {machine.RESULTS}/$1.json
    grep -q ':00Z' {machine.RESULTS}/$1.json && grep -q ':30Z' {machine.RESULTS}/$1.json &&
        grep -q '"action": "health_monitor"' {machine.RESULTS}/$1.json
}}
for second in $(seq 150); do
    if satisfied root && satisfied jonah; then break; fi
    sleep 1
done
cp /etc/godmode/cron.log {machine.RESULTS}/root.log
cp "{HOME}/cron.log" {machine.RESULTS}/jonah.log
for who in root jonah; do
    as_$who schedule cron --uninstall
    runuser -u $who -- crontab -l >{machine.RESULTS}/$who.after
    as_$who db stop
done
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of two minutes under cron."""
    results = tmp_path_factory.mktemp("cron")
    results.chmod(0o777)
    machine.with_cron(SCRIPT, results, seconds=300)
    return results


@pytest.mark.parametrize("who", ["root", "jonah"])
def test_cron_runs_the_jobs_in_their_slots(ran: Path, who: str) -> None:
    rows: list[dict[str, Any]] = json.loads((ran / f"{who}.json").read_text())
    jobs = [row for row in rows if row["action"] in ("process_retry_queue", "health_monitor")]
    assert all(row["success"] for row in jobs)
    seconds = {row["slot"][-3:] for row in jobs if row["action"] == "process_retry_queue"}
    assert seconds == {"00Z", "30Z"}  # both lines of the 30-second job
    assert [row for row in jobs if row["action"] == "health_monitor"]
    assert len({(row["action"], row["slot"]) for row in jobs}) == len(jobs)  # no slot ran twice


@pytest.mark.parametrize("who", ["root", "jonah"])
def test_what_a_run_says_is_in_the_log(ran: Path, who: str) -> None:
    assert "process_retry_queue: succeeded slot=" in (ran / f"{who}.log").read_text()


@pytest.mark.parametrize("who", ["root", "jonah"])
def test_the_rest_of_the_crontab_is_as_it_was(ran: Path, who: str) -> None:
    assert (ran / f"{who}.after").read_text() == "59 23 31 12 * true # mine\n"
    assert (ran / f"{who}.crontab").read_text().startswith("59 23 31 12 * true # mine\n# BEGIN godmode")
