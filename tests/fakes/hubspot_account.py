"""The contacts of a HubSpot account as its API shows them: the records themselves, and the search index behind them.

Times are milliseconds since 1970, as HubSpot keeps them. The index learns of a change `lag` later, so a search can
miss what was just written and still find what was just deleted, while the list and the batch read do not.
"""

from __future__ import annotations

import itertools
import json
import random
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from heapq import heappop, heappush
from typing import Any

Properties = Mapping[str, str | None]
Filter = Mapping[str, Any]

DEFAULT = ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname")  # as documented
MERGED = "hs_merged_object_ids"
MOST_ROWS = 10_000  # of one search, by `after`
STAGES = ("subscriber", "lead", "marketingqualifiedlead", "opportunity", "customer")
FIRST = ("Ada", "Grace", "Zoë", "José", "Ngũgĩ", "李", "Ólafur", "Mary-Jane")
LAST = ("Lovelace", "Hopper", "O'Neill", "Müller", "王", "Łukasiewicz", "van der Berg")


def iso(ms: int) -> str:
    """As HubSpot writes a time: UTC with milliseconds and Z."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ms(at: datetime) -> int:
    """A time as HubSpot's filters want it."""
    return round(at.timestamp() * 1000)


@dataclass(frozen=True)
class Contact:
    id: int
    created: int
    modified: int
    said: Properties = field(default_factory=dict)
    archived: int | None = None

    def value(self, name: str) -> str | None:
        """A property as the API writes it; the three that HubSpot keeps itself included."""
        match name:
            case "hs_object_id":
                return str(self.id)
            case "createdate":
                return iso(self.created)
            case "lastmodifieddate":
                return iso(self.modified)
        return self.said.get(name)

    def number(self, name: str) -> float | None:
        """A property as a filter compares it, where it is a number or a time."""
        match name:
            case "hs_object_id":
                return self.id
            case "lastmodifieddate":
                return self.modified
            case "createdate":
                return self.created
        try:
            return float(self.said.get(name) or "")
        except ValueError:
            return None

    def shown(self, properties: Iterable[str]) -> dict[str, Any]:
        """As an answer has it: what was asked for and is unknown or empty is null."""
        asked = tuple(properties) or DEFAULT
        names = dict.fromkeys((*asked, "createdate", "hs_object_id", "lastmodifieddate"))
        row: dict[str, Any] = {
            "id": str(self.id),
            "properties": {name: self.value(name) for name in names},
            "createdAt": iso(self.created),
            "updatedAt": iso(self.modified),
            "archived": self.archived is not None,
        }
        return row | ({"archivedAt": iso(self.archived)} if self.archived is not None else {})


