"""From a notification to a channel: outbox row first, then the action, then what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from godmode.lib.clock import Clock
from godmode.lib.kernel import Channel, Notification, Receipt, Severity
from godmode.lib.store import Store, outbox

NOW = frozenset({"daily_digest"})  # types that do not wait for the digest
URGENT = frozenset({Severity.SEV0, Severity.SEV1})


@dataclass(frozen=True)
class Delivery:
    """What became of a message: its outbox status and the text that stands in the outbox."""

    status: str
    text: str
    error: str | None = None


@dataclass(frozen=True)
class Router:
    """Puts messages in the outbox and delivers those whose time is now by the first channel that takes them.

    `act` is handed in (see engine/actions.py), so that a message is an action like any other.
    """

    clock: Clock
    store: Store
    act: Callable[..., Any]
    channels: Sequence[Channel]
    run_id: str

    def __call__(self, note: Notification) -> Delivery:
        """Put a message in the outbox and, where its route says so, send it. A second call sends nothing more."""
        row = outbox.put(self.store.conn, note, self.run_id, self.clock.now())
        if row.status in ("sent", "uncertain", "digested", "suppressed"):
            return Delivery(row.status, row.body)
        if note.type not in NOW and note.severity not in URGENT:
            return Delivery(row.status, row.body)
        return self._send(row)

    def _send(self, row: outbox.Message) -> Delivery:
        error = "no channel carries messages"
        for channel in self.channels:
            if "message" not in channel.carries:
                continue
            key = f"notification:{row.id}:{channel.name}"
            outbox.mark(
                self.store.conn,
                row.id,
                "sending",
                self.clock.now(),
                channel=channel.name,
                recipient="operator",
            )
            done = self.act(key, f"send_{channel.name}", "operator", _sending(channel, row, key))
            status = "sent" if done.state == "done" else done.state
            outbox.mark(self.store.conn, row.id, status, self.clock.now(), error=done.error)
            if status != "failed":  # an uncertain one is never resent by itself
                return Delivery(status, row.body, done.error)
            error = done.error or error
        return Delivery("failed", row.body, error)


def _sending(channel: Channel, row: outbox.Message, key: str) -> Callable[[], Receipt]:
    return lambda: channel.send("operator", row.body, key)
