"""Quiet hours across midnight, across a clock change, of zero length and all day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from godmode.lib.engine.gate import quiet_until
from godmode.lib.quiet import NEVER, until
from godmode.lib.sections import QuietHours

CHICAGO = ZoneInfo("America/Chicago")
NIGHT = QuietHours(start="21:00", end="06:00")


def at(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHICAGO, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-03-10T20:59", None),
        ("2026-03-10T21:00", "2026-03-11T06:00"),
        ("2026-03-11T00:00", "2026-03-11T06:00"),
        ("2026-03-11T05:59", "2026-03-11T06:00"),
        ("2026-03-11T06:00", None),
    ],
)
def test_across_midnight(now: str, end: str | None) -> None:
    assert until(NIGHT, at(now), CHICAGO) == (at(end) if end else None)


def test_within_a_day() -> None:
    lunch = QuietHours(start="12:00", end="13:00")
    assert until(lunch, at("2026-03-10T12:30"), CHICAGO) == at("2026-03-10T13:00")
    assert until(lunch, at("2026-03-10T13:00"), CHICAGO) is None


def test_the_night_that_loses_an_hour_ends_at_six_by_the_clock() -> None:
    end = until(NIGHT, at("2026-03-08T01:00"), CHICAGO)
    assert end == datetime(2026, 3, 8, 11, 0, tzinfo=UTC)
    assert end - at("2026-03-07T21:00") == timedelta(hours=8)


def test_the_night_that_has_an_hour_twice_is_quiet_through_both() -> None:
    end = until(NIGHT, at("2026-11-01T01:30", fold=1), CHICAGO)
    assert end == datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
    twice = QuietHours(start="22:00", end="01:30")
    assert until(twice, at("2026-11-01T01:10", fold=1), CHICAGO) == at("2026-11-01T01:30", fold=1)
    assert until(twice, at("2026-11-01T01:40", fold=0), CHICAGO) == at("2026-11-01T01:30", fold=1)


def test_a_start_in_the_hour_that_comes_twice_is_the_first_of_them() -> None:
    late = QuietHours(start="01:30", end="06:00")
    assert until(late, at("2026-11-01T01:40"), CHICAGO) is not None
    assert until(late, at("2026-11-01T01:10", fold=1), CHICAGO) is not None
    assert until(late, at("2026-11-01T01:20"), CHICAGO) is None


def test_an_end_in_the_hour_that_does_not_exist_is_no_earlier_than_it_would_have_been() -> None:
    skipped = QuietHours(start="21:00", end="02:30")
    assert until(skipped, at("2026-03-08T01:59"), CHICAGO) == datetime(2026, 3, 8, 8, 30, tzinfo=UTC)


def test_of_zero_length_is_never_and_all_day_is_always() -> None:
    zero, always = QuietHours(start="08:00", end="08:00"), QuietHours(start="00:00", end="24:00")
    for hour in range(24):
        now = at(f"2026-03-10T{hour:02}:00")
        assert until(zero, now, CHICAGO) is None
        assert until(always, now, CHICAGO) == NEVER
    assert quiet_until(always, at("2026-03-10T12:00"), CHICAGO) == "24:00"


def test_the_rest_of_the_day() -> None:
    evening = QuietHours(start="21:00", end="24:00")
    assert until(evening, at("2026-03-10T23:59"), CHICAGO) == at("2026-03-11T00:00")
    assert until(evening, at("2026-03-11T00:00"), CHICAGO) is None


TIMES = st.times().map(lambda t: f"{t:%H:%M}")
MOMENTS = st.integers(0, 2 * 366 * 24 * 60).map(lambda m: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=m))


@given(TIMES, TIMES, MOMENTS, st.sampled_from(["America/Chicago", "Australia/Lord_Howe", "Asia/Kathmandu"]))
def test_quiet_ends_within_a_day_and_an_hour_and_holds_to_its_last_second(
    start: str, end: str, now: datetime, zone: str
) -> None:
    quiet = QuietHours(start=start, end=end)
    ends = until(quiet, now, ZoneInfo(zone))
    if ends is not None:
        assert timedelta(0) < ends - now <= timedelta(hours=25)
        assert until(quiet, ends - timedelta(seconds=1), ZoneInfo(zone)) == ends