class Account:
    """All contacts. `now` gives the time; `lag(id)` how many ms later the index knows of a change."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.contacts: dict[int, Contact] = {}
        self.erased: set[int] = set()
        self.lag: Callable[[int], int] = lambda _: 0
        self.out_of_order = False  # rows of a search sorted by time come jumbled
        self._index: dict[int, Contact] = {}
        self._due: list[tuple[int, int, Contact]] = []
        self._order = itertools.count()
        self._newest: dict[int, int] = {}  # which change the index knows last of each contact
        self._found: dict[str, tuple[list[int], list[int]]] = {}

    # -- what happens to contacts --------------------------------------------------------------------------

    def write(self, contact: Contact) -> None:
        """The record as it is from now on, also in the list; in the index after the lag."""
        self.contacts[contact.id] = contact
        self._learn(contact)

    def _learn(self, contact: Contact) -> None:
        at = max(contact.modified, contact.archived or 0)
        heappush(self._due, (at + self.lag(contact.id), next(self._order), contact))

    def add(self, id: int, at: datetime, **said: str | None) -> None:
        self.write(Contact(id, ms(at), ms(at), said))

    def fill(self, many: int, at: datetime, *, first: int = 1, apart_ms: int = 0) -> None:
        """`many` contacts as a company has them, some without a name or address; the times `apart_ms` apart."""
        for number in range(many):
            when = ms(at) + number * apart_ms
            self.write(Contact(first + number, when, when, _person(first + number)))

    def change(self, ids: Iterable[int], at: datetime, **said: str | None) -> None:
        """A (bulk) update: all of them with the very same time."""
        for id in ids:
            old = self.contacts[id]
            self.write(replace(old, modified=ms(at), said={**old.said, **said}))

    def archive(self, id: int, at: datetime) -> None:
        """Deleted by a user: in the recycling bin, its modification time as it was."""
        self.write(replace(self.contacts[id], archived=ms(at)))

    def restore(self, id: int) -> None:
        """Back from the recycling bin, its modification time as it was."""
        self.write(replace(self.contacts[id], archived=None))

    def merge(self, kept: int, gone: int, at: datetime) -> None:
        """`gone` becomes part of `kept`, with all that had become part of it: there is no such record any more."""
        parts = [self.contacts[kept].said.get(MERGED), self.contacts[gone].said.get(MERGED), str(gone)]
        self.erase(gone, at)
        self.change([kept], at, **{MERGED: ";".join(part for part in parts if part)})

    def erase(self, id: int, at: datetime) -> None:
        """Gone for good: neither the list nor the recycling bin knows it, and after the lag the index does not."""
        self.erased.add(id)
        self._learn(replace(self.contacts.pop(id), archived=ms(at)))

    # -- what the API shows --------------------------------------------------------------------------------

    def listed(self, after: int, limit: int, *, archived: bool) -> tuple[list[Contact], bool]:
        """A page by id and whether there is more; never behind."""
        there = sorted(i for i, c in self.contacts.items() if i > after and (c.archived is not None) == archived)
        return [self.contacts[i] for i in there[:limit]], len(there) > limit

    def search(self, body: Mapping[str, Any]) -> tuple[list[Contact], int]:
        """The matching rows of this page, and how many match at all."""
        self._catch_up()
        start, limit = int(body.get("after") or 0), int(body.get("limit") or 10)
        groups: list[Filter] = list(body.get("filterGroups") or [])
        sort = _sort(body.get("sorts") or [])
        floor = 0
        if sort == ("hs_object_id", False) and len(groups) == 1:
            floor, groups = _above(groups[0])
        ids, rows = self._matching(groups, sort)
        first = bisect_right(ids, floor) if floor else 0
        page = rows[first + start : first + start + limit]
        return [self._index[i] for i in page], len(rows) - first

    def _catch_up(self) -> None:
        now = ms(self._now())
        while self._due and self._due[0][0] <= now:
            _, number, contact = heappop(self._due)
            if number < self._newest.get(contact.id, 0):
                continue
            self._newest[contact.id] = number
            if contact.archived is None:
                self._index[contact.id] = contact
            else:
                self._index.pop(contact.id, None)
            self._found.clear()

    def _matching(self, groups: Sequence[Filter], sort: tuple[str, bool]) -> tuple[list[int], list[int]]:
        key = json.dumps([groups, sort])
        if key not in self._found:
            rows = [c for c in self._index.values() if not groups or any(_passes(c, g["filters"]) for g in groups)]
            name, descending = sort
            rows.sort(key=lambda c: (c.number(name) or 0, c.id), reverse=descending)
            ids = [c.id for c in rows]
            if self.out_of_order and name != "hs_object_id":
                ids = _jumbled(ids)
            self._found[key] = (ids, ids)
        return self._found[key]


def _above(group: Filter) -> tuple[int, list[Filter]]:
    """`hs_object_id > floor` taken out of a group: what remains is the same for each page, and found once."""
    floors = [int(f["value"]) for f in group["filters"] if (f["propertyName"], f["operator"]) == ("hs_object_id", "GT")]
    rest = [f for f in group["filters"] if (f["propertyName"], f["operator"]) != ("hs_object_id", "GT")]
    return max(floors, default=0), [{"filters": rest}]


def _sort(sorts: Sequence[Any]) -> tuple[str, bool]:
    """The property and whether descending: written `name`, `-name`, or as an object; by creation without one."""
    if not sorts:
        return "createdate", False
    first = sorts[0]
    if isinstance(first, str):
        return first.removeprefix("-"), first.startswith("-")
    return str(first["propertyName"]), first.get("direction") == "DESCENDING"


def _passes(contact: Contact, filters: Sequence[Filter]) -> bool:
    return all(_holds(contact, f) for f in filters)


def _holds(contact: Contact, f: Filter) -> bool:
    name, operator = str(f["propertyName"]), str(f["operator"])
    if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        return (contact.value(name) is not None) == (operator == "HAS_PROPERTY")
    if operator == "IN":
        return contact.value(name) in list(f["values"])
    number = contact.number(name)
    if number is None or operator not in ("GT", "GTE", "LT", "LTE", "BETWEEN"):
        return operator == "EQ" and contact.value(name) == f.get("value")
    low = float(f["value"])
    holds: dict[str, bool] = {
        "GT": number > low,
        "GTE": number >= low,
        "LT": number < low,
        "LTE": number <= low,
        "BETWEEN": low <= number <= float(f.get("highValue") or low),
    }
    return holds[operator]


def _jumbled(ids: list[int]) -> list[int]:
    """The same ids, each near its place: rows that were changed lately come a little early or late."""
    chance = random.Random(len(ids))
    return [i for _, i in sorted((place + chance.random() * 5, i) for place, i in enumerate(ids))]


def _person(number: int) -> dict[str, str | None]:
    """One in ten has no name, one in twelve no address, and one in sixty neither."""
    first, last = FIRST[number % len(FIRST)], LAST[number % len(LAST)]
    named, addressed = number % 10 != 0, number % 12 != 0
    return {
        "firstname": first if named else None,
        "lastname": last if named else "",
        "email": f"contact{number}@example.com" if addressed else None,
        "company": f"Company {number % 997} Ltd",
        "jobtitle": "Head of Purchasing" if number % 3 else None,
        "phone": f"+1 512 555 {number % 10_000:04}",
        "lifecyclestage": STAGES[number % len(STAGES)],
        "hs_lead_status": "OPEN" if number % 4 else None,
    }
