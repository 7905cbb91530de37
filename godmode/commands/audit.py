"""`godmode audit`: what was done, and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer
from msgspec.structs import asdict

from godmode.commands import terminal
from godmode.lib.store import audit
from godmode.lib.store.audit import AuditRow
from godmode.wiring import App

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def show(
    limit: Annotated[int, typer.Option("--limit", "-n", help="At most so many rows.", min=1, max=10_000)] = 20,
    job: Annotated[str | None, typer.Option(help="Only this job or action.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only failures.")] = False,
    run: Annotated[str | None, typer.Option(help="Only this run's rows.", metavar="RUN_ID")] = None,
    hours: Annotated[float | None, typer.Option(help="Only the last so many hours.", min=0)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Show the audit log, the newest first, without what is archived."""
    godmode = App(terminal.config())
    rows = audit.recent(
        godmode.migrated().conn,
        limit=limit,
        since=godmode.clock.now() - timedelta(hours=hours) if hours is not None else None,
        action=job.replace("-", "_") if job else None,
        failed=failed,
        run_id=run,
    )
    text = terminal.table(("AT", "WHAT", "KIND", "OUTCOME", "MS", "WHY"), [_cells(row) for row in rows])
    terminal.show([asdict(row) for row in rows], as_json, text if rows else "the audit log has no such rows")
    return 0


def _cells(row: AuditRow) -> tuple[object, ...]:
    data = row.output_data
    outcome = data.get("outcome") or data.get("state") or {True: "done", False: "failed", None: ""}[row.success]
    why = row.error or data.get("message") or data.get("reason") or ""
    if row.action_type == "missed":
        why = f"{data.get('count')} slots never ran, {data.get('from')} to {data.get('to')}"
    if row.action_type == "control":
        why = ", ".join(f"{key}={value}" for key, value in data.items() if value not in ("", None))
    flat = " ".join(str(why).split())
    return (terminal.local(row.ts), row.action, row.action_type, outcome, row.duration_ms, flat[:100])
