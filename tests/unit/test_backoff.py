"""Trying again within a run: the specification's waits, a longer Retry-After, and what ends the tries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from godmode.lib.backoff import JITTER, PATIENCE, again
from godmode.lib.clock import FixedClock
from godmode.lib.errors import Auth, BadData, DatabaseTrouble, ExternalApi, KillSwitchOn, Refused, Transient, Unknown
from godmode.lib.kernel import Backoff
from godmode.lib.ports import Site

NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)


class Desk:
    """A site whose clock moves as it sleeps, and a service that fails as often as it is told."""

    def __init__(self, *failures: Exception, deadline: float = 600, switch_after: float = 1e9) -> None:
        self.clock = FixedClock(NOW)
        self.failures = list(failures)
        self.tried_at: list[float] = []
        self.asked = 0
        self._switch_after = switch_after
        self.site = Site(
            self.clock, UTC, "", Path, self._check, time_left=lambda: deadline - self.passed, sleep=self._sleep
        )

    @property
    def passed(self) -> float:
        return (self.clock.now() - NOW).total_seconds()

    def _sleep(self, seconds: float) -> None:
        assert seconds <= PATIENCE
        self.clock.advance(timedelta(seconds=seconds))

    def _check(self) -> None:
        self.asked += 1
        if self.passed >= self._switch_after:
            raise KillSwitchOn("Kill switch is active")

    def serve(self) -> str:
        self.tried_at.append(self.passed)
        if self.failures:
            raise self.failures.pop(0)
        return "served"


def down(times: int) -> list[Transient]:
    return [Transient("no route") for _ in range(times)]


def test_a_service_that_comes_back_is_asked_after_two_four_eight_and_sixteen_seconds() -> None:
    desk = Desk(*down(4))
    assert again(desk.site, desk.serve) == "served"
    assert desk.tried_at == [0, 2, 6, 14, 30]


def test_the_fifth_failure_is_the_last_and_comes_out_as_it_is() -> None:
    desk = Desk(*down(7))
    with pytest.raises(Transient, match=r"^no route$"):
        again(desk.site, desk.serve)
    assert len(desk.tried_at) == 5


def test_no_wait_is_longer_than_a_minute() -> None:
    desk = Desk(*down(7))
    again(desk.site, desk.serve, Backoff(attempts=9))
    assert desk.tried_at == [0, 2, 6, 14, 30, 62, 122, 182]


def test_a_longer_retry_after_is_obeyed_with_up_to_a_tenth_on_top_and_a_shorter_one_is_not() -> None:
    for _ in range(50):
        desk = Desk(
            ExternalApi("429", retry_after=timedelta(seconds=40)), ExternalApi("429", retry_after=timedelta(seconds=1))
        )
        again(desk.site, desk.serve)
        first, second = desk.tried_at[1], desk.tried_at[2] - desk.tried_at[1]
        assert 40 <= first <= 40 * (1 + JITTER)
        assert 4 <= second <= 4 + JITTER


@pytest.mark.parametrize(
    "error", [Auth("401"), Refused("422"), BadData("no JSON"), Unknown("perhaps sent"), ZeroDivisionError("a bug")]
)
def test_what_trying_again_cannot_help_is_tried_once(error: Exception) -> None:
    desk = Desk(error)
    with pytest.raises(type(error)):
        again(desk.site, desk.serve)
    assert desk.tried_at == [0]


def test_a_database_is_tried_once_more() -> None:
    desk = Desk(*(DatabaseTrouble("gone") for _ in range(5)))
    with pytest.raises(DatabaseTrouble):
        again(desk.site, desk.serve)
    assert desk.tried_at == [0, 2]


def test_the_switch_ends_the_tries_during_a_wait_and_not_only_at_its_end() -> None:
    desk = Desk(ExternalApi("429", retry_after=timedelta(seconds=300)), switch_after=1)
    with pytest.raises(KillSwitchOn):
        again(desk.site, desk.serve)
    assert desk.tried_at == [0]
    assert desk.passed <= PATIENCE


@pytest.mark.parametrize(("deadline", "tries"), [(7, 3), (6, 2), (1, 1)])
def test_nothing_waits_past_the_runs_deadline(deadline: float, tries: int) -> None:
    desk = Desk(*down(5), deadline=deadline)
    with pytest.raises(Transient):
        again(desk.site, desk.serve)
    assert len(desk.tried_at) == tries
    assert desk.passed < deadline


def test_without_a_failure_nothing_is_waited_for_or_asked() -> None:
    desk = Desk()
    assert (again(desk.site, desk.serve), desk.asked, desk.passed) == ("served", 0, 0)
