"""What the conformance suite of sources needs of each: its fake, filled; its configuration; what has to be stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, Self

import psycopg
from fakes import n8n
from fakes.hubspot_stand import HubSpotStand
from fakes.notion_stand import NotionStand

# The ways in which the middle request of a sync is made to fail; every stand's `fail` takes them all.
FAULTS = frozenset({
    "internal error", "unauthorized", "rate limit", "half answer", "hang up", "wrong json", "broken json",
    "login page", "redirect", "bad gateway", "drip", "bad record",
})  # fmt: skip


class Stand(AbstractContextManager[Any], Protocol):
    """One source's fake service.

    `secrets` go to the environment, `section` is the TOML of its section. `middle` is which request of a first sync
    of `fill` is one in the middle of its pages, and `rest` how many may follow at most when that one failed before
    and the sync goes on. `retry_after` of a rate limit is 30 s. `drip_every` is the pause between two bytes.
    """

    name: str
    secrets: Mapping[str, str]
    middle: int
    rest: int
    drip_every: float

    @property
    def section(self) -> str: ...

    def __enter__(self) -> Self: ...

    def fill(self) -> set[str]:
        """Put records there, on four pages or more; their ids."""

    def fail(self, fault: str, at: int, times: int = 1) -> None:
        """The `at`-th request from now on, and `times` in all, end in one of FAULTS."""

    def requests(self) -> int:
        """How many there were."""

    def problems(self) -> list[str]:
        """What was asked that should not have been: anything that would write, or that the documents do not know."""

    def stored(self, db: psycopg.Connection) -> set[str]:
        """The ids of what is stored and current."""


class N8nStand(AbstractContextManager[Any]):
    """n8n: four pages of executions."""

    name, middle, rest = "n8n", 4, 3  # page, workflows, page, page (fails), page; then the rest and a look at the top
    secrets: Mapping[str, str] = {"N8N_API_KEY": n8n.KEY}

    def __init__(self) -> None:
        self.fake = n8n.N8n()
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
        return f'[sources.n8n]\nbase_url = "{self.fake.url}"\n'

    def fill(self) -> set[str]:
        self.fake.workflow("w1", "Invoice sync")
        return {str(run.id) for run in self.fake.many(4 * n8n.MOST)}

    def fail(self, fault: str, at: int, times: int = 1) -> None:
        self.fake.fail(fault, at, times)

    def requests(self) -> int:
        return len(self.fake.calls)

    def problems(self) -> list[str]:
        return self.fake.problems

    def stored(self, db: psycopg.Connection) -> set[str]:
        rows = db.execute("SELECT execution_id FROM workflow_executions WHERE gone_at IS NULL").fetchall()
        return {row[0] for row in rows}


STANDS: Mapping[str, Callable[[], Stand]] = {"hubspot": HubSpotStand, "n8n": N8nStand, "notion": NotionStand}
