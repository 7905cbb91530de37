"""Which slot should have begun and did not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from godmode.lib.engine import slots
from godmode.lib.kernel import Cadence, Daily, Every
from godmode.lib.overview.overdue import GRACE, overdue

CHICAGO = ZoneInfo("America/Chicago")
NOON = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)  # 12:00 in Chicago
HALF_HOURLY, AT_EIGHT = Every(minutes=30), Daily("08:00")


@pytest.mark.parametrize(
    ("cadence", "begun", "since"),
    [
        (HALF_HOURLY, "2026-03-10T17:00:00Z", None),
        (HALF_HOURLY, "2026-03-10T16:00:00Z", None),  # one was missed, and there are ten minutes of grace
        (HALF_HOURLY, "2026-03-10T15:30:00Z", "16:00"),
        (HALF_HOURLY, None, "16:00"),
        (AT_EIGHT, "2026-03-10", None),
        (AT_EIGHT, "2026-03-09", "13:00"),
        (AT_EIGHT, None, "13:00"),
        (Daily("12:00"), "2026-03-09", None),  # it begins this minute
        (Daily("23:00"), "2026-03-09", None),  # later today
    ],
)
def test_a_slot_is_overdue_once_its_time_and_the_grace_have_passed(
    cadence: Cadence, begun: str | None, since: str | None
) -> None:
    late = overdue(cadence, begun, None, NOON, CHICAGO, None)
    assert (f"{late:%H:%M}" if late else None) == since


def test_a_slot_that_was_skipped_by_rule_is_not_overdue() -> None:
    assert overdue(AT_EIGHT, "2026-03-09", "2026-03-10", NOON, CHICAGO, None) is None


def test_no_slot_from_before_the_installation_is_overdue() -> None:
    assert overdue(AT_EIGHT, None, None, NOON, CHICAGO, NOON - timedelta(hours=1)) is None
    assert overdue(AT_EIGHT, None, None, NOON, CHICAGO, NOON - timedelta(hours=9)) is not None


def test_a_job_whose_cadence_was_changed_is_judged_by_time() -> None:
    assert overdue(AT_EIGHT, "2026-03-10T12:30:00Z", None, NOON, CHICAGO, None) is None
    assert overdue(HALF_HOURLY, "2026-03-01", None, NOON, CHICAGO, None) is not None
    assert overdue(HALF_HOURLY, "yesterday", None, NOON, CHICAGO, None) is not None


@given(
    st.integers(0, 6 * 365 * 24 * 60).map(
        lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    st.sampled_from([HALF_HOURLY, Every(seconds=30), AT_EIGHT, Daily("02:00"), Daily("00:00")]),
)
def test_what_runs_in_each_of_its_slots_is_never_overdue(now: datetime, cadence: Cadence) -> None:
    begun = slots.current(cadence, now - GRACE, CHICAGO)
    if begun.start > now - GRACE:  # a daily one whose hour is still to come: yesterday's was the last
        begun = slots.current(cadence, now - GRACE - timedelta(days=1), CHICAGO)
    assert overdue(cadence, begun.key, None, now, CHICAGO, None) is None
