"""The life of incidents that watchers keep: opened, joined, seen again, resolved, reopened, flapping; and told of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from godmode.lib.engine.said import Clean, texts
from godmode.lib.kernel import Incident, JobContext, Notification, Severity
from godmode.lib.store import controls, incident_rows, outbox
from godmode.lib.store.incident_rows import Again, Row

HOUR = timedelta(hours=1)  # at most one incident of a type is opened in it
BACK = timedelta(hours=24)  # trouble that comes back within this is the same incident again
AWAY = timedelta(minutes=20)  # not seen for so long, it was away: a few looks
FLAPS = 3  # as often reopened within BACK, an incident flaps
FLAPPING_AWAY = timedelta(hours=4)  # how long a flapping one has to stay away
SEVERITIES = tuple(str(severity) for severity in Severity)  # the most severe first
URGENT = ("SEV0", "SEV1")
TYPE, OVER = "incident", "incident_over"  # of the messages


# -- what was seen -------------------------------------------------------------------------------------------


def keep(ctx: JobContext, found: Sequence[Incident]) -> dict[str, int]:
    """Store what watchers saw, a type in one transaction; how many subjects were `new`, `joined`, `same`,
    `again` (over for itself, not for others), `reopened`, or `known`: a person resolved them, and nothing is new.

    At most one incident of a type is opened in an hour: what is seen within it joins that one as another subject.
    """
    counts: dict[str, int] = {}
    conn, now = ctx.store.conn, ctx.clock.now()
    for type_, of_type in groupby(sorted(found, key=lambda one: one.type), key=lambda one: one.type):
        ctx.check()
        with conn.transaction():
            rows = incident_rows.load(conn, type_, now, BACK)
            touched: dict[int, Row] = {}
            back: list[Row] = []
            for one in of_type:
                row, came_to = place(rows, cleaned(one, ctx.clean), now)
                touched[id(row)] = row
                if came_to == "reopened":
                    back.append(row)
                counts[came_to] = counts.get(came_to, 0) + 1
            for row in back:
                row.told = int(_still_stands(ctx, row))
            for row in touched.values():
                incident_rows.save(conn, row)
    return counts


def cleaned(found: Incident, clean: Clean) -> Incident:
    """The incident as it may be kept and told."""
    return replace(found, title=incident_rows.short(clean(found.title)), evidence=texts(found.evidence, clean))


def place(rows: list[Row], found: Incident, now: datetime) -> tuple[Row, str]:
    """The row of a sighting, changed by it, and what it came to. A new row joins `rows`. Pure but for these."""
    row = _holding(rows, found.dedup_key) or _of_this_hour(rows, now)
    if row is None:
        row = Row(found.type, str(found.severity), found.title, now, now, dedup_key=found.dedup_key)
        row.note(now, "opened")
        rows.insert(0, row)
        came_to = "new"
    elif row.status == "resolved" and _still_as_she_left_it(row, found, now):
        row.last_seen_at = now
        return row, "known"
    elif row.status == "resolved":
        _reopen(row, now)
        came_to = "reopened"
    elif (subject := _subject(row, found.dedup_key)) is None:
        came_to = "joined"
    else:
        came_to = "again" if _was_away(row, subject) else "same"
    if came_to == "again":
        _tell_again(row, found, now)
    if came_to == "joined" and found.severity in URGENT:  # no word of hers on the others was on this one
        row.status, row.acknowledged_at, row.told = "open", None, 0
        row.note(now, "joined", key=found.dedup_key)
    _see(row, found, now)
    if _is_beyond_what_she_heard(row, found.dedup_key):
        row.told = 0
    return row, came_to


def _is_beyond_what_she_heard(row: Row, key: str) -> bool:
    """Whether an incident that was reopened without a word holds a subject that came after its last telling: nobody
    told of that one, and no message will."""
    subject = _subject(row, key)
    if subject is None or row.told_at is None or not row.told_at < _reopened_at(row):
        return False
    return row.reopened > 0 and datetime.fromisoformat(subject["first_at"]) > row.told_at


def _holding(rows: Sequence[Row], key: str) -> Row | None:
    """The row that has this subject: an unresolved one before one that is over."""
    having = [row for row in rows if _subject(row, key)]
    return min(having, key=lambda row: row.status == "resolved", default=None)


def _of_this_hour(rows: Sequence[Row], now: datetime) -> Row | None:
    """The row that was opened, or reopened, within an hour from now, in both directions: clocks are set back."""
    return next((row for row in rows if abs(max(row.opened_at, _reopened_at(row)) - now) < HOUR), None)


def _still_as_she_left_it(row: Row, found: Incident, now: datetime) -> bool:
    """Whether a person resolved it, and what is seen is no more than what she knew: it has not been away, nothing new
    has happened, what is counted has not doubled. Her word holds as long."""
    subject, step = _subject(row, found.dedup_key), row.life[-1] if row.life else {}
    if subject is None or not step.get("by") or now - row.last_seen_at > AWAY:
        return False
    newest: str = max(found.evidence.get("events", ()), default="")
    worse = SEVERITIES.index(str(found.severity)) < SEVERITIES.index(subject["severity"])
    counted = subject["evidence"].get("count")  # what waits has no times of its own
    worse = worse or (counted is not None and found.evidence.get("count", 0) >= 2 * counted)
    return not worse and newest <= max(subject["evidence"].get("events", ()), default="")


def _reopened_at(row: Row) -> datetime:
    times = [datetime.fromisoformat(step["at"]) for step in row.life if step["what"] == "reopened"]
    return max(times, default=row.opened_at)


def _subject(row: Row, key: str) -> dict[str, Any] | None:
    return next((subject for subject in row.subjects if subject["key"] == key), None)


def _reopen(row: Row, now: datetime) -> None:
    """Open a resolved row again, which is told unless what she heard still stands. With the third time within a day it
    flaps: that is told, and then no more until it is resolved, which for one that flaps takes longer. Then it begins
    anew."""
    row.status, row.resolved_at, row.acknowledged_at = "open", None, None
    row.reopened += 1
    row.told, row.flapping = 0, False
    row.note(now, "reopened")
    if _came_back(row, now) >= FLAPS:
        row.flapping = True
        row.note(now, "flapping", why=f"it came back {row.reopened} times")


def _still_stands(ctx: JobContext, row: Row) -> bool:
    """Take back the line that a reopened incident is over; whether what she knows of it is true again.

    It is where that line had not gone out (a piece of news has none: for a day), what she heard before it tells of
    these subjects, and nothing is worse. What wakes her is told each time.
    """
    conn, now = ctx.store.conn, ctx.clock.now()
    waited = outbox.over(conn, _over_key(row, row.reopened - 1), now) > 0
    if row.severity == Severity.INFO:
        waited = row.told_at is not None and now - row.told_at < BACK
    seen = [s["key"] for s in row.subjects if s["last_at"] == row.last_seen_at.isoformat()]
    more = row.life[-1]["what"] != "reopened" or any(_is_beyond_what_she_heard(row, key) for key in seen)
    if not waited or more or row.severity in URGENT or row.dedup_key is None:
        return False
    return outbox.was_heard(conn, row.dedup_key)


def _came_back(row: Row, now: datetime) -> int:
    """How often within BACK, since it last flapped."""
    flapped = max((place for place, step in enumerate(row.life) if step["what"] == "flapping"), default=-1)
    back = [step for step in row.life[flapped + 1 :] if step["what"] == "reopened"]
    return sum(datetime.fromisoformat(step["at"]) > now - BACK for step in back)


def _was_away(row: Row, subject: dict[str, Any]) -> bool:
    """Whether a subject had been over for itself: others that keep its incident open were seen long after it."""
    return row.last_seen_at - datetime.fromisoformat(subject["last_at"]) > HOUR


def _tell_again(row: Row, found: Incident, now: datetime) -> None:
    """What others keep open must not swallow what comes back: it is told anew, as often in a day as it may reopen."""
    lately = [step for step in row.life if step["what"] == "again" and step.get("key") == found.dedup_key]
    if not row.flapping and sum(datetime.fromisoformat(s["at"]) > now - BACK for s in lately) < FLAPS:
        row.told = 0
    row.note(now, "again", key=found.dedup_key)


def _see(row: Row, found: Incident, now: datetime) -> None:
    """Write the sighting into its subject, and what the subjects come to into the row."""
    before = _subject(row, found.dedup_key)
    seen = {
        "key": found.dedup_key, "title": found.title, "severity": str(found.severity),
        "workflow": found.related_workflow_id, "occurrences": _occurrences(before, found),
        "first_at": before["first_at"] if before and not _was_away(row, before) else now.isoformat(),
        "last_at": now.isoformat(),
        "evidence": dict(found.evidence),
    }  # fmt: skip
    row.subjects = [seen if subject is before else subject for subject in row.subjects] + ([] if before else [seen])
    row.last_seen_at = now
    worst = min(row.subjects, key=lambda subject: SEVERITIES.index(subject["severity"]))["severity"]
    if SEVERITIES.index(worst) < SEVERITIES.index(row.severity):
        row.note(now, "worse", why=f"{row.severity} became {worst}")
        row.severity, row.status, row.told = worst, "open", 0
    row.occurrences = sum(subject["occurrences"] for subject in row.subjects)
    row.title = _title(row)
    row.related_workflow_id = row.subjects[0]["workflow"] if len(row.subjects) == 1 else None
    row.evidence = row.subjects[0]["evidence"] if len(row.subjects) == 1 else {"subjects": len(row.subjects)}


def _occurrences(before: dict[str, Any] | None, found: Incident) -> int:
    """How often it happened, at the least: what has times of its own is counted on by those that are new."""
    if before is None:
        return found.occurrences
    newest: str = max(before["evidence"].get("events", ()), default="")
    events: Sequence[str] = found.evidence.get("events", ())
    counted: int = before["occurrences"]
    return max(counted + sum(event > newest for event in events), found.occurrences)


def _title(row: Row) -> str:
    """The worst subject's title, how many more there are, and that it flaps."""
    title: str = _worst(row)["title"]
    more = f", and {len(row.subjects) - 1} more" if len(row.subjects) > 1 else ""
    return title + more + (f" (flapping: it came back {row.reopened} times)" if row.flapping else "")


