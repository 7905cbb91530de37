"""The meter of a service: the switch, the deadline and the limits before each request, its count after it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from psycopg import Connection
from psycopg.pq import TransactionStatus

from godmode.lib.backoff import JITTER, pause
from godmode.lib.errors import DailyLimit, ExternalApi
from godmode.lib.kernel import Rate
from godmode.lib.ports import Site
from godmode.lib.store import Store, limits

WORTH_TELLING = timedelta(seconds=2)  # a wait that a person at the terminal wonders about
# A call that comes late, as by a page that took long to store, does not delay those after it, up to this share of the
# window, by which the window is taken as longer; and by TRAVEL, since a request may travel faster than the last.
LATE, TRAVEL = 0.015, timedelta(milliseconds=15)


@dataclass(frozen=True)
class Metered:
    """A ports.Meter for one bucket of one source. `connect` opens a connection of its own, for a dry run."""

    site: Site
    store: Store
    connect: Callable[[], Connection]
    service: str
    bucket: str
    rate: Rate
    daily_calls: int | None
    waits: Callable[[float], None] = lambda seconds: None

    def before(self) -> None:
        self.site.check()
        while wait := self._take():
            if wait.total_seconds() >= self.site.time_left():
                raise ExternalApi(
                    f"{self.service} is not to be asked for another {_words(wait)}",
                    "that is what its Retry-After said; syncs go on by themselves after it",
                    retry_after=wait,
                )
            if wait > WORTH_TELLING:
                self.waits(wait.total_seconds())
            pause(self.site, wait.total_seconds())

    def _take(self) -> timedelta:
        now = self.site.clock.now()
        late = self.rate.per * LATE
        rate = Rate(self.rate.calls, self.rate.per + late + TRAVEL)
        budget = None
        if self.daily_calls is not None:
            budget = limits.Budget(self.service, self.daily_calls, day_of(now, self.site.zone))
        with self._conn() as conn:
            turn = limits.take(conn, self.bucket, rate, budget, now, late)
        if turn.spent:
            raise DailyLimit(
                f"{self.service}: its {self.daily_calls:,} calls of today are used up",
                f"it goes on tomorrow, or raise sources.{self.service}.daily_calls",
            )
        return turn.wait

    def after(
        self, *, ms: float, error: bool = False, throttled: bool = False, retry_after: timedelta | None = None
    ) -> None:
        now = self.site.clock.now()
        hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        with self._conn() as conn:
            limits.count(conn, self.service, hour, ms=round(ms), error=error, throttled=throttled)
            if retry_after:
                limits.block(conn, self.bucket, now + retry_after * (1 + random.uniform(0, JITTER)))

    @contextmanager
    def _conn(self) -> Iterator[Connection]:
        """The run's connection; within a transaction, as a dry run is one, another: a limit is never rolled back."""
        if self.store.conn.info.transaction_status == TransactionStatus.IDLE:
            yield self.store.conn
            return
        with self.connect() as conn:
            yield conn


def _words(wait: timedelta) -> str:
    seconds = round(wait.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    return f"{round(seconds / 60)} min" if seconds < 7200 else f"{round(seconds / 3600)} h"


def day_of(now: datetime, zone: tzinfo) -> datetime:
    """When the local day of a moment began."""
    return now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
