"""`godmode status`: how everything is, in one screen; what is wrong stands first, then what nobody looked at."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any

import typer
from psycopg import Connection

from godmode import registry, supply
from godmode.commands import channels, jobs, screen, terminal
from godmode.lib.engine import killswitch
from godmode.lib.errors import Usage
from godmode.lib.overview.troubles import Parts, troubles
from godmode.lib.overview.unseen import unseen
from godmode.lib.store import attention, audit, checkups, controls, figures, glance, news, proposals, sync
from godmode.wiring import App

app = typer.Typer(add_completion=False, rich_markup_mode=None)
GONE_OUT = timedelta(minutes=2)  # an urgent message that is younger is on its way
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
REFRESH = 5.0  # seconds


@app.command()
def show(
    seconds: Annotated[
        float | None, typer.Argument(help="With --watch: so often; 5 by default.", metavar="[SECONDS]", min=0.1)
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again and again, until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Show what is wrong, the jobs, the sources, the channels and what waits; exits 0 only when all is well."""
    if seconds is not None and not watch:
        raise Usage("SECONDS goes with --watch", f"`godmode status --watch {seconds:g}`")
    if watch and (as_json or not sys.stdout.isatty()):
        raise Usage("--watch needs a terminal", "leave --watch out to show it once")
    godmode = App(terminal.config())
    if watch:
        return 0 if screen.watch(godmode, partial(look, godmode), seconds or REFRESH) else 1
    document = look(godmode)
    if as_json:
        terminal.show(document, True, "")
    elif sys.stdout.isatty():
        screen.paint(document)
    else:
        print(screen.plain(document))
    return 0 if document["well"] else 1


def look(godmode: App) -> dict[str, Any]:
    """Everything `status --json` prints (docs/status.md)."""
    conn, now = godmode.migrated().conn, godmode.clock.now()
    parts = _parts(godmode, conn, now)
    told = partial(terminal.near, now=now)
    wrong, unknown = troubles(parts, told), unseen(parts, now, told)
    document = {
        "well": not wrong and (not unknown or _is_new(parts, glance.installed_at(conn), now)),
        "troubles": [asdict(trouble) for trouble in wrong],
        "unseen": [asdict(trouble) for trouble in unknown],
        "at": now,
        "kill_switch": parts.kill_switch,
        "drill": parts.drill,
        "controls": parts.controls,
        "jobs": parts.jobs,
        "sources": parts.sources,
        "channels": parts.channels,
        "incidents": [asdict(incident) for incident in parts.incidents],
        "approvals": _approvals(conn),
        "backlog": asdict(parts.backlog),
        "health": parts.health,
        "reached": attention.of_week(conn, now),
    }
    return _cleaned(godmode, document)


def _is_new(parts: Parts, installed: datetime | None, now: datetime) -> bool:
    """Whether what was not looked at could not yet be: in the first day, while no job that ran once has stopped."""
    stopped = any(entry["overdue_since"] and entry["last_started_at"] for entry in parts.jobs)
    return installed is not None and now - installed < DAY and not stopped


def _parts(godmode: App, conn: Connection, now: datetime) -> Parts:
    truth = killswitch.settle(conn, godmode.config.state, now)
    told_until = news.last_digest(conn, now) or now - WEEK
    return Parts(
        kill_switch=killswitch.is_on(godmode.config.state, truth),
        controls={name: bool(truth and getattr(truth, name)) for name in controls.NAMES},
        drill=_drill(conn),
        jobs=jobs.entries_of(godmode),
        sources=_sources(godmode, conn),
        channels=channels.entries_of(godmode),
        backlog=figures.backlog(conn),
        incidents=figures.open_incidents(conn, now),
        urgent=glance.urgent(conn, now - GONE_OUT),
        doubtful=news.doubtful(conn, told_until),
        unsettled=news.unsettled(conn, told_until),
        health=_health(conn, now),
    )


def _drill(conn: Connection) -> dict[str, Any] | None:
    """When the kill switch was last tried, and whether it stopped everything."""
    last = next(iter(audit.recent(conn, limit=1, action=killswitch.DRILL)), None)
    return {"at": last.ts, "passed": last.success, **last.output_data} if last else None


def _sources(godmode: App, conn: Connection) -> Sequence[dict[str, Any]]:
    read = {row.source_name: row for row in sync.all_rows(conn)}
    return [
        asdict(read.get(name, sync.SyncState(name)))
        | {
            "configured": supply.is_configured(godmode.config, name),
            "lacks": supply.missing(godmode.config, name),
            "every_minutes": _minutes(godmode, name),
        }
        for name, (_, target) in registry.SOURCES.items()
        if target
    ]


def _minutes(godmode: App, source: str) -> int:
    """How often a source is read, by its own sync: a scan reads it no less often."""
    return int(jobs.period(godmode.job(f"sync_{source}").cadence) / timedelta(minutes=1))


def _health(conn: Connection, now: datetime) -> dict[str, Any] | None:
    last = checkups.before(conn, "health_monitor", now)
    if last is None:
        return None
    return {"at": last.at, "degraded": last.data.get("degraded") or [], "checks": last.data.get("checks") or {}}


def _approvals(conn: Connection) -> list[dict[str, Any]]:
    return [
        {"id": row.id, "title": row.title, "confidence": row.confidence, "updated_at": row.updated_at}
        for row in proposals.waiting(conn)
    ]


def _cleaned(godmode: App, document: dict[str, Any]) -> dict[str, Any]:
    """The texts that come from elsewhere (an error, a title somebody wrote by hand) without what must not be shown."""
    for key, part in (("troubles", "what"), ("unseen", "what"), ("incidents", "title"), ("approvals", "title")):
        for entry in document[key]:
            entry[part] = " ".join(godmode.clean(entry[part]).split())
    return document
