"""The closed list of what a proposal may offer to do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from godmode.lib import remedies
from godmode.lib.errors import BadData
from godmode.lib.remedies import (
    ChangeInterval,
    DeactivateWorkflow,
    DisableJob,
    MuteIncidents,
    Remedy,
    RetryDeadLetter,
    RetryWorkflow,
    SupersedeMemory,
)

EVERY_KIND: list[Remedy] = [
    RetryDeadLetter(4),
    RetryWorkflow("4711"),
    DeactivateWorkflow("wf1", "Orders"),
    ChangeInterval("sync_notion", 60),
    MuteIncidents("repeated_failures", days=3),
    MuteIncidents("repeated_failures", until=datetime(2026, 12, 1, tzinfo=UTC)),
    SupersedeMemory(5, by=6),
    DisableJob("sync_notion"),
]


@pytest.mark.parametrize("remedy", EVERY_KIND, ids=lambda r: type(r).__name__)
def test_a_remedy_comes_back_from_the_database_as_it_was_stored(remedy: Remedy) -> None:
    assert remedies.read(remedies.stored(remedy)) == remedy


def test_what_is_stored_names_its_kind_and_parameters_and_no_more() -> None:
    assert remedies.stored(DisableJob("sync_notion")) == {"kind": "disable_job", "job": "sync_notion"}


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"kind": "drop_database"},
        {"kind": "disable_job"},
        {"kind": "disable_job", "job": "x", "shell": "rm"},
        {"kind": "retry_dead_letter", "dead_letter": 0},
        {"kind": "retry_dead_letter", "dead_letter": 2**63},
        {"kind": "change_interval", "job": "sync_notion", "minutes": 0},
        {"kind": "mute_incidents", "type": "x"},
        {"kind": "retry_workflow", "execution": "1/../../workflows/w1"},
        {"kind": "deactivate_workflow", "workflow": "w1/activate?x"},
        {"kind": "disable_job", "job": "sync notion"},
        {"kind": "mute_incidents", "type": "x", "days": 1, "until": "2026-12-01T00:00:00Z"},
        {"kind": "mute_incidents", "type": "x", "until": "2026-12-01T00:00:00"},
    ],
)
def test_what_is_not_on_the_list_is_refused_in_words(kept: dict[str, object]) -> None:
    with pytest.raises(BadData, match="the remedy is none that is known"):
        remedies.read(kept)


def test_a_detector_cannot_store_parameters_out_of_bounds() -> None:
    with pytest.raises(BadData):
        remedies.stored(ChangeInterval("sync_notion", 9999))
