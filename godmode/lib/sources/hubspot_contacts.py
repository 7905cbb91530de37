"""A HubSpot contact as a fact: what a person would read of it, and its properties. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import msgspec

from godmode.lib.kernel import Gone, Rate, Record, Skipped
from godmode.lib.sources.chat_formats.message import clean, moment

CONTACTS = "/crm/v3/objects/contacts"
CALLS = Rate(100, timedelta(seconds=10))  # of everything but searches, which have a limit of their own
PROPERTIES = (
    "firstname", "lastname", "email", "phone", "mobilephone", "company", "jobtitle", "lifecyclestage",
    "hs_lead_status", "hubspot_owner_id", "city", "state", "country", "website", "notes_last_contacted",
    "num_associated_deals",
)  # fmt: skip

MERGED = "hs_merged_object_ids"  # the ids of the records that became part of this one, parted by semicolons
CHANGED = "lastmodifieddate"
NEEDED = (CHANGED, MERGED)
_KEPT_BY_HUBSPOT = frozenset({*NEEDED, "hs_object_id"})  # no content: they change without one

_IN_THE_HEAD = frozenset({"firstname", "lastname", "email", "phone", "mobilephone", "company", "jobtitle"})
_UNREADABLE = frozenset({"hubspot_owner_id", "createdate"})  # numbers and times that say nothing to a person
_LABELS = {
    "lifecyclestage": "Lifecycle stage",
    "hs_lead_status": "Lead status",
    "notes_last_contacted": "Last contacted",
    "num_associated_deals": "Deals",
}
_ID = re.compile(rb'"id"\s*:\s*"?(\d+)')


class Row(msgspec.Struct, frozen=True):
    """A contact as search, list and batch read answer with it. `id` is a whole number, written as text."""

    id: str
    properties: Mapping[str, str | int | float | bool | None]
    updatedAt: str | None = None
    archived: bool = False

    @property
    def number(self) -> int:
        return int(self.id)


def record_id(contact: object) -> str:
    """The id of a record, from that of the contact."""
    return f"contact.{contact}"


def contact_id(record: str) -> str:
    """The other way round."""
    return record.removeprefix("contact.")


def row_of(raw: msgspec.Raw | bytes) -> Row | Skipped:
    """One row of an answer; what is none is Skipped and never costs its page."""
    try:
        row = msgspec.json.decode(raw, type=Row)
    except msgspec.DecodeError as e:
        return _skipped(raw, str(e))
    return row if row.id.isascii() and row.id.isdigit() else _skipped(raw, f"its id is {row.id!r}")


def _skipped(raw: msgspec.Raw | bytes, why: str) -> Skipped:
    found = _ID.search(bytes(raw))
    return Skipped(f"contact {found[1].decode()}" if found else "a contact", f"not as HubSpot promises it: {why}")


def record_of(row: Row) -> Record:
    """The fact that a contact is. Empty properties are left out, as are those that HubSpot keeps for itself."""
    said = {name: clean(str(value)) for name, value in row.properties.items() if value not in (None, "")}
    changed = moment(row.properties.get(CHANGED) or row.updatedAt)
    fields = {name: value for name, value in sorted(said.items()) if name not in _KEPT_BY_HUBSPOT}
    return Record("hubspot", record_id(row.id), changed, text_of(row.id, said), fields)


def text_of(contact: str, said: Mapping[str, str]) -> str:
    """As a person would write a contact down: who, how to reach them, and how things stand."""
    lines = [_who(contact, said), " · ".join(_some(said, ("email", "phone", "mobilephone")))]
    lines.append(", ".join(_some(said, ("city", "state", "country"))))
    shown = _IN_THE_HEAD | _UNREADABLE | _KEPT_BY_HUBSPOT | {"city", "state", "country"}
    lines += [f"{label(name)}: {_line(value)}" for name, value in sorted(said.items()) if name not in shown]
    return "\n".join(line for line in lines if line)


def _who(contact: str, said: Mapping[str, str]) -> str:
    name = " ".join(_some(said, ("firstname", "lastname"))) or f"Contact {contact} (no name)"
    work = " at ".join(_some(said, ("jobtitle", "company")))
    return f"{name}, {work}" if work else name


def _some(said: Mapping[str, str], names: Sequence[str]) -> list[str]:
    """Those of the properties that say something."""
    return [line for name in names if (line := _line(said.get(name, "")))]


def _line(value: str) -> str:
    return " ".join(value.split())


def label(name: str) -> str:
    """A property's name for a person."""
    words = name.removeprefix("hs_").replace("_", " ")
    return _LABELS.get(name) or words[:1].upper() + words[1:]


def merged_into(row: Row) -> Iterator[Gone]:
    """The records that became part of this one: there is no such contact any more."""
    for old in re.findall(r"\d+", str(row.properties.get(MERGED) or "")):
        if old != row.id:
            yield Gone(record_id(old), f"merged into contact {row.id}")


def asked_for(properties: Sequence[str]) -> list[str]:
    """The properties of a request: those wanted, and those needed, each once."""
    return list(dict.fromkeys((*properties, *NEEDED)))
