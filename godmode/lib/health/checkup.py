"""One look at godmode's own health: what the earlier ones saw, every check, and what is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from godmode.lib.errors import Usage
from godmode.lib.health import judgement, mirror, prearmed, spool, telling
from godmode.lib.health.checks import CHECKS
from godmode.lib.health.finding import Around, Finding, Look, Patient
from godmode.lib.health.telling import Told
from godmode.lib.kernel import Every, JobContext
from godmode.lib.store import checkups
from godmode.lib.store.checkups import Checkup, Spooled

JOB = "health_monitor"
GAP = 3  # periods without a look, after which nobody can tell what the jobs did meanwhile


def patient(ctx: JobContext, locked_out: Mapping[str, str]) -> tuple[Patient, Mapping[str, Any]]:
    """Who is looked at, and the data of the last look."""
    around: Around = ctx.around()
    conn, now = ctx.store.conn, ctx.clock.now()
    last = checkups.before(conn, JOB, now)

    def earlier(at: datetime) -> tuple[datetime, Mapping[str, Any]] | None:
        found = checkups.before(conn, JOB, at)
        return (found.at, found.data) if found else None

    since = _watching_since(around, last, now)
    made = Patient(ctx, ctx.settings.health, around, earlier, since, locked_out)
    return made, last.data if last else {}


def _watching_since(around: Around, last: Checkup | None, now: datetime) -> datetime:
    mine = next((job.cadence for job in around.jobs if job.name == JOB), None)
    if last is None or not isinstance(mine, Every) or now - last.at > GAP * mine.period:
        return now
    since = last.data.get("watching_since")
    return datetime.fromisoformat(since) if since else now


def look(of: Patient, before: Mapping[str, Any]) -> dict[str, Any]:
    """Make every check and tell what is due; the run's data. A dry run tells nothing."""
    dry = of.ctx.dry_run
    looks: list[Look] = []
    for check in CHECKS:
        of.ctx.check()
        looks.append(check(of))
    found = [(each.name, finding) for each in looks for finding in each.findings]
    if not dry:
        found += [("fallback", finding) for finding in _mirrored(of)]
        found += [("pre_armed", finding) for finding in _armed(of)]
    known = judgement.known([finding for _, finding in found], before, of.now, of.ctx.clean)
    told = Told.of(before)
    if not dry:
        told = telling.tell(of, [each for each in known if each.ripe], told)
    numbers = {key: value for each in looks for key, value in each.data.items()}
    return {
        "degraded": list(dict.fromkeys(name for name, _ in found)),
        "checks": {each.name: each.detail for each in looks},
        "findings": [each.data() for each in known],
        "watching_since": of.watching_since.isoformat(),
        "told": told.data(),
        **numbers,
    }


def _mirrored(of: Patient) -> Sequence[Finding]:
    """Bring up to date what the fallback works with."""
    try:
        mirror.renew(of.ctx.store.conn, of.ctx.state, of.ctx.settings, of.ctx.clean)
    except Usage as e:
        what = f"what an alert without the database needs is out of date: {e.message}"
        return [Finding("fallback:mirror", what, e.fix)]
    return []


def _armed(of: Patient) -> Sequence[Finding]:
    """Do what the digest's run could not do for the message that says tomorrow that godmode did not run."""
    do = "`godmode channels test twilio --way sms` tries Twilio"
    return [Finding("pre_armed", trouble, do, looks=2) for trouble in prearmed.keep(of.ctx)]


def take_over(ctx: JobContext, host: str) -> int:
    """Write to the database what waited in the state folder; how many entries there were."""

    def keep(entries: Sequence[spool.Entry]) -> None:
        rows = [_spooled(entry) for entry in entries]
        checkups.take_over(ctx.store.conn, rows, host)

    try:
        return spool.take_over(mirror.folder(ctx.state), keep)
    except OSError:  # a disk that takes no writes is another check's; the entries stay where they are
        return 0


def _spooled(entry: spool.Entry) -> Spooled:
    at = datetime.fromisoformat(entry.at)
    return Spooled(entry.id, at, entry.action, entry.success, entry.error, entry.data, entry.message)
