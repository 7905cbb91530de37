"""The services' limits: kept by all processes together, to the letter, and counted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from godmode.lib.clock import FixedClock
from godmode.lib.engine.meter import Metered
from godmode.lib.errors import DailyLimit, ExternalApi, KillSwitchOn
from godmode.lib.kernel import Rate
from godmode.lib.ports import Site
from godmode.lib.store import Store, limits

NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
THREE = Rate(3, timedelta(seconds=1))
Connect = Callable[[], psycopg.Connection[tuple[Any, ...]]]


@pytest.fixture
def connect(database_url: str) -> Connect:
    return lambda: psycopg.connect(database_url, autocommit=True)


@pytest.fixture
def store(connect: Connect) -> Iterator[Store]:
    made = Store(connect)
    yield made
    made.close()


def meter(store: Store, connect: Connect, clock: FixedClock, daily: int | None = None, **site: Any) -> Metered:
    here = Site(clock, UTC, "", Path, sleep=clock.sleep, **site)
    return Metered(here, store, connect, "feed", "feed", THREE, daily)


def test_no_window_wherever_it_begins_holds_more_calls_than_the_limit(store: Store, connect: Connect) -> None:
    clock, went = FixedClock(NOW), []
    one = meter(store, connect, clock)
    for number in range(30):
        one.before()
        went.append(clock.now())
        clock.advance(timedelta(milliseconds=(number % 4) * 200))  # a request takes its time
    assert all(later - earlier >= THREE.per for earlier, later in zip(went, went[3:], strict=False))


def test_calls_that_take_no_time_go_at_the_rate_that_the_limit_allows(store: Store, connect: Connect) -> None:
    clock = FixedClock(NOW)
    one = meter(store, connect, clock)
    for _ in range(301):
        one.before()
    assert timedelta(seconds=100) <= clock.now() - NOW <= timedelta(seconds=105)


def test_a_call_that_comes_a_little_late_does_not_delay_those_after_it(store: Store, connect: Connect) -> None:
    clock, went = FixedClock(NOW), []
    one = meter(store, connect, clock)
    for number in range(61):
        one.before()
        clock.advance(timedelta(milliseconds=number % 3 * 7))  # it woke up late
        went.append(clock.now())
    assert went[-1] - NOW <= timedelta(seconds=21)


def test_many_connections_share_one_bucket(database_url: str, db: psycopg.Connection) -> None:
    taken: list[bool] = []
    together = threading.Barrier(4, timeout=30)

    def ask() -> None:
        with psycopg.connect(database_url, autocommit=True) as conn:
            for step in range(50):
                together.wait()
                now = NOW + timedelta(milliseconds=40 * step)
                taken.append(limits.take(conn, "feed", THREE, None, now) == limits.Turn())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 200
    assert sum(taken) == 6  # at 0, 360, 720, 1080, 1440 and 1800 ms of the two seconds


def test_the_wait_that_is_told_is_until_there_is_room(db: psycopg.Connection) -> None:
    assert limits.take(db, "feed", THREE, None, NOW) == limits.Turn()
    assert limits.take(db, "feed", THREE, None, NOW).wait == pytest.approx(THREE.per / 3, abs=timedelta(microseconds=1))


def test_a_clock_that_was_set_back_does_not_hold_anybody_up(db: psycopg.Connection) -> None:
    limits.take(db, "feed", THREE, None, NOW)
    assert limits.take(db, "feed", THREE, None, NOW - timedelta(hours=1)) == limits.Turn()


def test_retry_after_keeps_every_process_away_and_a_little_longer(store: Store, connect: Connect) -> None:
    clock = FixedClock(NOW)
    one = meter(store, connect, clock)
    one.before()
    one.after(ms=5, error=True, throttled=True, retry_after=timedelta(seconds=30))
    clock.advance(timedelta(seconds=2))  # the pace alone would let it go
    with connect() as other_process:
        other = meter(Store(lambda: other_process), connect, clock)
        other.before()
    waited = clock.now() - NOW
    assert timedelta(seconds=30) <= waited <= timedelta(seconds=34)


def test_a_wait_beyond_the_deadline_is_not_begun(store: Store, connect: Connect) -> None:
    clock = FixedClock(NOW)
    one = meter(store, connect, clock, time_left=lambda: 60.0)
    one.before()
    one.after(ms=5, throttled=True, retry_after=timedelta(hours=1))
    with pytest.raises(ExternalApi, match=r"not to be asked for another 6\d min"):
        one.before()
    assert clock.now() == NOW


def test_the_switch_ends_a_wait(store: Store, connect: Connect) -> None:
    clock = FixedClock(NOW)
    asked: list[datetime] = []

    def check() -> None:
        asked.append(clock.now())
        if clock.now() > NOW:
            raise KillSwitchOn("Kill switch is active")

    one = meter(store, connect, clock, check=check)
    one.before()
    one.after(ms=5, throttled=True, retry_after=timedelta(minutes=10))
    with pytest.raises(KillSwitchOn):
        one.before()
    assert clock.now() - NOW <= timedelta(seconds=5)


def test_nothing_is_asked_for_once_the_switch_is_on(store: Store, connect: Connect, db: psycopg.Connection) -> None:
    def check() -> None:
        raise KillSwitchOn("Kill switch is active")

    with pytest.raises(KillSwitchOn):
        meter(store, connect, FixedClock(NOW), check=check).before()
    assert db.execute("SELECT count(*) FROM rate_limit_buckets").fetchone() == (0,)


def test_a_budget_is_not_overdrawn_by_many_at_once(database_url: str, db: psycopg.Connection) -> None:
    took: list[bool] = []
    budget = limits.Budget("feed", 2, NOW)
    limits.take(db, "feed", THREE, budget, NOW)

    def ask(bucket: str) -> None:
        with psycopg.connect(database_url, autocommit=True) as conn:
            took.append(not limits.take(conn, bucket, THREE, budget, NOW).spent)

    threads = [threading.Thread(target=ask, args=(f"feed.{number}",)) for number in range(4)]
    with db.transaction():
        db.execute("SELECT FROM rate_limit_buckets WHERE name = 'feed.day' FOR UPDATE")
        for thread in threads:
            thread.start()
        waiting = "SELECT count(*) = 4 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"
        while db.execute(waiting, (db.info.dbname,)).fetchone() != (True,):
            db.execute("SELECT pg_stat_clear_snapshot()")
    for thread in threads:
        thread.join()
    assert sum(took) == 1
    assert db.execute("SELECT used FROM rate_limit_buckets WHERE name = 'feed.day'").fetchone() == (2,)


def test_the_budget_of_a_day_is_a_fuse_until_the_next_local_day(
    store: Store, connect: Connect, db: psycopg.Connection
) -> None:
    clock = FixedClock(NOW)
    one = meter(store, connect, clock, daily=5)
    for _ in range(5):
        one.before()
    with pytest.raises(DailyLimit, match="its 5 calls of today are used up"):
        one.before()
    assert db.execute("SELECT used, capacity FROM rate_limit_buckets WHERE name = 'feed.day'").fetchone() == (5, 5)
    clock.move_to(datetime(2026, 3, 11, 0, 1, tzinfo=UTC))
    one.before()
    assert db.execute("SELECT used FROM rate_limit_buckets WHERE name = 'feed.day'").fetchone() == (1,)


def test_a_budget_that_is_set_in_the_middle_of_a_day_counts_the_calls_before_it(
    store: Store, connect: Connect, db: psycopg.Connection
) -> None:
    clock = FixedClock(NOW.replace(hour=0))

    def calls(number: int, daily: int | None) -> None:
        one = meter(store, connect, clock, daily)
        for _ in range(number):
            one.before()
            one.after(ms=1)

    calls(2, 4)  # as the fuse stood in the morning
    clock.advance(timedelta(hours=8))
    calls(6, None)
    with pytest.raises(DailyLimit, match="its 8 calls of today are used up"):
        calls(1, 8)
    calls(2, 10)
    with pytest.raises(DailyLimit):
        calls(1, 10)
    assert limits.usage(db, clock.now().replace(hour=0))[0].calls == 10
    assert db.execute("SELECT used, capacity FROM rate_limit_buckets WHERE name = 'feed.day'").fetchone() == (10, 10)
    clock.advance(timedelta(days=1))
    calls(10, 10)
    with pytest.raises(DailyLimit):
        calls(1, 10)


def test_a_budget_that_was_raised_holds_at_once(store: Store, connect: Connect) -> None:
    clock = FixedClock(NOW)
    meter(store, connect, clock, daily=1).before()
    with pytest.raises(DailyLimit):
        meter(store, connect, clock, daily=1).before()
    meter(store, connect, clock, daily=2).before()


def test_calls_are_counted_by_service_and_hour(store: Store, connect: Connect, db: psycopg.Connection) -> None:
    clock = FixedClock(NOW + timedelta(minutes=59, seconds=59))
    one = meter(store, connect, clock)
    one.after(ms=10.4)
    one.after(ms=20, error=True, throttled=True)
    clock.advance(timedelta(seconds=2))
    one.after(ms=1, error=True)
    rows = db.execute("SELECT service, hour, calls, errors, throttled, duration_ms FROM api_usage ORDER BY hour")
    assert rows.fetchall() == [("feed", NOW, 2, 1, 1, 30), ("feed", NOW + timedelta(hours=1), 1, 1, 0, 1)]
    assert limits.usage(db, NOW + timedelta(hours=1)) == [limits.Usage("feed", 1, 1, 0, 1)]


def test_a_limit_is_kept_though_the_run_writes_nothing(store: Store, connect: Connect, db: psycopg.Connection) -> None:
    one = meter(store, connect, FixedClock(NOW))
    with store.conn.transaction():
        store.conn.execute("SET TRANSACTION READ ONLY")
        one.before()
        one.after(ms=1)
    assert db.execute("SELECT calls FROM api_usage").fetchone() == (1,)
