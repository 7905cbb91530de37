"""From a rehearsal's diary to what she reads: each thing that reached her or was held back, how, and why. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo

from msgspec import Struct

from godmode.lib import quiet
from godmode.lib.notify import routes
from godmode.lib.ports import Channel
from godmode.lib.rehearsal.diary import Diary, Happened, Skipped, Stood, Try
from godmode.lib.sections import Settings
from godmode.lib.store.rehearsed import Told

WHOLE = routes.ONCE  # what is shown with its whole text
EVENT, WAITS = "event", "waits"
HOW = {"call": "call", "sms": "SMS", "message": "message", "voice message": "voice"}
WAY = {"voice message": "message"}  # as a route has it


class Entry(Struct, frozen=True):
    """One thing of the timeline.

    `how` is `event` for what happens; `call`, `SMS`, `message` or `voice` for what reached her (`came` says whether
    a call was answered); `refused` for what a channel did not take; `waits`, `dropped`, `failed` or `uncertain` for
    what did not come; `skipped` for a job that did not go out. `held_until` is when what waits goes out; what has none
    waits for the digest. `quiet` says that it was in quiet hours.
    """

    at: datetime
    how: str
    what: str
    why: str = ""
    text: str = ""
    severity: str | None = None
    type: str | None = None
    channel: str | None = None
    to: str | None = None
    came: str | None = None
    held_until: datetime | None = None
    quiet: bool = False


class Summary(Struct, frozen=True):
    """How often she was reached, by way (`in_quiet_hours` of these), and what waited for what."""

    calls: int
    answered: int
    sms: int
    messages: int
    in_quiet_hours: Mapping[str, int]
    refused: int
    for_the_digest: int
    for_the_end_of_quiet_hours: int
    runs: Mapping[str, Mapping[str, int]]


class Account(Struct, frozen=True):
    """What a diary is told by: the configuration's part, and when the next digest is from a moment on."""

    diary: Diary
    settings: Settings
    zone: tzinfo
    next_digest: Callable[[datetime], datetime]

    def timeline(self) -> list[Entry]:
        """All that happened, in the order of time; what happens stands before what follows from it."""
        entries = [
            *(self._event(one) for one in self.diary.happened),
            *(self._try(one) for one in self.diary.tries),
            *self._standing(),
            *(self._skipped(one) for one in self.diary.skipped),
        ]
        return sorted(entries, key=lambda entry: (entry.at, entry.how != EVENT))

    def summary(self) -> Summary:
        """The timeline in numbers."""
        entries = self.timeline()
        reached = [entry for entry in entries if entry.how in HOW.values()]

        ways = {"calls": ("call",), "sms": ("SMS",), "messages": ("message", "voice")}
        at_night = [entry for entry in reached if entry.quiet]
        waits = [entry for entry in entries if entry.how == WAITS]
        return Summary(
            calls=_count(reached, *ways["calls"]),
            answered=sum(entry.came == "answered" for entry in reached),
            sms=_count(reached, *ways["sms"]),
            messages=_count(reached, *ways["messages"]),
            in_quiet_hours={name: _count(at_night, *how) for name, how in ways.items()},
            refused=_count(entries, "refused"),
            for_the_digest=sum(entry.held_until is None for entry in waits),
            for_the_end_of_quiet_hours=sum(entry.held_until is not None for entry in waits),
            runs=self.diary.runs,
        )

    # -- the entries -----------------------------------------------------------------------------------------

    def _event(self, one: Happened) -> Entry:
        return Entry(one.at, EVENT, one.says)

    def _skipped(self, one: Skipped) -> Entry:
        return Entry(one.at, one.outcome, one.job.replace("_", " "), one.why, type=one.job)

    def _try(self, one: Try) -> Entry:
        told = self.diary.messages[one.message]
        how = one.came if one.came == "refused" else HOW[one.way]
        return Entry(
            one.at, how, f"by {one.channel}" + (f" to {one.to}" if one.to else ""), self._why(one, told), one.text,
            told.severity, told.type, one.channel, one.to or None, one.came,
            quiet=self._quiet_until(one.at) is not None,
        )  # fmt: skip

    def _standing(self) -> Iterator[Entry]:
        known: dict[int, tuple[str, bool]] = {}
        for one in self.diary.stood:
            message = one.message
            stands = (message.status, message.via == [])
            if known.get(message.id) != stands and (how := self._stands(one)):
                until = message.due_at if how == WAITS else None
                yield Entry(
                    one.at, how, f"{message.severity}: {message.title}", self._why_not(one), message.body,
                    message.severity, message.type, held_until=until, quiet=self._quiet_until(one.at) is not None,
                )  # fmt: skip
            known[message.id] = stands

    def _stands(self, one: Stood) -> str | None:
        """How a message that has not reached her is shown; None where its tries tell of it."""
        message = one.message
        if message.status == "held" or (message.status == "pending" and message.via == []):
            return WAITS
        if message.status == "suppressed":
            return "dropped"
        refused = any(t.message == message.id and t.at == one.at and t.came == "refused" for t in self.diary.tries)
        return message.status if message.status in ("failed", "uncertain") and not refused else None

    # -- why -------------------------------------------------------------------------------------------------

    def _why_not(self, one: Stood) -> str:
        message = one.message
        if message.status == "pending":
            digest = self.next_digest(one.at)
            if digest == quiet.NEVER:
                return f"{message.severity} waits for the digest, and it is quiet at every hour"
            return f"{message.severity} waits for the digest of {self._clock(digest)}"
        if message.status == "held" and message.due_at is not None:
            return f"{message.error or 'quiet hours'}: waits until {self._clock(message.due_at)}"
        return message.error or ""

    def _why(self, one: Try, told: Told) -> str:
        if one.came == "refused":
            return f"{one.channel} does not take it: the next way, or again in a moment"
        if one.came == "not answered":
            return f"it rings, and nobody answers: the next way{self._despite_quiet(one, told)}"
        if one.came == "rings":
            return f"it rings; {one.channel} cannot tell who answers{self._despite_quiet(one, told)}"
        if told.type == "morning_call":
            return f"{self.diary.seconds.get(told.type, 0)} s long, {one.came}"
        if told.type in WHOLE:
            return ""
        return self._after(one, told) or self._at_once(one, told)

    def _after(self, one: Try, told: Told) -> str:
        """What went before it: an earlier way or time of this message, or an earlier message of the same trouble."""
        tries = [t for t in self.diary.tries if t.message == one.message]
        before = tries[: next(place for place, t in enumerate(tries) if t is one)]
        if before and before[-1].came == "rings":
            return "nobody knows whether the call was heard"
        if before and before[-1].way == "call":
            return "the call was not answered"
        if before:
            return "sent again" if before[-1].channel == one.channel else "the way before refused it"
        held = [s for s in self.diary.stood if s.message.id == told.id and s.message.status == "held" and s.at < one.at]
        if held:
            return f"held since {self._clock(held[0].at)}, until quiet hours ended"
        if told.severity in routes.URGENT and "Nobody has acknowledged" in told.body:
            return f"told again, since nobody acknowledged it{self._despite_quiet(one, told)}"
        return ""

    def _at_once(self, one: Try, told: Told) -> str:
        via, way = told.via or [], WAY.get(one.way, one.way)
        passed = via[: via.index(way)] if way in via else []
        instead = f", in place of {' and '.join(passed)}, which cannot go" if passed else ""
        what = told.severity if told.severity in routes.URGENT else f"{told.severity} of the type {told.type}"
        return f"{what} goes at once{self._despite_quiet(one, told)}{instead}"

    def _despite_quiet(self, one: Try, told: Told) -> str:
        until = self._quiet_until(one.at)
        bypass = routes.of(routes.rules(self.settings.routes), told.type, told.severity).bypass
        return f", though it is quiet until {self._clock(until)}" if until and bypass else ""

    def _quiet_until(self, at: datetime) -> datetime | None:
        return quiet.until(self.settings.quiet_hours, at, self.zone)

    def _clock(self, at: datetime) -> str:
        return "ever" if at == quiet.NEVER else f"{at.astimezone(self.zone):%a %H:%M}"


def _count(of: Sequence[Entry], *how: str) -> int:
    return sum(entry.how in how for entry in of)


def findings(settings: Settings, channels: Mapping[str, Channel]) -> list[str]:
    """What of her routes can never be with these channels."""
    ways = frozenset(way for way in routes.CARRIES if any(routes.goes(c, way) for c in channels.values()))
    own = routes.rules(settings.routes)
    notes = routes.findings(own, ways, routes.TYPES)
    for way, severity in (("call", "SEV0"), ("sms", "SEV1")):
        via = routes.of(own, "incident", severity).via
        if via and via[0] == way and way not in ways:
            goes = [each for each in via if each in ways]
            verb = {"call": "call", "sms": "text"}[way]
            notes.append(f"no way to {verb} you: {severity} goes by {', then '.join(goes) or 'nothing at all'}")
    return [note for note in notes if not note.startswith("routes: nothing rings")]
