"""`killswitch on`: set the switch by both its roads, then wait until nothing that was begun before is still running."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg
from psycopg import Connection

from godmode.lib.clock import Clock
from godmode.lib.engine import actions, killswitch, locks
from godmode.lib.engine.killswitch import Mirror
from godmode.lib.errors import GodmodeError, first_line
from godmode.lib.store import job_state

POLL = 0.05  # seconds between two looks

Tell = Callable[[Sequence[str]], None]


@dataclass(frozen=True)
class Standstill:
    """How far it came: why the file or the database could not be set (None: it is), and what has not ended."""

    no_file: str | None
    no_database: str | None
    still: Sequence[str]

    @property
    def is_set(self) -> bool:
        return self.no_file is None or self.no_database is None


@dataclass(frozen=True)
class Place:
    """Where the switch is turned. `connect` gives the database, of whatever version, or raises what it raises."""

    state: Path
    clock: Clock
    connect: Callable[[], Connection]


def bring_about(place: Place, reason: str, by: str, patience: float, tell: Tell) -> Standstill:
    """Turn the switch on and wait at most `patience` seconds; `tell` hears once what is waited for.

    1. The file, which stops this host at once. 2. The database, which stops all hosts. 3. Wait for the actions and
    runs that were begun; without the database, for the runs of this host, whose locks tell of them.
    """
    state, now = place.state, place.clock.now()
    waiting = Mirror(True, None, reason, now.isoformat())
    no_file = _failure(lambda: killswitch.write(state, waiting))
    found: list[Callable[[], Sequence[str]]] = []

    def by_database() -> None:
        conn = place.connect()
        killswitch.turn_on(conn, reason, by, now)
        if no_file is None:
            killswitch.settle(conn, state, now)
        found.append(partial(under_way, conn, state, place.clock))

    no_database = _failure(by_database)
    if no_database and not no_file:
        found.append(partial(locks.held, state))
    try:
        still = _wait(found[0], patience, tell) if found else ()
    except psycopg.Error:  # it went away meanwhile
        still = _wait(partial(locks.held, state), patience, tell)
    if no_database and not no_file and killswitch.waiting(state) is None:
        # A run that looked before the file was written has put its stale mirror over it; now it has ended.
        no_file = _failure(lambda: killswitch.write(state, waiting))
    return Standstill(no_file, no_database, still)


def _failure(step: Callable[[], None]) -> str | None:
    """Do one half of the switch; the error in a line where it cannot be done, since the other half still counts."""
    try:
        step()
    except (psycopg.Error, GodmodeError) as e:
        return first_line(e)
    return None


def under_way(conn: Connection, state: Path, clock: Clock) -> Sequence[str]:
    """The actions and the runs, on any host, whose owner may still be at work; each by its name."""
    me, now = locks.observer(state), clock.now()
    runs = [
        f"{row.job} (run {row.run_id})" + ("" if row.owner_host == me.host else f" on {row.owner_host}")
        for row in job_state.running(conn)
        if not locks.is_dead(row, me, now)
    ]
    alerts = [name for name in locks.held(state) if name == locks.FALLBACK]
    return actions.running(conn, me, now) + runs + alerts


def _wait(look: Callable[[], Sequence[str]], patience: float, tell: Tell) -> Sequence[str]:
    """Wait for what is found at the first look; what of it is still there in the end.

    What turns up later is not waited for: it was begun with the switch on, so it does nothing.
    """
    until = time.monotonic() + patience
    still = look()
    if still:
        tell(still)
    while still and time.monotonic() < until:
        time.sleep(POLL)
        now = set(look())
        still = [name for name in still if name in now]
    return still
