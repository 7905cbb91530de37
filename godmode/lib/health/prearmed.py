"""A message that waits at Twilio and says that godmode did not run: taken back each day by the run that shows it did.

The digest's run schedules tomorrow's before it takes today's back, so that there is always one. The monitor does what
that run could not do (no network, a switch that was on), and takes today's back where the digest was skipped by rule:
then godmode lives, and silence is what she asked for. `killswitch on` takes back whatever waits, since nothing may
reach her after a stop; the next run arms it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from psycopg import Connection

from godmode.lib.config import parse_time
from godmode.lib.errors import GodmodeError, KillSwitchOn, Transient, Usage
from godmode.lib.kernel import JobContext, Receipt
from godmode.lib.ports import Schedules
from godmode.lib.sections import Settings
from godmode.lib.store import actions, allowlist, audit, controls, job_state

DIGEST, CHANNEL, WAY = "daily_digest", "twilio", "sms"
AHEAD = timedelta(minutes=16)  # Twilio takes nothing that is less than 15 minutes away
TIMES = 5  # how often the alarm of one day is armed at most
ARMED, OFF = "pre_armed", "pre_armed_off"


@dataclass(frozen=True)
class Alarm:
    """One that waits: the day it is for, its number among those of that day, when it goes out, and to whom.

    `id` is the provider's, None where nobody knows whether it took the message.
    """

    day: date
    number: int
    at: datetime
    to: str
    id: str | None = None

    @property
    def name(self) -> str:
        return f"{self.day.isoformat()}:{self.number}"

    def text(self, zone: tzinfo) -> str:
        """What it says."""
        by = self.at.astimezone(zone)
        return (
            f"godmode did not run on {self.day:%a %d %b}: there was no sign of life by {by:%H:%M}. "
            "Look at its server, then at cron or its timers."
        )


def time_of(settings: Settings, day: date, zone: tzinfo) -> datetime:
    """When a day's alarm goes out: so long after the digest's time."""
    begins = datetime.combine(day, parse_time(settings.jobs.daily_digest.time or "08:00"), tzinfo=zone)
    return begins.astimezone(UTC) + timedelta(minutes=settings.health.pre_armed_minutes)


def days(now: datetime, zone: tzinfo) -> tuple[date, date]:
    """Today and tomorrow, for which alarms are armed."""
    today = now.astimezone(zone).date()
    return today, today + timedelta(days=1)


def waiting(conn: Connection, of: Sequence[date], now: datetime) -> list[Alarm]:
    """The alarms of these days that were armed, not taken back, and have not gone out."""
    names = [f"{day.isoformat()}:{number}" for day in of for number in range(1, TIMES + 1)]
    rows = actions.of_keys(conn, [f"{kind}:{name}" for kind in (ARMED, OFF) for name in names])
    found = []
    for name in names:
        row, off = rows.get(f"{ARMED}:{name}"), rows.get(f"{OFF}:{name}")
        if row is None or row.state == "failed" or (off is not None and off.state == "done"):
            continue
        to, _, at = (row.target or "").partition(" ")
        day, _, number = name.partition(":")
        found.append(Alarm(date.fromisoformat(day), int(number), datetime.fromisoformat(at), to, row.provider_id))
    return [alarm for alarm in found if alarm.at > now]


def keep(ctx: JobContext, *, ran: bool = False) -> list[str]:
    """Arm and take back what is due; what could not be done, in words. `ran`: today's digest is running."""
    troubles = []
    for step in (_arm, _take_back):
        try:
            step(ctx, ran or _was_seen_to(ctx))
        except KillSwitchOn:
            raise
        except GodmodeError as e:
            troubles.append(ctx.clean(str(e)))
    return troubles


def _was_seen_to(ctx: JobContext) -> bool:
    """Whether today's digest ran, or was skipped by rule."""
    today = days(ctx.clock.now(), ctx.zone)[0].isoformat()
    rows = (row for row in job_state.all_rows(ctx.store.conn) if row.job == DIGEST)
    return any(today in (row.slot, (row.last_skip or "").partition(" ")[0]) for row in rows)


