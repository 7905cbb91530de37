"""`killswitch on` with the database away: the file alone has to stay on."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from godmode.lib.clock import FixedClock
from godmode.lib.engine import killswitch, locks, standstill
from godmode.lib.engine.killswitch import Mirror

NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)


def away() -> psycopg.Connection:
    raise psycopg.OperationalError("connection refused")


def test_a_run_that_brings_its_stale_mirror_up_to_date_does_not_undo_an_on_without_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def its_last_write(state: Path) -> list[str]:
        """The run read the controls before the switch was turned, writes the file after it, and ends."""
        if killswitch.waiting(state):
            killswitch.write(state, Mirror(on=False, number=1))
            return ["work"]
        return []

    monkeypatch.setattr(locks, "held", its_last_write)
    place = standstill.Place(tmp_path, FixedClock(NOW), away)
    came = standstill.bring_about(place, "smoke", "her", 60, lambda still: None)
    assert (came.is_set, came.still) == (True, [])
    assert killswitch.waiting(tmp_path) == Mirror(True, None, "smoke", NOW.isoformat())
