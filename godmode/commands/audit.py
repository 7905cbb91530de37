"""`godmode audit [search|action|messages|seal|verify]`: what was done, and why, and that it still says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from msgspec import structs

from godmode.commands import messages, seals, terminal
from godmode.lib.errors import Usage
from godmode.lib.store import actions, audit
from godmode.lib.store.actions import ActionRow
from godmode.lib.store.audit import AuditRow
from godmode.wiring import App

LIVES = 20  # actions shown at most for a part of a key

app = typer.Typer(add_completion=False, help="What was done, and why.", rich_markup_mode=None)
app.command("messages")(messages.show)
app.command("seal")(seals.seal)
app.command("verify")(seals.verify)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.callback(invoke_without_command=True)
def show(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", "-n", help="At most so many rows.", min=1, max=10_000)] = 20,
    job: Annotated[str | None, typer.Option(help="Only this job or action.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only failures.")] = False,
    run: Annotated[str | None, typer.Option(help="Only this run's rows.", metavar="RUN_ID")] = None,
    hours: Annotated[float | None, typer.Option(help="Only the last so many hours.", min=0, max=1_000_000)] = None,
    as_json: Json = False,
) -> int:
    """Show the audit log, the newest first, without what is archived."""
    if ctx.invoked_subcommand is not None:
        return 0
    word, of_run = terminal.given("--job", job), terminal.given("--run", run)
    back = timedelta(hours=terminal.finite("--hours", hours)) if hours is not None else None
    godmode = App(terminal.config())
    rows = audit.recent(
        godmode.migrated().conn,
        limit=limit,
        since=godmode.clock.now() - back if back is not None else None,
        action=word.replace("-", "_") if word else None,
        failed=failed,
        run_id=of_run,
    )
    _show(rows, as_json)
    return 0


@app.command()
def search(
    words: Annotated[str, typer.Argument(help="Words that all have to occur.")],
    days: Annotated[int, typer.Option(help="Only the last so many days.", min=1, max=10_000)] = 30,
    limit: Annotated[int, typer.Option("--limit", "-n", help="At most so many rows.", min=1, max=10_000)] = 20,
    as_json: Json = False,
) -> int:
    """Find rows of the audit log that contain all the words, the newest first."""
    terminal.given("the search", words)
    godmode = App(terminal.config())
    since = godmode.clock.now() - timedelta(days=days)
    _show(audit.search(godmode.migrated().conn, words, since, limit), as_json)
    return 0


def _show(rows: Sequence[AuditRow], as_json: bool) -> None:
    text = terminal.table(("AT", "WHAT", "KIND", "OUTCOME", "MS", "WHY"), [_cells(row) for row in rows])
    terminal.show([structs.asdict(row) for row in rows], as_json, text if rows else "the audit log has no such rows")


@app.command("action")
def action(
    word: Annotated[str, typer.Argument(help="The action's number, or a part of its key.", metavar="KEY")],
    as_json: Json = False,
) -> int:
    """Show an action's whole life: who began it and when, what became of it, and who took it over."""
    terminal.given("KEY", word)
    rows = actions.matching(App(terminal.config()).migrated().conn, word, LIVES)
    if not rows:
        raise Usage(f'there is no action "{word}"', "`godmode audit` shows keys of actions with --json")
    terminal.show([asdict(row) for row in rows], as_json, "\n\n".join(_life(row) for row in rows))
    return 0


def _life(row: ActionRow) -> str:
    head = f"{row.id}  {row.key}: {row.kind} to {row.target}, {row.state}"
    return "\n".join([head, *(_step(step) for step in row.history)])


def _step(step: Mapping[str, Any]) -> str:
    at = terminal.local(datetime.fromisoformat(step["at"]), "%H:%M:%S")
    if step["state"] == "started":
        return f"  {at}  started by run {step['run']}, process {step['pid']} on {step['host']}"
    more = [f"{name.replace('_', ' ')} {step[name]}" for name in ("provider_id", "error") if step.get(name)]
    return f"  {at}  {step['state']}{': ' if more else ''}{', '.join(more)}"


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
