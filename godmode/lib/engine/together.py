"""Several jobs at once, each in a thread with a runner and a connection of its own; one failing stops no other.

The main thread waits, asks the switch once a second, and hears the signals. When all has to stop, every thread finds
out at its next check; what does not get there by itself is helped: open requests are cut, statements cancelled.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread

import psycopg

from godmode.lib.engine.stop import Stopped, Stopper
from godmode.lib.errors import DatabaseTrouble, GodmodeError, KillSwitchOn, first_line
from godmode.lib.kernel import JobResult, Outcome
from godmode.lib.store import Store

POLL = 1.0  # seconds between two looks at the switch
PATIENCE = (1.0, 2.0, 4.0)  # seconds for threads to end by themselves, after the cut, and after the cancelling


class Follower(Stopper):
    """A stopper for a thread: it stops at its next check, when its leader does or it is told; nothing breaks in."""

    def __init__(self, leader: Stopper, told: Event) -> None:
        super().__init__()
        self._leader, self._told = leader, told

    def check(self) -> None:
        self._leader.check()
        if self._told.is_set():
            raise Stopped("stopped with the run that it belongs to")

    @contextmanager
    def armed(self) -> Iterator[None]:
        self.check()
        yield

    @contextmanager
    def deferred(self) -> Iterator[None]:
        yield


@dataclass(frozen=True)
class Twin:
    """What a thread runs with: `run` does the job of a name, `cut` breaks off its open requests."""

    run: Callable[[str], JobResult]
    cut: Callable[[], None]
    store: Store


def run(
    names: Sequence[str], twin: Callable[[Follower], Twin], stopper: Stopper, check: Callable[[], None]
) -> dict[str, JobResult]:
    """The results by name. Raises what `check` raises, after every thread has ended or was given up on."""
    told = Event()
    works = [_Work(name, twin(Follower(stopper, told))) for name in names]
    for work in works:
        work.thread.start()
    try:
        while _alive(works):
            _wait(works, POLL)
            check()
    except (Stopped, KillSwitchOn) as stop:
        with stopper.deferred():
            _end(works, told if isinstance(stop, Stopped) else None)
        raise
    return {work.name: work.result for work in works}


class _Work:
    """One job in its thread. A daemon, so that one that hangs (in a name server's silence) keeps no process alive."""

    def __init__(self, name: str, twin: Twin) -> None:
        self.name, self.twin = name, twin
        self.result = JobResult(Outcome.FAILED, None, f"{name} broke off", GodmodeError.category)
        self.ended = Event()  # not Thread.join: a signal that breaks into that marks the thread as ended (bpo-45274)
        self.thread = Thread(target=self._run, name=name, daemon=True)

    def _run(self) -> None:
        try:
            self.result = self.twin.run(self.name)
        except GodmodeError as e:
            self.result = JobResult(Outcome.FAILED, None, str(e), e.category)
        except (psycopg.Error, Stopped) as e:
            self.result = JobResult(Outcome.FAILED, None, first_line(e), DatabaseTrouble.category)
        finally:
            self.twin.store.close()
            self.ended.set()


def _end(works: Sequence[_Work], told: Event | None) -> None:
    """Let the threads end; cut requests, then cancel statements of those that do not."""
    if told is not None:
        told.set()
    _wait(works, PATIENCE[0])
    for work in _alive(works):
        work.twin.cut()
    _wait(works, PATIENCE[1])
    for work in _alive(works):
        work.twin.store.cancel()
    _wait(works, PATIENCE[2])


def _alive(works: Sequence[_Work]) -> list[_Work]:
    return [work for work in works if not work.ended.is_set()]


def _wait(works: Sequence[_Work], seconds: float) -> None:
    ends = time.monotonic() + seconds
    for work in works:
        work.ended.wait(max(0.0, ends - time.monotonic()))
