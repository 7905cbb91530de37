"""The HubSpot source on the fake, and what is kept of what it yields: as the engine does it, without a database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from fakes.hubspot import TOKEN
from fakes.hubspot import HubSpot as Fake

from godmode.lib.clock import FixedClock
from godmode.lib.kernel import Checkpoint, Gone, Record, Skipped
from godmode.lib.ports import Remote, Site
from godmode.lib.sources.hubspot import HubSpot, HubSpotSettings

Item = Record | Skipped | Gone | Checkpoint


def source(fake: Fake, clock: FixedClock, **settings: Any) -> Remote:
    """The source with the fake's token; its waits pass on `clock`."""
    site = Site(clock, UTC, "Jonah", Path, sleep=clock.sleep)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUBSPOT_ACCESS_TOKEN", TOKEN)
        return HubSpot(HubSpotSettings(base_url=fake.url, **settings), site)


@dataclass
class Shelf:
    """What is stored, by id, and the cursor: both as of the last Checkpoint."""

    records: dict[str, Record] = field(default_factory=dict)
    cursor: Mapping[str, Any] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    whys: dict[str, str] = field(default_factory=dict)

    def keep(self, items: Iterator[Item], break_off_after: int | None = None) -> None:
        """Take items, as many as are told; what comes behind the last Checkpoint of a run broken off is lost."""
        batch: list[Record | Gone] = []
        for number, item in enumerate(items):
            if break_off_after is not None and number >= break_off_after:
                return
            match item:
                case Skipped():
                    self.skipped.append(item)
                case Checkpoint():
                    self.store(batch)
                    batch, self.cursor = [], item.cursor
                case _:
                    batch.append(item)

    def store(self, batch: list[Record | Gone]) -> None:
        for item in batch:
            if isinstance(item, Record):
                self.records[item.id] = item
            else:
                self.records.pop(item.id, None)
                self.whys[item.id] = item.why
