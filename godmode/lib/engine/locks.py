"""Who runs: the file lock that keeps two runs of a job on one host apart, and the proof that an owner is dead."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from socket import gethostname
from typing import Protocol

from msgspec import Struct

from godmode.lib.errors import Usage
from godmode.lib.paths import private_folder

FALLBACK = "fallback"  # held while an alert goes out without the database, which no row tells of


@contextmanager
def hold(state: Path, name: str) -> Iterator[bool]:
    """Hold the kernel lock of a name on this host; yields whether it was free. Raises Usage.

    The lock belongs to the open file, so it ends with the process, however that ends.
    """
    folder = private_folder(state / "locks")
    try:
        handle = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as e:
        raise Usage(f"cannot lock {folder / name}.lock: {e.strerror}", "check the folder's owner and free space") from e
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def held(state: Path) -> list[str]:
    """The names whose lock some process of this host holds: the jobs that run here. Needs no database."""
    found = []
    for path in sorted((state / "locks").glob("*.lock")):
        try:
            handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:  # another user's: whether it runs cannot be told, so it counts as running
            found.append(path.stem)
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            found.append(path.stem)
        finally:
            os.close(handle)
    return found


class Owner(Struct, frozen=True):
    """A process, told apart from all others: `started` names its boot and start time, so pids may recur."""

    host: str
    pid: int
    started: str


def this_process(state: Path) -> Owner:
    """The running process. Raises Usage when the state folder cannot be written."""
    return Owner(_host(state), os.getpid(), _started(os.getpid()) or "")


def observer(state: Path) -> Owner:
    """Who looks at others' claims: the running process, or nobody's where the state folder cannot be used.

    Nothing runs on a host in such a folder, so all owners are other hosts', told dead by their leases.
    """
    try:
        return this_process(state)
    except Usage:
        return Owner("", os.getpid(), "")


class Claim(Protocol):
    """A row that a process holds: of a job, of an action, of the retry queue."""

    @property
    def owner_host(self) -> str | None: ...
    @property
    def owner_pid(self) -> int | None: ...
    @property
    def owner_started(self) -> str | None: ...
    @property
    def lease_until(self) -> datetime | None: ...


def is_dead(claim: Claim, me: Owner, now: datetime) -> bool:
    """Whether who holds a claim is gone: on this host its process, on another one its lease."""
    if (claim.owner_host or "") == me.host:
        return _started(claim.owner_pid or 0) != (claim.owner_started or "")
    return claim.lease_until is None or claim.lease_until <= now


def _host(state: Path) -> str:
    """This host's name with a number that its state folder keeps: two folders are two hosts."""
    path = private_folder(state) / "host-id"
    try:
        return f"{gethostname()}-{path.read_text()}"
    except FileNotFoundError:
        pass
    try:
        fresh = path.with_name(f"host-id.{os.urandom(4).hex()}")
        fresh.write_text(os.urandom(4).hex())
        try:
            os.link(fresh, path)  # fails when another process was first; then its number is the host's
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        return f"{gethostname()}-{path.read_text()}"
    except OSError as e:
        raise Usage(f"cannot write {path}: {e.strerror}", "check the folder's owner and free space") from e


def _started(pid: int) -> str | None:
    """Boot and start time of a process, None when it is gone (proc(5): stat's 22nd field, in clock ticks)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None if Path("/proc/self/stat").exists() else _started_by_ps(pid)
    state, *fields = stat[stat.rindex(b")") + 2 :].split()
    return None if state in (b"Z", b"X") else f"{_boot()}.{fields[18].decode()}"


def _started_by_ps(pid: int) -> str | None:
    import subprocess

    answer = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout.strip() or None


@cache
def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
