"""What the conformance suite of sources needs of each: its fake, filled; its configuration; what has to be stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, Self

import psycopg
from fakes.api_stands import hubspot_stand, n8n_stand
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


STANDS: Mapping[str, Callable[[], Stand]] = {"hubspot": hubspot_stand, "n8n": n8n_stand, "notion": NotionStand}
