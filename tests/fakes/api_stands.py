"""n8n and HubSpot in the conformance suite of sources: the fakes that are made of spoilt.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

import psycopg
from fakes import hubspot, n8n
from fakes.spoilt import Api


@dataclass
class ApiStand(AbstractContextManager[Any]):
    """A stand (see stands.py) on such a fake. `ids` is the SQL for what is stored, `words` its names for faults."""

    name: str
    fake: Api
    secrets: Mapping[str, str]
    filled: Callable[[], set[str]]
    ids: str
    middle: int
    rest: int
    words: Mapping[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.fake.retry_after = "30"
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
        return f'[sources.{self.name}]\nbase_url = "{self.fake.url}"\n'

    def fill(self) -> set[str]:
        return self.filled()

    def fail(self, fault: str, at: int, times: int = 1) -> None:
        self.fake.fail(self.words.get(fault, fault), at, times)

    def requests(self) -> int:
        return len(self.fake.calls)

    def problems(self) -> list[str]:
        return self.fake.problems

    def stored(self, db: psycopg.Connection) -> set[str]:
        return {row[0] for row in db.execute(self.ids.encode()).fetchall()}


def n8n_stand() -> ApiStand:
    """Four pages of executions. A first sync: page, workflows, page, page (fails), page; then a look at the top."""
    fake = n8n.N8n()

    def fill() -> set[str]:
        fake.workflow("w1", "Invoice sync")
        return {str(run.id) for run in fake.many(4 * n8n.MOST)}

    ids = "SELECT execution_id FROM workflow_executions WHERE gone_at IS NULL"
    return ApiStand("n8n", fake, {"N8N_API_KEY": n8n.KEY}, fill, ids, middle=4, rest=3)


def hubspot_stand() -> ApiStand:
    """Four pages of contacts, all changed at the very same time. Bin, page, page, page (fails), page; then the bin, two
    pages and what is new. Its index knows everything.
    """
    fake = hubspot.HubSpot(lambda: datetime(2100, 1, 1, tzinfo=UTC))

    def fill() -> set[str]:
        fake.account.fill(800, datetime(2020, 1, 1, tzinfo=UTC))
        return {f"contact.{number}" for number in range(1, 801)}

    ids = "SELECT substr(key, 9) FROM memory_items WHERE source_type = 'hubspot' AND superseded_at IS NULL"
    secrets, words = {"HUBSPOT_ACCESS_TOKEN": hubspot.TOKEN}, {"rate limit": "ten-secondly limit"}
    return ApiStand("hubspot", fake, secrets, fill, ids, middle=4, rest=4, words=words)
