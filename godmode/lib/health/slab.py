"""A little file of a fixed size that is overwritten in place, so that it can be written on a full disk too.

A second one lies in memory (/dev/shm): it stands in where the disk takes no writes at all, as one that the kernel has
mounted read-only does. What was written last counts, wherever it lies.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from godmode.lib.errors import Usage
from godmode.lib.paths import private_folder

SIZE = 1024  # bytes
MEMORY = Path("/dev/shm")


class Slab:
    """The open files of one name, its lock held. The one in memory is made when the disk takes nothing."""

    def __init__(self, disk: int | None, memory: int | None, spare: Path) -> None:
        self._disk, self._memory, self._spare = disk, memory, spare

    @property
    def handles(self) -> list[int]:
        return [handle for handle in (self._disk, self._memory) if handle is not None]

    def read(self) -> dict[str, Any]:
        """What was written last; {} where nothing was, or it cannot be read."""
        found = [_read(handle) for handle in self.handles]
        return max(found, key=lambda content: content.get("n", 0), default={})

    def write(self, content: Mapping[str, Any]) -> bool:
        """Put this in its place, on disk before it returns; whether it could be written anywhere."""
        line = msgspec.json.encode({**content, "n": self.read().get("n", 0) + 1})
        assert len(line) < SIZE, "a slab holds little"
        block = line.ljust(SIZE - 1) + b"\n"
        if self._disk is not None and _written(self._disk, block):
            return True
        if self._memory is None:
            self._memory = _opened(self._spare, os.O_RDWR | os.O_CREAT)
        return self._memory is not None and _written(self._memory, block)


def spare(path: Path) -> Path:
    """Where the file in memory lies that stands in for this one."""
    digest = sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:12]
    return MEMORY / f"godmode-{os.geteuid()}-{digest}"


@contextmanager
def held(path: Path) -> Iterator[Slab | None]:
    """The file, for this process alone; None while another one has it. Where neither file can be made, it is empty."""
    beside = spare(path)
    with suppress(Usage):
        private_folder(path.parent)
    disk = _opened(path, os.O_RDWR | os.O_CREAT, os.O_RDONLY)
    memory = _opened(beside, os.O_RDWR | (os.O_CREAT if disk is None else 0))
    kept = Slab(disk, memory, beside)
    try:
        yield kept if all(map(_locked, kept.handles)) else None
    finally:
        for handle in kept.handles:
            os.close(handle)


def _opened(path: Path, *modes: int) -> int | None:
    """An open file of this user's own, as large as it will ever be, in the first of the modes that is possible."""
    for mode in modes:
        with suppress(OSError):
            handle = os.open(path, mode | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            seen = os.fstat(handle)
            if not stat.S_ISREG(seen.st_mode) or seen.st_uid != os.geteuid():
                os.close(handle)
                continue
            if seen.st_size < SIZE:
                _written(handle, b" " * SIZE)
            return handle
    return None


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(handle: int) -> dict[str, Any]:
    try:
        content = msgspec.json.decode(os.pread(handle, SIZE, 0))
    except (OSError, msgspec.DecodeError):
        return {}
    return content if isinstance(content, dict) else {}


def _written(handle: int, block: bytes) -> bool:
    try:
        done = os.pwrite(handle, block, 0) == len(block)
        os.fsync(handle)
    except OSError:
        return False
    return done
