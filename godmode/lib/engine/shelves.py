"""Where a source's records are kept: facts and messages in memory_items, executions in a table of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from psycopg import Connection

from godmode.lib.kernel import Gone, Record
from godmode.lib.ports import Source
from godmode.lib.store import executions, ingest
from godmode.lib.store.ingest import Stored


class Shelf(Protocol):
    """One table family. Ids are the source's own, without its name; what is gone no longer counts as stored.

    `remove` gives the reasons, one for each record that had been stored.
    """

    def store(
        self, conn: Connection, source: str, records: Sequence[Record], authority: str, now: datetime
    ) -> Stored: ...

    def remove(self, conn: Connection, source: str, gone: Sequence[Gone], now: datetime) -> list[str]: ...

    def absent(self, conn: Connection, source: str, ids: Sequence[str]) -> list[str]: ...

    def ids(self, conn: Connection, source: str) -> Iterator[str]: ...


SHELVES: dict[str, Shelf] = {"memory": ingest, "executions": executions}


def shelf_of(source: Source) -> Shelf:
    """The shelf that a source names in `keeps`, by default the memory."""
    return SHELVES[getattr(source, "keeps", "memory")]