def _worst(row: Row) -> dict[str, Any]:
    return min(row.subjects, key=lambda s: (SEVERITIES.index(s["severity"]), -s["occurrences"]))


# -- what is over --------------------------------------------------------------------------------------------


def settle(ctx: JobContext, watchers: Iterable[str]) -> int:
    """Resolve what these watchers, which looked and saw, have not seen for long enough; how many that were.

    What still waits to be told of it is replaced by a line that says that it is over.
    """
    with ctx.store.conn.transaction():
        rows = _away(ctx, list(watchers))
        for row in rows:
            resolve(ctx, row, f"not seen since {row.last_seen_at.astimezone(ctx.zone):%a %d %b %H:%M}")
    return len(rows)


def review(ctx: JobContext) -> int:
    """What a scan does: look again, where something may be over, and resolve what is; how many incidents that were.

    New trouble is left to the watchers' own run.
    """
    from godmode.lib.engine import watch

    away = _away(ctx, None)
    if not away:
        return 0
    looked = watch.look(ctx)
    known = {subject["key"] for row in away for subject in row.subjects}
    keep(ctx, [one for one in looked.found if one.dedup_key in known])
    return settle(ctx, looked.seeing)


def _away(ctx: JobContext, watchers: Sequence[str] | None) -> list[Row]:
    since = timedelta(minutes=ctx.settings.incidents.resolve_after_minutes)
    flapping = max(since, FLAPPING_AWAY)
    return incident_rows.away(ctx.store.conn, watchers, ctx.clock.now(), since=since, flapping=flapping)


