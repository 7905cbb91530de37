"""Time, from one place, so that a test or the rehearsal can live any day."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


def shown(slot: str, told: Callable[[datetime], str]) -> str:
    """A slot by its key as she reads it: an interval's by the moment it began, a daily one by its date."""
    return told(datetime.fromisoformat(slot)) if slot.endswith("Z") else slot


class Clock(Protocol):
    """Tells the time. `now` is aware and in UTC; `sleep` is over when so many seconds of this clock have passed."""

    def now(self) -> datetime: ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class FixedClock:
    """A clock that stands where it is put; for tests and the rehearsal."""

    def __init__(self, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError("a clock needs an aware datetime")
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        return self._at

    def move_to(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)

    def sleep(self, seconds: float) -> None:
        self.advance(timedelta(seconds=seconds))

    def advance(self, step: timedelta) -> None:
        self._at += step
