"""What a history is made of: rows that become true at a moment, and the labels of what is wrong in it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from psycopg.types.json import Jsonb

ZONE = ZoneInfo("America/Chicago")
MINUTE, HOUR, DAY, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Event:
    """At `at` this statement is executed."""

    at: datetime
    statement: str
    values: Values


@dataclass(frozen=True)
class Trouble:
    """Something that is wrong from `begin` to `end`.

    `seen_as` are the types of incident that find it, `found_by` the detectors that do; `beside` what else may rightly
    speak of it. `about` is a piece of the text by which what was said of it is known. It can be seen from `visible`.
    A `faint` one may be missed. `later` are, for what a detector foretells (an ask comes back, a second try works), the
    moments that it speaks of, and whether it came so.
    """

    kind: str
    begin: datetime
    end: datetime
    visible: datetime
    about: str
    seen_as: frozenset[str] = frozenset()
    found_by: frozenset[str] = frozenset()
    beside: frozenset[str] = frozenset()
    faint: bool = False
    later: tuple[tuple[datetime, bool], ...] = ()


@dataclass
class History:
    """Events, and what is wrong in them. `quiet` are executions that a trouble keeps from happening: name, from, to.

    `down` are godmode's own jobs that do not run from one moment to another; `held` those that hang, likewise. `twins`
    have the shape of a trouble without its cause: whatever is said of one is false.
    """

    chance: random.Random
    begin: datetime
    events: list[Event] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    twins: list[Trouble] = field(default_factory=list)
    decoys: list[tuple[str, datetime]] = field(default_factory=list)
    quiet: list[tuple[str, datetime, datetime, float]] = field(default_factory=list)
    slow: list[tuple[str, datetime, datetime, float]] = field(default_factory=list)
    dear: list[tuple[str, datetime, datetime, float]] = field(default_factory=list)
    down: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    off: frozenset[str] = frozenset()  # local dates on which hardly anything happens
    number: int = 0

    def add(self, at: datetime, statement: str, /, **values: Any) -> None:
        self.events.append(Event(at, statement, values))

    def row(self, at: datetime, table: str, /, **values: Any) -> None:
        """A row that is inserted at a moment."""
        names = ", ".join(values)
        self.add(at, f"INSERT INTO {table} ({names}) VALUES ({', '.join(f'%({n})s' for n in values)})", **values)

    def ran(
        self,
        workflow: str,
        at: datetime,
        *,
        error: str | None = None,
        seconds: float = 3.0,
        mode: str = "trigger",
        retry_of: str | None = None,
    ) -> str:
        """An execution of a workflow, read by the next sync of n8n; its id."""
        self.number += 1
        number, name = str(self.number), workflow
        ended = at + timedelta(seconds=seconds)
        self.row(
            ended, "workflow_executions", execution_id=number, workflow_id=name.lower().replace(" ", "-"),
            workflow_name=name, status="error" if error else "success", mode=mode, started_at=at, stopped_at=ended,
            error=error, retry_of=retry_of, noted_at=ended,
        )  # fmt: skip
        if retry_of and not error:
            self.add(
                ended,
                "UPDATE workflow_executions SET retry_success_id = %(by)s WHERE execution_id = %(id)s",
                by=number, id=retry_of,
            )  # fmt: skip
        return number

    def outcome(
        self,
        action: str,
        at: datetime,
        *,
        error: str | None = None,
        ms: int = 2000,
        kind: str = "job",
        attempt: int = 1,
    ) -> None:
        """A row of the audit log."""
        self.row(
            at, "agent_audit_log", ts=at, action=action, action_type=kind, success=error is None, error=error,
            duration_ms=ms, output_data=Jsonb({"attempt": 1}), run_id=f"r{self.number}", slot=at.isoformat(),
        )  # fmt: skip

    def called(self, service: str, at: datetime, calls: int) -> None:
        """Calls of a service at a moment."""
        self.add(
            at,
            "INSERT INTO api_usage AS u (service, hour, calls, duration_ms)"
            " VALUES (%(service)s, %(hour)s, %(calls)s, %(ms)s)"
            " ON CONFLICT (service, hour) DO UPDATE SET calls = u.calls + EXCLUDED.calls",
            service=service, hour=at.replace(minute=0, second=0, microsecond=0), calls=calls, ms=calls * 180,
        )  # fmt: skip

    def said(self, text: str, at: datetime, author: str, where: str, role: str = "person") -> None:
        """A chat message, read as soon as it was said."""
        self.number += 1
        fields = {"author": author, "role": role, "conversation": where, "title": where, "thread": None}
        self.row(
            at, "memory_items", key=f"chatlogs.{self.number}", value=text, source_type="chatlogs", fields=Jsonb(fields),
            occurred_at=at, created_at=at,
        )  # fmt: skip

    def page(self, key: str, title: str, text: str, edited: datetime, at: datetime) -> None:
        """A canonical page that is read at `at`."""
        self.row(
            at, "memory_items", key=f"notion.{key}", value=text, authority="canonical", source_type="notion",
            fields=Jsonb({"title": title}), occurred_at=edited, created_at=at,
        )  # fmt: skip

    def changed(self, kept: Sequence[tuple[str, datetime, datetime, float]], name: str, at: datetime) -> float:
        """The factor by which a trouble changes something at a moment; 1 without any."""
        factor = 1.0
        for subject, begin, end, times in kept:
            if subject in (name, "*") and begin <= at < end:
                factor *= times
        return factor


def next_of(step: timedelta, at: datetime) -> datetime:
    """The first full hour, half hour, … from a moment on."""
    past = (at - datetime(2025, 1, 1, tzinfo=UTC)) % step
    return at - past + step if past else at


def local(day: datetime, hour: float) -> datetime:
    """An hour of the local date of a moment, in UTC."""
    midnight = day.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight.replace(tzinfo=None) + timedelta(hours=hour)).replace(tzinfo=ZONE).astimezone(UTC)
