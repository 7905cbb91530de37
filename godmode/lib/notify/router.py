"""From a notification to a channel: outbox row first, then its route, then the action and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from functools import cached_property
from typing import Any

from godmode.lib import quiet, sections
from godmode.lib.clock import Clock
from godmode.lib.errors import Auth, KillSwitchOn, Refused, Transient
from godmode.lib.kernel import Notification, Severity
from godmode.lib.notify import routes
from godmode.lib.notify.sending import Delivery, Sender
from godmode.lib.notify.text import folded, plural
from godmode.lib.ports import Channel, Lasting
from godmode.lib.store import Store, actions, controls, deliveries, outbox, releases
from godmode.lib.store.actions import ActionRow
from godmode.lib.store.outbox import Message

ENDED = frozenset({"sent", "uncertain", "digested", "suppressed"})
LAST_WORD = "permanent_failure"  # tells of what failed for good; where it fails too, nothing tells of that
OTHERS = "another run is at it"
FIRST_RETRY = timedelta(seconds=2)  # specification, Retry policy


@dataclass(frozen=True)
class Router:
    """Puts messages in the outbox and delivers those whose time is now. One for a run.

    `act` performs an action (engine/actions.py), `enqueue` adds to the retry queue (store/retry_jobs.py), `bury` to
    the dead letters (store/dead_letters.py). `clean` takes out of a text what must not leave (notify/redact.py);
    `voice` makes a text into a voice message (OGG), or None where it cannot. `lives` tells whether the process that
    began an action is still there.
    """

    clock: Clock
    store: Store
    act: Callable[..., Any]
    channels: Mapping[str, Channel]
    run_id: str
    settings: sections.Settings
    zone: tzinfo
    enqueue: Callable[..., Any]
    bury: Callable[..., Any]
    clean: Callable[[str], str]
    voice: Callable[[str], bytes | None] = lambda text: None
    lives: Callable[[ActionRow], bool] = lambda row: False

    def __call__(self, note: Notification) -> Delivery:
        """Put a message in the outbox and, where its route says so, send it. What was sent is not sent again."""
        note = replace(note, title=self.clean(note.title), body=self.clean(note.body))
        row = outbox.put(self.store.conn, note, self.run_id, self.clock.now(), window=self._window(note))
        return self._go(row, by_its_job=note.type in routes.ONCE)

    def _window(self, note: Notification) -> timedelta | None:
        if note.type in routes.ONCE:
            return None
        if note.type in routes.LASTING:
            return outbox.lasting(self.store.conn, note.dedup_key, self.clock.now())
        return outbox.WINDOW

    def deliver(self, message_id: int) -> Delivery:
        """One attempt of the retry queue: send a message with the text it has. Raises Refused when there is none."""
        row = outbox.one(self.store.conn, message_id)
        if row is None:
            raise Refused(f"there is no message {message_id}")
        if row.status in ENDED or row.status == "held":
            return Delivery(row.status, row.body)
        delivery = self._send(row)
        if delivery.status == "failed":  # its row in the retry queue says when it is tried again
            self._failed(row, delivery)
        return delivery

    def release(self) -> Mapping[str, int]:
        """Send what waits for its time or was left half way; how many messages came to which status.

        1. What is too old, or older than the kill switch's last change, is for the digest. 2. What was put into the
        outbox without a route, or begun by a run that is gone, goes its way; calls under way are asked about.
        3. What was held and is still the case goes out as one message.
        """
        conn, tally = self.store.conn, Counter[str]()
        if not releases.any_waits(conn, self.clock.now()):
            return tally
        releases.give_up(conn, self.clock.now())
        for seen in releases.left(conn, self.clock.now()):
            if self._is_under_way(seen.id):
                tally["sending"] += 1
                continue
            row = deliveries.take_over(conn, seen.id, self.run_id, self.clock.now())
            if row is None:  # while others were being sent, another run went on with it
                continue
            try:
                tally[self._go(row).status] += 1
            except Transient:  # another run is at it after all
                tally["sending"] += 1
        if one := releases.fold(conn, self.clock.now(), self.run_id, folded):
            tally[self._go(one).status] += 1
        return tally

    def over(self, dedup_key: str) -> int:
        """The trouble is over: what still waits to tell of it is dropped; how many messages that were."""
        return outbox.over(self.store.conn, dedup_key, self.clock.now())

    def keep(self) -> Mapping[str, str]:
        """Look after credentials that end by themselves; one that cannot be kept is told of at once.

        Returned are the channels that are locked out, each with why.
        """
        locked_out = {}
        for name, channel in self.channels.items():
            if isinstance(channel, Lasting):
                try:
                    channel.keep()
                except Auth as e:
                    note = Notification(
                        "credentials", Severity.WARN, f"{name} is locked out", str(e), f"credentials:{name}"
                    )
                    self(note)
                    locked_out[name] = self.clean(str(e))
                except Transient:  # it lasts a while yet, and the next look comes
                    continue
        return locked_out

    def answer(self, message_id: int, channel: Channel, *, last: bool = False) -> Delivery:
        """Send a message of the outbox by this channel alone, now: by it she asked, and waits.

        One that fails is tried again as any other is, but for the `last` one before the kill switch.
        """
        row = outbox.one(self.store.conn, message_id)
        if row is None or row.status in ENDED or not row.via:
            return Delivery(row.status if row else "failed", row.body if row else "")
        if not self._took(row):
            return Delivery("sending", row.body, OTHERS)
        delivery = replace(self._sender, channels={channel.name: channel}).send(row)
        if delivery.status == "failed" and last:
            self._failed(row, delivery)
        elif delivery.status == "failed" and (last_word := self._given_up_or_again(row, delivery)):
            self(last_word)
        return delivery

    def try_out(self, name: str, way: str) -> Delivery:
        """Send one marked message by one channel and way, now: she asked for it. It is not tried again."""
        now = self.clock.now()
        body = f"If this reached you, {name} works for {plural(way)}."
        key = f"channel_test:{name}:{way}:{self.run_id}"
        row = outbox.put(
            self.store.conn, Notification("channel_test", Severity.INFO, "godmode test", body, key), self.run_id, now
        )
        row = outbox.route(self.store.conn, row.id, [way], None, now)
        self._took(row)
        delivery = replace(self._sender, channels={name: self.channels[name]}).send(row)
        if delivery.status == "held":  # over a limit: later, by another way, it would say that this one works
            outbox.mark(self.store.conn, row.id, "suppressed", self.clock.now(), error=delivery.error)
            return replace(delivery, status="suppressed")
        if delivery.status == "failed":
            self._failed(row, delivery)
        elif delivery.rang:  # that nobody can tell whether she heard it is said by the test, not by the digest as well
            outbox.mark(self.store.conn, row.id, "sent", self.clock.now(), error=delivery.error)
        elif delivery.status == "sending":  # nor is it asked about: where nobody answers, another channel would ring
            ended = "sent" if way == "call" else "uncertain"
            outbox.mark(self.store.conn, row.id, ended, self.clock.now(), error=delivery.error)
        return delivery

    # -- its route -------------------------------------------------------------------------------------------

    @cached_property
    def _rules(self) -> Sequence[routes.Rule]:
        return routes.rules(self.settings.routes)

    @cached_property
    def _sender(self) -> Sender:
        return Sender(self.clock, self.store, self.act, self.channels, self.run_id, self.clean, self.voice)

    def _go(self, row: Message, *, by_its_job: bool = False) -> Delivery:
        if row.status in ENDED:
            return Delivery(row.status, row.body)
        if row.via is None:
            row = self._route(row)
        if row.status == "held" or not row.via:
            return Delivery(row.status, row.body)
        delivery = self._send(row)
        if delivery.status == "failed" and by_its_job:  # it sees to what follows
            self._failed(row, delivery)
        elif delivery.status == "failed" and (last_word := self._given_up_or_again(row, delivery)):
            self(last_word)
        return delivery

    def _route(self, row: Message) -> Message:
        now, way = self.clock.now(), routes.of(self._rules, row.type, row.severity)
        due = self._quiet_until(row, now)
        via = () if due == quiet.NEVER else way.via
        return outbox.route(
            self.store.conn, row.id, via, due if via else None, now,
            at_most_an_hour=routes.AT_MOST_AN_HOUR.get(row.type),
        )  # fmt: skip

    def _quiet_until(self, row: Message, now: datetime) -> datetime | None:
        """When the quiet hours that hold this message end; the gate has seen to those of ONCE."""
        if row.type in routes.ONCE or routes.of(self._rules, row.type, row.severity).bypass:
            return None
        return quiet.until(self.settings.quiet_hours, now, self.zone)

    # -- sending ---------------------------------------------------------------------------------------------

    def _send(self, row: Message) -> Delivery:
        """Send now, unless another run is at it, or her own word or the hour is against it."""
        if not self._took(row):
            if row.type in routes.ONCE:  # its job would take it for done
                raise Transient(f'another run is sending "{row.title}"', "its outcome will be in the audit log")
            return Delivery("sending", row.body, OTHERS)
        if row.type in routes.ONCE:
            return self._sender.send(row)
        conn, now = self.store.conn, self.clock.now()
        held = controls.read(conn)
        if held is None or not held.comms_enabled:
            return self._hold(row, "comms_enabled is off")
        if due := self._quiet_until(row, now):
            return self._hold(row, "quiet hours", None if due == quiet.NEVER else due)
        try:
            return self._sender.send(row)
        except KillSwitchOn as e:
            self._stopped(row, e.message)
            raise

    def _stopped(self, row: Message, why: str) -> None:
        """Leave a message that the switch stopped to the digest; after a drill it goes its way, as if nothing had been.

        A switch that is off again by now counts as a drill: where it was none, `release` sees that.
        """
        held = controls.read(self.store.conn)
        if held is None or (held.kill_switch and not held.drilled):
            self._hold(row, why)
        else:
            outbox.put_back(self.store.conn, row.id, self.run_id, self.clock.now())

    def _took(self, row: Message) -> bool:
        """Take a message for this run; False while another one is at it."""
        if row.status == "sending" and self._is_under_way(row.id):  # or that run would lose it
            return False
        taken = deliveries.take(self.store.conn, row.id, self.run_id, self.clock.now())
        return taken is not None and not self._is_under_way(row.id)

    def _is_under_way(self, message_id: int) -> bool:
        """Whether another run that lives has begun to send this message and does not know yet what became of it."""
        begun = actions.begun(self.store.conn, f"notification:{message_id}:")
        return any(row.run_id != self.run_id and self.lives(row) for row in begun)

    def _hold(self, row: Message, why: str, due: datetime | None = None) -> Delivery:
        """Keep a message for the end of quiet hours, or for the digest."""
        via = row.via or [] if due else []
        outbox.hold(self.store.conn, row.id, self.run_id, self.clock.now(), via=via, due_at=due, error=why)
        return Delivery("held", row.body, why)

    def _given_up_or_again(self, row: Message, delivery: Delivery) -> Notification | None:
        """A message that failed is tried again by the retry queue, or is a dead letter and told of by another way.

        In one transaction, since nothing looks for a failed message that waits for neither. Returned is what to tell.
        """
        conn, now, cause, note = self.store.conn, self.clock.now(), delivery.cause, None
        with conn.transaction():
            if not self._failed(row, delivery):  # another run has it
                return None
            if cause is None or cause.retried:
                wait = max(getattr(cause, "retry_after", None) or FIRST_RETRY, FIRST_RETRY)
                key = f"notification:{row.id}"
                until = row.created_at + releases.CALL_STALE if row.type == "morning_call" else None
                self.enqueue(
                    conn, "notification", {"id": row.id}, now=now, unique_key=key, run_at=now + wait, expires_at=until
                )
            elif row.type != LAST_WORD and row.status != "failed":
                self.bury(conn, "notification", {"id": row.id}, 1, delivery.error or "", now)
                what, why = f'the message "{row.title}" could not be sent', delivery.error or ""
                key = f"{LAST_WORD}:notification:{row.id}"
                note = Notification(LAST_WORD, Severity.WARN, self.clean(what), self.clean(why), key)
                outbox.put(conn, note, self.run_id, now)
        return note

    def _failed(self, row: Message, delivery: Delivery) -> bool:
        """Write that it failed; False when another run has it by now."""
        return deliveries.fail(self.store.conn, row.id, self.run_id, self.clock.now(), delivery.error)
