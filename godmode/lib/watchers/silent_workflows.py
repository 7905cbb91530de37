"""silent_workflows: a workflow that used to run has fallen silent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated

from msgspec import Meta, Struct

from godmode.lib.kernel import Incident, Severity
from godmode.lib.ports import Grounds
from godmode.lib.sections import Section
from godmode.lib.store import Store, rhythm, sync
from godmode.lib.store.rhythm import Life, Runs, Window

WEEKS = 4
WEEK = timedelta(days=7)
MARGIN = timedelta(minutes=2)  # between n8n's clock and ours
SAME_SLOT = timedelta(minutes=30)  # a run so soon after a reference moment stands for that moment itself
AGREE = 0.05  # part of a wait by which scheduled runs of different weeks may differ
JITTER = timedelta(seconds=90)
LATE, LATEST = timedelta(minutes=10), timedelta(hours=1)  # how long past its time a scheduled run is waited for
OFTEN = timedelta(hours=2)
READ_LATE = timedelta(days=2)  # what was read so long after it ran is history from before godmode
HALF_DAY = timedelta(hours=12)
BUSY = 2000  # runs of half a day, as far as they are counted
HOLIDAY = timedelta(days=3)
FEWEST_OTHERS, MOST_OTHERS = 3, 50  # workflows by which the company's day is known


class Silence(Struct, frozen=True):
    """A workflow that has not run since `life.last`, for `gap` by what was read; what the same stretch of the weeks
    before held; and when it should have run again, by its schedule (None where it has none)."""

    life: Life
    gap: timedelta
    weeks: Sequence[Runs]
    due_after: timedelta | None

    @property
    def usual(self) -> float:
        """How many runs there are, usually, in such a stretch."""
        return sum(week.count for week in self.weeks) / len(self.weeks)


class SilentWorkflows(Struct, frozen=True):
    """A workflow that is silent where it never was is a WARN (specification, Production monitoring).

    Its own rhythm says when: the weeks before, from the same local hour and weekday as its last run. Where its next
    run came after the same wait in every one of them (within 5 %), it runs by a schedule, and is silent when that
    wait is over and up to an hour more; one that runs more often than every two hours may miss one. Else it comes as
    events do: of events at random of which ten are expected, none come with a chance of exp(-10), one in twenty
    thousand (Poisson). Expected are the mean of the weeks, less where the half day before its last run was slower
    than theirs, or three or more others that come as events do have been slower since than they usually are; and no
    week may have had less than half of that. Where half of those are silent at once, and the scheduled ones are not,
    people are away: that is said only after three days. With less than three weeks of history nothing is said. What
    n8n was not asked for cannot be heard: silence counts up to its last complete sync.
    """

    name = "silent_workflows"

    class Settings(Section, frozen=True):
        expected_runs: Annotated[float, Meta(ge=1, le=rhythm.MOST_IN_WINDOW)] = 10
        least_weeks: Annotated[int, Meta(ge=2, le=WEEKS)] = 3

    settings: Settings
    grounds: Grounds

    def look(self, store: Store, now: datetime) -> Iterator[Incident]:
        read = sync.completed_at(store.conn, "n8n")
        until = min(now, read or now) - MARGIN
        silences = self._silences(store, rhythm.lives(store.conn, until), until)
        late = [s for s in silences if s.due_after is not None and s.gap > _patience(s.due_after)]
        at_random = [s for s in silences if s.due_after is None]
        unusual = [s for s in at_random if self._is_unusual(s)]
        silent = [s for s in unusual if self._is_for_its_day(store, s, at_random, until)]
        if len(silent) > 1 and 2 * len(silent) >= len(at_random) and not late:
            silent = [s for s in silent if s.gap > HOLIDAY]
        yield from map(self._incident, [*late, *silent])

    def _is_unusual(self, silence: Silence) -> bool:
        """Whether no week was like this one."""
        enough = self.settings.expected_runs
        return silence.usual >= enough and all(2 * week.count >= enough for week in silence.weeks)

    def _is_for_its_day(self, store: Store, silence: Silence, all_: Sequence[Silence], until: datetime) -> bool:
        """Whether it is silent even for a slow day, its own or the company's: fewer are expected by as much."""
        zone = self.grounds.zone
        others = [_meanwhile(other, silence, until, zone) for other in all_[:MOST_OTHERS] if other is not silence]
        if len(others) < FEWEST_OTHERS or silence.gap > HOLIDAY:
            others = []
        level = min(_level(store, [_before(silence, zone)]), _level(store, others))
        return silence.usual * level >= self.settings.expected_runs

    def _silences(self, store: Store, lives: Sequence[Life], until: datetime) -> list[Silence]:
        """The present gap of every workflow that has history enough."""
        zone, fewest = self.grounds.zone, self.settings.least_weeks
        asked = [
            (life, windows, _unmoved(life, until, windows, zone))
            for life in lives
            if len(windows := _windows(life, until, zone)) >= fewest and not _was_over(life)
        ]
        every = [window for _, *both in asked for windows in both for window in windows]
        answers = iter(rhythm.runs(store.conn, every) if every else ())
        return [_silence(life, until, zone, both, answers) for life, *both in asked]

    def _incident(self, silence: Silence) -> Incident:
        life, zone = silence.life, self.grounds.zone
        last = life.last.astimezone(zone)
        usual = f"usually {silence.usual:,.0f} runs by now" if silence.usual >= 1 else "it should have run"
        title = f"Workflow {life.name or life.workflow_id} has been silent since {last:%a %d %b %H:%M}, {usual}"
        evidence = {
            "last_run": life.last.isoformat(), "silent_hours": round(silence.gap / timedelta(hours=1), 1),
            "usual_runs": round(silence.usual, 1), "weeks": len(silence.weeks),
        }  # fmt: skip
        key = f"{self.name}:{life.workflow_id}"
        return Incident(self.name, Severity.WARN, title, key, life.workflow_id, evidence=evidence)


