"""The disks of the folders in use: how full, and how long until they are at the present rate."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from godmode.lib.health.finding import Finding, Look, Patient

HORIZONS = (timedelta(hours=6), timedelta(hours=24))  # over which the rate is taken: a burst of minutes is none
SHORTEST = timedelta(hours=1)  # of a history that says something


@dataclass(frozen=True)
class Disk:
    """A disk by its number, the folders on it, and its bytes."""

    device: str
    folders: tuple[str, ...]
    where: str
    used: int
    free: int

    @property
    def full(self) -> float:
        return self.used / max(self.used + self.free, 1)


def disk(patient: Patient) -> Look:
    """Every disk that a folder in use lies on, each once."""
    found = list(seen(patient.around.folders))
    left = {d.device: time_left(patient, d) for d in found}
    lines = [_line(d, left[d.device]) for d in found]
    findings = [f for d in found for f in _findings(patient, d, left[d.device])]
    data = {d.device: {"used": d.used, "free": d.free, "folders": list(d.folders)} for d in found}
    return Look("disk", "; ".join(lines), findings, {"disks": data})


def seen(folders: Mapping[str, Path]) -> Iterator[Disk]:
    """The disks of the folders that are there."""
    on: dict[int, list[tuple[str, Path]]] = {}
    for name, path in folders.items():
        with suppress(OSError):
            on.setdefault(path.stat().st_dev, []).append((name, path))
    for device, here in on.items():
        with suppress(OSError):
            usage = shutil.disk_usage(here[0][1])
            number = f"{os.major(device)}:{os.minor(device)}"
            yield Disk(number, tuple(name for name, _ in here), str(here[0][1]), usage.used, usage.free)


def time_left(patient: Patient, now: Disk) -> timedelta | None:
    """Until it is full at the rate of the last hours; None where it does not grow, or nobody can tell yet."""
    shortest: timedelta | None = None
    for horizon in HORIZONS:
        earlier = _earlier(patient, now.device, patient.now - horizon)
        if earlier is None:
            continue
        since, used = earlier
        grown, took = now.used - used, patient.now - since
        if grown > 0 and took >= SHORTEST:
            left = took * (now.free / grown)
            shortest = left if shortest is None else min(shortest, left)
    return shortest


def _earlier(patient: Patient, device: str, at: datetime) -> tuple[datetime, int] | None:
    look = patient.earlier(at)
    if look is None:
        return None
    since, data = look
    disks: Mapping[str, Any] = data.get("disks") or {}
    used = (disks.get(device) or {}).get("used")
    return (since, used) if isinstance(used, int) else None


def _line(disk: Disk, left: timedelta | None) -> str:
    soon = f", full in {_words(left)}" if left is not None and left < timedelta(days=90) else ""
    return f"{disk.full:.0%} of the disk of {disk.where} ({', '.join(disk.folders)}) is used{soon}"


def _findings(patient: Patient, disk: Disk, left: timedelta | None) -> Iterator[Finding]:
    do = f"`du -xh --max-depth=2 {disk.where} | sort -h | tail` shows what takes the room"
    if disk.full * 100 >= patient.limits.disk_percent:
        yield Finding(f"disk:{disk.device}", _line(disk, left), do)
    elif left is not None and left < timedelta(hours=patient.limits.disk_hours):
        yield Finding(f"disk:{disk.device}", _line(disk, left), do, looks=2)


def _words(left: timedelta) -> str:
    hours = left.total_seconds() / 3600
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"
