"""One cause is one proposal, whichever detector sees it first, best, or not any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from godmode.lib.engine import causes
from godmode.lib.kernel import Proposal
from godmode.lib.store.proposals import ProposalRow

NOW = datetime(2026, 3, 30, 17, 0, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NINE = [NOW - n * DAY - 8 * HOUR + timedelta(minutes=5) for n in range(6, 0, -1)]
ALL_DAY = [NOW - n * 5 * HOUR for n in range(28, 0, -1)]
ORDERS, INVOICES = "workflow:orders", "workflow:invoices"


def seen(
    type_: str, confidence: float = 0.8, times: Sequence[datetime] = NINE, about: Sequence[str] = (ORDERS,), **more: Any
) -> Proposal:
    evidence = {
        "summary": "s", "count": len(times), "about": sorted(about), "since": times[0].isoformat(),
        "until": times[-1].isoformat(), "messages": [{"at": at.isoformat()} for at in times],
    }  # fmt: skip
    return Proposal(type_, f"{type_} saw it", confidence, evidence, more.pop("key", f"{type_}:k"), **more)


def row(found: Proposal, status: str = "open", number: int = 1, decided: datetime = NOW, **also: Any) -> ProposalRow:
    evidence = dict(found.evidence) | also
    return ProposalRow(
        number, found.type, found.title, status, found.confidence, evidence, NOW - DAY, NOW - DAY,
        None if status == "open" else decided, dedup_key=found.dedup_key,
    )  # fmt: skip


def told(found: Sequence[Proposal], rows: Sequence[ProposalRow] = (), failed: Sequence[str] = ()) -> dict[str, Any]:
    """Who is told, with whom it was joined by, or the number of the proposal that becomes it."""
    came = causes.sort(found, rows, failed)
    return {
        one.proposal.type: one.heir or [other["type"] for other in one.proposal.evidence.get("also", ())]
        for one in came.told
    }


ERROR, AT_NINE, SECOND = seen("error_templates", 0.9), seen("failure_hours", 0.95), seen("second_try")
CHAIN = seen("chained_failures", about=(ORDERS, INVOICES))
REMEDIED = replace(SECOND, remedy={"kind": "retry_workflow", "execution": "1"})
IN_CHICAGO = seen("failure_hours", times=[at.astimezone(timezone(-6 * HOUR)) for at in NINE])
FIRST_OF_NINE = [at.replace(minute=0) for at in NINE]

AT_ONCE: dict[str, tuple[Sequence[Proposal], Mapping[str, Any]]] = {
    "nothing": ([], {}),
    "the surest is told, the others are named in it": (
        [ERROR, AT_NINE, SECOND], {"failure_hours": ["error_templates", "second_try"]}
    ),
    "one with a remedy goes before a surer one without": (
        [ERROR, AT_NINE, REMEDIED], {"second_try": ["failure_hours", "error_templates"]}
    ),
    "but not one that is not sure enough to be told": (
        [ERROR, replace(REMEDIED, confidence=0.65)], {"error_templates": ["second_try"]}
    ),
    "other things have causes of their own": (
        [ERROR, seen("failure_hours", about=(INVOICES,))], {"error_templates": [], "failure_hours": []}
    ),
    "so have other failures of the same thing": (
        [ERROR, seen("failure_hours", times=ALL_DAY)], {"error_templates": [], "failure_hours": []}
    ),
    "and failures of another time": (
        [seen("error_templates", times=NINE[:3]), seen("failure_hours", times=NINE[3:])],
        {"error_templates": [], "failure_hours": []},
    ),
    "who knows the hour only speaks of the same failures": (
        [ERROR, seen("failure_hours", times=FIRST_OF_NINE)], {"error_templates": ["failure_hours"]}
    ),
    "a chain is about each of its two": ([ERROR, CHAIN], {"error_templates": ["chained_failures"]}),
    "what speaks of no failures is told beside": (
        [ERROR, seen("changed_rate")], {"error_templates": [], "changed_rate": []}
    ),
    "another zone is the same time": ([ERROR, IN_CHICAGO], {"error_templates": ["failure_hours"]}),
}  # fmt: skip


@pytest.mark.parametrize(("found", "expected"), AT_ONCE.values(), ids=AT_ONCE)
def test_of_what_is_seen_at_once(found: Sequence[Proposal], expected: Mapping[str, Any]) -> None:
    assert told(found) == told(found[::-1]) == expected


def test_two_errors_of_one_workflow_are_two_causes() -> None:
    found = [replace(ERROR, dedup_key="error_templates:a"), replace(ERROR, dedup_key="error_templates:b")]
    assert [one.proposal.dedup_key for one in causes.sort(found, [], ()).told] == [one.dedup_key for one in found]


def test_the_others_are_named_with_their_figures() -> None:
    (one,) = causes.sort([ERROR, AT_NINE], [], ()).told
    assert one.proposal.evidence["also"] == [
        {"type": "error_templates", "title": "error_templates saw it", "confidence": 0.9, "count": 6}
    ]


WORSE = replace(ERROR, confidence=0.99)
BEFORE: dict[str, tuple[Sequence[Proposal], Sequence[ProposalRow], Mapping[str, Any]]] = {
    "what is open stays the one while its own detector sees it": (
        [SECOND, AT_NINE], [row(SECOND)], {"second_try": ["failure_hours"]}
    ),
    "it becomes the other's when its own does not any more": ([AT_NINE], [row(SECOND, number=7)], {"failure_hours": 7}),
    "two that are open are both kept up": (
        [SECOND, AT_NINE], [row(SECOND), row(AT_NINE, number=2)], {"second_try": [], "failure_hours": []}
    ),
    "what is open about another thing stays what it is": (
        [AT_NINE], [row(seen("second_try", about=(INVOICES,)))], {"failure_hours": []}
    ),
    "what she rejected is not raised by another's mouth": ([AT_NINE], [row(ERROR, "rejected")], {}),
    "unless it is clearly surer": ([WORSE], [row(SECOND, "rejected")], {"error_templates": []}),
    "not for a count of something else": ([seen("failure_hours", times=NINE * 3)], [row(ERROR, "rejected")], {}),
    "but for twice its own count of then": (
        [replace(ERROR, evidence={**ERROR.evidence, "count": 12})],
        [row(AT_NINE, "rejected", also=[{"type": "error_templates", "confidence": 0.9, "count": 6}])],
        {"error_templates": []},
    ),
    "after a yes the failures of before are settled": ([AT_NINE], [row(ERROR, "applied")], {}),
    "and those that go on are told": (
        [AT_NINE], [row(ERROR, "applied", decided=NINE[-1] - HOUR)], {"failure_hours": []}
    ),
}  # fmt: skip


@pytest.mark.parametrize(("found", "rows", "expected"), BEFORE.values(), ids=BEFORE)
def test_with_what_there_was_before(
    found: Sequence[Proposal], rows: Sequence[ProposalRow], expected: Mapping[str, Any]
) -> None:
    assert told(found, rows) == expected


def test_what_is_open_counts_as_seen_while_its_detector_fails() -> None:
    assert told([AT_NINE], [row(SECOND)], ["second_try"]) == {}
    assert causes.sort([AT_NINE], [row(SECOND)], ["second_try"]).silent == 1


def test_one_that_was_rejected_does_not_hold_another_back_because_its_detector_fails() -> None:
    assert told([WORSE], [row(SECOND, "rejected")], ["second_try"]) == {"error_templates": []}


def test_one_open_proposal_becomes_one_finding_only() -> None:
    other = replace(AT_NINE, type="error_templates", dedup_key="error_templates:other", confidence=0.8)
    found = [replace(ERROR, dedup_key="error_templates:k"), other]
    heirs = [one.heir for one in causes.sort(found, [row(SECOND, number=7)], ()).told]
    assert heirs == [7, None]
