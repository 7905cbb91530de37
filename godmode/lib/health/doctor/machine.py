"""The machine: Python, what was installed, zone and clock, disks, mail from cron."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from godmode.lib.config import Config
from godmode.lib.health.disks import seen
from godmode.lib.health.doctor.symptom import BAD, OK, WARN, Symptom
from godmode.lib.paths import shipped

OLDEST, NEWEST = (3, 11), (3, 14)
FILLING = 0.85  # of a disk
_PARTS = ("migrations", "systemd", "crontab.example")
_MAILERS = ("/usr/sbin/sendmail", "/usr/lib/sendmail")


def python() -> Iterator[Symptom]:
    """The interpreter's version, against those that godmode is tried with."""
    running = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST:
        yield Symptom(BAD, f"Python {running}", "godmode needs 3.11 or newer")
    elif sys.version_info[:2] > NEWEST:
        yield Symptom(WARN, f"Python {running}: newer than what godmode was tried with", "expect surprises")
    else:
        yield Symptom(OK, f"Python {running}")


def wheel() -> Iterator[Symptom]:
    """What was installed: godmode's own files, and every package that it asks for."""
    missing = [name for name in _PARTS if not shipped(name).exists()]
    if missing:
        yield Symptom(BAD, f"godmode's own {', '.join(missing)} are missing", "install godmode again")
    absent = [name for name in _required() if not _is_installed(name)]
    if absent:
        yield Symptom(BAD, f"not installed: {', '.join(absent)}", "install godmode again, with its dependencies")
    if not missing and not absent:
        yield Symptom(OK, f"godmode {version('godmode')} and the {len(_required())} packages it asks for")


def _required() -> list[str]:
    from re import match

    wanted = [line for line in requires("godmode") or () if "extra ==" not in line]
    return [found[0] for line in wanted if (found := match(r"[\w.-]+", line))]


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def zone(config: Config) -> Iterator[Symptom]:
    """The zone of all hours."""
    yield Symptom(OK, f"hours are those of {config.settings.timezone}; the machine's zone does not matter")


def clock() -> Iterator[Symptom]:
    """Whether something keeps the machine's clock right; nothing is said where nobody knows."""
    if (kept := _is_kept_right()) is None:
        return
    if kept:
        yield Symptom(OK, "the machine's clock is kept right")
    else:
        yield Symptom(WARN, "nothing keeps the machine's clock right", "`timedatectl set-ntp true`, or install chrony")


def _is_kept_right() -> bool | None:
    """Whether the kernel's clock is synchronised (adjtimex(2): an error status otherwise); None where nobody knows."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "adjtimex"):
        return None
    time_error = 5
    return bool(libc.adjtimex(ctypes.create_string_buffer(512)) != time_error)


def disks(folders: Mapping[str, Path], percent: int) -> Iterator[Symptom]:
    """The disks of all folders that are used, by their names, each disk once; full is one from `percent` on."""
    there = {name: next(p for p in (folder, *folder.parents) if p.exists()) for name, folder in folders.items()}
    for disk in seen(there):
        says = f"{disk.full:.0%} of the disk of {disk.where} ({', '.join(disk.folders)}) is used"
        state = BAD if disk.full * 100 >= percent else WARN if disk.full >= FILLING else OK
        fix = "" if state == OK else "free some space, or move `state_dir`"
        yield Symptom(state, f"{says}, {disk.free / 1e9:,.1f} GB are free", fix)


def mail() -> Iterator[Symptom]:
    """Whether what cron says by mail, as of a line that cannot be run at all, would reach anybody."""
    if any(os.access(path, os.X_OK) for path in _MAILERS):
        yield Symptom(OK, "mail from cron goes to the local mailer")
    else:
        yield Symptom(OK, "no mailer is installed: what cron itself complains of is in the journal alone")
