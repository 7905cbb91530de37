"""What the detectors over runs have in common: their windows of time, and the proposal they hand over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any, Protocol

from godmode.lib.detectors.evidence import MOST_FINDINGS, MOST_MESSAGES, shorten
from godmode.lib.errors import BadData
from godmode.lib.kernel import Proposal
from godmode.lib.remedies import Remedy, stored

NEWS = timedelta(hours=24)  # what was last seen longer ago is no news (specification, detectPatterns)
BASELINE = timedelta(days=28)
CHANCE = 0.5  # what `statistics.calibrated` makes of a test that says nothing
MOST_SURE = 0.99  # however small p is: no model of a company is surer than that
FEWEST_DAYS_BEFORE = 7  # with a shorter history nobody knows what is usual


class Subject(Protocol):
    """What a finding is about."""

    @property
    def kind(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def name(self) -> str: ...


def called(of: Subject) -> str:
    """What she knows it by: "workflow Invoice sync", "job sync n8n"."""
    return f"{of.kind} {shorten(of.name, 60)}"


def key(of: Subject) -> str:
    """What it is known by in a dedup_key."""
    return f"{of.kind}:{of.subject}"


def follow_up(of: Subject) -> str:
    """The command that shows more."""
    return f"godmode audit --job {of.subject.replace('_', '-')} --failed" if of.kind == "job" else "godmode incidents"


def proposal(
    type_: str,
    title: str,
    confidence: float,
    *,
    dedup: str,
    seen: str,
    do: str,
    changes: str,
    undo: str,
    more: str,
    times: Sequence[datetime],
    messages: Iterable[Mapping[str, str]] = (),
    remedy: Mapping[str, Any] | None = None,
    about: Iterable[Subject] = (),
) -> Proposal:
    """A finding. `seen` says what with numbers, `do` what she does, `changes` what that changes, `undo` its way back.

    `times` are when it was seen, in order; `about` what it concerns.
    """
    said = {
        "summary": f"{seen} To do: {do} It changes: {changes} Undo: {undo}",
        "seen": seen,
        "do": do,
        "changes": changes,
        "undo": undo,
        "follow_up": more,
        "count": len(times),
        "since": times[0].isoformat(),
        "until": times[-1].isoformat(),
        "about": sorted({key(one) for one in about}),
        "messages": list(messages)[-MOST_MESSAGES:],
    }
    return Proposal(type_, shorten(title, 160), min(confidence, MOST_SURE), said, f"{type_}:{dedup}", remedy)


def offered(remedy: Remedy) -> Mapping[str, Any] | None:
    """The remedy as a proposal keeps it; None where it cannot be done to just this (an id that is none)."""
    try:
        return stored(remedy)
    except BadData:
        return None


def quoted(at: datetime, where: str, text: str) -> dict[str, str]:
    """One line of what speaks for a finding."""
    return {
        "at": at.isoformat(),
        "author": "",
        "where": shorten(where, 60),
        "text": shorten(" ".join(text.split()), 200),
    }


def surest(found: Iterable[Proposal], most: int = MOST_FINDINGS) -> list[Proposal]:
    """The surest few of those that are likelier than not; of equal ones always the same."""
    likely = (p for p in found if p.confidence > CHANCE)
    return sorted(likely, key=lambda p: (-p.confidence, -p.evidence["count"], p.dedup_key))[:most]


def is_news(at: datetime, now: datetime) -> bool:
    """Whether it was seen within the last day."""
    return at > now - NEWS


def dates(times: Iterable[datetime], zone: tzinfo | None) -> list[Any]:
    """The different local dates, in order."""
    return sorted({at.astimezone(zone).date() for at in times})
