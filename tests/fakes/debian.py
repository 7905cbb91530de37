"""Debian's packages that a test needs: installed where they are missing and root runs the tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest


def install(package: str, there: Path) -> None:
    """Have a package, known by a file of it; fails the test where it is missing and cannot be installed."""
    if there.exists():
        return
    if os.geteuid() != 0:
        pytest.fail(f"this test needs {package}: `apt-get install {package}`")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", package]):
        done = subprocess.run(["apt-get", *words], env=quiet, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.fail(f"this test needs {package}, and apt-get failed: {done.stderr.strip()[-300:]}")
    assert there.exists()
