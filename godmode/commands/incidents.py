"""`godmode incidents [show|ack|resolve N]`: what is wrong, what speaks for it, and how it went on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from godmode.commands import terminal
from godmode.lib.errors import Usage
from godmode.lib.notify.wording import count, line
from godmode.lib.store import executions, foreign, incidents
from godmode.lib.store.incidents import IncidentRow, Told
from godmode.wiring import App

app = typer.Typer(add_completion=False, help="What is wrong, and what speaks for it.", rich_markup_mode=None)
OPEN = "`godmode incidents` lists the open ones"
Number = Annotated[int, typer.Argument(help="The incident's number.", min=1, max=2**63 - 1)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
LATEST = 3  # failures whose messages are shown
SUBJECTS = 50  # shown to a person; --json has all


@app.callback(invoke_without_command=True)
def list_(
    ctx: typer.Context,
    all_: Annotated[bool, typer.Option("--all", help="Also the resolved ones, the newest first.")] = False,
    as_json: Json = False,
) -> int:
    """List the incidents that are not resolved, the most severe first."""
    if ctx.invoked_subcommand is not None:
        return 0
    godmode = App(terminal.config())
    now = godmode.clock.now()
    rows = incidents.listed(godmode.migrated().conn, now, resolved=all_)
    cells = [
        (row.id, row.severity, _status(row), terminal.near(row.opened_at, now), terminal.near(row.last_seen_at, now),
         row.occurrences, line(row.title))
        for row in rows
    ]  # fmt: skip
    text = terminal.table(("N", "SEVERITY", "STATUS", "SINCE", "SEEN", "TIMES", "WHAT"), cells)
    none = "there are no incidents" if all_ else "no incidents are open"
    terminal.show([asdict(row) for row in rows], as_json, text if rows else none)
    return 0


@app.command()
def show(number: Number, as_json: Json = False) -> int:
    """Show one incident: what was seen, when, with its messages; how it went on, and what she was told."""
    godmode = App(terminal.config())
    conn = godmode.migrated().conn
    row = incidents.one(conn, number, godmode.clock.now())
    if row is None:
        raise _missing(number)
    told, failures = incidents.told(conn, row), _failures(godmode, row)
    document = asdict(row) | {"messages": [asdict(t) for t in told], "failures": failures}
    terminal.show(document, as_json, "\n".join(_lines(row, told, failures)))
    return 0


@app.command()
def ack(number: Number, as_json: Json = False) -> int:
    """Acknowledge an open incident: it is not told again."""
    return _decide(number, "acknowledged", "", as_json)


@app.command()
def resolve(
    number: Number,
    reason: Annotated[str, typer.Option(help="What mended it, for the audit log.")] = "",
    as_json: Json = False,
) -> int:
    """Resolve an incident. Where its trouble is seen again, it opens again."""
    return _decide(number, "resolved", reason, as_json)


def _decide(number: int, verdict: str, reason: str, as_json: bool) -> int:
    godmode = App(terminal.config())
    conn, now = godmode.migrated().conn, godmode.clock.now()
    row = incidents.decide(conn, number, verdict, now, by=terminal.who(), reason=godmode.clean(reason))
    already = row is None
    row = row or incidents.one(conn, number, now)
    if row is None:
        raise _missing(number)
    if row.status != verdict or row.archived:
        raise Usage(f"incident {number} is not open: it is resolved since {terminal.local(row.resolved_at)}", OPEN)
    said = f"incident {number} {'was' if already else 'is'} {verdict}{' already' if already else ''}"
    terminal.show({"incident": number, "status": row.status, "already": already}, as_json, said)
    return 0


def _missing(number: int) -> Usage:
    return Usage(f"there is no incident {number}", OPEN)


# -- showing -------------------------------------------------------------------------------------------------


def _status(row: IncidentRow) -> str:
    marks = [row.status] + ["flapping"] * row.flapping + ["muted"] * (row.muted_until is not None)
    return ", ".join(marks)


def _failures(godmode: App, row: IncidentRow) -> list[dict[str, Any]]:
    """The latest failures of the workflow that an incident is about, with their messages."""
    if row.related_workflow_id is None:
        return []
    since = row.opened_at - timedelta(days=1)
    _, latest = executions.failures(godmode.store.conn, row.related_workflow_id, since, LATEST)
    return [{"execution": f.execution_id, "at": _iso(f.stopped_at), "error": f.error} for f in latest]


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _lines(row: IncidentRow, told: Sequence[Told], failures: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield line(row.title)
    yield f"{row.severity} {row.type}, {_status(row)}, since {terminal.local(row.opened_at)}"
    yield f"seen {count(row.occurrences, 'time')}, last {terminal.local(row.last_seen_at)}"
    if row.muted_until:
        yield f"incidents of this type are muted until {terminal.local(row.muted_until)}"
    if row.subjects:
        yield from _subjects(row.subjects)
    elif row.evidence:
        yield from _evidence(row.evidence)
    if failures and not (isinstance(row.evidence, Mapping) and row.evidence.get("latest")):
        yield from _evidence({"latest": failures})
    yield from _life(row.life)
    for message in told:
        by = f" by {message.channel}" if message.channel else ""
        yield f"  {terminal.local(message.created_at)}  told: {message.status}{by}"
    if row.status == "open":
        yield f"next: `godmode incidents ack {row.id}` or `godmode incidents resolve {row.id} --reason ...`"


def _subjects(subjects: Any) -> Iterator[str]:
    """The subjects, whoever wrote them: another system's may be of any shape."""
    subjects = subjects if isinstance(subjects, list) else [subjects]
    for subject in subjects[:SUBJECTS]:
        if not foreign.fits(subject, foreign.Subject):
            yield f"  {line(str(subject))}"
            continue
        first, last = (terminal.local(datetime.fromisoformat(subject[at])) for at in ("first_at", "last_at"))
        yield f"  {subject['severity']}  {line(subject['title'])}, {first} to {last}"
        yield from (f"  {text}" for text in _evidence(subject["evidence"]))
    if len(subjects) > SUBJECTS:
        yield f"  and {len(subjects) - SUBJECTS} more (--json has all)"


def _evidence(evidence: Any) -> Iterator[str]:
    """The numbers, then the latest messages, then the command that shows more."""
    evidence = foreign.evidence(evidence)
    numbers = {key: value for key, value in evidence.items() if isinstance(value, int | float | str)}
    follow_up = numbers.pop("follow_up", None)
    if numbers:
        yield "  " + ", ".join(f"{key.replace('_', ' ')} {line(str(value))}" for key, value in numbers.items())
    for item in evidence.get("latest", ()):
        at = terminal.local(datetime.fromisoformat(item["at"])) if item.get("at") else ""
        run = f"execution {item['execution']}: " if item.get("execution") else ""
        yield f"  {at}  {run}{line(item.get('error') or 'no message')}"
    if follow_up:
        yield f"  more: `{follow_up}`"


def _life(life: Any) -> Iterator[str]:
    for step in life if isinstance(life, list) else []:
        if not foreign.fits(step, foreign.Step):
            yield f"  {line(str(step))}"
            continue
        by = f" by {step['by']}" if step.get("by") else ""
        why = f": {line(step['why'])}" if step.get("why") else ""
        yield f"  {terminal.local(datetime.fromisoformat(step['at']))}  {step['what']}{by}{why}"
