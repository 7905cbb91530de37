"""What could not be written to the database: JSON lines in the state folder, that the next healthy run takes over.

Each entry has an id, by which it is written to the database at most once; the lines are removed after that. So a run
that dies in between loses nothing and doubles nothing.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

LONGEST = 4 << 20  # bytes; about a month of an entry every five minutes


class Entry(Struct, frozen=True, omit_defaults=True):
    """An audit row (`action`), or, with a `message`, a message that went out: its title, body, way and channel."""

    id: str
    at: str
    action: str
    success: bool | None = None
    error: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    message: dict[str, str] = field(default_factory=dict)


def fresh_id() -> str:
    """An id that no other entry has."""
    return f"spool-{os.urandom(8).hex()}"


def add(folder: Path, entry: Entry) -> bool:
    """Add an entry, on disk before it returns; whether it could be kept. A full spool keeps its oldest entries."""
    try:
        with _locked(folder):
            handle = os.open(folder / "spool.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                return _appended(handle, msgspec.json.encode(entry))
            finally:
                os.close(handle)
    except OSError:
        return False


def _appended(handle: int, line: bytes) -> bool:
    """Write a whole line or none: what a full disk took of it is cut off again."""
    size = os.fstat(handle).st_size
    if size > LONGEST:
        return False
    try:
        if os.write(handle, line + b"\n") == len(line) + 1:
            os.fsync(handle)
            return True
    except OSError:
        pass
    os.ftruncate(handle, size)
    return False


def take_over(folder: Path, keep: Callable[[Sequence[Entry]], None]) -> int:
    """Hand all entries to `keep`, which writes them in one transaction, and remove them; how many there were.

    `keep` is handed an entry again where the last run died before it was removed.
    """
    path = folder / "spool.jsonl"
    if not path.exists():
        return 0
    with _locked(folder):
        entries = list(_entries(path))
        keep(entries)
        path.unlink()
    return len(entries)


def _entries(path: Path) -> Iterator[Entry]:
    """The whole lines; half of one is what a machine that went off left."""
    for line in path.read_bytes().splitlines():
        try:
            yield msgspec.json.decode(line, type=Entry)
        except msgspec.DecodeError:
            continue


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(folder / "spool.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
