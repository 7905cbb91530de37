"""Slots: once per local date, whatever the clocks do; pure, over virtual years."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from godmode.lib.engine import slots
from godmode.lib.engine.slots import Held
from godmode.lib.kernel import Cadence, Daily, Every, Job, Skip, Slot

CHICAGO = ZoneInfo("America/Chicago")
ZONES = ["America/Chicago", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo"]
DIGEST = Daily("08:00", catch_up=timedelta(hours=12))
CALL = Daily("06:00", catch_up=timedelta(minutes=45))
NEVER = Held(None, "idle", 0, None, False)
moments = st.integers(1_577_836_800, 2_051_222_400).map(lambda s: datetime.fromtimestamp(s, UTC))  # 2020 to 2034


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Ticking:
    """A job's row and the runs of its slots, as cron's ticks make them."""

    def __init__(self, cadence: Cadence, zone: ZoneInfo) -> None:
        self.cadence, self.zone, self.ran, self.held = cadence, zone, list[str](), NEVER

    def tick(self, now: datetime) -> bool:
        slot = slots.due(self.cadence, now, self.zone)
        if slot is None or isinstance(slots.claim(self.held, slot, now, by_hand=False, again=False), Skip):
            return False
        self.ran.append(slot.key)
        self.held = Held(slot.key, "succeeded", 1, None, False)
        return True


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cadence", [DIGEST, CALL, Daily("02:30"), Daily("00:00")], ids=lambda c: c.at)
def test_over_two_years_every_local_date_has_exactly_one_run(cadence: Daily, zone: str) -> None:
    job, now = Ticking(cadence, ZoneInfo(zone)), utc("2026-01-01T00:00")
    while now < utc("2028-01-01T00:00"):
        job.tick(now)
        now += timedelta(minutes=15)
    first = date.fromisoformat(job.ran[0])
    assert job.ran == [(first + timedelta(days=n)).isoformat() for n in range(len(job.ran))]
    assert len(job.ran) in (730, 731)


@pytest.mark.parametrize("zone", ZONES)
def test_a_daily_run_comes_at_its_wall_clock_hour_all_year(zone: str) -> None:
    there = ZoneInfo(zone)
    for day in range(365):
        noon = datetime(2026, 1, 1, 12, tzinfo=there) + timedelta(days=day)
        assert slots.current(DIGEST, noon, there).start.astimezone(there).strftime("%H:%M") == "08:00"


def test_two_o_clock_on_the_day_it_does_not_exist_means_three() -> None:
    slot = slots.current(Daily("02:00"), utc("2026-03-08T12:00"), CHICAGO)
    assert slot == Slot("2026-03-08", utc("2026-03-08T08:00"))
    assert slot.start.astimezone(CHICAGO).hour == 3


def test_an_hour_that_comes_twice_gives_one_slot_at_its_first_coming() -> None:
    job = Ticking(Daily("01:30", catch_up=timedelta(hours=20)), CHICAGO)
    times = [utc("2026-11-01T05:00") + timedelta(minutes=10 * n) for n in range(30)]
    assert [now for now in times if job.tick(now)] == [utc("2026-11-01T06:30")]


@pytest.mark.parametrize(
    ("at", "due"),
    [("13:59", False), ("14:00", True), ("2026-01-16 01:59", True), ("2026-01-16 02:00", False)],
)
def test_a_missed_digest_runs_within_its_twelve_hours(at: str, due: bool) -> None:
    now = utc(at if " " in at else f"2026-01-15 {at}")
    assert (slots.due(DIGEST, now, CHICAGO) is not None) is due


def test_catching_up_ends_with_the_local_date() -> None:
    late = Daily("20:00", catch_up=timedelta(hours=12))
    assert slots.due(late, utc("2026-01-16T05:59"), CHICAGO) == Slot("2026-01-15", utc("2026-01-16T02:00"))
    assert slots.due(late, utc("2026-01-16T06:00"), CHICAGO) is None


def test_a_changed_hour_or_zone_gives_no_second_slot_on_the_same_date() -> None:
    job = Ticking(DIGEST, CHICAGO)
    assert job.tick(utc("2026-01-15T14:00"))
    job.cadence = Daily("10:00")
    assert not job.tick(utc("2026-01-15T16:30"))
    job.zone = ZoneInfo("America/Denver")
    assert not job.tick(utc("2026-01-15T17:30"))


@given(moments, st.integers(1, 1440))
def test_an_interval_slot_holds_its_moment_and_the_next_begins_where_it_ends(now: datetime, minutes: int) -> None:
    cadence = Every(minutes=minutes)
    slot = slots.current(cadence, now, CHICAGO)
    assert slot.start <= now < slot.start + cadence.period
    assert slots.following(cadence, now, CHICAGO).start == slot.start + cadence.period


@given(moments, moments, st.sampled_from([DIGEST, CALL, Every(minutes=30), Every(seconds=30)]), st.sampled_from(ZONES))
def test_keys_sort_as_slots_follow_each_other(a: datetime, b: datetime, cadence: Cadence, zone: str) -> None:
    one, two = (slots.current(cadence, moment, ZoneInfo(zone)) for moment in sorted((a, b)))
    assert one.key <= two.key
    assert (one.key == two.key) is (one.start == two.start)


@given(st.lists(st.integers(-120, 240), min_size=1, max_size=200))
def test_a_clock_that_jumps_about_runs_no_slot_twice(jumps: list[int]) -> None:
    job, now = Ticking(Every(minutes=30), CHICAGO), utc("2026-03-08T06:00")
    for minutes in jumps:
        now += timedelta(minutes=minutes)
        job.tick(now)
    assert len(set(job.ran)) == len(job.ran)
    assert job.ran == sorted(job.ran)


def test_there_are_at_most_48_half_hours_in_a_day_of_24() -> None:
    job = Ticking(Every(minutes=30), CHICAGO)
    for minute in range(24 * 60):
        job.tick(utc("2026-05-01T00:00") + timedelta(minutes=minute))
    assert len(job.ran) == 48


@pytest.mark.parametrize(
    ("last", "now", "expected"),
    [
        ("2026-01-10", "2026-01-11T15:00", None),
        ("2026-01-10", "2026-01-14T15:00", ("2026-01-11", "2026-01-13", 3)),
        ("2026-01-15", "2026-01-14T15:00", None),
        (None, "2026-01-14T15:00", None),
        ("2026-01-14T15:00:00Z", "2026-01-14T16:00", None),
    ],
)
def test_days_that_never_ran_are_counted_between_the_last_and_this(
    last: str | None, now: str, expected: object
) -> None:
    slot = slots.current(DIGEST, utc(now), CHICAGO)
    gap = slots.missed(DIGEST, last, slot, CHICAGO)
    assert (gap and (gap.first, gap.last, gap.count)) == expected


NOW = utc("2026-01-15T15:00")
SLOT = Slot("2026-01-15", utc("2026-01-15T14:00"))


@pytest.mark.parametrize(
    ("held", "by_hand", "again", "expected"),
    [
        (NEVER, False, False, 1),
        (Held("2026-01-14", "succeeded", 1, None, False), False, False, 1),
        (Held("2026-01-14", "failed", 2, None, False), False, False, 1),
        (Held("2026-01-14", "running", 1, None, True), False, False, 1),
        (Held("2026-01-14", "running", 1, None, False), False, False, "locked"),
        (Held("2026-01-15", "succeeded", 1, None, False), False, False, "already_ran"),
        (Held("2026-01-15", "succeeded", 1, None, False), True, False, "already_ran"),
        (Held("2026-01-15", "succeeded", 1, None, False), True, True, 2),
        (Held("2026-01-15", "failed", 1, None, False), False, False, "already_ran"),
        (Held("2026-01-15", "failed", 1, None, False), True, False, 2),
        (Held("2026-01-15", "failed", 1, NOW, False), False, False, 2),
        (Held("2026-01-15", "failed", 1, NOW + timedelta(seconds=1), False), False, False, "already_ran"),
        (Held("2026-01-15", "running", 1, None, True), False, False, 2),
        (Held("2026-01-15", "running", 1, None, False), True, True, "locked"),
        (Held("2026-01-16", "succeeded", 1, None, False), False, False, "not_due"),
        (Held("2026-01-16", "succeeded", 1, None, False), True, True, 2),
    ],
)
def test_a_slot_may_be_claimed_when_it_is_newer_or_its_retry_is_due_or_its_owner_is_dead(
    held: Held, by_hand: bool, again: bool, expected: object
) -> None:
    came_to = slots.claim(held, SLOT, NOW, by_hand=by_hand, again=again)
    assert (came_to.reason if isinstance(came_to, Skip) else came_to) == expected


def test_the_newest_slot_of_a_daily_job_before_its_hour_is_yesterdays() -> None:
    at = datetime(2026, 3, 10, 12, 59, tzinfo=UTC)  # 07:59 in Chicago
    assert slots.newest(Daily("08:00"), at, CHICAGO).key == "2026-03-09"
    assert slots.newest(Daily("08:00"), at + timedelta(minutes=1), CHICAGO).key == "2026-03-10"
    assert slots.newest(Every(minutes=30), at, CHICAGO).key == "2026-03-10T12:30:00Z"


def test_an_interval_that_was_lengthened_half_way_has_run_and_the_clock_is_not_blamed() -> None:
    held = Held("2026-03-10T17:30:00Z", "succeeded", 1, None, False)
    now = utc("2026-03-10T17:45:00")
    no = slots.claim(held, slots.current(Every(minutes=120), now, CHICAGO), now, by_hand=True, again=False)
    assert isinstance(no, Skip)
    assert (no.reason, no.message) == ("already_ran", "slot 2026-03-10T17:30:00Z has run")
    ahead = Held("2026-03-10T18:00:00Z", "succeeded", 1, None, False)
    no = slots.claim(ahead, slots.current(Every(minutes=120), now, CHICAGO), now, by_hand=True, again=False)
    assert isinstance(no, Skip)
    assert no.reason == "not_due"


@pytest.mark.parametrize(
    ("cadence", "minutes", "holds"),
    [
        (Every(minutes=30), None, Every(minutes=30)),
        (Every(minutes=30), 60, Every(minutes=60)),
        (Every(minutes=30), 10, Every(minutes=30)),
        (Every(seconds=30), 1, Every(minutes=1)),
        (DIGEST, 60, DIGEST),
    ],
)
def test_an_interval_in_force_only_lengthens(cadence: Cadence, minutes: int | None, holds: Cadence) -> None:
    job = Job("work", "", cadence, None)
    assert slots.in_force(job, minutes).cadence == holds