def _silence(
    life: Life, until: datetime, zone: tzinfo, both: Sequence[Sequence[Window]], answers: Iterator[Runs]
) -> Silence:
    """`both` are its windows by the local clock, and by one that nobody moves: what runs by an interval keeps that one.
    Where it has a schedule by the local clock, it is due when it is by both."""
    gap = _gap(life, until, zone)
    local, unmoved = ([next(answers) for _ in windows] for windows in both)
    due, also = (_schedule(w, r, _tolerance(gap)) for w, r in zip(both, (local, unmoved), strict=True))
    return Silence(life, gap, local, max(due, also or due) if due else None)


def _before(silence: Silence, zone: tzinfo) -> list[Window]:
    """The half day before its last run, and the same of the weeks that its silence was judged by."""
    life = silence.life
    ends = [_weeks_before(life.last, week, zone) for week in range(len(silence.weeks) + 1)]
    return [Window(life.workflow_id, at - HALF_DAY, at) for at in ends]


def _meanwhile(other: Silence, silence: Silence, until: datetime, zone: tzinfo) -> list[Window]:
    """What another workflow did since this one's last run, and in the same stretch of the weeks before."""
    begins = [_weeks_before(silence.life.last, week, zone) for week in range(len(other.weeks) + 1)]
    return [Window(other.life.workflow_id, at, at + min(until - silence.life.last, WEEK)) for at in begins]


def _level(store: Store, stretches: Sequence[Sequence[Window]]) -> float:
    """How much is going on, of what there usually is, at most 1: each stretch's first window against its others. Where
    there is little to go by, 1."""
    asked = [window for windows in stretches for window in windows]
    answers = iter(rhythm.runs(store.conn, asked, BUSY) if asked else ())
    counts = [[next(answers).count for _ in windows] for windows in stretches]
    lately = sum(first for first, *_ in counts)
    usual = sum(sum(weeks) / len(weeks) for _, *weeks in counts)
    return min(1.0, lately / usual) if usual >= 1 else 1.0


def _windows(life: Life, until: datetime, zone: tzinfo) -> list[Window]:
    """The same stretch of local time in the weeks before, as far as the workflow's history goes; never over a week."""
    gap = _gap(life, until, zone)
    if gap <= timedelta(0):
        return []
    begins = [_weeks_before(life.last, week, zone) for week in range(1, WEEKS + 1)]
    return _stretches(life, gap, [at for at in begins if at >= life.first - SAME_SLOT])


def _unmoved(life: Life, until: datetime, windows: Sequence[Window], zone: tzinfo) -> list[Window]:
    """As many of the same stretches, whole weeks before; none where the clocks were not moved since."""
    begins = [life.last - week * WEEK for week in range(1, len(windows) + 1)]
    if all(at == _weeks_before(life.last, week, zone) for week, at in enumerate(begins, 1)):
        return []
    return _stretches(life, _gap(life, until, zone), begins)


def _stretches(life: Life, gap: timedelta, begins: Sequence[datetime]) -> list[Window]:
    return [Window(life.workflow_id, at + _tolerance(gap), at + min(gap, WEEK)) for at in begins]


def _gap(life: Life, until: datetime, zone: tzinfo) -> timedelta:
    """How long it has been silent: by the clock on the wall, or in truth, whichever is shorter when that is set."""
    wall = until.astimezone(zone).replace(tzinfo=None) - life.last.astimezone(zone).replace(tzinfo=None)
    return min(wall, until - life.last)


def _tolerance(gap: timedelta) -> timedelta:
    return min(SAME_SLOT, gap / 10)


def _weeks_before(at: datetime, weeks: int, zone: tzinfo) -> datetime:
    """The same hour of the local clock, weeks before, whatever the clocks did in between."""
    return (at.astimezone(zone) - weeks * WEEK).astimezone(UTC)


def _was_over(life: Life) -> bool:
    """Whether it was silent already when godmode first read of it."""
    return life.noted_at is not None and life.noted_at - life.last > READ_LATE


def _schedule(windows: Sequence[Window], weeks: Sequence[Runs], tolerance: timedelta) -> timedelta | None:
    """The longest wait for the next run, and by how much it varies, where every week's was the same; None where it
    follows no schedule."""
    waits = [week.next - window.begins for window, week in zip(windows, weeks, strict=True) if week.next is not None]
    if not waits or len(waits) < len(weeks):
        return None
    spread, wait = max(waits) - min(waits), min(waits)
    return max(waits) + tolerance + spread if spread <= max(AGREE * wait, min(JITTER, wait / 10)) else None


def _patience(due_after: timedelta) -> timedelta:
    """How long a scheduled run is waited for."""
    return 2 * due_after + LATE if due_after < OFTEN else due_after + min(LATEST, due_after / 10)
