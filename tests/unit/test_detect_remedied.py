"""What a yes can mend at once: work that would now succeed, and sources that are read in vain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from godmode.lib.detectors import idle_syncs, revivable_letters
from godmode.lib.detectors.idle_syncs import Idle
from godmode.lib.kernel import Proposal
from godmode.lib.store.given_up import Ended, Letter
from godmode.lib.store.idleness import Read

NOW = datetime(2026, 3, 30, 17, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
LETTER = Letter(7, "notification", ["telegram"], NOW - 10 * HOUR, 5, "timed out", "transient", 3)


def revived(ended: str) -> list[Proposal]:
    """How its kind ended since, the oldest first: w(orked), f(ailed)."""
    came = [Ended(NOW - n * MINUTE, one == "w") for n, one in enumerate(reversed(ended))]
    return list(revivable_letters.find([(LETTER, came)]))


@pytest.mark.parametrize(
    ("ended", "confidence"),
    [
        ("wwwww", 6 / 7),
        ("fwwwwwwwww", 10 / 12),
        ("wwww", None),  # too little to go by
        ("", None),
        ("wwwwwwwwwf", None),  # it is broken again
        ("ffwwwww", None),  # worked too rarely
    ],
)
def test_a_letter_is_offered_where_its_kind_has_worked_since(ended: str, confidence: float | None) -> None:
    found = revived(ended)
    assert [round(p.confidence, 9) for p in found] == ([] if confidence is None else [round(confidence, 9)])


def test_the_letter_is_named_with_its_figures_its_remedy_and_what_else_waits() -> None:
    (found,) = revived("wwwwww")
    assert found.title == "dead letter 7 would now work: 6 of 6 messages by telegram did since"
    assert found.remedy == {"kind": "retry_dead_letter", "dead_letter": 7}
    assert "2 more of its kind wait (`godmode queue dead`)" in found.evidence["seen"]
    assert {"seen", "do", "changes", "undo", "follow_up"} <= found.evidence.keys()


def idle(minutes: int = 30, days: int = 14, found: int = 0, calls: int = 1344) -> list[Proposal]:
    """A source that is read every so many minutes, of whose syncs the oldest so many found something."""
    runs = round(days * 24 * 60 / minutes)
    reads = [Read(NOW - n * minutes * MINUTE, n < runs - found) for n in range(runs)]
    return list(idle_syncs.find([Idle("notion", minutes, reads[::-1], calls)], NOW))


@pytest.mark.parametrize(
    ("given", "minutes"),
    [
        ({}, 120),
        ({"found": 20}, 120),
        ({"minutes": 60}, 240),
        ({"minutes": 100}, 200),  # four times as long would be longer than it may be
        ({"found": 40}, None),  # it finds something too often
        ({"days": 10}, None),  # too short a history
        ({"minutes": 180}, None),  # fewer syncs than it takes
        ({"minutes": 130}, None),
        ({"calls": 0}, None),  # it costs nothing
    ],
)
def test_a_source_read_in_vain_nearly_always_is_to_be_read_more_rarely(
    given: dict[str, int], minutes: int | None
) -> None:
    assert [p.remedy and p.remedy["minutes"] for p in idle(**given)] == ([] if minutes is None else [minutes])


def test_the_sync_is_named_with_its_figures_and_what_it_costs_to_read_it_more_rarely() -> None:
    (found,) = idle(found=2)
    assert found.title == "sync-notion found nothing new in 670 of 672 runs of two weeks"
    assert found.confidence == 0.99
    assert found.remedy == {"kind": "change_interval", "job": "sync_notion", "minutes": 120, "was": 30}
    assert found.evidence["changes"].startswith("about 1,008 calls fewer in two weeks; what is new at notion is known")
