"""What the digest and the morning call tell of: everything that was looked up, and what could not be seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from godmode.lib.kernel import JobContext
from godmode.lib.notify import reviews
from godmode.lib.notify.freshness import differences, freshness
from godmode.lib.notify.reviews import Review
from godmode.lib.store import controls, figures, job_state, memory, news, proposals, sync
from godmode.lib.store.figures import Backlog, Figures, OpenIncident
from godmode.lib.store.job_state import JobState
from godmode.lib.store.news import Doubtful, GivenUp, Group, Unsettled
from godmode.lib.store.proposals import ProposalRow

STALE_INTERVALS = 2  # what missed this many of its intervals counts as not looked at
SCAN = 30  # minutes; specification, periodic_scan


@dataclass(frozen=True)
class Looked:
    """A source that is read (`seen` is "read"), or a job that looks for something (`seen` is "looked for").

    `at` is when that last worked, `worked` whether the last time did; older than `stale_after` is as good as not
    looked at. `command` is what she does about it, `how` says how complete and how old it is, where that is known,
    `mended` what the day's comparison of all ids found.
    """

    name: str
    at: datetime | None
    worked: bool
    stale_after: timedelta
    command: str
    error: str | None = None
    seen: str = "read"
    how: str | None = None
    mended: str = ""

    def is_fresh(self, now: datetime) -> bool:
        """Whether it worked, no longer ago than it may be."""
        return self.worked and self.at is not None and now - self.at <= self.stale_after


@dataclass(frozen=True)
class Seen:
    """All that was looked up, at `now`.

    `since` is the moment that the figures count from, `newest` the time of the newest chat message (exports arrive
    late, and what was noticed in them is as old as they are), `command` how she calls godmode. `switched` says that
    the kill switch was turned since then. `seal` is the newest audit seal, where the log is sealed.
    """

    now: datetime
    since: datetime
    zone: tzinfo
    command: str
    figures: Figures
    backlog: Backlog
    incidents: Sequence[OpenIncident] = ()
    groups: Sequence[Group] = ()
    given_up: Sequence[GivenUp] = ()
    proposals: Sequence[ProposalRow] = ()
    doubtful: Sequence[Doubtful] = ()
    unsettled: Sequence[Unsettled] = ()
    sources: Sequence[Looked] = ()
    jobs: Sequence[Looked] = ()
    reviews: Sequence[Review] = ()
    newest: datetime | None = None
    switched: str | None = None
    operator: str = ""
    first: bool = False
    seal: str | None = None

    @property
    def carries(self) -> tuple[int, ...]:
        """The numbers of the waiting messages that are told of here."""
        return tuple(sorted(number for group in self.groups for number in group.ids))

    @property
    def unread(self) -> list[Looked]:
        """What was not looked at, or too long ago. Where no source was read, nothing was looked for in them either."""
        sources = [s for s in self.sources if not s.is_fresh(self.now)]
        jobs = [j for j in self.jobs if not j.is_fresh(self.now)]
        return [*sources, *(j for j in jobs if j.name != "patterns" or len(sources) < len(self.sources))]

    @property
    def read(self) -> list[Looked]:
        """What was looked at."""
        return [looked for looked in (*self.sources, *self.jobs) if looked.is_fresh(self.now)]


def counted(seen: Seen) -> Iterator[tuple[int, str, bool]]:
    """The metrics that can be told: how many, of what, and whether that may be fewer than there are.

    A zero is only told where all that could have made it more was looked at.
    """
    f, read = seen.figures, {looked.name for looked in seen.read}
    has = {source.name for source in seen.sources}
    whole = not seen.unread and bool(has)
    rows = (
        (f.new_messages, "new message", "chatlogs" in read, "chatlogs" in has),
        (f.new_proposals, "new proposal", whole, True),
        (f.new_incidents, "new incident", whole, True),
        (f.corrections_applied, "correction applied", True, True),
        (f.workflows_executed, "workflow run", "n8n" in read, "n8n" in has),
        (f.workflows_failed, "failed run", "n8n" in read, "n8n" in has),
        (f.api_calls, "API call", (has - {"chatlogs"}) <= read, bool(has - {"chatlogs"})),
    )
    for count, what, looked, expected in rows:
        if count or (looked and expected):
            yield count, what, not looked


def look(ctx: JobContext, since: datetime, *, first: bool = False) -> Seen:
    """Everything that is told, each looked up now."""
    conn, now = ctx.store.conn, ctx.clock.now()
    return Seen(
        now=now,
        since=since,
        zone=ctx.zone,
        command=ctx.command,
        figures=figures.since(conn, since),
        backlog=figures.backlog(conn),
        incidents=figures.open_incidents(conn, now, limit=1000),
        groups=news.groups(conn),
        given_up=news.given_up(conn),
        proposals=proposals.waiting(conn),
        doubtful=news.doubtful(conn, since),
        unsettled=news.unsettled(conn, since),
        reviews=reviews.look(ctx, since),
        sources=_sources(ctx, since),
        jobs=_jobs(ctx),
        newest=memory.newest_message_at(conn, now),
        switched=_switched(controls.read(conn), since),
        operator=ctx.settings.operator.name,
        first=first,
        seal=_seal(ctx),
    )


def _sources(ctx: JobContext, since: datetime) -> list[Looked]:
    states = {row.source_name: row for row in sync.all_rows(ctx.store.conn)}
    found = []
    for name, source in ctx.sources.items():
        now = ctx.clock.now()
        state = states.get(name, sync.SyncState(name))
        found.append(
            Looked(
                name, state.last_sync_completed_at, bool(state.last_sync_success),
                STALE_INTERVALS * source.every.period, f"run sync-{name}",
                (state.last_error or state.limited or "").removeprefix(f"{name}: ") or None,
                how=freshness(state, now, ctx.zone) if state.completeness else None,
                mended=differences(state, since, prunes=getattr(source, "prunes", False)),
            )
        )  # fmt: skip
    return found


def _jobs(ctx: JobContext) -> list[Looked]:
    """The jobs that look for patterns and for trouble, where there is something that they can look at."""
    states = {row.job: row for row in job_state.all_rows(ctx.store.conn)}
    scan = ctx.settings.jobs.periodic_scan.interval_minutes or SCAN
    watch = ctx.settings.watchers.check_interval_minutes
    jobs = [("patterns", "periodic_scan", scan)] if ctx.sources else []
    jobs += [("trouble", "run_watchers", watch)] if ctx.watchers else []
    return [_job(name, states.get(job, JobState(job)), minutes) for name, job, minutes in jobs]


def _job(name: str, state: JobState, minutes: int) -> Looked:
    worked = state.last_success_at is not None and state.state != "failed"
    command = f"run {state.job.replace('_', '-')}"
    stale = STALE_INTERVALS * timedelta(minutes=max(minutes, state.interval_minutes or 0))
    return Looked(name, state.last_success_at, worked, stale, command, state.last_error, "looked for")


def _switched(held: controls.Controls | None, since: datetime) -> str | None:
    if held is None or held.kill_switch_changed_at is None or held.kill_switch_changed_at < since:
        return None
    by = f" by {held.kill_switch_changed_by}" if held.kill_switch_changed_by else ""
    why = f": {held.kill_switch_reason}" if held.kill_switch_reason else ""
    return f"the kill switch was turned {'on' if held.kill_switch else 'off'}{by}{why}"


def _seal(ctx: JobContext) -> str | None:
    """The newest audit seal, where she wants to be told of it."""
    if not ctx.settings.digest.seal:
        return None
    from godmode.lib.store import seals

    newest = seals.newest(ctx.store.conn)
    return newest.hash if newest else None
