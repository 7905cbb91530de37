"""Actions: an intent that the kill switch can see, the effect, the outcome. Never two, and never silently none."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from psycopg import Connection

from godmode.lib.clock import Clock
from godmode.lib.engine import killswitch, locks
from godmode.lib.engine.locks import Owner
from godmode.lib.engine.stop import Stopper
from godmode.lib.errors import GodmodeError, KillSwitchOn, Transient, Unknown
from godmode.lib.kernel import Receipt
from godmode.lib.store import Store, actions, audit
from godmode.lib.store.actions import ActionRow

FRESH_FOR = 2.0  # seconds for which the intent's look at the switch holds
LEASE = timedelta(minutes=11)


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

    def __call__(self, key: str, kind: str, target: str, effect: Callable[[], Receipt]) -> Done:
        """Do `effect` once for `key`, ever.

        An effect that raises a GodmodeError has failed and may be tried again under the same key; one that
        raises Unknown is uncertain and is not. Raises KillSwitchOn when the switch is on, Transient when the
        run lost its claim or another one is doing it.
        """
        self.stopper.check()
        with self.stopper.deferred():
            return self._perform(key, kind, target, effect)

    def _perform(self, key: str, kind: str, target: str, effect: Callable[[], Receipt]) -> Done:
        asked = time.monotonic()
        action_id = actions.intend(
            self.store.conn,
            key=key,
            kind=kind,
            target=target,
            job=self.job,
            run_id=self.run_id,
            owner=(self.owner.host, self.owner.pid, self.owner.started),
            lease_until=self.clock.now() + LEASE,
            now=self.clock.now(),
        )
        if action_id is None:
            return self._refused(key)
        if time.monotonic() - asked > FRESH_FOR and self._switch_is_on():
            return self._end(action_id, key, kind, Done("failed", error="Kill switch is active"))
        try:
            receipt = effect()
        except Unknown as e:
            return self._end(action_id, key, kind, Done("uncertain", error=str(e)))
        except GodmodeError as e:
            return self._end(action_id, key, kind, Done("failed", error=str(e)))
        return self._end(action_id, key, kind, Done("done" if receipt.state == "sent" else receipt.state, receipt))

    def _switch_is_on(self) -> bool:
        return killswitch.is_on(self.state, killswitch.settle(self.store.conn, self.state, self.clock.now()))

    def _end(self, action_id: int, key: str, kind: str, done: Done) -> Done:
        now, provider_id = self.clock.now(), done.receipt.id if done.receipt else None
        with self.store.conn.transaction():
            actions.settle(self.store.conn, action_id, done.state, now, provider_id=provider_id, error=done.error)
            audit.write(
                self.store.conn,
                now,
                kind,
                "action",
                success=done.state == "done",
                error=done.error,
                data={"key": key, "state": done.state, "provider_id": provider_id},
                run_id=self.run_id,
            )
        return done

    def _refused(self, key: str) -> Done:
        """Why no intent was written, in the order in which it matters."""
        if self._switch_is_on():
            raise KillSwitchOn("Kill switch is active")
        before = actions.by_key(self.store.conn, key)
        if before is None or before.state == "failed":
            raise Transient(
                f"run {self.run_id} of {self.job} no longer holds its claim", "the run that took over goes on"
            )
        if before.state != "started":
            receipt = Receipt(before.provider_id or "") if before.state == "done" else None
            return Done(before.state, receipt, before.error, again=True)
        if not _owner_dead(before, self.owner, self.clock.now()):
            raise Transient(f"another run is doing {key}", "its outcome will be in the audit log")
        return self._end(before.id, key, before.kind, Done("uncertain", error="its process died before it could tell"))


def running(conn: Connection, me: Owner, now: datetime) -> list[str]:
    """The keys of the actions that were begun, by owners that still live, and have no outcome yet."""
    return [row.key for row in actions.under_way(conn) if not _owner_dead(row, me, now)]


def _owner_dead(row: ActionRow, me: Owner, now: datetime) -> bool:
    owner = Owner(row.owner_host or "", row.owner_pid or 0, row.owner_started or "")
    return locks.is_dead(owner, row.lease_until, me, now)
