"""Actions: an intent that the kill switch can see, the effect, the outcome. Never two, and never silently none."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psycopg

from godmode.lib.clock import Clock
from godmode.lib.engine import killswitch, locks
from godmode.lib.engine.locks import Owner
from godmode.lib.engine.said import Clean
from godmode.lib.engine.stop import Stopper
from godmode.lib.errors import GodmodeError, KillSwitchOn, Transient, Unknown
from godmode.lib.kernel import Receipt
from godmode.lib.store import Store, actions, audit
from godmode.lib.store.actions import Intent

FRESH_FOR = 2.0  # seconds for which the intent's look at the switch holds
LEASE = timedelta(minutes=11)  # longer than any effect takes; only another host waits for its end

Effect = Callable[[], Receipt]
Ask = Callable[[datetime], Receipt | None]


@dataclass(frozen=True)
class Done:
    """What became of an action: `done`, `failed` or `uncertain`; `again` when an earlier run did it."""

    state: str
    receipt: Receipt | None = None
    error: str | None = None
    again: bool = False


@dataclass(frozen=True)
class Actor:
    """Performs the actions of one run."""

    clock: Clock
    store: Store
    state: Path
    owner: Owner
    job: str
    run_id: str
    stopper: Stopper
    clean: Clean

    def __call__(self, key: str, kind: str, target: str, effect: Effect, ask: Ask | None = None) -> Done:
        """Do `effect` once for `key`, ever.

        An effect that raises a GodmodeError has failed and may be tried again under the same key; one that raises
        Unknown is uncertain and is not, unless the provider can be asked: `ask` is given the moment of the intent
        and returns the receipt of what was done since, or None when surely nothing was; it raises a GodmodeError
        where that cannot be told. Raises KillSwitchOn when the switch is on, Transient when the run lost its claim
        or another one is doing it.
        """
        self.stopper.check()
        with self.stopper.deferred():
            return self._perform(key, kind, target, effect, ask)

    def _perform(self, key: str, kind: str, target: str, effect: Effect, ask: Ask | None) -> Done:
        if killswitch.waiting(self.state) and self._switch_is_on():  # the intent asks the database alone
            raise KillSwitchOn("Kill switch is active")
        asked, now = _passed(), self.clock.now()
        intent = actions.intend(
            self.store.conn,
            key=key,
            kind=kind,
            target=target,
            job=self.job,
            run_id=self.run_id,
            owner=(self.owner.host, self.owner.pid, self.owner.started),
            lease_until=now + LEASE,
            now=now,
        )
        if intent is None:
            return self._refused(key, kind, target, effect, ask)
        if _passed() - asked > FRESH_FOR and self._switch_is_on():
            self._end(intent, key, kind, Done("failed", error="Kill switch is active"))
            raise KillSwitchOn("Kill switch is active")
        return self._take_effect(intent, key, kind, effect, ask, now)

    def _take_effect(
        self, intent: Intent, key: str, kind: str, effect: Effect, ask: Ask | None, begun: datetime
    ) -> Done:
        done = Done("uncertain", error="it broke off")  # what stands where the effect raises a bug
        try:
            receipt = effect()
            done = Done("done" if receipt.state == "sent" else receipt.state, receipt)
        except Unknown as e:
            done = self._asked(ask, begun, self.clean(str(e)))
        except GodmodeError as e:
            done = Done("failed", error=self.clean(str(e)))
        finally:
            self._end(intent, key, kind, done)
        return done

    def _asked(self, ask: Ask | None, begun: datetime, why: str) -> Done:
        """What the provider says became of it; `uncertain` where it cannot be asked, or does not know either."""
        if ask is None:
            return Done("uncertain", error=why)
        try:
            receipt = ask(begun)
        except GodmodeError as e:
            return Done("uncertain", error=f"{why}; {self.clean(str(e))}")
        if receipt is None:
            return Done("failed", error=f"{why}; asked, it says that it did nothing")
        return Done("done", receipt)

    def _switch_is_on(self) -> bool:
        return killswitch.is_on(self.state, killswitch.settle(self.store.conn, self.state, self.clock.now()))

    def _end(self, intent: Intent, key: str, kind: str, done: Done) -> bool:
        """Write the outcome; once more on a new connection, since what was done cannot be undone."""
        try:
            return self._write(intent, key, kind, done)
        except psycopg.OperationalError:
            self.store.close()
            return self._write(intent, key, kind, done)

    def _write(self, intent: Intent, key: str, kind: str, done: Done) -> bool:
        """Whether the action was still at this intent; the audit log hears of what was done in any case."""
        now, conn = self.clock.now(), self.store.conn
        provider_id = done.receipt.id if done.receipt else None
        with conn.transaction():
            settled = actions.settle(conn, intent, done.state, now, provider_id=provider_id, error=done.error)
            if settled or done.state == "done":
                audit.write(
                    conn,
                    now,
                    kind,
                    "action",
                    success=done.state == "done",
                    error=done.error,
                    data={"key": key, "state": done.state, "provider_id": provider_id},
                    run_id=self.run_id,
                )
        return settled

    def _refused(self, key: str, kind: str, target: str, effect: Effect, ask: Ask | None) -> Done:
        """Why no intent was written, in the order in which it matters."""
        if self._switch_is_on():
            raise KillSwitchOn("Kill switch is active")
        before = actions.by_key(self.store.conn, key)
        if before is None or before.state == "failed":
            raise Transient(
                f"run {self.run_id} of {self.job} no longer holds its claim", "the run that took over goes on"
            )
        if before.state == "done":
            return Done("done", Receipt(before.provider_id or ""), again=True)
        if before.state == "started" and not locks.is_dead(before, self.owner, self.clock.now()):
            raise Transient(f"another run is doing {key}", "its outcome will be in the audit log")
        if before.state == "uncertain" and ask is None:
            return Done("uncertain", None, before.error, again=True)
        why = before.error or "its process died before it could tell"
        done = self._asked(ask, before.started_at, why)
        if not self._end(Intent(before.id, before.attempts), key, before.kind, done):
            raise Transient(f"another run is settling {key}", "its outcome will be in the audit log")
        return self._perform(key, kind, target, effect, ask) if done.state == "failed" else done


def _passed() -> float:
    """Seconds since the machine started, those that it slept included, where the system counts them."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def running(conn: psycopg.Connection, me: Owner, now: datetime) -> list[str]:
    """The keys of the actions that were begun, by owners that still live, and have no outcome yet."""
    return [row.key for row in actions.under_way(conn) if not locks.is_dead(row, me, now)]
