"""The files of a folder in a fixed order; links are followed, loops are not."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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
    yield from _below(folder, "", {(top.st_dev, top.st_ino)})


def _below(folder: Path, prefix: str, above: set[tuple[int, int]]) -> Iterator[Found | Skipped]:
    for path in sorted(folder.iterdir()):
        if not path.name.startswith((".", "~")):
            # A name that is not UTF-8 is written with escapes, since the cursor that keeps it is JSON.
            name = os.fsencode(path.name).decode("utf-8", "backslashreplace")
            yield from _entry(path, prefix + name, above)


def _entry(path: Path, name: str, above: set[tuple[int, int]]) -> Iterator[Found | Skipped]:
    try:
        facts = path.stat()
        if stat.S_ISDIR(facts.st_mode):
            here = (facts.st_dev, facts.st_ino)
            if here in above:
                yield Skipped(name, "a link that leads back to a folder above it", records=0)
            else:
                yield from _below(path, f"{name}/", above | {here})
        elif path.suffix.lower() not in ENDINGS:
            return
        elif stat.S_ISREG(facts.st_mode):
            yield Found(name, path, facts.st_size, facts.st_mtime_ns)
        else:
            yield Skipped(name, "not a regular file", records=0)
    except FileNotFoundError:
        yield Skipped(name, "it vanished, or is a link to nothing", later=True)
    except OSError as e:
        yield Skipped(name, f"cannot be read: {e.strerror}", later=True)
