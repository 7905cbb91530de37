"""systemd boots, starts the jobs by their timers, and all works within the sandbox of their units."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fakes import machine
from fakes.installation import GODMODE

NOON = f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"  # where it is about that now, so that the cleanup is due
LINK = "/root/.local/bin/godmode"  # as pipx and uv make it
# Runs in the place of a job: what the sandbox has to allow, and what it has to refuse.
PROBE = r"""
import json, os, pathlib, socket, sys, threading
from godmode.lib import config
from godmode.lib.notify import speech

def refused(act):
    try:
        act()
    except OSError as e:
        return e.strerror
    return None

def loopback():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
    socket.getaddrinfo("localhost", 80)

seen = {
    "speech": len(speech.voice("en-us", None)("All is quiet.").ogg()),
    "credential": config.secret("NOTION_TOKEN"),
    "missing": config.secret("N8N_API_KEY"),
    "network": refused(loopback),
    "thread": refused(lambda: threading.Thread(target=print).start()),
    "etc": refused(lambda: pathlib.Path("/etc/probe").write_text("")),
    "shadow_tmp": os.path.exists("/tmp/outside"),
    "ssh": os.path.exists("/root/.ssh"),
    "chown": refused(lambda: os.chown("/var/lib/godmode/probe", 12, 12)),
    "packet": refused(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
}
pathlib.Path("/var/lib/godmode/probe").write_text(json.dumps(seen))
"""
SCRIPT = f"""
cat >/var/probe.py <<'PROBE'
{PROBE}
PROBE
mkdir -p /etc/godmode /etc/credstore /root/.ssh
touch /tmp/outside
cat >/etc/godmode/config.toml <<'MINE'
timezone = "{NOON}"
[jobs.health_monitor]
interval_minutes = 1
[backup]
daily = true
folder = "/srv/backups"
MINE
{GODMODE} init --yes
mkdir -p /root/.local/bin
ln -s {GODMODE} {LINK}
{LINK} schedule systemd --install --json >{machine.RESULTS}/installed.json
mkdir -p /var/spool/cron/crontabs
{LINK} schedule cron --install --log /var/log/godmode >{machine.RESULTS}/cron 2>&1
{LINK} schedule systemd --install --json >{machine.RESULTS}/again.json
echo 'jonah:x:4711:4711::/home/jonah:/bin/sh' >>/etc/passwd
echo 'jonah:x:4711:' >>/etc/group
echo 'jonah:*:19000:0:99999:7:::' >>/etc/shadow
mkdir -p /home/jonah
chown jonah:jonah /home/jonah
loginctl enable-linger jonah
as_jonah() {{ runuser -u jonah -- env XDG_RUNTIME_DIR=/run/user/4711 {GODMODE} "$@"; }}
for second in $(seq 40); do [ -S /run/user/4711/bus ] && break; sleep 0.5; done
as_jonah init --yes
as_jonah schedule systemd --install --json >{machine.RESULTS}/jonah.installed.json
for second in $(seq 120); do
    as_jonah audit --json -n 100 >{machine.RESULTS}/jonah.audit.json
    {GODMODE} audit --json -n 100 >{machine.RESULTS}/audit.json
    grep -q ':00Z' {machine.RESULTS}/audit.json && grep -q ':30Z' {machine.RESULTS}/audit.json &&
        grep -q '"action": "health_monitor"' {machine.RESULTS}/audit.json &&
        grep -q ':30Z' {machine.RESULTS}/jonah.audit.json && break
    sleep 1
done
main_pid() {{ systemctl show --property=MainPID --value godmode-postgres.service; }}
systemctl show --property=ActiveState --value godmode-postgres.service >{machine.RESULTS}/server
before=$(main_pid)
systemctl stop 'godmode-*.timer'
for second in $(seq 60); do
    systemctl list-units --state=activating --plain --no-legend 'godmode@*' | grep -q . || break
    sleep 0.5
done
kill -QUIT "$(head -1 /var/lib/godmode/postgres/data/postmaster.pid)"
for second in $(seq 60); do
    now=$(main_pid)
    [ "$now" != 0 ] && [ "$now" != "$before" ] && systemctl is-active --quiet godmode-postgres.service && break
    sleep 0.5
done
systemctl show --property=ActiveState --value godmode-postgres.service >>{machine.RESULTS}/server
mkdir /etc/systemd/system/godmode@probe.service.d
printf '[Service]\\nExecStart=\\nExecStart={machine.PYTHON} /var/probe.py\\nReadOnlyPaths=/var/probe.py\\n' \\
    >/etc/systemd/system/godmode@probe.service.d/probe.conf
touch /var/lib/godmode/probe
systemctl daemon-reload
systemctl start godmode@cleanup-old-data.service
{GODMODE} audit --json --job backup_check >{machine.RESULTS}/backups.json
echo ntn_of_the_store >/etc/credstore/godmode.NOTION_TOKEN
systemctl start godmode@probe.service || journalctl --no-pager -u godmode@probe.service
rm /etc/credstore/godmode.NOTION_TOKEN
mkdir /etc/systemd/system/godmode@run-watchers.service.d
printf '[Service]\nExecStart=\nExecStart=/bin/sh -c "kill -9 $$$$"\n' \
    >/etc/systemd/system/godmode@run-watchers.service.d/crash.conf
systemctl daemon-reload
for time in 1 2 3; do
    systemctl start godmode@run-watchers.service || true
    for second in $(seq 50); do
        [ "$(journalctl --no-pager -o cat -t godmode | grep -c 'run_watchers: crashed')" = $time ] && break
        sleep 0.2
    done
done
systemctl reset-failed godmode@run-watchers.service
cp /var/lib/godmode/probe {machine.RESULTS}/probe.json
journalctl --no-pager -o cat -t godmode >{machine.RESULTS}/journal
systemctl list-units --failed --plain --no-legend 'godmode*' >{machine.RESULTS}/failed
{GODMODE} schedule systemd --uninstall
runuser -u jonah -- env XDG_RUNTIME_DIR=/run/user/4711 systemctl --user is-active godmode-postgres.service \
    >{machine.RESULTS}/jonah.server
as_jonah schedule systemd --uninstall
ls /home/jonah/.config/systemd/user >{machine.RESULTS}/jonah.left
ls /etc/systemd/system >{machine.RESULTS}/left
systemctl list-units --all --plain --no-legend 'godmode*.timer' 'godmode-postgres.service' >{machine.RESULTS}/loaded
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of two minutes under systemd."""
    results = tmp_path_factory.mktemp("systemd")
    machine.with_systemd(SCRIPT, results, seconds=300)
    return results


def test_install_says_what_it_did_and_is_safe_to_repeat(ran: Path) -> None:
    first, again = (json.loads((ran / f"{name}.json").read_text()) for name in ("installed", "again"))
    assert (first["changed"], again["changed"]) == (True, False)


def test_whoever_installs_both_schedules_is_told(ran: Path) -> None:
    assert "systemd starts the jobs already" in (ran / "cron").read_text()
    assert "cron starts the jobs already" in (ran / "again.json").read_text()


def test_the_timers_run_the_jobs_in_their_slots(ran: Path) -> None:
    rows: list[dict[str, Any]] = json.loads((ran / "audit.json").read_text())
    jobs = [row for row in rows if row["action"] in ("process_retry_queue", "health_monitor")]
    assert all(row["success"] for row in jobs)
    assert {row["slot"][-3:] for row in jobs} == {"00Z", "30Z"}
    assert {row["action"] for row in jobs} == {"process_retry_queue", "health_monitor"}
    assert len({(row["action"], row["slot"]) for row in jobs}) == len(jobs)


def test_the_embedded_server_has_a_unit_that_starts_it_again_when_it_dies(ran: Path) -> None:
    assert (ran / "server").read_text().split() == ["active", "active"]


def test_a_backup_is_taken_and_brought_back_within_the_sandbox(ran: Path) -> None:
    [check] = json.loads((ran / "backups.json").read_text())
    assert check["success"]
    assert check["output_data"]["file"].startswith("/srv/backups/")


def test_a_run_can_do_its_work_within_the_sandbox_and_little_else(ran: Path) -> None:
    seen = json.loads((ran / "probe.json").read_text())
    assert seen.pop("speech") > 1000
    assert seen.pop("credential") == "ntn_of_the_store"
    assert seen == {
        "missing": None, "network": None, "thread": None, "shadow_tmp": False, "ssh": False,
        "etc": "Read-only file system", "chown": "Operation not permitted",
        "packet": "Address family not supported by protocol",
    }  # fmt: skip


def test_a_job_that_crashes_again_and_again_raises_the_alarm(ran: Path) -> None:
    told = [line for line in (ran / "journal").read_text().splitlines() if line.startswith("run_watchers: crashed")]
    assert len(told) == 3
    assert "fallback=" in told[2]


def test_the_journal_has_what_runs_say_and_not_each_start_and_end(ran: Path) -> None:
    journal = (ran / "journal").read_text()
    assert "process_retry_queue: succeeded slot=" in journal
    assert "Finished" not in journal


def test_uninstall_leaves_nothing(ran: Path) -> None:
    assert "godmode" not in (ran / "left").read_text().replace("godmode@probe.service.d", "").replace(
        "godmode@run-watchers.service.d", ""
    )
    assert (ran / "loaded").read_text() == ""
    assert (ran / "failed").read_text() == ""


def test_a_user_has_the_same_without_root(ran: Path) -> None:
    assert json.loads((ran / "jonah.installed.json").read_text())["notes"] == []
    rows: list[dict[str, Any]] = json.loads((ran / "jonah.audit.json").read_text())
    assert [row for row in rows if row["action"] == "process_retry_queue" and row["success"]]
    assert (ran / "jonah.server").read_text().split() == ["active"]
    assert "godmode" not in (ran / "jonah.left").read_text()
