"""JSON columns that another system, or a hand, may have filled with anything, read as what the program expects there.

What does not fit is kept beside it as text, under `noted`: it is shown, and breaks nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

Moment = Annotated[datetime, Meta(tz=True)]


class Subject(Struct, frozen=True):
    """One of an incident's subjects (see incident_rows.Row)."""

    key: str
    title: str
    severity: Literal["SEV0", "SEV1", "WARN", "INFO"]
    occurrences: int
    first_at: Moment
    last_at: Moment
    evidence: dict[str, Any]
    workflow: str | None = None


class Step(Struct, frozen=True):
    """One change of state in an incident's life."""

    at: Moment
    what: str
    by: str | None = None
    why: str | None = None


class _Latest(Struct, frozen=True):
    at: Moment | None = None
    error: str | None = None
    execution: str | None = None


class _Message(Struct, frozen=True):
    text: str
    at: Moment | None = None
    where: str | None = None
    author: str | None = None


class _Also(Struct, frozen=True):
    type: str
    title: str
    confidence: float


class _Earlier(Struct, frozen=True):
    proposal: int
    status: str


_PARTS: Mapping[str, Any] = {"summary": str, "follow_up": str, "earlier": _Earlier}
_LISTS: Mapping[str, Any] = {"latest": _Latest, "messages": _Message, "also": _Also}


def fits(value: object, shape: Any) -> bool:
    """Whether a JSON value is of a shape."""
    try:
        msgspec.convert(value, shape)
    except msgspec.ValidationError:
        return False
    return True


def evidence(value: object) -> dict[str, Any]:
    """What speaks for an incident or a proposal: whatever shows it may rely on the parts that have a name here."""
    if not isinstance(value, dict):
        return {} if value is None else {"noted": str(value)}
    kept, odd = dict(value), {}
    for name in (name for name in _PARTS if name in value):
        if not fits(value[name], _PARTS[name]):
            odd[name] = kept.pop(name)
    for name in (name for name in _LISTS if name in value):
        listed = value[name] if isinstance(value[name], list) else [value[name]]
        kept[name] = [one for one in listed if fits(one, _LISTS[name])]
        if left := [one for one in listed if not fits(one, _LISTS[name])]:
            odd[name] = left
    return kept | ({"noted": str(odd)} if odd else {})


def subjects(value: object) -> list[dict[str, Any]]:
    """An incident's subjects, those of them that are some."""
    return [one for one in value if fits(one, Subject)] if isinstance(value, list) else []


def life(value: object) -> list[dict[str, Any]]:
    """An incident's life, those of its steps that are some."""
    return [one for one in value if fits(one, Step)] if isinstance(value, list) else []


def remedy(value: object) -> dict[str, Any] | None:
    """A proposal's remedy; what cannot be one is of an unknown kind."""
    return value if value is None or isinstance(value, dict) else {"kind": str(value)}
