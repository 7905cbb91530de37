"""The files of a folder in a fixed order; links are followed, loops are not."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from godmode.lib.kernel import Skipped

ENDINGS = {".json", ".jsonl", ".ndjson", ".zip"}


@dataclass(frozen=True)
class Found:
    """A file: its path relative to the folder, its size in bytes, and its time in nanoseconds."""

    name: str
    path: Path
    size: int
    mtime_ns: int


def files(folder: Path) -> Iterator[Found | Skipped]:
    """Every file below `folder` whose ending is one of an export's. Raises OSError when the folder is not there."""
    top = folder.stat()
    seen = {(top.st_dev, top.st_ino)}
    waiting = _inside(folder, "")
    while waiting:
        path, name = waiting.pop()
        try:
            facts = path.stat()
            if not stat.S_ISDIR(facts.st_mode):
                yield from _file(path, name, facts)
            elif (facts.st_dev, facts.st_ino) in seen:
                yield Skipped(name, "a link to a folder that is read already", records=0)
            else:
                seen.add((facts.st_dev, facts.st_ino))
                waiting += _inside(path, f"{name}/")
        except FileNotFoundError:
            yield Skipped(name, "it vanished, or is a link to nothing", later=True)
        except OSError as e:
            yield Skipped(name, f"cannot be read: {e.strerror}", later=True)


def _inside(folder: Path, prefix: str) -> list[tuple[Path, str]]:
    """What is in a folder, the last first. A name that is not UTF-8 gets escapes: the cursor that keeps it is JSON."""
    paths = sorted((p for p in folder.iterdir() if not p.name.startswith((".", "~"))), reverse=True)
    return [(p, prefix + os.fsencode(p.name).decode("utf-8", "backslashreplace")) for p in paths]


def _file(path: Path, name: str, facts: os.stat_result) -> Iterator[Found | Skipped]:
    if path.suffix.lower() not in ENDINGS:
        return
    if stat.S_ISREG(facts.st_mode):
        yield Found(name, path, facts.st_size, facts.st_mtime_ns)
    else:
        yield Skipped(name, "not a regular file", records=0)


def stamp(facts: os.stat_result) -> dict[str, Any]:
    """What tells whether a file is as it was."""
    return {"size": facts.st_size, "mtime_ns": facts.st_mtime_ns}


def open_file(path: Path) -> BinaryIO:
    """The file, never waiting for a pipe that took its place meanwhile. Raises OSError."""
    return open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))
