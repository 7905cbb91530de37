"""Types of incidents that are muted until a date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg

from godmode.lib.store import mutes

NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_mute_holds_for_its_type_until_its_date(db: psycopg.Connection) -> None:
    mutes.put(db, "slow_jobs", NOW + DAY, NOW, "a backup runs")
    assert mutes.muted(db, "slow_jobs", NOW)
    assert not mutes.muted(db, "slow_jobs", NOW + DAY)
    assert not mutes.muted(db, "queue_depth", NOW)


def test_a_lifted_mute_holds_no_more_and_is_lifted_once(db: psycopg.Connection) -> None:
    number = mutes.put(db, "slow_jobs", NOW + DAY, NOW)
    assert mutes.lift(db, number, NOW)
    assert not mutes.muted(db, "slow_jobs", NOW)
    assert not mutes.lift(db, number, NOW)


def test_a_mute_that_is_over_is_not_lifted(db: psycopg.Connection) -> None:
    assert not mutes.lift(db, mutes.put(db, "slow_jobs", NOW + DAY, NOW), NOW + 2 * DAY)
    assert not mutes.lift(db, 1000, NOW)
