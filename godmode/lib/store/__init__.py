"""Every SQL statement, a module per table family. `Store` is one connection, opened when it is first used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg import Connection


class Store:
    """One connection to the database, in autocommit: a transaction is a `with store.conn.transaction()`.

    `connect` opens a connection and raises errors.DatabaseTrouble when it cannot.
    """

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._conn: Connection | None = None

    @property
    def conn(self) -> Connection:
        if self._conn is None or self._conn.closed:
            self._conn = self._connect()
        return self._conn

    def fresh(self) -> Connection:
        """The connection, replaced by a new one where the old one was left broken or in mid-statement."""
        from psycopg.pq import TransactionStatus

        if self._conn is not None and self._conn.info.transaction_status != TransactionStatus.IDLE:
            self.close()
        return self.conn

    def another(self) -> Store:
        """One like it, for another thread: its connection is its own."""
        return Store(self._connect)

    def cancel(self) -> None:
        """Cancel the statement under way, from another thread."""
        if self._conn is not None and not self._conn.closed:
            self._conn.cancel_safe(timeout=2)

    def close(self) -> None:
        if self._conn is not None:
            self._conn.close()
