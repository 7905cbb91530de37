"""What the operator says from her phone: buttons under proposals, /status and /kill. There is no way back from there.

Each word is taken once: how far they were read stands in the database and moves in the transaction that does what the
word asks for and puts the reply into the outbox. So a run that dies loses no word and does none twice, and a reply
that it did not send goes out as any message does. Only the ids of chats on the allowlist count (a @name can change
hands); anybody else hears nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct, structs

from godmode.lib import approval
from godmode.lib.engine import approvals, killswitch, phone_words, stop
from godmode.lib.engine.phone_words import Said
from godmode.lib.engine.retries import remedy
from godmode.lib.errors import GodmodeError, KillSwitchOn, Transient
from godmode.lib.kernel import Button, JobContext, JobResult, Notification, Receipt, Severity
from godmode.lib.ports import Converses, Word
from godmode.lib.store import allowlist, audit, controls, outbox, sync

FORGOTTEN = timedelta(days=2)  # Telegram keeps words for a day, and may number anew after a week without any
A_WHILE = timedelta(hours=1)  # strangers are told of once in it
SLACK = timedelta(minutes=2)  # by which Telegram's clock and this one may differ
ENOUGH = 12.0  # seconds that are left to the job's own work: replies beyond wait in the outbox
KILL, STATUS, BACK = "/kill", "/status", ("/unkill", "/resume")


class Place(Struct, frozen=True):
    """How far the words were read. `at` is when the last was taken, `strangers` how many are not yet told of."""

    offset: int = 0
    at: datetime | None = None
    strangers: int = 0
    strangers_told: datetime | None = None
    failures: int = 0
    category: str = ""
    alerted: bool = False
    not_before: datetime | None = None

    def since(self, now: datetime) -> int:
        """The number from which on words are new."""
        return self.offset if self.at is not None and now - self.at < FORGOTTEN else 0


def listen(ctx: JobContext, name: str, carry_out: Callable[[int], JobResult]) -> Mapping[str, int]:
    """Read what was said to a channel, and do it; how many words came to what.

    `carry_out` does a row of the retry queue at once: a yes is answered with what came of it.
    What fails here is told of, and is no failure of the run. Raises KillSwitchOn, also after a /kill.
    """
    channel = ctx.notify.channels.get(name)
    if not isinstance(channel, Converses) or not channel.listens:
        return {}
    return _Listener(ctx, channel, name, carry_out).listen()


@dataclass(frozen=True)
class _Listener:
    ctx: JobContext
    channel: Converses
    name: str
    carry_out: Callable[[int], JobResult]
    tally: Counter[str] = field(default_factory=Counter)

    @property
    def _source(self) -> str:
        return f"{self.name}_updates"

    def listen(self) -> Mapping[str, int]:
        conn, now = self.ctx.store.conn, self.ctx.clock.now()
        place = msgspec.convert(sync.cursor_of(conn, self._source), Place)
        if place.not_before and now < place.not_before:
            return self.tally
        try:
            words = self.channel.words(place.since(now))
        except KillSwitchOn:
            raise
        except GodmodeError as e:
            self.ctx.check()  # a stop is no trouble of the channel's
            self._failed(e)
            return self.tally
        if place.failures:
            self._works_again()
        self._obey(words)
        return self.tally

    def _obey(self, words: Sequence[Word]) -> None:
        """Decide first, which takes no time; then answer. A /kill goes before all answers."""
        owed = []
        for word in words:
            self.ctx.check()
            if _command(word) == KILL and self._is_hers(word) and not self._is_old(word):
                self._kill(word)
            elif (message := self._take(word)) is not None:
                owed.append((word, *message))
        self._tell_of_strangers()
        for word, said, message_id in owed:
            if stop.time_left() < ENOUGH:
                return
            self._carry_out(said, message_id)
            self._reply(word, message_id)

    def _carry_out(self, said: Said, message_id: int) -> None:
        """Do what follows from a yes; the reply says what came of it. What cannot be done now waits in the queue."""
        if said.work is None:
            return
        result = self.carry_out(said.work)
        if result.reason != "locked":  # another run is at it, and words the reply
            text = remedy.told(self.ctx, said.proposal, result)
            outbox.reword(self.ctx.store.conn, message_id, text, self.ctx.clock.now())

    # -- one word ------------------------------------------------------------------------------------------

    def _take(self, word: Word) -> tuple[Said, int] | None:
        """Do what a word asks for, put the reply into the outbox and move on, all at once; None without a reply."""
        conn, now = self.ctx.store.conn, self.ctx.clock.now()
        with conn.transaction():
            place = self._hold()
            if word.number < place.since(now):
                return None  # another run took it
            hers = self._is_hers(word)
            said = self._answered(word) if hers else None
            strangers = place.strangers + (not hers and bool(word.chat))
            self._keep(structs.replace(place, offset=word.number + 1, at=now, strangers=strangers))
            self.tally[said.came_to if said else "passed over"] += 1
            return (said, self._put(word, said, now)) if said else None

    def _answered(self, word: Word) -> Said | None:
        command = _command(word)
        if word.press is not None:
            return self._decided(word)
        if command is None or self._is_old(word):
            return None
        if command == STATUS:
            text = phone_words.status(self.ctx.store.conn, self.ctx.clock.now(), self.ctx.zone)
            return Said("status", text)
        return Said("told", phone_words.NOT_FROM_HERE if command in BACK else phone_words.KNOWN)

    def _decided(self, word: Word) -> Said:
        wanted = approval.read(word.text)
        if wanted is None:
            return Said("not ours", phone_words.NOT_OURS)
        came = approvals.decide(
            self.ctx.store.conn, self.ctx.state, wanted, self.ctx.clock.now(),
            by=f"{self.name} {word.chat}", reply=self._key(word),
        )  # fmt: skip
        return phone_words.decided(wanted, came, self.ctx.zone)

    def _is_hers(self, word: Word) -> bool:
        return bool(word.chat) and allowlist.allowed(self.ctx.store.conn, word.chat, "message")

    def _is_old(self, word: Word) -> bool:
        """Whether it was typed before the switch was last turned: what she said then is settled."""
        held = controls.read(self.ctx.store.conn)
        changed = held.kill_switch_changed_at if held else None
        return word.at is not None and changed is not None and word.at < changed - SLACK

    # -- the kill switch -----------------------------------------------------------------------------------

    def _kill(self, word: Word) -> None:
        """Say so, as the last that goes out; then turn the switch on, whatever became of that. Raises KillSwitchOn."""
        now = self.ctx.clock.now()
        if word.number < self._place().since(now):
            return
        message_id = self._put(word, Said("killed", phone_words.LAST), now)
        try:
            self._last_word(word, message_id)
        finally:
            self._turn_on(word)
        raise KillSwitchOn("Kill switch is active")

    def _last_word(self, word: Word, message_id: int) -> None:
        try:
            self.ctx.notify.answer(message_id, _Chat(self.channel, self.name, (word.chat,)), last=True)
        except GodmodeError:  # another run says it, or the switch is on already
            return

    def _turn_on(self, word: Word) -> None:
        conn, now = self.ctx.store.conn, self.ctx.clock.now()
        reason = self.ctx.clean(" ".join(word.text.split()[1:])[:500]) or "from the phone"
        with conn.transaction():
            held, place = controls.hold(conn), self._hold()
            if word.number >= place.since(now):
                self._keep(structs.replace(place, offset=word.number + 1, at=now))
                if not held.kill_switch:
                    killswitch.turn_on(conn, reason, f"{self.name} {word.chat}", now)
        killswitch.settle(conn, self.ctx.state, now)

    # -- replies -------------------------------------------------------------------------------------------

    def _put(self, word: Word, said: Said, now: datetime) -> int:
        """The reply in the outbox, the same at every attempt; without comms_enabled the next digest tells of it."""
        conn, held = self.ctx.store.conn, controls.read(self.ctx.store.conn)
        note = Notification(
            "phone_reply", Severity.INFO, "A reply to the phone", self.ctx.clean(said.text),
            self._key(word), buttons=said.buttons,
        )  # fmt: skip
        row = outbox.put(conn, note, self.ctx.worker.run_id, now, window=None)
        via = ["message"] if held and held.comms_enabled else []
        return outbox.route(conn, row.id, via, None, now).id

    def _key(self, word: Word) -> str:
        """Numbers may begin anew after a week, so a key names the day on which it was counted from."""
        return f"phone_reply:{self.name}:{word.number}:{word.press or word.at}"

    def _reply(self, word: Word, message_id: int) -> None:
        """Answer; what cannot be sent now waits in the outbox. Raises KillSwitchOn."""
        held = controls.read(self.ctx.store.conn)
        if held is None or not held.comms_enabled:
            return
        row = outbox.one(self.ctx.store.conn, message_id)
        try:
            self._acknowledge(word, row.body if row else "")
            self.ctx.notify.answer(message_id, _Chat(self.channel, self.name, (word.chat,)))
        except Transient:  # another run is at it
            return

    def _acknowledge(self, word: Word, text: str) -> None:
        press = word.press
        if press is not None:
            key = f"acknowledge:{self.name}:{press}"
            self.ctx.act(key, f"acknowledge_{self.name}", word.chat, lambda: self.channel.acknowledge(press, text))

    # -- how far, and what went wrong ----------------------------------------------------------------------

    def _place(self) -> Place:
        return msgspec.convert(sync.cursor_of(self.ctx.store.conn, self._source), Place)

    def _hold(self) -> Place:
        return msgspec.convert(sync.hold_cursor(self.ctx.store.conn, self._source), Place)

    def _keep(self, place: Place) -> None:
        sync.keep_cursor(self.ctx.store.conn, self._source, msgspec.to_builtins(place))

    def _tell_of_strangers(self) -> None:
        conn, now = self.ctx.store.conn, self.ctx.clock.now()
        with conn.transaction():
            place = self._hold()
            if not place.strangers or (place.strangers_told and now - place.strangers_told < A_WHILE):
                return
            said = f"{place.strangers} words to {self.name} came from chats that are not on the allowlist: no answer"
            self._audit(False, said, {"count": place.strangers}, "strangers")
            self._keep(structs.replace(place, strangers=0, strangers_told=now))

    def _failed(self, error: GodmodeError) -> None:
        """An audit row when a trouble begins, and a warning from as many in a row as its class says."""
        conn, now = self.ctx.store.conn, self.ctx.clock.now()
        said, again = self.ctx.clean(str(error)), error.retry_after
        with conn.transaction():
            place = self._hold()
            failures = place.failures + 1
            alert = 0 < error.alert_from <= failures and not place.alerted
            if error.category != place.category:
                self._audit(False, said, {"category": error.category})
            self._keep(
                structs.replace(
                    place,
                    failures=failures,
                    category=error.category,
                    alerted=place.alerted or alert,
                    not_before=now + again if again else None,
                )
            )
            if alert:
                outbox.put(
                    conn,
                    Notification("phone", Severity.WARN, f"Answers by {self.name} are not read", said, self._trouble),
                    self.ctx.worker.run_id,
                    now,
                )
        self.tally["failed"] += 1

    def _works_again(self) -> None:
        with self.ctx.store.conn.transaction():
            place = structs.replace(self._hold(), failures=0, category="", alerted=False, not_before=None)
            self._keep(place)
            self._audit(True, None, {})
            self.ctx.notify.over(self._trouble)

    @property
    def _trouble(self) -> str:
        return f"phone:{self.name}"

    def _audit(self, success: bool, error: str | None, data: Mapping[str, object], what: str = "") -> None:
        audit.write(
            self.ctx.store.conn, self.ctx.clock.now(), f"read_{self.name}", what or "phone",
            success=success, error=error, data=data, run_id=self.ctx.worker.run_id,
        )  # fmt: skip


@dataclass(frozen=True)
class _Chat:
    """The channel as it answers one chat."""

    channel: Converses
    name: str
    recipients: tuple[str, ...]
    carries: frozenset[str] = frozenset({"message"})
    listens: bool = True

    def send(self, to: str, text: str, key: str) -> Receipt:
        return self.channel.reply(to, text, (), key)

    def offer(self, to: str, text: str, buttons: Sequence[Button], key: str) -> Receipt:
        return self.channel.reply(to, text, buttons, key)


def _command(word: Word) -> str | None:
    """`/kill` of "/Kill@her_bot it is burning"; None for what is no command."""
    first = word.text.split(maxsplit=1)[:1] if word.press is None else []
    return first[0].partition("@")[0].lower() if first and first[0].startswith("/") else None
