"""Ends: SIGTERM, SIGINT and the deadline stop a run at once, but never in the middle of an action or a record."""

from __future__ import annotations

import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType

OVER = "stopped to leave time for the run that waits for it"


class Stopped(KeyboardInterrupt):
    """The run has to end now. A KeyboardInterrupt, so that psycopg cancels the statement under way."""


def time_left() -> float:
    """Seconds until the deadline of the run that this process is at; infinite where there is none."""
    return signal.getitimer(signal.ITIMER_REAL)[0] or math.inf


class Stopper:
    """Turns signals and the deadline into Stopped: where the run stands while `armed`, at the next `check` else."""

    def __init__(self) -> None:
        self._why: str | None = None
        self._armed = False
        self.deadline_passed = False
        self._deadline = timedelta(0)
        self._shared = False

    @contextmanager
    def listening(self, deadline: timedelta) -> Iterator[None]:
        """Hear signals, and the deadline from now on, until the end of the block."""
        self._why, self._deadline = None, deadline
        before = {n: signal.signal(n, self._heard) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)}
        signal.setitimer(signal.ITIMER_REAL, deadline.total_seconds())
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def sharing(self, part: float) -> Iterator[None]:
        """A stretch that may take a part of the time that is left; what follows it has the rest."""
        left, shared = signal.getitimer(signal.ITIMER_REAL)[0], self._shared
        if self._why or not left or part >= 1:
            yield
            return
        self._shared = True
        signal.setitimer(signal.ITIMER_REAL, left * part)
        try:
            yield
        finally:
            rest = left * (1 - part) + signal.getitimer(signal.ITIMER_REAL)[0]
            signal.setitimer(signal.ITIMER_REAL, rest)
            self._shared = shared
            if self._why == OVER and not shared:
                self._why = None

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGALRM and self._shared:
            self._why = OVER
        elif number == signal.SIGALRM:
            self._why = f"stopped at its deadline of {self._deadline.total_seconds():g} s"
        else:
            self._why = f"stopped by {signal.Signals(number).name}"
        self.deadline_passed = number == signal.SIGALRM
        self._raise_if_armed()

    def _raise_if_armed(self) -> None:
        if self._armed:
            self.check()

    @property
    def asked(self) -> bool:
        """Whether the run has to end."""
        return self._why is not None

    def check(self) -> None:
        """Raises Stopped when a stop was asked for."""
        if self._why:
            raise Stopped(self._why)

    @contextmanager
    def armed(self) -> Iterator[None]:
        """A stretch that a stop may break off anywhere."""
        before, self._armed = self._armed, True
        try:
            self.check()
            yield
        finally:
            self._armed = before

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """A stretch that is finished before a stop takes hold."""
        before, self._armed = self._armed, False
        try:
            yield
        finally:
            self._armed = before
        self._raise_if_armed()
