"""One message along its ways: allowlist, budget, action, and whether it was heard; the next way where it was not."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from godmode.lib.address import command, shown
from godmode.lib.clock import Clock
from godmode.lib.errors import GodmodeError, Refused, Transient, Usage
from godmode.lib.kernel import Button, Notification, Receipt, Severity
from godmode.lib.notify import text
from godmode.lib.notify.routes import LIMITS, ONCE, RINGS, goes
from godmode.lib.ports import Addressed, Askable, Calls, Channel, Divides, Heard, Local, Offers, Polls, Speaks
from godmode.lib.store import Store, actions, allowlist, attention, audit, deliveries, outbox
from godmode.lib.store.outbox import Message

FOLD_AFTER = timedelta(minutes=5)  # what is over a limit goes out as one message this much later
ASK_FOR = timedelta(minutes=15)  # how long a provider is asked what became of a message
RINGS_AGAIN = timedelta(minutes=2)  # after a call that nobody heard; DESIGN, Failures
RINGS_FOR = timedelta(minutes=5)  # no call takes longer, the talk included


@dataclass(frozen=True)
class Delivery:
    """What became of a message: its outbox status and the text that stands in the outbox.

    `sending` is a call that still rings, or a message that its provider is asked about: the retry queue's job sees to
    it. `cause` is the error behind `failed`; it says whether, and when, trying again can help. `rang`: an `uncertain`
    call that was surely placed, and only whether anybody heard it is not known.
    """

    status: str
    text: str
    error: str | None = None
    cause: GodmodeError | None = None
    rang: bool = False


@dataclass(frozen=True)
class Tried:
    """What one channel came to: an outbox status, `unheard` (rung, and nobody knows), or `over` its limit.

    `again`: the same once more may help. `rang`: as a Delivery has it.
    """

    status: str
    error: str | None = None
    cause: GodmodeError | None = None
    again: bool = False
    rang: bool = False


@dataclass(frozen=True)
class Sender:
    """Sends for one run. `act` is engine/actions.py's, so that each part of a message is an action like any other.

    `clean` takes out of a text what must not leave, `voice` makes a voice message of it where it can.
    """

    clock: Clock
    store: Store
    act: Callable[..., Any]
    channels: Mapping[str, Channel]
    run_id: str
    clean: Callable[[str], str]
    voice: Callable[[str], bytes | None]

    def send(self, row: Message) -> Delivery:
        """Try one way after the other until one works, and write what became of it, but for `failed`.

        What may have arrived ends the search, but for SEV0: there a duplicate is better than a miss; and but for a
        call, which nobody is known to have heard. The run has taken the message (store/deliveries.py). Raises
        KillSwitchOn, and Transient when another run has it by now.
        """
        tried: list[Tried] = []
        for place, way in enumerate(row.via or ()):
            rung = any(t.status in ("unheard", "uncertain") for t in tried)
            for channel, to in self._takers(way):
                came = self._rung(channel, to, row) if way == "call" else self._by(way, channel, to, row, rung=rung)
                if came.status == "over" and row.type in ONCE:  # what is left of its ways is not too much
                    came = Tried("failed", came.error, Transient(came.error or ""))
                if came.status == "over":
                    return self._put_off(row, (row.via or [])[place + 1 :] or ["message"], came)
                if came.status in ("sent", "sending"):
                    return self._end(row, came)
                if came.status == "uncertain" and way != "call" and row.severity != Severity.SEV0:
                    return self._end(row, came)
                tried.append(came)
        return self._end(row, _worst(tried, row))

    def _takers(self, way: str) -> Iterator[tuple[Channel, str]]:
        for channel in self.channels.values():
            if not goes(channel, way):
                continue
            nobody = "operator" if _stays_here(channel) else ""
            for to in channel.recipients if isinstance(channel, Addressed) else (nobody,):
                yield channel, to

    def _rung(self, channel: Channel, to: str, row: Message) -> Tried:
        """A call, and where nobody heard it another one a while later, for what is worth it."""
        rings = RINGS.get(row.type, 1)
        for ring in range(1, rings + 1):
            key, last = _key("call", channel, to, row) + (f":{ring}" if ring > 1 else ""), ring == rings
            before = None if last else actions.by_key(self.store.conn, key)
            if before is not None and before.state == "failed":
                came = Tried("failed", before.error, Transient(before.error or "it failed"), again=True)
            else:
                came = self._by("call", channel, to, row, key)
            if last or not came.again:
                break
            if self.clock.now() < self._begun(key) + RINGS_AGAIN:
                return Tried("sending", f"{came.error}; it rings again")
        return came

    def _by(
        self, way: str, channel: Channel, to: str, row: Message, key: str | None = None, *, rung: bool = False
    ) -> Tried:
        """One way by one channel to one recipient: every part of the text, each an action of its own.

        Where a call `rung` that nobody may have heard in whole, what is read is a voice message where that can be.
        """
        conn, now = self.store.conn, self.clock.now()
        if not _stays_here(channel) and not allowlist.allowed(conn, to, way):
            return self._refused(way, channel, to, row)
        base = key or _key(way, channel, to, row)
        if not self._may_take(base, way, channel, row, now):
            return Tried("over", f"the limit of {text.plural(way)} is reached")
        if not deliveries.begin(conn, row.id, self.run_id, now, channel=channel.name, recipient=shown(to)):
            raise Transient(f'another run went on with "{row.title}"', "its outcome will be in the audit log")
        body = self.clean(text.spoken(row) if way == "call" else text.written(row, way))
        mine = partial(deliveries.has, conn, row.id, self.run_id)
        sending = partial(_Sending, way, channel, to, mine=mine, urgent=row.severity == Severity.SEV0)
        if rung and isinstance(channel, Speaks) and (sound := self.voice(body)):
            came = self._part(way, channel, to, sending(body, f"{base}:voice", sound=sound))
            if came.status != "failed":
                return came
        parts = channel.parts(body) if isinstance(channel, Divides) and way != "call" else (body,)
        worst, buttons = Tried("sent"), _buttons(way, channel, row)
        for number, part in enumerate(parts, 1):
            of_part = base if number == 1 else f"{base}:{number}"
            under = buttons if number == len(parts) else ()
            came = self._part(way, channel, to, sending(part, of_part, buttons=under))
            if came.status == "failed":
                return came
            worst = worst if came.status == "sent" else came
        return worst

    def _part(self, way: str, channel: Channel, to: str, sending: _Sending) -> Tried:
        ask = sending.ask if isinstance(channel, Askable) else None
        done = self.act(sending.key, f"{way}_{channel.name}", shown(to), sending, ask)
        if done.state == "failed":
            cause = sending.error or Transient(done.error or "it failed")
            return Tried("failed", done.error, cause, again=cause.retried)
        if done.state == "uncertain":
            asking = ask is not None and self._begun(sending.key) > self.clock.now() - ASK_FOR
            return Tried("sending" if asking and not sending.urgent else "uncertain", done.error)
        if way != "call":
            return Tried("sent")
        return self._heard(channel, sending.key, done.receipt)

    def _heard(self, channel: Channel, key: str, receipt: Receipt) -> Tried:
        """Sent is not heard: a call counts when a person answered."""
        if not isinstance(channel, Polls):
            return Tried("unheard", f"{channel.name} cannot tell whether the call was answered")
        try:
            heard = channel.heard(receipt.id)
        except GodmodeError as e:
            heard = Heard("ringing", self.clean(str(e)))
        if heard.state == "answered":
            return Tried("sent")
        if heard.state == "ringing" and self._begun(key) > self.clock.now() - RINGS_FOR:
            return Tried("sending")
        return Tried("failed", f"{channel.name}: the call was not heard: {heard.why or 'it never ended'}",
                     Refused(f"the call was not heard: {heard.why}"), again=True)  # fmt: skip

    def _begun(self, key: str) -> datetime:
        row = actions.by_key(self.store.conn, key)
        return row.started_at if row else self.clock.now()

    def _may_take(self, key: str, way: str, channel: Channel, row: Message, now: datetime) -> bool:
        """Whether her attention has room for it. What was begun before took its share then; SEV0 always has room, and
        so has what she reads once a day: folded among other messages it would be cut."""
        before = actions.by_key(self.store.conn, key)
        if _stays_here(channel) or (before is not None and before.state != "failed"):
            return True
        free = row.severity == Severity.SEV0 or (row.type in ONCE and way != "call")
        limits = [] if free else [(limit.count, limit.window) for limit in LIMITS[way]]
        return attention.take(self.store.conn, row.id, way, channel.name, now, limits)

    def _refused(self, way: str, channel: Channel, to: str, row: Message) -> Tried:
        """Nothing leaves for somebody who is not on the allowlist: an audit row, and a warning for the digest."""
        now, conn, whom = self.clock.now(), self.store.conn, shown(to) or "nobody"
        error = Usage(
            f"{channel.name}: {whom} is not on the allowlist for {way}", f"`{command(to, channel.name, way)}`"
        )
        data = {"notification": row.id, "channel": channel.name, "recipient": whom, "way": way}
        key = f"recipient_refused:{channel.name}:{way}:{whom}"
        warning = Notification("recipient_refused", Severity.WARN, "A recipient was refused", str(error), key)
        with conn.transaction():
            audit.write(
                conn, now, "refused_recipient", "allowlist",
                success=False, error=str(error), data=data, run_id=self.run_id,
            )  # fmt: skip
            outbox.put(conn, warning, self.run_id, now)
        return Tried("failed", str(error), error)

    def _put_off(self, row: Message, via: list[str], came: Tried) -> Delivery:
        due = self.clock.now() + FOLD_AFTER
        outbox.hold(self.store.conn, row.id, self.run_id, self.clock.now(), via=via, due_at=due, error=came.error or "")
        return Delivery("held", row.body, came.error)

    def _end(self, row: Message, came: Tried) -> Delivery:
        # A call that rings keeps the time at which it began; what failed is marked with what follows from it.
        if came.status not in ("sending", "failed"):
            outbox.mark(self.store.conn, row.id, came.status, self.clock.now(), error=came.error)
        return Delivery(came.status, row.body, came.error, came.cause, came.rang)


@dataclass
class _Sending:
    """The effect of one part, while the message is `mine`. Keeps the error behind a failure, and knows how to ask what
    became of it."""

    way: str
    channel: Channel
    to: str
    text: str
    key: str
    mine: Callable[[], bool]
    urgent: bool = False
    sound: bytes = b""
    buttons: tuple[Button, ...] = ()
    error: GodmodeError | None = field(default=None, init=False)

    def __call__(self) -> Receipt:
        try:
            if not self.mine():
                raise Transient("another run went on with this message")
            return self._effect()
        except GodmodeError as e:
            self.error = e
            raise

    def _effect(self) -> Receipt:
        if self.sound and isinstance(self.channel, Speaks):
            return self.channel.speak(self.to, self.sound, self.text, self.key)
        if self.way == "call" and isinstance(self.channel, Calls):
            return self.channel.call(self.to, self.text, self.key)
        if self.buttons and isinstance(self.channel, Offers):
            return self.channel.offer(self.to, self.text, self.buttons, self.key)
        return self.channel.send(self.to, self.text, self.key)

    def ask(self, since: datetime) -> Receipt | None:
        assert isinstance(self.channel, Askable)
        return self.channel.ask(self.way, self.to, self.text, since)


def _buttons(way: str, channel: Channel, row: Message) -> tuple[Button, ...]:
    """What she can press under a message, where this channel takes her answer."""
    if way != "message" or not isinstance(channel, Offers) or not channel.listens:
        return ()
    return tuple(Button(label, data) for label, data in row.buttons)


def _stays_here(channel: Channel) -> bool:
    return isinstance(channel, Local) and channel.local


def _key(way: str, channel: Channel, to: str, row: Message) -> str:
    key = f"notification:{row.id}:{channel.name}" + ("" if way == "message" else f":{way}")
    if isinstance(channel, Addressed) and len(channel.recipients) > 1:
        key += f":{zlib.crc32(to.encode()):08x}"
    return key


def _worst(tried: list[Tried], row: Message) -> Tried:
    """What no way delivered: uncertain when she may have got it, else failed, with the error that can be retried."""
    maybe = [t for t in tried if t.status in ("uncertain", "unheard")]
    if maybe:
        return Tried("uncertain", maybe[-1].error, rang=any(t.status == "unheard" for t in maybe))
    if not tried:
        none = Usage(f"no channel carries {' or '.join(row.via or ()) or 'it'}", "`godmode channels` lists them")
        return Tried("failed", str(none), none)
    errors = "; ".join(dict.fromkeys(t.error for t in tried if t.error))
    cause = next((t.cause for t in tried if t.cause is not None and t.cause.retried), tried[-1].cause)
    return Tried("failed", errors, cause)
