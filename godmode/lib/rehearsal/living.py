"""A day, lived: the clock goes from one thing that is due to the next, and every job runs by the one road."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from godmode.lib.clock import FixedClock
from godmode.lib.engine import slots
from godmode.lib.engine.equipment import Mode, Report
from godmode.lib.kernel import Daily, Every, Incident, Job, Outcome
from godmode.lib.rehearsal import script
from godmode.lib.rehearsal.diary import Diary, Happened, Skipped, Stood
from godmode.lib.rehearsal.script import Acknowledged, Breaks, Day, Deed, Event, Mended, Refuses, Urges
from godmode.lib.schedule import looks
from godmode.lib.store import incidents, rehearsed, retry_jobs

if TYPE_CHECKING:
    from psycopg import Connection

QUEUE, WATCHERS = "process_retry_queue", "run_watchers"
QUEUE_EVERY = timedelta(minutes=15)  # a look at the retry queue where nothing is known to be due
# How long the watchers look as often as they do in life, after something happened, and after something urgent did.
WATCHED_FOR, WATCHED_CLOSELY = timedelta(minutes=10), timedelta(hours=2)
URGENT = ("SEV0", "SEV1")
REFUSES_FOR = timedelta(hours=1)
SPEAKING = ("daily_digest", "morning_call")


@dataclass(frozen=True)
class Stage:
    """What a rehearsal lives with. `jobs` are those that a schedule starts, in the order in which they begin where
    several are due; `watch_every` is how often the watchers look in life, `queue_every` the retry queue's job.
    `run` runs a job, `check` raises when the rehearsal has to end."""

    clock: FixedClock
    zone: tzinfo
    conn: Connection
    jobs: Sequence[Job]
    reads_n8n: bool
    channels: Sequence[str]
    watch_every: timedelta
    queue_every: timedelta
    run: Callable[[str, Mode], Report]
    check: Callable[[], None]


@dataclass
class Living:
    """One day on a stage. What is due stands in `agenda`: when, in which order at that moment, and what."""

    stage: Stage
    day: Day
    diary: Diary
    agenda: list[tuple[datetime, int, int, Event | Job]] = field(default_factory=list)
    numbers: itertools.count[int] = field(default_factory=itertools.count)
    watched_until: datetime | None = None
    last_looks: dict[str, datetime] = field(default_factory=dict)

    def live(self) -> None:
        """From the day's begin to its end. Raises what `check` raises."""
        for event in script.EVENTS:
            self._plan(self.day.at(event.at), event)
        for job in self.stage.jobs:
            self._plan(slots.following(job.cadence, self.day.begin - timedelta(seconds=1), self.stage.zone).start, job)
        while self._step():
            self.stage.check()
        self.diary.runs = rehearsed.runs(self.stage.conn)

    def _plan(self, at: datetime, what: Event | Job) -> None:
        order = self.stage.jobs.index(what) if isinstance(what, Job) else -1
        heapq.heappush(self.agenda, (at, order, next(self.numbers), what))

    def _step(self) -> bool:
        """Do what is due next; whether anything was, before the day's end."""
        planned, extra = self.agenda[0][0], self._extra()
        at = min(planned, extra[0]) if extra else planned
        if at >= self.day.end:
            return False
        self.stage.clock.move_to(max(at, self.stage.clock.now()))
        if extra and extra[0] < planned:
            self._run(extra[1], Mode(again=True, unscheduled=True))
        else:
            self._planned(heapq.heappop(self.agenda)[3])
        return True

    def _planned(self, what: Event | Job) -> None:
        if isinstance(what, Event):
            self._happen(what)
        else:
            self._scheduled(what)

    # -- jobs ------------------------------------------------------------------------------------------------

    def _scheduled(self, job: Job) -> None:
        """Run a job as cron does, and plan its next look."""
        now, zone = self.stage.clock.now(), self.stage.zone
        report = self._run(job.name, Mode(scheduled=True, unscheduled=True))
        following = slots.following(job.cadence, now, zone).start
        if isinstance(job.cadence, Daily) and report.result.outcome is not Outcome.SUCCEEDED:
            again = now + timedelta(minutes=looks.step(job))
            due = slots.due(job.cadence, again, zone)
            following = again if due and report.result.reason != "already_ran" else following
        self._plan(following, job)

    def _extra(self) -> tuple[datetime, str] | None:
        """The next run beyond the planned ones: the retry queue's when something waits for it, the watchers' after
        something happened."""
        found = []
        if due := rehearsed.queue_is_due(self.stage.conn):
            found.append((self._at_its_next_look(QUEUE, due, self.stage.queue_every), QUEUE))
        if self.watched_until is not None:
            at = self._at_its_next_look(WATCHERS, self.stage.clock.now(), self.stage.watch_every)
            found += [(at, WATCHERS)] if at <= self.watched_until else []
        return min(found, default=None)

    def _at_its_next_look(self, job: str, due: datetime, every: timedelta) -> datetime:
        """The first slot of a job from `due` on that it has not had."""
        now, had = self.stage.clock.now(), self.last_looks.get(job)
        cadence = Every(seconds=int(every.total_seconds()))
        slot = slots.following(cadence, max(due, now) - timedelta(seconds=1), self.stage.zone).start
        return slots.following(cadence, had, self.stage.zone).start if had and slot <= had else slot

    def _run(self, name: str, mode: Mode) -> Report:
        begun = self.stage.clock.now()
        self.last_looks[name] = begun
        report = self.stage.run(name, mode)
        if name in SPEAKING:
            self._spoke(report, begun)
        self._look()
        return report

    def _spoke(self, report: Report, begun: datetime) -> None:
        result, fix = report.result, f"; {report.fix}" if report.fix else ""
        if "seconds" in result.data:
            self.diary.seconds[report.job] = result.data["seconds"]
        if result.outcome is Outcome.SUCCEEDED or result.reason == "already_ran":
            return
        why = f"{result.error or result.data.get('message') or result.reason}{fix}"
        if not any(known.job == report.job and known.why == why for known in self.diary.skipped):
            self.diary.skipped.append(Skipped(begun, report.job, str(result.outcome), why))

    def _look(self) -> None:
        """Note which messages stand otherwise than before."""
        for message in rehearsed.messages(self.stage.conn):
            if message != self.diary.messages.get(message.id):
                self.diary.messages[message.id] = message
                self.diary.stood.append(Stood(self.stage.clock.now(), message))

    # -- what happens ----------------------------------------------------------------------------------------

    def _happen(self, event: Event) -> None:
        deed: Deed | None = event.deed
        says = event.says
        if isinstance(deed, script.Seen):
            says += "" if self.stage.reads_n8n else " (n8n is not configured: another system tells of it)"
            deed = None if self.stage.reads_n8n else deed.instead
        now = self.stage.clock.now()
        self.diary.happened.append(Happened(now, says))
        urgent = isinstance(deed, Breaks) and deed.severity in URGENT
        until = now + (WATCHED_CLOSELY if urgent else WATCHED_FOR)
        self.watched_until = max(until, self.watched_until or until)
        if deed is not None:
            self._do(deed, now)
        self._look()

    def _do(self, deed: Deed, now: datetime) -> None:
        conn = self.stage.conn
        if isinstance(deed, Breaks):
            incidents.put(conn, Incident("other_system", deed.severity, deed.title, _key(deed)), now)
        elif isinstance(deed, Urges):
            told = {"do": "notify", "type": deed.type, "severity": "WARN", "title": deed.title, "body": deed.body}
            retry_jobs.enqueue(conn, "custom", told, now=now)
        elif isinstance(deed, Refuses):
            self.diary.refusing.update(dict.fromkeys(self.stage.channels, now + REFUSES_FOR))
        elif not isinstance(deed, script.Seen):
            self._decide(deed, now)

    def _decide(self, deed: Mended | Acknowledged, now: datetime) -> None:
        for row in incidents.listed(self.stage.conn, now):
            if isinstance(deed, Mended) and row.dedup_key == _key(deed):
                incidents.decide(self.stage.conn, row.id, "resolved", now, by="rehearsal", reason=deed.why)
            elif isinstance(deed, Acknowledged) and row.severity in URGENT:
                incidents.decide(self.stage.conn, row.id, "acknowledged", now, by="rehearsal")


def _key(of: Breaks | Mended) -> str:
    return f"rehearsal:{of.key}"
