"""`godmode queue [dead|show|add|retry|dismiss]`: failed work that waits for its next attempt, or for a person."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
import typer
from msgspec.structs import asdict

from godmode import registry
from godmode.commands import terminal
from godmode.lib.config import nearest
from godmode.lib.engine import anew
from godmode.lib.errors import Usage
from godmode.lib.store import audit, dead_letters, retry_jobs
from godmode.lib.store.dead_letters import DeadLetter
from godmode.lib.store.retry_jobs import RetryRow
from godmode.wiring import App

app = typer.Typer(add_completion=False, help="Failed work: what waits, what was given up on.", rich_markup_mode=None)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Which = Annotated[str | None, typer.Argument(help="N as `queue` lists it, or dead:N for a dead letter.", metavar="N")]
All = Annotated[bool, typer.Option("--all", help="All that wait.")]
Dead = Annotated[bool, typer.Option("--dead", help="With --all: all dead letters.")]
Yes = Annotated[bool, typer.Option("--yes", help="Go on without being asked.")]
EVERY = 1_000_000
TEN_YEARS = 10 * 365 * 24 * 3600  # seconds


@app.callback(invoke_without_command=True)
def list_(ctx: typer.Context, as_json: Json = False) -> int:
    """List the work that waits for its next attempt."""
    if ctx.invoked_subcommand is not None:
        return 0
    godmode = App(terminal.config())
    conn, now = godmode.migrated().conn, godmode.clock.now()
    rows = retry_jobs.waiting(conn)
    counts = retry_jobs.counts(conn, now) | {"dead": dead_letters.count_open(conn)}
    cells = [
        (row.id, row.type, _short(row.payload), row.status, f"{row.attempts}/{row.max_attempts}",
         terminal.local(row.run_at), _why(row.errors, row.note))
        for row in rows
    ]  # fmt: skip
    summary = (
        f"{counts['waiting']} waiting ({counts['ready']} ready), {counts['running']} running, "
        f"{counts['completed_last_day']} completed in the last day, {counts['dead']} dead (`godmode queue dead`)"
    )
    table = terminal.table(("N", "TYPE", "WORK", "STATUS", "TRIES", "NEXT", "WHY"), cells)
    document = {"counts": counts, "rows": [asdict(row) for row in rows]}
    terminal.show(document, as_json, f"{table}\n{summary}" if rows else summary)
    return 0


@app.command()
def dead(as_json: Json = False) -> int:
    """List the work that was given up on."""
    letters = dead_letters.waiting(App(terminal.config()).migrated().conn)
    cells = [
        (f"dead:{row.id}", row.type, _short(row.payload), row.attempts, terminal.local(row.created_at), row.error)
        for row in letters
    ]
    text = terminal.table(("N", "TYPE", "WORK", "TRIES", "SINCE", "WHY"), cells)
    terminal.show([asdict(row) for row in letters], as_json, text if letters else "nothing was given up on")
    return 0


@app.command()
def show(which: Annotated[str, typer.Argument(help="N, or dead:N.", metavar="N")], as_json: Json = False) -> int:
    """Show one piece of work with the errors of its attempts."""
    row = _find(App(terminal.config()), which)
    terminal.show(asdict(row), as_json, _text(row))
    return 0


@app.command()
def add(
    type_: Annotated[str, typer.Argument(help=", ".join(registry.RETRIES), metavar="TYPE")],
    payload: Annotated[str, typer.Argument(help='JSON, such as {"do": "noop"} or {"job": "daily_digest"}.')],
    key: Annotated[str | None, typer.Option(help="Add nothing while work of this key is open.")] = None,
    after: Annotated[int, typer.Option(help="Not before so many seconds have passed.", min=0, max=TEN_YEARS)] = 0,
    expires: Annotated[int | None, typer.Option(help="No longer after so many seconds.", min=0, max=TEN_YEARS)] = None,
    tries: Annotated[int, typer.Option(help="Give up after so many attempts.", min=1, max=1000)] = 5,
    as_json: Json = False,
) -> int:
    """Add work to the queue."""
    godmode = App(terminal.config())
    content = _checked(type_, payload)
    conn, now = godmode.migrated().conn, godmode.clock.now()
    with conn.transaction():
        number = retry_jobs.enqueue(
            conn, type_, content, now=now, unique_key=key, run_at=now + timedelta(seconds=after),
            expires_at=now + timedelta(seconds=expires) if expires is not None else None, max_attempts=tries,
        )  # fmt: skip
        if number is not None:
            _audit(godmode, {"added": number, "type": type_})
    text = f"added as {number}" if number is not None else f'work of key "{key}" is open already; nothing was added'
    terminal.show({"id": number}, as_json, text)
    return 0


@app.command()
def retry(which: Which = None, all_: All = False, dead: Dead = False, yes: Yes = False, as_json: Json = False) -> int:
    """Let work run at the next chance; a dead letter starts anew."""
    godmode = App(terminal.config())
    rows = _chosen(godmode, which, all_, dead, "Retry", yes)
    now, done = godmode.clock.now(), []
    for row in rows:
        with godmode.store.conn.transaction():
            number = _retry(godmode, row, now)
            _audit(godmode, {"retried": _name(row), "as": number})
        done.append({"which": _name(row), "id": number})
    text = "\n".join(f"{one['which']} runs at the next chance, as {one['id']}" for one in done)
    terminal.show({"retried": done}, as_json, text or "nothing waits")
    return 0


@app.command()
def dismiss(
    which: Which = None,
    reason: Annotated[str, typer.Option(help="Why it is not needed any more.")] = "",
    all_: All = False,
    dead: Dead = False,
    yes: Yes = False,
    as_json: Json = False,
) -> int:
    """Flag work as not needed any more; it is kept, with the reason."""
    if not reason.strip():
        raise Usage("a reason is needed", 'add --reason "..."')
    godmode = App(terminal.config())
    rows = _chosen(godmode, which, all_, dead, "Dismiss", yes)
    reason = godmode.clean(reason)
    now = godmode.clock.now()
    for row in rows:
        with godmode.store.conn.transaction():
            _dismiss(godmode, row, reason, now)
            _audit(godmode, {"dismissed": _name(row), "reason": reason})
    names = [_name(row) for row in rows]
    terminal.show({"dismissed": names}, as_json, "\n".join(f"{name} is dismissed" for name in names) or "nothing waits")
    return 0


# -- acting --------------------------------------------------------------------------------------------------


def _retry(godmode: App, row: RetryRow | DeadLetter, now: datetime) -> int:
    """The number in the queue under which it runs."""
    conn = godmode.store.conn
    if isinstance(row, RetryRow):
        if not retry_jobs.hasten(conn, row.id, now):
            raise _not_open(row)
        return row.id
    number = anew.start(conn, row, now)
    if number is None:
        raise _not_open(row)
    return number


def _dismiss(godmode: App, row: RetryRow | DeadLetter, reason: str, now: datetime) -> None:
    conn = godmode.store.conn
    if isinstance(row, RetryRow):
        done = retry_jobs.dismiss(conn, row.id, reason, now)
    else:
        done = dead_letters.close(conn, row.id, "dismissed", reason, now)
    if not done:
        raise _not_open(row)


def _not_open(row: RetryRow | DeadLetter) -> Usage:
    if isinstance(row, DeadLetter) or row.status != "dead":
        return Usage(f"{_name(row)} is {row.status}, so it does not wait", "`godmode queue` lists what does")
    return Usage(f"{row.id} was given up on", "`godmode queue dead` has it as a dead letter")


def _audit(godmode: App, data: dict[str, Any]) -> None:
    audit.write(godmode.store.conn, godmode.clock.now(), "queue", "control", success=True, data=data)


# -- choosing ------------------------------------------------------------------------------------------------


def _chosen(
    godmode: App, which: str | None, all_: bool, dead: bool, word: str, yes: bool
) -> Sequence[RetryRow | DeadLetter]:
    """What the operator means; all of a kind only after she saw how many, and said yes."""
    if (which is None) is not all_ or (dead and not all_):
        raise Usage("name one piece of work, or --all", "`godmode queue` and `godmode queue dead` list them")
    if which is not None:
        return [_find(godmode, which)]
    conn = godmode.migrated().conn
    if dead:
        letters = dead_letters.waiting(conn, EVERY)
        if letters:
            terminal.confirm(f"{word} {_count(len(letters), 'dead letter')}?", yes)
        return letters
    rows = [row for row in retry_jobs.waiting(conn, EVERY) if row.status == "pending"]
    if rows:
        terminal.confirm(f"{word} {_count(len(rows), 'waiting piece')} of work?", yes)
    return rows


def _find(godmode: App, which: str) -> RetryRow | DeadLetter:
    kind, _, number = which.rpartition(":")
    if kind not in ("", "dead") or not number.isdecimal() or int(number) >= 2**63:
        raise Usage(f'"{which}" is neither a number nor dead:N', "`godmode queue` lists them")
    conn = godmode.migrated().conn
    row = dead_letters.one(conn, int(number)) if kind else retry_jobs.one(conn, int(number))
    if row is None:
        words = f"godmode queue{' dead' if kind else ''}"
        raise Usage(f"there is no {'dead letter' if kind else 'work'} {number}", f"`{words}` lists what there is")
    return row


def _checked(type_: str, payload: str) -> Any:
    kind = registry.retry(type_)
    if kind is None:
        known = ", ".join(registry.RETRIES)
        raise Usage(f'there is no work of type "{type_}"{nearest(type_, registry.RETRIES)}', f"there are {known}")
    try:
        content = json.loads(payload)
        msgspec.convert(content, kind.payload)
    except (ValueError, msgspec.ValidationError) as e:
        raise Usage(f"the payload does not fit {type_}: {e}") from e
    return content


# -- showing -------------------------------------------------------------------------------------------------


def _name(row: RetryRow | DeadLetter) -> str:
    return str(row.id) if isinstance(row, RetryRow) else f"dead:{row.id}"


def _text(row: RetryRow | DeadLetter) -> str:
    lines = [f"{_name(row)}  {row.type}  {row.status}  {json.dumps(row.payload, ensure_ascii=False)}"]
    if isinstance(row, RetryRow):
        lines.append(f"attempts {row.attempts} of {row.max_attempts}, next {terminal.local(row.run_at)}")
        lines += [f"expires {terminal.local(row.expires_at)}"] if row.expires_at else []
        lines += [f"key {row.unique_key}"] if row.unique_key else []
    else:
        lines.append(
            f"given up on {terminal.local(row.created_at)} after {_count(row.attempts, 'attempt')}: {row.error}"
        )
        lines += [f"in the queue it was {row.retry_job_id}"] if row.retry_job_id else []
    lines += [f"note: {row.note}"] if row.note else []
    errors = row.errors if isinstance(row.errors, list) else []
    return "\n".join(lines + [f"  {e.get('at')}  {e.get('category')}: {e.get('error')}" for e in errors])


def _why(errors: Any, note: str | None) -> str:
    last = errors[-1].get("error", "") if isinstance(errors, list) and errors else ""
    return note or last


def _short(payload: Any) -> str:
    text = json.dumps(payload, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
