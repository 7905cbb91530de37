"""`godmode sources [test NAME]`: how far each source is read, how complete it is, and what its credentials may see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any, TypeVar

import typer

from godmode import registry, supply
from godmode.commands import terminal
from godmode.lib.config import nearest
from godmode.lib.engine import killswitch
from godmode.lib.engine.meter import day_of
from godmode.lib.engine.stop import Stopped, Stopper
from godmode.lib.errors import KillSwitchOn, Transient, Usage
from godmode.lib.notify.freshness import freshness
from godmode.lib.ports import Remote
from godmode.lib.store import controls, limits, sync
from godmode.wiring import App

app = typer.Typer(add_completion=False, help="How far the sources are read.", rich_markup_mode=None)
T = TypeVar("T")
LONGEST = timedelta(seconds=30)  # that a test may take, however the service drips
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.callback(invoke_without_command=True)
def list_(ctx: typer.Context, as_json: Json = False) -> int:
    """List the sources: when each was read, how complete it is, its calls of today, what is wrong."""
    if ctx.invoked_subcommand is not None:
        return 0
    entries = entries_of(App(terminal.config()))
    configured = [e for e in entries if e["configured"]]
    lines = [terminal.table(("SOURCE", "READ", "AGE", "COMPLETE", "CALLS TODAY"), map(_row, entries))]
    lines += [f"{e['source']}: {e['freshness']}" for e in configured if e["freshness"] and e["completeness"]]
    lines += [f"{e['source']}: {e['trouble'].removeprefix(e['source'] + ': ')}" for e in configured if e["trouble"]]
    terminal.show(entries, as_json, "\n".join(lines))
    return 0


def entries_of(godmode: App) -> list[dict[str, Any]]:
    """Everything `sources --json` prints, a source an entry; times are UTC, ages in minutes."""
    conn, now = godmode.migrated().conn, godmode.clock.now()
    read = {row.source_name: row for row in sync.all_rows(conn)}
    used = {u.service: u for u in limits.usage(conn, day_of(now, godmode.config.zone))}
    return [
        _entry(godmode, name, read.get(name, sync.SyncState(name)), used.get(name), now)
        for name, (_, target) in registry.SOURCES.items()
        if target
    ]


def _entry(godmode: App, name: str, state: sync.SyncState, used: limits.Usage | None, now: datetime) -> dict[str, Any]:
    configured = supply.is_configured(godmode.config, name)
    lacks = supply.missing(godmode.config, name) if configured else None
    last = state.last_sync_completed_at
    return {
        "source": name,
        "configured": configured,
        "last_sync_started_at": state.last_sync_started_at,
        "last_sync_completed_at": last,
        "last_sync_success": state.last_sync_success,
        "age_minutes": None if last is None else int((now - last) / timedelta(minutes=1)),
        "items_synced": state.items_synced,
        "freshness": freshness(state, now, godmode.config.zone),
        "completeness": state.completeness or None,
        "calls_today": used.calls if used else 0,
        "errors_today": used.errors if used else 0,
        "throttled_today": used.throttled if used else 0,
        "daily_calls": godmode.config.settings.sources.get(name, {}).get("daily_calls"),
        "skipped": state.last_skipped,
        "trouble": f"{lacks} is missing" if lacks else state.last_error or state.limited,
    }


def _row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    if not entry["configured"]:
        return (entry["source"], "not configured", "", "", "")
    calls = f"{entry['calls_today']:,}" + (f" of {entry['daily_calls']:,}" if entry["daily_calls"] else "")
    errors = f", {entry['errors_today']} failed" if entry["errors_today"] else ""
    return (
        entry["source"],
        terminal.local(entry["last_sync_completed_at"]),
        _age(entry["age_minutes"]),
        _complete(entry["completeness"]),
        calls + errors if entry["source"] in supply.NEEDS else "",
    )


def _age(minutes: int | None) -> str:
    if minutes is None:
        return ""
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"


def _complete(report: Mapping[str, Any] | None) -> str:
    """`4,812 of 4,812, compared Tue 24 Nov 00:30`; nothing before the first comparison."""
    if not report:
        return ""
    mended = [f"{report[key]} {key}" for key in ("repaired", "gone") if report[key]]
    at = terminal.local(datetime.fromisoformat(report["at"]))
    return f"{report['stored']:,} of {report['at_source']:,}, compared {at}" + (
        f" ({', '.join(mended)})" if mended else ""
    )


@app.command()
def test(
    name: Annotated[
        str,
        typer.Argument(
            help="The source, as `godmode sources` lists it.", autocompletion=terminal.known(registry.SOURCES)
        ),
    ],
    as_json: Json = False,
) -> int:
    """Prove a source's credentials with a request or two, and say what they may see. Nothing is stored."""
    known = [source for source, (_, target) in registry.SOURCES.items() if target]
    if name not in known:
        raise Usage(f'there is no source "{name}"{nearest(name, known)}', "`godmode sources` lists them")
    godmode = App(terminal.config())
    if not supply.is_configured(godmode.config, name):
        needs = supply.NEEDS.get(name)
        fix = f"add [sources.{name}] to {godmode.config.path}" + (f" and set {needs.secret}" if needs else "")
        raise Usage(f"{name} is not configured", fix)
    document = tested(godmode, name)
    terminal.show(document, as_json, f"{name}: {document['says']}")
    return 0


def tested(godmode: App, name: str) -> dict[str, Any]:
    """What `sources test --json` prints. Raises KillSwitchOn, and what the source raises."""

    godmode.migrated()
    source = godmode.supply.one(name, partial(allowed, godmode))
    if not isinstance(source, Remote):
        return {"source": name, "says": "it has no credentials to prove", "total": None}
    try:
        sight = bounded(f"sources.{name}", source.test)
    finally:
        source.close()
    return {"source": name, "says": sight.says, "total": sight.total}


def allowed(godmode: App) -> None:
    """What a test asks before every request. Raises KillSwitchOn."""
    truth = controls.read(godmode.store.conn)
    if killswitch.is_on(godmode.config.state, truth):
        raise KillSwitchOn("Kill switch is active", "`godmode killswitch off` allows requests again")


def bounded(section: str, test: Callable[[], T]) -> T:
    """What a test comes to, or the error that it ends with: after LONGEST at the latest, and at once on a signal.

    `section` is that of the configuration which says where the service is.
    """
    stopper, name = Stopper(), section.partition(".")[2]
    try:
        with stopper.listening(LONGEST), stopper.armed():
            return test()
    except Stopped as e:
        if stopper.deadline_passed:
            fix = f"is {section}.base_url right, and the service well?"
            raise Transient(f"{name} gave no whole answer within {LONGEST.total_seconds():g} s", fix) from None
        raise Transient(f"the test of {name} was {e}") from None
