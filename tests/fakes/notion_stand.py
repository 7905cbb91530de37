"""Notion in the conformance suite of sources: two data sources, of which the second one's list fails."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import psycopg
from fakes import notion

NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
PAGES = 4  # in each data source
FAULTS = {
    "internal error": "internal_server_error", "rate limit": "rate_limited", "half answer": "half",
    "hang up": "hangup", "wrong json": "shape", "broken json": "cut", "login page": "login",
}  # fmt: skip


class NotionStand(AbstractContextManager[Any]):
    """A first sync asks for the data sources, and for each one its list and its pages one by one."""

    name = "notion"
    middle = 2 + PAGES + 1
    rest = 1 + 2 + PAGES
    secrets: Mapping[str, str] = {"NOTION_TOKEN": notion.TOKEN}

    def __init__(self) -> None:
        self.drip_every = 0.05
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.fake = self._stack.enter_context(notion.serving(lambda: NOW))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @property
    def section(self) -> str:
        return f'[sources.notion]\nbase_url = "{self.fake.url}"\n'

    def fill(self) -> set[str]:
        tables = [self.fake.table("Handbook"), self.fake.table("Policies", kind="status")]
        edited = [NOW - timedelta(days=1, minutes=7 * number) for number in range(PAGES)]
        return {self.fake.page(t, f"Page {at:%H:%M}", "text", edited=at).id for t in tables for at in edited}

    def fail(self, fault: str, at: int, times: int = 1) -> None:
        self.fake.fault(
            FAULTS.get(fault, fault), after=at - 1, times=times, retry_after="30", answer={}, pause=self.drip_every
        )

    def requests(self) -> int:
        return len(self.fake.requests)

    def problems(self) -> list[str]:
        return self.fake.wrong

    def stored(self, db: psycopg.Connection) -> set[str]:
        rows = db.execute("SELECT key FROM memory_items WHERE superseded_at IS NULL").fetchall()
        return {key.removeprefix("notion.") for (key,) in rows}
