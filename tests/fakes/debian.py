"""Programs of Debian's packages that tests need: installed where that can be, and named where it cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def program(name: str, package: str | None = None) -> str:
    """Where a program is; installs its package for root, without its service, and fails for anybody else."""
    found = shutil.which(name, path=PATH)
    if found is None and os.geteuid() == 0:
        _apt(package or name)
        found = shutil.which(name, path=PATH)
    if found is None:
        pytest.fail(f"this test needs {name}: `apt-get install {package or name}`")
    return found


def unpacked(package: str, member: str, folder: Path) -> Path:
    """A program out of a package that is not installed, since that would start its service."""
    if found := shutil.which(Path(member).name, path=PATH):
        return Path(found)
    for words in (["download", "-qq", package], ["update", "-qq"], ["download", "-qq", package]):
        subprocess.run(["apt-get", *words], cwd=folder, check=False, stdout=subprocess.DEVNULL)
        if archives := list(folder.glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", archives[0], folder], check=True)
            return folder / member
    pytest.fail(f"this test needs {Path(member).name}: `apt-get install {package}`")


def there(package: str, file: Path) -> None:
    """Have a package whose programs are in no PATH, known by a file of it."""
    if not file.exists() and os.geteuid() == 0:
        _apt(package)
    if not file.exists():
        pytest.fail(f"this test needs {package}: `apt-get install {package}`")


def _apt(package: str) -> None:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}  # 1: services are not started
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", package]):
        subprocess.run(["apt-get", *words], check=True, env=quiet, stdout=subprocess.DEVNULL)
