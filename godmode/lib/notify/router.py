"""From a notification to a channel: outbox row first, then the action, then what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from godmode.lib.address import shown
from godmode.lib.clock import Clock
from godmode.lib.errors import GodmodeError, Refused
from godmode.lib.kernel import Addressed, Channel, Divides, Notification, Receipt, Severity
from godmode.lib.store import Store, allowlist, audit, outbox

NOW = frozenset({"daily_digest"})  # types that do not wait for the digest
COMPLETE = frozenset({"daily_digest"})  # types whose body says it all
URGENT = frozenset({Severity.SEV0, Severity.SEV1})
ENDED = frozenset({"sent", "uncertain", "digested", "suppressed"})


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
    channels: Mapping[str, Channel]
    run_id: str

    def __call__(self, note: Notification) -> Delivery:
        """Put a message in the outbox and, where its route says so, send it. A second call sends nothing more."""
        row = outbox.put(self.store.conn, note, self.run_id, self.clock.now())
        if row.status in ENDED:
            return Delivery(row.status, row.body)
        if note.type not in NOW and note.severity not in URGENT:
            return Delivery(row.status, row.body)
        return self._send(row)

    def deliver(self, message_id: int) -> Delivery:
        """Send a message of the outbox that was not sent yet, with the text it has. Raises Refused for none."""
        row = outbox.one(self.store.conn, message_id)
        if row is None:
            raise Refused(f"there is no message {message_id}")
        return Delivery(row.status, row.body) if row.status in ENDED else self._send(row)

    def _send(self, row: outbox.Message) -> Delivery:
        error = "no channel carries messages"
        for channel in self.channels.values():
            if "message" not in channel.carries:
                continue
            for to in channel.recipients if isinstance(channel, Addressed) else ("operator",):
                tried = self._by(channel, to, row)
                if tried.status != "failed":  # an uncertain one is never resent by itself
                    return tried
                error = tried.error or error
        outbox.mark(self.store.conn, row.id, "failed", self.clock.now(), error=error)
        return Delivery("failed", row.body, error)

    def _by(self, channel: Channel, to: str, row: outbox.Message) -> Delivery:
        """One channel and recipient: every part of the text, each an action of its own."""
        if isinstance(channel, Addressed) and not allowlist.allowed(self.store.conn, to, "message"):
            return Delivery("failed", row.body, self._refused(channel, to, row))
        outbox.mark(self.store.conn, row.id, "sending", self.clock.now(), channel=channel.name, recipient=shown(to))
        text = text_of(row)
        parts = channel.parts(text) if isinstance(channel, Divides) else (text,)
        base, states, error = f"notification:{row.id}:{channel.name}", [], None
        for number, part in enumerate(parts, 1):
            key = base if number == 1 else f"{base}:{number}"
            done = self.act(key, f"message_{channel.name}", shown(to), _Sending(channel, to, part, key))
            states.append("sent" if done.state == "done" else done.state)
            error = done.error or error
            if done.state == "failed":
                break
        status = next((s for s in ("failed", "uncertain") if s in states), "sent")
        outbox.mark(self.store.conn, row.id, status, self.clock.now(), error=error)
        return Delivery(status, row.body, error)

    def _refused(self, channel: Channel, to: str, row: outbox.Message) -> str:
        """Nothing leaves for somebody who is not on the allowlist: an audit row and a warning, which is not sent."""
        now, conn = self.clock.now(), self.store.conn
        whom = shown(to)
        error = f"{channel.name}: {whom} is not on the allowlist; `godmode allowlist add {whom} --for message`"
        data = {"notification": row.id, "channel": channel.name, "recipient": whom}
        warning = Notification(
            "recipient_refused",
            Severity.WARN,
            "A recipient was refused",
            error,
            f"recipient_refused:{channel.name}:{whom}",
        )
        with conn.transaction():
            audit.write(
                conn, now, "refused_recipient", "allowlist", success=False, error=error, data=data, run_id=self.run_id
            )
            outbox.put(conn, warning, self.run_id, now)
        return error


@dataclass
class _Sending:
    """The effect of one part; keeps the error behind a failure."""

    channel: Channel
    to: str
    text: str
    key: str
    error: GodmodeError | None = field(default=None, init=False)

    def __call__(self) -> Receipt:
        try:
            return self.channel.send(self.to, self.text, self.key)
        except GodmodeError as e:
            self.error = e
            raise


def text_of(row: outbox.Message) -> str:
    """What is sent: the same at every attempt."""
    if row.type in COMPLETE:
        return row.body
    return f"{row.severity}: {row.title}" + (f"\n{row.body}" if row.body else "")