def resolve(ctx: JobContext, row: Row, why: str) -> None:
    """Resolve an incident by itself, in the transaction in which it was read and locked."""
    now = ctx.clock.now()
    row.status, row.resolved_at = "resolved", now
    row.note(now, "resolved", why=why)
    incident_rows.save(ctx.store.conn, row)
    _say_over(ctx, row)


def _say_over(ctx: JobContext, row: Row) -> None:
    """For the digest: trouble that she was told of is over. What was no more than a piece of news stays one."""
    conn, now = ctx.store.conn, ctx.clock.now()
    if row.severity == Severity.INFO or row.dedup_key is None:
        return
    outbox.over(conn, row.dedup_key, now)
    if row.told and not row.flapping:
        begun, ended = (at.astimezone(ctx.zone) for at in (_reopened_at(row), row.last_seen_at))
        times = f", {row.occurrences:,} times" if row.occurrences > 1 else ""
        body = f"from {begun:%a %H:%M} to {ended:%a %H:%M}{times}"
        key = _over_key(row, row.reopened)
        outbox.put(conn, Notification(OVER, Severity.INFO, f"Over: {row.title}", body, key), _run(ctx), now)


def _over_key(row: Row, reopened: int) -> str:
    return f"{OVER}:{row.id}:{reopened}"