def _arm(ctx: JobContext, seen_to: bool) -> None:
    """Tomorrow's, once today's digest was seen to; before that today's, where there is time for it."""
    conn, now = ctx.store.conn, ctx.clock.now()
    held = controls.read(conn)
    if not ctx.settings.health.pre_armed or held is None or not held.comms_enabled:
        return
    day = days(now, ctx.zone)[seen_to]
    at = time_of(ctx.settings, day, ctx.zone)
    if at - now < AHEAD or any(alarm.at == at for alarm in waiting(conn, [day], now)):
        return
    channel = _channel(ctx)
    to = channel.recipients[0]
    if not allowlist.allowed(conn, to, WAY):
        raise Usage(f"pre_armed: {to} is not on the allowlist for {WAY}", f"`godmode allowlist add {to} --for {WAY}`")
    alarm = Alarm(day, _number(conn, day), at, to)
    text = ctx.clean(alarm.text(ctx.zone))
    done = ctx.act(
        f"{ARMED}:{alarm.name}", f"schedule_{CHANNEL}", f"{to} {at.isoformat()}",
        lambda: channel.schedule(to, text, at), lambda since: channel.scheduled(to, text),
    )  # fmt: skip
    if done.state == "failed":
        raise Transient(f"pre_armed: the alarm of {day} could not be scheduled: {done.error}")


def _number(conn: Connection, day: date) -> int:
    """The number of the next alarm of a day: a failed one is tried again under its own."""
    rows = actions.of_keys(conn, [f"{ARMED}:{day.isoformat()}:{number}" for number in range(1, TIMES + 1)])
    used = sum(row.state != "failed" for row in rows.values())
    if used >= TIMES:
        raise Usage(f"pre_armed: the alarm of {day} was armed and taken back {TIMES} times", "it is armed tomorrow")
    return used + 1


def _take_back(ctx: JobContext, seen_to: bool) -> None:
    """Today's, once its digest was seen to; any that is not as the configuration has it by now."""
    now, today = ctx.clock.now(), days(ctx.clock.now(), ctx.zone)[0]
    for alarm in waiting(ctx.store.conn, days(now, ctx.zone), now):
        right = ctx.settings.health.pre_armed and alarm.at == time_of(ctx.settings, alarm.day, ctx.zone)
        if right and not (alarm.day == today and seen_to):
            continue
        effect = _taking_back(_channel(ctx), alarm, ctx.clean(alarm.text(ctx.zone)))
        done = ctx.act(f"{OFF}:{alarm.name}", f"unschedule_{CHANNEL}", alarm.to, effect)
        if done.state != "done":
            raise Transient(f"pre_armed: the alarm of {alarm.day} could not be taken back: {done.error}")


def _taking_back(channel: Schedules, alarm: Alarm, text: str) -> Callable[[], Receipt]:
    def effect() -> Receipt:
        known = alarm.id or getattr(channel.scheduled(alarm.to, text), "id", None)
        return channel.unschedule(known) if known else Receipt("")

    return effect


def _channel(ctx: JobContext) -> Schedules:
    found = ctx.notify.channels.get(CHANNEL)
    if not isinstance(found, Schedules):
        raise Usage("pre_armed: Twilio is not configured", "`godmode channels` says what is missing")
    return found


def stop(conn: Connection, channel: object, zone: tzinfo, now: datetime, clean: Callable[[str], str]) -> list[str]:
    """Take back all that waits, for `killswitch on`: part of the stop, not of a run; what came of it, in words."""
    said = []
    for alarm in waiting(conn, days(now, zone), now):
        when, why = f"{alarm.at.astimezone(zone):%a %H:%M}", "Twilio is not configured"
        if isinstance(channel, Schedules):
            try:
                receipt = _taking_back(channel, alarm, clean(alarm.text(zone)))()
            except GodmodeError as e:
                why = clean(str(e))
            else:
                key = f"{OFF}:{alarm.name}"
                actions.note(conn, key, f"unschedule_{CHANNEL}", alarm.to, now, receipt.id)
                audit.write(conn, now, f"unschedule_{CHANNEL}", "action", success=True, data={"key": key})
                said.append(f"the message that waited for {when} is taken back")
                continue
        said.append(f"a message that waits at Twilio for {when} could NOT be taken back and will come: {why}")
    return said
