"""The kill switch's drill: harmless actions against a local listener, the real switch, and what came after it.

Each action is an action like any other (intent, effect, outcome); its effect is one line sent to a listener on the
loopback address, which notes the moment. The listener's notes are the proof: they are made outside of what is proven.
"""

from __future__ import annotations

import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from godmode.lib.errors import Transient
from godmode.lib.kernel import Every, Job, JobContext, JobResult, Receipt

PACE = 0.005  # seconds between two actions of a worker: some hundred rows for a round, not ten thousand
SETTLED = 20  # actions seen before the switch is flipped
PATIENCE = 30.0  # seconds for the workers to begin
AFTERWARDS = 0.25  # seconds in which the listener goes on listening


@dataclass(frozen=True)
class Round:
    """One flip. Times in ms from the flip: to the last action begun, and to the return of `on`."""

    actions: int
    last_ms: float
    returned_ms: float
    after: int


@dataclass(frozen=True)
class Result:
    """All flips. `after` counts the actions that began once `on` had returned: it has to be 0."""

    rounds: int
    actions: int
    last_ms_median: float
    last_ms_p99: float
    returned_ms_max: float
    after: int


class Listener:
    """Notes when each line came, in nanoseconds of the machine's monotonic clock."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._socket.getsockname()[1]
        self.heard: list[int] = []

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        thread = threading.Thread(target=self._listen, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
            thread.join()

    def _listen(self) -> None:
        while True:
            try:
                conn, _ = self._socket.accept()
            except OSError:
                return
            self.heard.append(time.monotonic_ns())
            with conn, suppress(OSError):
                conn.sendall(b"heard\n")


def job(number: int, port: int) -> Job:
    """What a worker runs: actions as fast as the pace allows, until the switch stops it."""

    def run(ctx: JobContext) -> JobResult:
        count = 0
        while True:
            ctx.check()
            ctx.act(
                f"drill:{ctx.slot.key}:{number}:{time.monotonic_ns()}", "drill", "this machine", lambda: _tell(port)
            )
            count += 1
            time.sleep(PACE)

    return Job(
        name=f"drill_{number}",
        help="the kill switch's drill",
        cadence=Every(seconds=1),
        run=run,
        ignores=frozenset({"jobs_disabled"}),
        deadline=timedelta(seconds=60),
    )


def _tell(port: int) -> Receipt:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as conn:
            conn.sendall(b"begun\n")
            conn.recv(16)
    except OSError as e:
        raise Transient(f"the drill's listener is gone: {e}") from None
    return Receipt("heard")


def flip_once(listener: Listener, workers: Callable[[], AbstractContextManager[None]], on: Callable[[], None]) -> Round:
    """Start the workers, flip when they are at work, and listen a little longer. Raises Transient."""
    before = len(listener.heard)
    with workers():
        until = time.monotonic() + PATIENCE
        while len(listener.heard) < before + SETTLED:
            if time.monotonic() > until:
                raise Transient("the drill's workers did not begin", "`godmode audit` says why")
            time.sleep(PACE)
        flipped = time.monotonic_ns()
        on()
        returned = time.monotonic_ns()
        time.sleep(AFTERWARDS)
    heard = listener.heard[before:]
    last = max((at for at in heard if at <= returned), default=flipped)
    return Round(
        actions=len(heard),
        last_ms=max(0.0, (last - flipped) / 1e6),
        returned_ms=(returned - flipped) / 1e6,
        after=sum(at > returned for at in heard),
    )


def result(rounds: Sequence[Round]) -> Result:
    """What the rounds come to. The 99th percentile of fewer than 100 is their worst."""
    lasts = sorted(r.last_ms for r in rounds)
    return Result(
        rounds=len(rounds),
        actions=sum(r.actions for r in rounds),
        last_ms_median=round(statistics.median(lasts), 1),
        last_ms_p99=round(lasts[min(len(lasts) - 1, int(len(lasts) * 0.99))], 1),
        returned_ms_max=round(max(r.returned_ms for r in rounds), 1),
        after=sum(r.after for r in rounds),
    )
