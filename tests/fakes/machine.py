"""A machine of the test's own: this one's files with nothing of its tasks, and every change to them gone afterwards.

Its disk is an overlay over this machine's, in memory, within namespaces that end with the process that made them:
whatever a test installs, starts or writes there leaves no trace, even when the test is killed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import debian

PROJECT = Path(__file__).resolve().parents[2]
PYTHON = Path(sys.prefix) / "bin" / "python"
RESULTS = "/var/results"  # what a script leaves here is there afterwards
# Users of the machine have to get to the program, wherever the developer keeps it.
_SHOWN = [str(PROJECT), sys.prefix, sys.base_prefix]

_DISK = """
set -e
mount --make-rprivate /
mount -t tmpfs none "$1"
cd "$1"
mkdir up work root
mount -t overlay overlay -o lowerdir=/,upperdir=up,workdir=work root
rm -rf root/etc/cron* root/var/spool/cron/crontabs/* root/etc/systemd/system/*.wants
rm -rf root/etc/godmode root/var/lib/godmode root/etc/systemd/system/godmode*
mkdir -p root/var/results
shift
for shown in "$@"; do
    mkdir -p "root$shown"
    above=$(dirname "$shown")
    while [ "$above" != / ]; do chmod o+x "root$above"; above=$(dirname "$above"); done
done
"""
_CHROOT = """
for shown in "$@"; do mount --bind "$shown" "root$shown"; done
mount --bind "$RESULTS" root/var/results
mount -t proc proc root/proc
mount --rbind /dev root/dev
mount -t tmpfs none root/run
chroot root /bin/bash /var/results/script
"""
_BOOT = """
cat >root/etc/systemd/system/script.service <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
Environment=HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ExecStart=/bin/bash /var/results/script
ExecStopPost=/bin/systemctl poweroff --force
UNIT
mkdir root/etc/systemd/system/default.target.wants
ln -s ../script.service root/etc/systemd/system/default.target.wants/
: >root/etc/machine-id
set --
for shown in $SHOWN; do set -- "$@" "--bind-ro=$shown"; done
exec systemd-nspawn --quiet --directory=root --boot --register=no --keep-unit --private-network --console=pipe \\
    --bind="$RESULTS:/var/results" "$@" </dev/null
"""


def with_cron(script: str, results: Path, seconds: int) -> None:
    """Run a script as root on a machine with cron's program, which the script has to start; fails when it fails."""
    debian.program("cron", "cron")
    _run(_DISK + _CHROOT, script, results, seconds)


def with_systemd(script: str, results: Path, seconds: int) -> None:
    """Boot a machine with systemd, run a script as root when it is up, and turn it off."""
    for program, package in (
        ("init", "systemd-sysv"), ("dbus-daemon", "dbus-user-session"), ("systemd-nspawn", "systemd-container"),
        ("cron", "cron"),
    ):  # fmt: skip
        debian.program(program, package)
    _run(_DISK + _BOOT, script, results, seconds)


def _run(made: str, script: str, results: Path, seconds: int) -> None:
    if os.geteuid() != 0:
        pytest.fail("this test makes a machine of its own, as only root can: `sudo pytest`")
    disk = results / "disk"
    disk.mkdir()
    (results / "script").write_text(f"exec >{RESULTS}/said 2>&1\nset -ex\n{script}\ntouch {RESULTS}/done\n")
    env = {
        "HOME": "/root", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "RESULTS": str(results), "SHOWN": " ".join(_SHOWN),
    }  # fmt: skip
    own = ["unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc"]
    argv = [*own, "/bin/bash", "-c", made, "machine", str(disk), *_SHOWN]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=seconds, check=False, cwd="/")
    if not (results / "done").exists():
        said = (results / "said").read_text() if (results / "said").exists() else ""
        pytest.fail(f"the script did not come to its end\n{done.stdout}{done.stderr}\n{said[-6000:]}")
