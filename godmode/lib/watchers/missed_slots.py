"""missed_slots: a job did not run when it should have."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from godmode.lib.clock import shown
from godmode.lib.kernel import Every, Incident, Severity
from godmode.lib.ports import Due, Grounds
from godmode.lib.sections import Minutes, Section
from godmode.lib.store import Store, audited, job_state
from godmode.lib.store.audited import Missed
from godmode.lib.store.job_state import JobState

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class MissedSlots(Struct, frozen=True):
    """A job that missed its slot is a WARN (specification, Production monitoring).

    Two ways to see it: its slot is over and no run of it was begun; or a run noted, within the hour, that slots
    before it never ran. Gaps of less than `minutes` are no trouble, nor is what a rule skipped (the switch, quiet
    hours, a job that is off). A job that never ran is not expected to.
    """

    name = "missed_slots"

    class Settings(Section, frozen=True):
        minutes: Minutes = 10

    settings: Settings
    grounds: Grounds

    def look(self, store: Store, now: datetime) -> Iterator[Incident]:
        rows = {row.job: row for row in job_state.all_rows(store.conn)}
        due = {one.job: one for one in self.grounds.due(now)}
        notes = audited.missed(store.conn, now - DAY, now)
        awake = max((note.ts for note in notes if note.action == "run_watchers"), default=None)
        late = {job: one for job, one in due.items() if job in rows and self._is_late(one, rows[job], awake, now)}
        yield from (self._overdue(one, rows[job]) for job, one in late.items())
        gaps = [n for n in notes if n.ts > now - HOUR and n.action not in late and self._is_gap(n, due.get(n.action))]
        yield from (self._noted(n) for n in gaps if not audited.skipped_before(store.conn, n.action, n.ts))

    def _is_late(self, due: Due, row: JobState, awake: datetime | None, now: datetime) -> bool:
        """Whether the newest slot should have been begun by now; time counts from when this machine was awake."""
        if row.slot is None or not row.enabled or row.slot >= due.slot or len(row.slot) != len(due.slot):
            return False
        under_way = row.state == "running" and row.lease_until is not None and row.lease_until > now
        by_rule = row.last_skip is not None and row.last_skip.partition(" ")[0] > row.slot
        if under_way or by_rule:
            return False
        grace = timedelta(minutes=self.settings.minutes)
        begins = due.start
        if isinstance(due.cadence, Every):
            begins = datetime.fromisoformat(row.slot) + due.cadence.period  # of the first slot that did not run
            grace = max(grace, due.cadence.period)
        return now >= max(begins, awake or begins) + grace

    def _is_gap(self, note: Missed, due: Due | None) -> bool:
        if due is None or not isinstance(due.cadence, Every):
            return True
        return note.count * due.cadence.period >= timedelta(minutes=self.settings.minutes)

    def _told(self, at: datetime) -> str:
        return f"{at.astimezone(self.grounds.zone):%a %d %b %H:%M}"

    def _overdue(self, due: Due, row: JobState) -> Incident:
        last = f"its last was {shown(row.slot or '', self._told)}"
        title = f"{due.job.replace('_', ' ')} has not run for its slot {shown(due.slot, self._told)}; {last}"
        evidence = {"slot": due.slot, "last_slot": row.slot, "follow_up": f"godmode audit --job {due.job}"}
        return Incident(self.name, Severity.WARN, title, f"{self.name}:{due.job}", evidence=evidence)

    def _noted(self, note: Missed) -> Incident:
        slots = "a slot" if note.count == 1 else f"{note.count:,} slots"
        first, last = shown(note.first, self._told), shown(note.last, self._told)
        span = first if first == last else f"{first} to {last}"
        title = f"{note.action.replace('_', ' ')} missed {slots}: {span}"
        evidence = {
            "from": note.first, "to": note.last, "count": note.count, "events": [note.ts.isoformat()],
            "follow_up": f"godmode audit --job {note.action}",
        }  # fmt: skip
        return Incident(self.name, Severity.WARN, title, f"{self.name}:{note.action}", evidence=evidence)
