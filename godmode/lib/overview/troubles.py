"""What is not as it should be, the worst first, each with the command that follows it up. Pure.

The parts are those of `godmode status --json` (docs/status.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from godmode.lib.clock import shown
from godmode.lib.store import sync
from godmode.lib.store.figures import Backlog, OpenIncident
from godmode.lib.store.glance import Urgent
from godmode.lib.store.news import Doubtful, Unsettled

Entry = Mapping[str, Any]
LOUD = ("SEV0", "SEV1")


@dataclass(frozen=True)
class Trouble:
    """Something that is not as it should be, or was not looked at, and the command that follows it up."""

    what: str
    command: str


@dataclass(frozen=True)
class Parts:
    """All that was looked up."""

    kill_switch: bool
    controls: Mapping[str, bool]
    drill: Entry | None
    jobs: Sequence[Entry]
    sources: Sequence[Entry]
    channels: Sequence[Entry]
    backlog: Backlog
    incidents: Sequence[OpenIncident]
    urgent: Sequence[Urgent]
    doubtful: Sequence[Doubtful]
    unsettled: Sequence[Unsettled]
    health: Mapping[str, Any] | None


def troubles(parts: Parts, told: Callable[[datetime], str]) -> list[Trouble]:
    """What is wrong, the worst first. `told` writes a moment as the operator reads it."""
    return [*_switch(parts), *_reaching(parts), *_work(parts), *_rest(parts, told)]


def _switch(parts: Parts) -> Iterator[Trouble]:
    if parts.kill_switch:
        yield Trouble("the kill switch is on: nothing runs", "godmode killswitch off")
    if parts.drill and not parts.drill["passed"]:
        yield Trouble("the kill switch failed its last drill", "godmode killswitch drill")
    if not parts.controls["jobs_enabled"]:
        yield Trouble("jobs_enabled is off: only health-monitor runs", "godmode controls set jobs_enabled on")
    if not parts.controls["comms_enabled"]:
        yield Trouble("comms_enabled is off: nothing reaches you", "godmode controls set comms_enabled on")


def _reaching(parts: Parts) -> Iterator[Trouble]:
    """The urgent incidents, and what was to reach her and perhaps has not."""
    yield from _incidents(parts.incidents, loud=True)
    for message in parts.urgent:
        what = f"{message.severity} has not gone out ({message.status}): {message.title}"
        yield Trouble(what, f"godmode audit messages --status {message.status}")
    for row in parts.doubtful:
        may = "may not have reached you" if row.status == "uncertain" else "did not reach you"
        by = f" by {row.channel}" if row.channel else ""
        yield Trouble(f"{row.severity} {may}{by}: {row.title}", f"godmode audit messages --status {row.status}")
    for action in parts.unsettled:
        yield Trouble(f"nobody knows whether {action.kind} happened", f"godmode audit action {action.id}")
    for channel in parts.channels:
        if channel["configured"] and channel["state"] != "ready":
            yield Trouble(f"{channel['name']}: {channel['state']}", "godmode channels")


def _incidents(incidents: Iterable[OpenIncident], *, loud: bool) -> Iterator[Trouble]:
    for incident in incidents:
        if (incident.severity in LOUD) == loud:
            seen = " (acknowledged)" if incident.status == "acknowledged" else ""
            yield Trouble(f"{incident.severity}{seen}: {incident.title}", f"godmode incidents show {incident.id}")


def _work(parts: Parts) -> Iterator[Trouble]:
    for entry in parts.jobs:
        name = entry["job"].replace("_", "-")
        if entry["consecutive_failures"] or entry["state"] == "failed":
            times = entry["consecutive_failures"]
            how = f"{times} times in a row" if times > 1 else "last time"
            yield Trouble(f"{name} failed {how}: {entry['last_error']}", f"godmode audit --job {name}")
        if entry["stuck"]:
            yield Trouble(f"{name} began and never ended", f"godmode run {name}")
    yield from _incidents(parts.incidents, loud=False)
    yield from _health(parts.health)
    failing = {entry["job"] for entry in parts.jobs if entry["consecutive_failures"]}
    for source in parts.sources:
        if f"sync_{source['source_name']}" not in failing:
            yield from _source(source)


def _health(found: Mapping[str, Any] | None) -> Iterator[Trouble]:
    """What the health monitor found not well; jobs apart, which stand here themselves."""
    checks = (found or {}).get("checks")
    for name in (found or {}).get("degraded") or ():
        if name != "jobs":
            detail = checks.get(name) if isinstance(checks, Mapping) else None
            said = detail if isinstance(detail, str) and detail else name
            yield Trouble(f"health: {said}", "godmode audit --job health-monitor")


def _source(source: Entry) -> Iterator[Trouble]:
    name = source["source_name"]
    if not source["configured"]:
        return
    if source["lacks"]:
        yield Trouble(f"{name}: {source['lacks']} is missing", "godmode config check")
    elif source["last_sync_success"] is False:
        yield Trouble(f"{name} was not read: {source['last_error']}", f"godmode run sync-{name}")
    elif source["limited"] not in (None, sync.TIME_OVER):  # what the time ended goes on in the next slot
        why = source["limited"].removeprefix(f"{name}: ")
        yield Trouble(f"{name} was not read to the end: {why}", "godmode sources")


def _rest(parts: Parts, told: Callable[[datetime], str]) -> Iterator[Trouble]:
    for entry in parts.jobs:
        if missed := entry["last_missed"]:
            name = entry["job"].replace("_", "-")
            slots = "1 slot" if missed["count"] == 1 else f"{missed['count']} slots"
            first, last = shown(missed["from"], told), shown(missed["to"], told)
            span = first if first == last else f"{first} to {last}"
            yield Trouble(f"{name} missed {slots}, {span}", f"godmode audit --job {name}")
    if count := parts.backlog.dead_letters:
        what = "1 piece of work was" if count == 1 else f"{count} pieces of work were"
        yield Trouble(f"{what} given up on", "godmode queue dead")
