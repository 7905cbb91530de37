"""What `godmode metrics` tells of: the status page's parts as gauges, with Prometheus' names and base units. Pure.

Nothing is a counter: what is counted here is counted over a window or is a level, since to count all of history would
cost more every day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from godmode.lib.exposition import Metric, one
from godmode.lib.kernel import Severity
from godmode.lib.store.limits import Usage

Entry = Mapping[str, Any]


class Counted(Struct, frozen=True):
    """What the metrics look up beside the status page.

    `queue` are the retry queue's rows by state, `open_incidents` counts by severity, `usage` is since local midnight,
    `limits` are the daily ones that are configured, by source.
    """

    version: str
    queue: Mapping[str, int]
    open_incidents: Mapping[str, int]
    usage: Sequence[Usage]
    limits: Mapping[str, int]


def down(now: datetime, version: str) -> Iterator[Metric]:
    """What can be told while the database is away."""
    yield one("up", "Whether godmode's database could be read.", False)
    yield _info(version)
    yield _generated(now)


def metrics(document: Entry, counted: Counted) -> Iterator[Metric]:
    """Everything, from the document of `godmode status --json` and what was counted beside it."""
    yield one("up", "Whether godmode's database could be read.", True)
    yield _info(counted.version)
    yield _generated(document["at"])
    yield from _state(document)
    yield from _jobs(document["jobs"])
    yield from _sources(document["sources"], counted)
    yield from _waiting(document, counted)


def _info(version: str) -> Metric:
    return Metric("build_info", "The version that wrote this.", [({"version": version}, 1)])


def _generated(at: datetime) -> Metric:
    return one("metrics_generated_timestamp_seconds", "When these values were looked up.", at)


def _state(document: Entry) -> Iterator[Metric]:
    yield one("well", "Whether nothing is wrong and all that should look has looked.", document["well"])
    yield one("troubles", "Things that are wrong, as the status page counts them.", len(document["troubles"]))
    yield one("unseen", "Things that nobody has looked at.", len(document["unseen"]))
    yield one("kill_switch_active", "Whether the kill switch is on.", document["kill_switch"])
    controls = [({"control": name.removesuffix("_enabled")}, on) for name, on in document["controls"].items()]
    yield Metric("control_enabled", "Whether a control allows what it is for.", controls)
    channels = [({"channel": c["name"]}, c["state"] == "ready") for c in document["channels"] if c["configured"]]
    yield Metric("channel_ready", "Whether a configured channel could reach the operator.", channels)
    health = document["health"]
    if health is not None:
        yield one("health_checked_timestamp_seconds", "When the health monitor last looked.", health["at"])
        yield one("health_degraded_checks", "Checks that it found not well.", len(health["degraded"]))


def _jobs(jobs: Sequence[Entry]) -> Iterator[Metric]:
    def of(name: str, help: str, key: str) -> Metric:
        return Metric(f"job_{name}", help, [({"job": entry["job"]}, entry[key]) for entry in jobs])

    expected = [({"job": e["job"]}, bool(e["implemented"] and e["enabled"] and not e["lacks"])) for e in jobs]
    yield Metric("job_expected", "Whether a job is switched on and has what it needs to run.", expected)
    yield of("last_start_timestamp_seconds", "When a job last began.", "last_started_at")
    yield of("last_success_timestamp_seconds", "When a job last worked.", "last_success_at")
    took = [({"job": e["job"]}, None if e["last_duration_ms"] is None else e["last_duration_ms"] / 1000) for e in jobs]
    yield Metric("job_last_duration_seconds", "How long a job's newest run took.", took)
    yield of("consecutive_failures", "Failures of a job in a row, up to now.", "consecutive_failures")
    running = [({"job": e["job"]}, e["state"] == "running") for e in jobs]
    yield Metric("job_running", "Whether a job is under way.", running)
    overdue = [({"job": e["job"]}, e["overdue_since"] is not None) for e in jobs]
    yield Metric("job_overdue", "Whether a slot that should have begun did not.", overdue)
    yield of("next_slot_timestamp_seconds", "When a job's next slot begins.", "next_slot")
    yield of("period_seconds", "The time between two slots of a job.", "period_seconds")


def _sources(sources: Sequence[Entry], counted: Counted) -> Iterator[Metric]:
    read = [s for s in sources if s["configured"]]

    def of(name: str, help: str, key: str) -> Metric:
        return Metric(f"source_{name}", help, [({"source": s["source_name"]}, s[key]) for s in read])

    yield of("last_sync_timestamp_seconds", "When a source was last read to the end.", "last_sync_completed_at")
    yield of("last_sync_success", "Whether a source's newest sync worked.", "last_sync_success")
    yield of("last_sync_records", "Records of a source's newest sync.", "items_synced")
    for name, help in (
        ("calls", "Calls to a service since local midnight."),
        ("errors", "Calls to a service that failed, since local midnight."),
        ("throttled", "Calls that a service refused as too many, since local midnight."),
    ):
        yield Metric(f"api_{name}_today", help, [({"service": u.service}, getattr(u, name)) for u in counted.usage])
    limits = [({"service": source}, calls) for source, calls in counted.limits.items()]
    yield Metric("api_daily_limit", "Calls to a service that a day may have, as configured.", limits)


def _waiting(document: Entry, counted: Counted) -> Iterator[Metric]:
    backlog = document["backlog"]
    states = [({"state": state}, counted.queue[state]) for state in ("waiting", "ready", "running")]
    yield Metric("queue_rows", "Rows of the retry queue; those that are ready also wait.", states)
    yield one("dead_letters", "Work given up on, waiting for a person.", backlog["dead_letters"])
    yield one("messages_waiting", "Messages that have not gone out.", backlog["messages"])
    yield one("approvals_waiting", "Proposals that wait for the operator's word.", backlog["proposals"])
    incidents = [({"severity": str(s)}, counted.open_incidents.get(str(s), 0)) for s in Severity]
    yield Metric("incidents_open", "Incidents that are not resolved.", incidents)
    reached = [({"way": way}, count) for way, count in document["reached"].items()]
    yield Metric("reached_within_a_week", "How often the operator was reached in the last seven days.", reached)
