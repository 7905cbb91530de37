"""The day that a rehearsal lives through: what happens to a small company from 20:00 of one evening to the next. Data.

Every kind of delivery has its moment. Times are those of the clock on the wall, in the configured zone; those from
20:00 on are the evening's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from msgspec import Struct

from godmode.lib.config import parse_time
from godmode.lib.kernel import Severity

BEGINS = time(20)
ALWAYS = f"{BEGINS:%H:%M}"


class Breaks(Struct, frozen=True):
    """Another system opens an incident."""

    key: str
    severity: Severity
    title: str


class Mended(Struct, frozen=True):
    """An incident is resolved."""

    key: str
    why: str


class Acknowledged(Struct, frozen=True):
    """She acknowledges what is open."""


class Urges(Struct, frozen=True):
    """Work of another system puts a message into the retry queue that has to be told at once, if it is not quiet."""

    type: str
    title: str
    body: str = ""


class Refuses(Struct, frozen=True):
    """Every channel refuses the next message, once."""


class Seen(Struct, frozen=True):
    """Nothing is done here: a workflow's runs show it (see WORKFLOWS). Where n8n is not read, `instead` is done."""

    instead: Breaks | Mended


Deed = Breaks | Mended | Acknowledged | Urges | Refuses | Seen


class Event(Struct, frozen=True):
    """What happens at a time of day, in words and as a deed."""

    at: str
    says: str
    deed: Deed


class Workflow(Struct, frozen=True):
    """A workflow of n8n: it runs every so many minutes between two times of the day, or fails."""

    name: str
    minutes: int
    begins: str = ALWAYS
    ends: str = ALWAYS
    error: str | None = None


class Execution(Struct, frozen=True):
    """One run of a workflow; `error` is None where it succeeded."""

    number: int
    at: datetime
    workflow: str
    error: str | None


INVOICES = "Invoice export"

WORKFLOWS = (
    Workflow("Order import", 30),
    Workflow("Stock sync", 60, begins="20:10"),
    Workflow(INVOICES, 60, begins="20:15", ends="22:15"),
    Workflow(INVOICES, 4, begins="22:30", ends="22:55", error="Ledger API says 500: Internal Server Error"),
    Workflow(INVOICES, 90, begins="08:45"),
)

EVENTS = (
    Event(
        "22:30",
        f"the workflow {INVOICES} begins to fail",
        Seen(Breaks("invoices", Severity.WARN, f"Workflow {INVOICES} failed 3 times")),
    ),
    Event(
        "23:10",
        "the shop's nightly backup fails for good",
        Urges("permanent_failure", "The backup of the shop failed for good", "no space left on its disk"),
    ),
    Event("02:10", "the shop grows slow", Breaks("slow", Severity.SEV1, "The shop takes 9 seconds to answer")),
    Event("03:40", "the shop is down", Breaks("down", Severity.SEV0, "The shop does not answer")),
    Event("03:48", "you acknowledge both incidents", Acknowledged()),
    Event("04:25", "the shop is up again, and still slow", Mended("down", "it answers again")),
    Event("08:45", f"{INVOICES} works again", Seen(Mended("invoices", "it succeeds again"))),
    Event("09:30", "the shop is fast again", Mended("slow", "it answers within a second")),
    Event("12:10", "for a moment no channel takes a message", Refuses()),
    Event(
        "12:10",
        "the disk of the shop's server fills up",
        Urges("health_alert", "The disk of the shop's server is 96 % full", "it is full in about 9 hours"),
    ),
)


class Day(Struct, frozen=True):
    """A local day to be lived, from the evening before."""

    date: date
    zone: tzinfo

    @property
    def begin(self) -> datetime:
        return self.at(ALWAYS)

    @property
    def end(self) -> datetime:
        return datetime.combine(self.date, BEGINS, tzinfo=self.zone).astimezone(UTC)

    def at(self, clock: str) -> datetime:
        """The moment (UTC) of a time of day, the evening's from 20:00 on. One that the clocks skip is an hour later."""
        wall = parse_time(clock)
        day = self.date - timedelta(days=1) if wall >= BEGINS else self.date
        return datetime.combine(day, wall, tzinfo=self.zone).astimezone(UTC)


def executions(day: Day) -> list[Execution]:
    """Every run of every workflow, in their order."""
    found = sorted(((at, w.name, w.error) for w in WORKFLOWS for at in _runs(w, day)), key=lambda run: run[:2])
    return [Execution(number, *run) for number, run in enumerate(found, 1)]


def _runs(workflow: Workflow, day: Day) -> Iterator[datetime]:
    at, last = day.at(workflow.begins), day.end if workflow.ends == ALWAYS else day.at(workflow.ends)
    while at < last:
        yield at
        at += timedelta(minutes=workflow.minutes)
