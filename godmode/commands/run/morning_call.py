"""morning_call: ring her at 6 with what happened overnight, what is critical and what waits for her word."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from godmode.lib.config import parse_time
from godmode.lib.errors import Transient, Usage
from godmode.lib.kernel import Backoff, Daily, Job, JobContext, JobResult, Notification, Outcome, Severity

if TYPE_CHECKING:
    from godmode.lib.notify.call_script import Script
    from godmode.lib.notify.facts import Seen

NIGHT = timedelta(hours=12)  # what "overnight" is without quiet hours
POLL = 5.0  # seconds between two looks at a call that rings
PATIENCE = timedelta(minutes=4)  # two calls and the wait between them; then the 30-second job goes on


def run(ctx: JobContext) -> JobResult:
    """1. Scan first where the last scan is old. 2. Look; nothing is marked as told. 3. Ring, and see who answers."""
    from godmode.lib.notify import digest, facts

    if not ctx.dry_run:
        ctx.run_first("periodic_scan")
    seen = facts.look(ctx, evening(ctx))
    script, how = write(ctx, seen)
    length = {"seconds": round(script.seconds), "words": len(script.text.split())} | how
    if ctx.dry_run:
        return JobResult(Outcome.SUCCEEDED, data={"text": script.text} | length)
    note = Notification(
        "morning_call", Severity.INFO, "Morning call", script.text, f"morning_call:{ctx.slot.key}", digest.brief(seen)
    )
    sent = ring(ctx, note)
    if sent.status == "failed":
        raise sent.cause or Transient(f"the call reached nobody: {sent.error}")
    return JobResult(Outcome.SUCCEEDED, data={"text": sent.text, "delivery": sent.status} | length)


def evening(ctx: JobContext) -> datetime:
    """When the quiet hours last began: since then it is "overnight"."""
    quiet = ctx.settings.quiet_hours
    now: datetime = ctx.clock.now()
    if quiet.start == quiet.end:
        return now - NIGHT
    zone: tzinfo = ctx.zone
    today, start = now.astimezone(zone).date(), parse_time(quiet.start)
    began = datetime.combine(today, start, tzinfo=zone)
    return began if began <= now else datetime.combine(today - timedelta(days=1), start, tzinfo=zone)


def write(ctx: JobContext, seen: Seen) -> tuple[Script, dict[str, Any]]:
    """The script, as long as it is when it is said; by its words, and why, where it cannot be said here."""
    from godmode.lib.notify import call_script, speech

    at = parse_time(ctx.settings.jobs.daily_digest.time or "08:00")
    say: Callable[[str], Any] | None = ctx.say
    try:
        if say is None:
            raise Usage("there is no voice")
        return call_script.compose(seen, lambda text: say(text).seconds, (at.hour, at.minute)), {}
    except Usage as e:
        script = call_script.compose(seen, speech.estimate, (at.hour, at.minute))
        return script, {"notes": [{"where": "its length is estimated by its words", "why": str(e)}]}


def ring(ctx: JobContext, note: Notification) -> Any:
    """Send by the route, and stay while it rings or waits to ring again; what became of it by then."""
    until = ctx.clock.now() + PATIENCE
    sent = ctx.notify(note)
    while sent.status == "sending" and ctx.clock.now() < until:
        ctx.clock.sleep(POLL)
        ctx.check()
        sent = ctx.notify(note)
    return sent


JOB = Job(
    name="morning_call",
    help="ring with a spoken summary",
    cadence=Daily("06:00", catch_up=timedelta(minutes=45)),
    run=run,
    speaks=True,
    needs=frozenset({"comms_enabled", "voice_channel"}),
    retry=Backoff(attempts=2, first=timedelta(minutes=2)),
)
