"""How old and how complete a source is, in words that promise no more than is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from godmode.lib.notify import freshness as words_of
from godmode.lib.store.sync import SyncState

NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
COUNTS = {"at_source": 4812, "stored": 4812, "repaired": 0, "gone": 0, "at": "2026-03-10T16:01:00+00:00"}
CHICAGO = ZoneInfo("America/Chicago")


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def freshness(state: SyncState, now: datetime) -> str | None:
    return words_of.freshness(state, now, CHICAGO)


def test_the_counts_and_the_greatest_age_are_told() -> None:
    state = SyncState("notion", ago(60.5), ago(59), True, read_to=ago(60.5), completeness=COUNTS)
    assert freshness(state, NOW) == "4,812 of 4,812 pages, at most 61 min old"


def test_before_the_first_comparison_only_the_age_is_known() -> None:
    assert freshness(SyncState("notion", ago(2), ago(1), True, read_to=ago(2)), NOW) == "at most 2 min old"


def test_a_sync_that_failed_or_did_not_read_all_makes_nothing_younger() -> None:
    last = SyncState("n8n", ago(5), ago(90), True, read_to=ago(95), completeness=COUNTS)
    failed, limited = replace(last, last_sync_success=False), replace(last, limited="its time was over")
    for state in (failed, limited, last):  # the last one is under way, or was killed
        assert freshness(state, NOW) == "4,812 of 4,812 executions, at most 95 min old"


def test_of_a_sync_that_ended_before_its_beginning_was_kept_the_end_counts() -> None:
    assert freshness(SyncState("n8n", ago(5), ago(90), True), NOW) == "at most 90 min old"


@pytest.mark.parametrize(("at", "when"), [("2026-03-10T05:30", "00:30"), ("2026-03-09T05:30", "Mon 00:30")])
def test_counts_that_are_older_than_the_last_sync_say_of_when_they_are(at: str, when: str) -> None:
    counts = COUNTS | {"at": f"{at}:00+00:00"}
    state = SyncState("notion", ago(60), ago(59), True, read_to=ago(60), completeness=counts)
    assert freshness(state, NOW) == f"4,812 of 4,812 pages (compared {when}), at most 60 min old"


def test_what_a_comparison_mended_is_told_once() -> None:
    state = SyncState("notion", completeness=COUNTS | {"repaired": 2, "gone": 1})
    told = "2 pages fetched that were missing, 1 page gone at the source"
    assert words_of.differences(state, ago(60), prunes=False) == told
    assert words_of.differences(state, ago(60), prunes=True) == "2 pages fetched that were missing"
    assert words_of.differences(state, ago(58), prunes=False) == ""
    assert words_of.differences(SyncState("notion", completeness=COUNTS), ago(60), prunes=False) == ""
    assert words_of.differences(SyncState("notion"), ago(60), prunes=False) == ""


def test_of_a_source_that_was_never_read_nothing_is_said() -> None:
    assert freshness(SyncState("n8n", ago(5), None, False), NOW) is None


@pytest.mark.parametrize(("minutes", "words"), [(0, "1 min"), (179, "179 min"), (181, "4 h"), (2881, "3 days")])
def test_an_age_is_rounded_up(minutes: int, words: str) -> None:
    assert freshness(SyncState("n8n", ago(minutes), ago(minutes), True), NOW) == f"at most {words} old"
