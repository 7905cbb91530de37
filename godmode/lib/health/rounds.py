"""The jobs: each one's last slot against its schedule, those that keep failing, and those that do not end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from godmode.lib.clock import shown
from godmode.lib.health import attempts
from godmode.lib.health.finding import Finding, Look, Patient
from godmode.lib.kernel import Daily, Every, Job
from godmode.lib.store import job_state
from godmode.lib.store.job_state import JobState

FAILURES = 3  # in a row
STUCK = timedelta(hours=1)
GRACE = timedelta(minutes=10)  # beyond a period: as long as a run may take
GRACE_OF_DAY = timedelta(minutes=30)  # after a daily job's hour


def jobs(patient: Patient) -> Look:
    """Every job but the monitor itself."""
    rows = {row.job: row for row in job_state.all_rows(patient.ctx.store.conn)}
    known = [job for job in patient.around.jobs if job.name != "health_monitor"]
    scheduled = any(_ticked(rows[job.name]) for job in known if job.name in rows)
    late = [f for job in known if scheduled for f in _late(patient, job, rows.get(job.name, JobState(job.name)))]
    findings = [*late, *_failing(rows), *_crashing(patient), *_stuck(patient, rows)]
    said = "; ".join(f.what for f in findings)
    return Look("jobs", said or "all keep to their slots, none failing, none stuck", findings)


def _ticked(row: JobState) -> bool:
    return row.slot is not None or row.last_skip is not None


def _late(patient: Patient, job: Job, row: JobState) -> Iterator[Finding]:
    """A job whose tick did not come: a slot that was skipped by rule has been seen by somebody."""
    tolerance = job.cadence.period + GRACE if isinstance(job.cadence, Every) else GRACE_OF_DAY
    slot = patient.around.due(job, patient.now - tolerance)
    if slot is None or slot.start < patient.watching_since or not row.enabled or row.state == "running":
        return
    seen = [key for key in (row.slot, (row.last_skip or "").partition(" ")[0]) if key]
    if any(len(key) != len(slot.key) or key >= slot.key for key in seen):  # of another length: it had another cadence
        return
    name = job.name.replace("_", "-")
    last = shown(max(seen), lambda at: f"{at.astimezone(patient.ctx.zone):%a %d %b %H:%M}") if seen else "ever"
    when = f"on {slot.key}" if isinstance(job.cadence, Daily) else f"since {last}"
    do = f"is it in the crontab, or its timer active? `godmode run {name}` runs it now"
    yield Finding(f"jobs:late:{job.name}", f"{name} has not run {when}", do)


def _failing(rows: dict[str, JobState]) -> Iterator[Finding]:
    for row in rows.values():
        if row.consecutive_failures >= FAILURES and row.job != "health_monitor":
            name = row.job.replace("_", "-")
            what = f"{name} failed {row.consecutive_failures} times in a row: {row.last_error or 'it does not say why'}"
            yield Finding(f"jobs:failing:{row.job}", what, f"`godmode audit --job {name}`")


def _crashing(patient: Patient) -> Iterator[Finding]:
    """What systemd saw of them (see `godmode fallback`): a run that is killed writes nothing."""
    for job, times in attempts.crashing(patient.ctx.state, patient.now).items():
        what = f"{job.replace('_', '-')} crashed {times} times within an hour"
        yield Finding(f"jobs:crashed:{job}", what, "`journalctl -t godmode` and `journalctl -k` tell of what killed it")


def _stuck(patient: Patient, rows: dict[str, JobState]) -> Iterator[Finding]:
    for row in rows.values():
        if row.state == "running" and row.started_at is not None and row.started_at < patient.now - STUCK:
            name = row.job.replace("_", "-")
            what = f"{name} (pid {row.owner_pid} on {row.owner_host}) has been running for over an hour"
            yield Finding(f"jobs:stuck:{row.job}", what, f"end that process; `godmode run {name}` takes its slot over")
