"""Five hosts on one database share the work of a day: each slot once, whoever comes first, also when hosts go away."""

from __future__ import annotations

import io
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from fakes.company import configured
from msgspec import structs

from godmode.lib.clock import FixedClock
from godmode.lib.config import Config
from godmode.lib.engine.equipment import Mode
from godmode.lib.kernel import Outcome
from godmode.wiring import App

MIDNIGHT = datetime(2026, 3, 10, 5, 0, tzinfo=UTC)  # in Chicago
TICK = timedelta(minutes=30)
JOBS = ("periodic_scan", "daily_digest", "cleanup_old_data", "health_monitor", "process_retry_queue")


class Host(App):
    """One of the five: its own state folder and console, the same clock as the others."""

    def __init__(self, config: Config, number: int, clock: FixedClock, folder: Path) -> None:
        self.printed = io.StringIO()
        own = structs.replace(config, state=folder / f"host-{number}")
        super().__init__(own, clock=clock, stream=self.printed)

    def ticks(self) -> Counter[str]:
        """What cron does on this host at this moment: every job, each by its own line."""
        ran: Counter[str] = Counter()
        for job in JOBS:
            result = self.runner.run(job, Mode(scheduled=True)).result
            assert result.outcome is not Outcome.FAILED, f"{job}: {result.error}"
            ran[job] += result.outcome is Outcome.SUCCEEDED
        return ran


@pytest.fixture
def hosts(config: Config, tmp_path: Path) -> Iterator[list[Host]]:
    (tmp_path / "chats").mkdir()
    company = configured(config, f'[sources.chatlogs]\npath = "{tmp_path / "chats"}"\n')
    clock = FixedClock(MIDNIGHT)
    made = [Host(company, number, clock, tmp_path) for number in range(5)]
    yield made
    for host in made:
        host.store.close()


def test_a_day_is_shared_by_five_hosts_of_which_two_go_away_at_noon(hosts: list[Host], db: psycopg.Connection) -> None:
    dice = random.Random(5)
    did = {host: Counter[str]() for host in hosts}
    for tick in range(48):
        up = hosts if tick < 24 else hosts[2:]
        for host in dice.sample(up, len(up)):
            did[host] += host.ticks()
        hosts[0].clock.advance(TICK)  # type: ignore[attr-defined]

    together = sum(did.values(), Counter[str]())
    assert together == {
        "periodic_scan": 48, "daily_digest": 1, "cleanup_old_data": 1, "health_monitor": 48, "process_retry_queue": 48
    }  # fmt: skip
    assert all(did[host]["periodic_scan"] > 1 for host in hosts), "a host took no part"
    assert sum("godmode digest" in host.printed.getvalue() for host in hosts) == 1
    twice = db.execute(
        """
        SELECT action, slot FROM agent_audit_log WHERE action_type = 'job' AND success
        GROUP BY action, slot HAVING count(*) > 1
        """
    ).fetchall()
    assert twice == []
