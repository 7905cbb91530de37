"""HubSpot in the conformance suite of sources."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, Self

import psycopg
from fakes import hubspot


class HubSpotStand(AbstractContextManager[Any]):
    """HubSpot: four pages of contacts, all changed at the very same time."""

    name, middle, rest = "hubspot", 4, 4  # bin, page, page, page (fails), page; then bin, page, page and what is new
    secrets: Mapping[str, str] = {"HUBSPOT_ACCESS_TOKEN": hubspot.TOKEN}

    def __init__(self) -> None:
        self.fake = hubspot.HubSpot(lambda: datetime(2100, 1, 1, tzinfo=UTC))  # when the index knows everything
        self.fake.retry_after = "30"

    def __enter__(self) -> Self:
        self.fake.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.fake.__exit__(*error)

    @property
    def drip_every(self) -> float:
        return self.fake.drip_every

    @drip_every.setter
    def drip_every(self, seconds: float) -> None:
        self.fake.drip_every = seconds

    @property
    def section(self) -> str:
        return f'[sources.hubspot]\nbase_url = "{self.fake.url}"\n'

    def fill(self) -> set[str]:
        self.fake.account.fill(800, datetime(2020, 1, 1, tzinfo=UTC))
        return {f"contact.{number}" for number in range(1, 801)}

    def fail(self, fault: str, at: int, times: int = 1) -> None:
        self.fake.fail("ten-secondly limit" if fault == "rate limit" else fault, at, times)

    def requests(self) -> int:
        return len(self.fake.calls)

    def problems(self) -> list[str]:
        return self.fake.problems

    def stored(self, db: psycopg.Connection) -> set[str]:
        rows = db.execute("SELECT key FROM memory_items WHERE source_type = 'hubspot' AND superseded_at IS NULL")
        return {key.removeprefix("hubspot.") for (key,) in rows.fetchall()}
