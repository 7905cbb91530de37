"""Programs of Debian's packages, installed where they can be."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def program(name: str, package: str) -> str:
    """Where a program is; installs its package for root, without starting its service, and fails for anybody else."""
    found = shutil.which(name, path=PATH)
    if found is None and os.geteuid() == 0:
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", package]):
            subprocess.run(["apt-get", *words], check=True, env=quiet, stdout=subprocess.DEVNULL)
        found = shutil.which(name, path=PATH)
    if found is None:
        pytest.fail(f"this test needs {name}: `apt-get install {package}`")
    return found
