"""The law of the sync: whatever changes meanwhile, comes late or breaks off, in the end each contact is stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from fakes.hubspot import HubSpot
from fakes.hubspot_account import Account
from fakes.hubspot_reader import Shelf, source
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from godmode.lib.clock import FixedClock
from godmode.lib.sources.hubspot_contacts import Row, record_of

START = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)
OVERLAP = 15  # minutes
IDS = st.integers(1, 12)
CHANGES = st.lists(st.tuples(st.sampled_from(["write", "write", "write", "archive", "merge"]), IDS, IDS), max_size=6)
STEP = st.tuples(
    st.sampled_from([0, 1, 5, 10, 14, 15, 30]),  # minutes since the last step
    CHANGES,
    st.dictionaries(IDS, st.sampled_from([0, 1, 5, 11, 15]), max_size=12),  # minutes the index lags, by contact
    st.one_of(st.none(), st.integers(0, 12)),  # after how many items the sync is broken off
)


@pytest.fixture(scope="module")
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture(scope="module")
def fake(clock: FixedClock) -> Iterator[HubSpot]:
    with HubSpot(clock.now) as running:
        running.page = 3  # so that a dozen contacts are several pages
        yield running


def happen(account: Account, changes: list[tuple[str, int, int]], at: datetime) -> None:
    """What users do with these contacts, as far as they are there."""
    for what, one, other in changes:
        there = {i for i, c in account.contacts.items() if c.archived is None}
        if what == "write" and one in there:
            account.change([one], at, firstname=f"at {at.timestamp()}")
        elif what == "write" and one not in account.contacts and one not in account.erased:
            account.add(one, at, firstname=f"new {at.timestamp()}")
        elif what == "archive" and one in there:
            account.archive(one, at)
        elif what == "merge" and {one, other} <= there and one != other:
            account.merge(one, other, at)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, min_size=1, max_size=8))
@example(steps=[(0, [("write", 1, 1), ("write", 3, 1)], {}, None), (0, [("merge", 3, 1), ("archive", 3, 1)], {}, None)])
def test_every_contact_is_stored_whatever_the_order_the_lag_within_the_overlap_and_the_breaks(
    fake: HubSpot, clock: FixedClock, steps: list[tuple[int, list[tuple[str, int, int]], dict[int, int], int | None]]
) -> None:
    clock.move_to(START)
    fake.account = account = Account(clock.now)
    fake.forget()
    shelf = Shelf()
    with closing(source(fake, clock, overlap_minutes=OVERLAP, daily_overlap_hours=0)) as reader:
        for minutes, changes, lags, broken_off in steps:
            account.lag = lambda id, lags=lags: lags.get(id, 0) * 60_000  # type: ignore[misc]
            happen(account, changes, clock.now())
            clock.advance(timedelta(minutes=minutes))
            shelf.keep(reader.changes(shelf.cursor), broken_off)
        clock.advance(timedelta(minutes=OVERLAP))
        shelf.keep(reader.changes(shelf.cursor))
    there = {c.id: c for c in account.contacts.values() if c.archived is None}
    told = {
        record.id: record
        for c in there.values()
        for record in [record_of(Row(str(c.id), c.shown(["firstname"])["properties"]))]
    }
    assert {id: (r.text, r.changed_at) for id, r in shelf.records.items()} == {
        id: (r.text, r.changed_at) for id, r in told.items()
    }
    assert not fake.problems
