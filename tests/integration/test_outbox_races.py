"""Several hosts at one outbox: each limit is counted under a lock, and nothing leaves twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import psycopg
import pytest

from godmode.lib.kernel import Notification, Severity
from godmode.lib.notify.text import folded
from godmode.lib.store import attention, outbox, releases

NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
HOSTS = 8
Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def hosts(database_url: str) -> Iterator[list[Connection]]:
    made = [psycopg.connect(database_url, autocommit=True) for _ in range(HOSTS)]
    yield made
    for conn in made:
        conn.close()


def at_once(hosts: list[Connection], do: Callable[[int, Connection], Any]) -> list[Any]:
    """What each host gets that does this at the same moment as all the others."""
    ready = Barrier(len(hosts))

    def one(number: int) -> Any:
        ready.wait()
        return do(number, hosts[number])

    with ThreadPoolExecutor(len(hosts)) as pool:
        return list(pool.map(one, range(len(hosts))))


def note(key: str, type_: str = "health_alert", body: str = "") -> Notification:
    return Notification(type_, Severity.WARN, "the disk fills", body, key)


def test_one_trouble_seen_by_eight_hosts_is_one_message_counted_eight_times(
    hosts: list[Connection], db: Connection
) -> None:
    at_once(hosts, lambda n, conn: outbox.put(conn, note("k"), f"run {n}", NOW))
    assert db.execute("SELECT count FROM notifications").fetchall() == [(HOSTS,)]


def test_two_digests_at_the_same_second_are_one_with_one_text(hosts: list[Connection], db: Connection) -> None:
    rows = at_once(
        hosts, lambda n, conn: outbox.put(conn, note("d", "daily_digest", f"text {n}"), f"run {n}", NOW, window=None)
    )
    assert len({(row.id, row.body) for row in rows}) == 1
    assert db.execute("SELECT count(*), max(count) FROM notifications").fetchone() == (1, 1)


def test_of_eight_health_alerts_at_once_one_goes_out(hosts: list[Connection], db: Connection) -> None:
    def alert(number: int, conn: Connection) -> Any:
        row = outbox.put(conn, note(f"alert {number}"), f"run {number}", NOW)
        return outbox.route(conn, row.id, ["message"], None, NOW, at_most_an_hour=1).via

    assert sorted(at_once(hosts, alert)) == [[]] * (HOSTS - 1) + [["message"]]


def test_of_eight_calls_at_once_three_are_placed(hosts: list[Connection], db: Connection) -> None:
    limits = [(3, timedelta(minutes=15)), (7, timedelta(hours=1))]

    def call(number: int, conn: Connection) -> bool:
        row = outbox.put(conn, note(f"call {number}"), f"run {number}", NOW)
        return attention.take(conn, row.id, "call", "twilio", NOW, limits)

    assert at_once(hosts, call).count(True) == 3
    assert attention.counts(db, NOW - timedelta(days=7)) == {"call": 3}


def test_what_is_held_is_folded_into_one_message_by_one_host(hosts: list[Connection], db: Connection) -> None:
    for number in range(5):
        row = outbox.put(db, note(f"held {number}"), "run", NOW)
        outbox.route(db, row.id, ["message"], NOW + timedelta(hours=1), NOW)
    made = at_once(hosts, lambda n, conn: releases.fold(conn, NOW + timedelta(hours=1), f"run {n}", folded))
    assert [row is not None for row in made].count(True) == 1
    statuses = db.execute("SELECT status, count(*) FROM notifications GROUP BY 1 ORDER BY 1").fetchall()
    assert statuses == [("digested", 5), ("pending", 1)]
