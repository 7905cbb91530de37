"""A folder of exports as a test fills it, and what a reading of it gave."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from godmode.lib.clock import SystemClock
from godmode.lib.kernel import Checkpoint, Record, Skipped
from godmode.lib.ports import Site
from godmode.lib.sources.chatlogs import Chatlogs, ChatlogsSettings


@dataclass
class Seen:
    """What one reading gave. `cursor` is what the engine would have kept of it, after its way through JSON."""

    records: list[Record] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    cursor: Mapping[str, Any] = field(default_factory=dict)

    @property
    def texts(self) -> list[str]:
        return [r.text for r in self.records]

    @property
    def by_id(self) -> dict[str, str]:
        return {r.id: r.text for r in self.records}

    @property
    def later(self) -> list[str]:
        return [s.where for s in self.skipped if s.later]

    @property
    def given_up(self) -> list[str]:
        return [s.where for s in self.skipped if not s.later]

    def take(self, items: Iterator[Record | Skipped | Checkpoint]) -> Seen:
        for item in items:
            if isinstance(item, Record):
                self.records.append(item)
            elif isinstance(item, Skipped):
                self.skipped.append(item)
            else:
                self.cursor = json.loads(json.dumps(item.cursor))
        return self


def changes(
    folder: Path, cursor: Mapping[str, Any] | None = None, *, me: tuple[str, ...] = (), operator: str = "Jonah"
) -> Iterator[Record | Skipped | Checkpoint]:
    """A reading step by step."""
    site = Site(SystemClock(), ZoneInfo("America/Chicago"), operator, folder.parent.joinpath)
    return Chatlogs(ChatlogsSettings(path=folder.name, me=list(me)), site).changes(cursor or {})


def read(folder: Path, cursor: Mapping[str, Any] | None = None, *, me: tuple[str, ...] = ()) -> Seen:
    """A whole reading, with the cursor that was kept of the one before."""
    return Seen(cursor=cursor or {}).take(changes(folder, cursor, me=me))


def put(folder: Path, name: str, content: str | bytes) -> Path:
    """Write a file below the folder."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
    return path
