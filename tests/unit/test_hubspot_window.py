"""Which stretch of time is read next, and what the cursor keeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from godmode.lib.sources.hubspot_window import Progress, Window, following, ms

NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
MINUTE, HOUR = 60_000, 3_600_000
AT = ms(NOW)


def after(progress: Progress, now: datetime = NOW, *, minutes: int = 15, hours: int = 48) -> Window:
    return following(progress, now, timedelta(minutes=minutes), timedelta(hours=hours))


def test_the_first_window_holds_everything_up_to_now() -> None:
    assert after(Progress()) == Window(0, AT, deep=True)


def test_a_window_overlaps_the_last_one_by_the_overlap() -> None:
    assert after(Progress(AT - HOUR, deep=AT - HOUR)) == Window(AT - HOUR - 15 * MINUTE, AT)


def test_once_in_a_day_a_window_goes_far_back() -> None:
    almost = Progress(AT - HOUR, deep=AT - 24 * HOUR + 1)
    assert after(almost) == Window(AT - HOUR - 15 * MINUTE, AT)
    due = Progress(AT - HOUR, deep=AT - 24 * HOUR)
    assert after(due) == Window(AT - 49 * HOUR, AT, deep=True)
    assert after(due, hours=0).since == AT - HOUR - 15 * MINUTE
    ended = due.behind(after(due))
    assert after(ended, NOW + timedelta(minutes=30)).deep is False


def test_a_clock_that_was_set_back_opens_no_gap() -> None:
    assert after(Progress(AT + 5 * HOUR, deep=AT)) == Window(AT - 15 * MINUTE, AT)


def test_a_window_that_was_begun_stays_as_it_was_whatever_the_time_is_meanwhile() -> None:
    begun = Progress(7, deep=7, bin="x").within(Window(1, 9, last=44))
    kept = Progress.of(begun.cursor(), [])
    assert kept == begun
    assert kept.behind(Window(1, 9, last=99)) == Progress(9, deep=7, bin="x")


@pytest.mark.parametrize("cursor", [{}, {"read_to": "soon"}, {"window": 5}, {"window": {"since": 1}}, {"else": 1}])
def test_a_cursor_that_cannot_be_read_begins_anew(cursor: dict[str, Any]) -> None:
    assert Progress.of(cursor, ["email"]) == Progress(asked="email")


def test_with_other_properties_all_is_read_again_and_with_the_same_in_another_order_not() -> None:
    kept = Progress.of({}, ["email", "city"]).behind(Window(0, AT, deep=True))
    assert Progress.of(kept.cursor(), ["city", "email"]) == kept
    assert Progress.of(kept.cursor(), ["email"]) == Progress(asked="email")