# -- what she is told ----------------------------------------------------------------------------------------


def tell(ctx: JobContext) -> int:
    """Tell of every open incident once, and again of SEV0 and SEV1 that nobody acknowledges; how many messages.

    The telling is counted and its message put into the outbox in one transaction, so that it is neither lost nor made
    by two hosts; then it goes its way. With comms_enabled off nothing is repeated.
    """
    conn, now = ctx.store.conn, ctx.clock.now()
    rows = incident_rows.untold(conn, now, again(ctx))
    if not rows:
        return 0
    held = controls.read(conn)
    notes = [_announce(ctx, row) for row in rows if row.told == 0 or (held and held.comms_enabled)]
    for note in filter(None, notes):
        ctx.check()
        ctx.notify(note)
    return len([note for note in notes if note is not None])


def again(ctx: JobContext) -> list[Again]:
    """The schedule by which nobody's silence is taken for an answer, as it is configured."""
    has = ctx.settings.incidents
    return [
        Again("SEV0", timedelta(minutes=has.sev0_again_minutes), has.sev0_again_times),
        Again("SEV1", timedelta(minutes=has.sev1_again_minutes), has.sev1_again_times),
    ]


def _announce(ctx: JobContext, row: Row) -> Notification | None:
    conn, now = ctx.store.conn, ctx.clock.now()
    with conn.transaction():
        key = incident_rows.take_to_tell(conn, row, now)
        if key is None:
            return None
        note = _note(ctx, row, key)
        outbox.put(conn, note, _run(ctx), now)
    return note


def _note(ctx: JobContext, row: Row, key: str) -> Notification:
    """The message. One that wakes her has a key of its own each time: what came back, or is repeated, is not to be
    taken for what was sent before."""
    asks = f"`{ctx.command} incidents ack {row.id}` stops this" if row.severity in URGENT else ""
    if row.severity in URGENT and row.told_at is not None:
        key = outbox.again(key, ctx.clock.now())
    if row.told:
        since = f"Nobody has acknowledged it since {_reopened_at(row).astimezone(ctx.zone):%a %H:%M}"
        return Notification(TYPE, Severity(row.severity), row.title, f"{since}; {asks}", key)
    names = "; ".join(_newest_others(row))
    body = "; ".join(part for part in (f"also: {names}" if names else "", asks) if part)
    return Notification(TYPE, Severity(row.severity), row.title, body, key)


def _newest_others(row: Row) -> list[str]:
    """The titles of the newest subjects that its own title does not name."""
    worst = _worst(row) if row.subjects else None
    return [subject["title"] for subject in reversed(row.subjects) if subject is not worst][:3]


def _run(ctx: JobContext) -> str:
    run_id: str = ctx.worker.run_id
    return run_id
