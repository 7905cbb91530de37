"""A job's days as a calendar: a column for each week, or rows one below the other where there are few. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from godmode.lib.report.facts import JobDays
from godmode.lib.store.history import Runs

CELL, GAP = 12, 3  # units of the drawing
ROW = 15  # days of a row
IN_ROWS = 2 * ROW  # days up to which they stand in rows, as wide as a quarter's weeks


@dataclass(frozen=True)
class Cell:
    """A day: where it is drawn, how it went (`worked`, `gaps`, `mixed`, `failed`, `skipped`, `none`), that in words.

    `bad` is how much of the cell is drawn as failed.
    """

    x: int
    y: int
    state: str
    bad: float
    words: str


@dataclass(frozen=True)
class Calendar:
    """Where everything is, and how large the drawing is."""

    cells: Sequence[Cell]
    width: int
    height: int


def calendar(job: JobDays, days: Sequence[date]) -> Calendar:
    """The calendar of a job."""
    cells = [_cell(job.days.get(number), day, _place(number, days)) for number, day in enumerate(days)]
    size = CELL + GAP
    return Calendar(cells, max(c.x for c in cells) + size - GAP, max(c.y for c in cells) + size - GAP)


def _place(number: int, days: Sequence[date]) -> tuple[int, int]:
    if len(days) <= IN_ROWS:
        return number % ROW, number // ROW
    return (number + days[0].weekday()) // 7, days[number].weekday()


def _cell(runs: Runs | None, day: date, place: tuple[int, int]) -> Cell:
    state = _state(runs)
    share = runs.failed / (runs.failed + runs.succeeded) if runs and state in ("mixed", "failed") else 0.0
    bad = CELL * max(share, 0.35) if share else 0.0
    column, row = place
    return Cell(column * (CELL + GAP), row * (CELL + GAP), state, round(bad, 1), f"{day:%a %d %b}: {told(runs)}")


def _state(runs: Runs | None) -> str:
    if runs is None or not (runs.succeeded or runs.failed):
        return "skipped" if runs and runs.skipped else "none"
    if runs.failed:
        return "mixed" if runs.succeeded else "failed"
    return "gaps" if runs.missed else "worked"


def told(runs: Runs | None) -> str:
    """A day's runs in words: `47 worked, 1 failed`."""
    if runs is None:
        return "no run"
    counts = {"worked": runs.succeeded, "failed": runs.failed, "skipped": runs.skipped, "slots missed": runs.missed}
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "no run"
