"""Whether the monitor's runs end well, by a file that each of them marks: a run that was killed tells of itself so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from godmode.lib.health import slab
from godmode.lib.health.mirror import folder

TOO_OFTEN = 3  # in a row for the monitor; within WINDOW for another job, whose good ends nobody marks
WINDOW = timedelta(hours=1)


@contextmanager
def marked(state: Path) -> Iterator[tuple[int, Callable[[bool | None], int]]]:
    """Around a run of the monitor: how many before it did not end well, and what takes how it ended itself.

    That is given True for well, False for badly, None for a run that did not work, and returns how many there are now.
    A run beside one that lives marks nothing.
    """
    with slab.held(folder(state) / "attempts") as kept:
        if kept is None:
            yield 0, lambda well: 0
            return
        before = kept.read()
        bad = int(before.get("bad", 0)) + bool(before.get("begun"))
        kept.write({"bad": bad, "begun": True})

        def ended(well: bool | None) -> int:
            now_bad = bad if well is None else 0 if well else bad + 1
            kept.write({"bad": now_bad, "begun": False})
            return now_bad

        yield bad, ended


def crashing(state: Path, now: datetime) -> dict[str, int]:
    """The other jobs that crash too often, and how often they did within WINDOW."""
    found = {}
    for path in folder(state).glob("crashes-*"):
        with slab.held(path) as kept:
            times = len(_recent(kept.read(), now)) if kept is not None else 0
        if times >= TOO_OFTEN:
            found[path.name.removeprefix("crashes-")] = times
    return found


def _recent(content: Mapping[str, Any], now: datetime) -> list[datetime]:
    found = [datetime.fromisoformat(at) for at in content.get("at", [])]
    return [at for at in found if timedelta(0) <= now - at < WINDOW]


def crashed(state: Path, job: str, now: datetime) -> int:
    """Another job crashed: how often it did within WINDOW."""
    with slab.held(folder(state) / f"crashes-{job}") as kept:
        if kept is None:
            return 0
        recent = [*_recent(kept.read(), now)[-TOO_OFTEN:], now]
        kept.write({"at": [at.isoformat() for at in recent]})
        return len(recent)
