"""`godmode jobs [enable|disable JOB]`: what runs when, and how it went."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from godmode.commands import terminal
from godmode.lib.engine import slots
from godmode.lib.kernel import Cadence, Daily, Job
from godmode.lib.store import audit, job_state
from godmode.lib.store.job_state import JobState
from godmode.wiring import App

app = typer.Typer(add_completion=False, help="List the jobs; enable or disable one.", rich_markup_mode=None)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Name = Annotated[str, typer.Argument(help="The job, as `godmode jobs` lists it.")]


@app.callback(invoke_without_command=True)
def show(ctx: typer.Context, as_json: Json = False) -> int:
    """List the jobs: when each runs, how its last run ended, and when it is next due."""
    if ctx.invoked_subcommand is not None:
        return 0
    godmode = App(terminal.config())
    entries, now = entries_of(godmode), godmode.clock.now()
    rows = [
        (
            e["job"].replace("_", "-"),
            runs(e),
            last(e),
            terminal.near(e["last_finished_at"], now),
            terminal.near(e["next_slot"], now),
        )
        for e in entries
    ]
    terminal.show(entries, as_json, terminal.table(("JOB", "RUNS", "LAST", "AT", "NEXT"), rows))
    return 0


@app.command()
def enable(job: Name, as_json: Json = False) -> int:
    """Let a job run again."""
    return _switch(job, True, as_json)


@app.command()
def disable(job: Name, as_json: Json = False) -> int:
    """Keep a job from running; its slots are skipped with a reason."""
    return _switch(job, False, as_json)


def _switch(name: str, enabled: bool, as_json: bool) -> int:
    godmode = App(terminal.config())
    job = godmode.job(name)
    conn = godmode.migrated().conn
    with conn.transaction():
        job_state.enable(conn, job.name, enabled)
        audit.write(conn, godmode.clock.now(), job.name, "control", success=True, data={"enabled": enabled})
    text = f"{job.name.replace('_', '-')} is {'enabled' if enabled else 'disabled'}"
    terminal.show({"job": job.name, "enabled": enabled}, as_json, text)
    return 0


def entries_of(godmode: App) -> list[dict[str, Any]]:
    """Every scheduled job with its state, as `jobs --json` and `status --json` print it."""
    rows = {row.job: row for row in job_state.all_rows(godmode.migrated().conn)}
    now = godmode.clock.now()
    return [_entry(godmode, job, rows.get(job.name, JobState(job.name)), now) for job in godmode.jobs()]


def _entry(godmode: App, job: Job, row: JobState, now: datetime) -> dict[str, Any]:
    configured, job = cadence(job.cadence), slots.in_force(job, row.interval_minutes)
    missed = audit.last_missed(godmode.store.conn, job.name, row.started_at) if row.started_at else None
    return {
        "job": job.name,
        "help": job.help,
        "cadence": cadence(job.cadence),
        "configured": configured,
        "implemented": job.run is not None,
        "enabled": row.enabled,
        "state": row.state,
        "slot": row.slot,
        "last_outcome": row.recent[-1]["outcome"] if row.recent else None,
        "last_finished_at": row.finished_at,
        "last_duration_ms": row.recent[-1]["ms"] if row.recent else None,
        "last_error": row.last_error,
        "last_skip": row.last_skip,
        "last_missed": missed.output_data if missed else None,
        "consecutive_failures": row.consecutive_failures,
        "recent": [entry["outcome"] for entry in row.recent],
        "retry_at": row.retry_at,
        "next_slot": slots.following(job.cadence, now, godmode.config.zone).start,
    }


def runs(entry: Mapping[str, Any]) -> str:
    """When a job runs; marked where that is by a proposal, and not as the file says."""
    return f"{entry['cadence']} (proposal)" if entry["cadence"] != entry["configured"] else str(entry["cadence"])


def last(entry: Mapping[str, Any]) -> str:
    """How a job last went, in a word or two."""
    if not entry["implemented"]:
        return "not in this version"
    if not entry["enabled"]:
        return "disabled"
    skipped = f"skipped: {entry['last_skip'].rpartition(' ')[2]}" if entry["last_skip"] else None
    return skipped or entry["last_outcome"] or "never ran"


def cadence(of: Cadence) -> str:
    """`daily 08:00`, `every 30 min`, `every 30 s`."""
    if isinstance(of, Daily):
        return f"daily {of.at}"
    seconds = int(of.period.total_seconds())
    return f"every {seconds // 60} min" if seconds % 60 == 0 else f"every {seconds} s"
