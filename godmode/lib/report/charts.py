"""Numbers to shapes: drawings of 100 by 100 units that a page stretches, without any text in them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

SIDE = 100.0


@dataclass(frozen=True)
class Bar:
    """A rectangle, and what it says when it is pointed at."""

    x: float
    y: float
    width: float
    height: float
    words: str


@dataclass(frozen=True)
class Bars:
    """Columns from the ground; `line` is the height of a limit, None where there is none; `top` what 100 units are."""

    bars: Sequence[Bar]
    line: float | None
    top: float


def bars(values: Sequence[float], words: Sequence[str], limit: float | None = None) -> Bars:
    """A column for each value. The scale begins at zero and holds the limit."""
    top = max([*values, limit or 0, 1])
    step = SIDE / max(len(values), 1)
    found = []
    for number, (value, said) in enumerate(zip(values, words, strict=True)):
        height = SIDE * value / top
        found.append(Bar(_r(number * step + step * 0.1), _r(SIDE - height), _r(step * 0.8), _r(height), said))
    return Bars(found, _r(SIDE - SIDE * limit / top) if limit else None, top)


def curve(values: Sequence[float | None], top: float) -> str:
    """The path of a curve, which has a gap where there is no value; a value alone between two gaps is a dot."""
    step = SIDE / max(len(values) - 1, 1)
    path = []
    for number, value in enumerate(values):
        if value is None:
            continue
        begins = number == 0 or values[number - 1] is None
        path.append(f"{'M' if begins else 'L'}{_r(number * step)} {_r(SIDE - SIDE * value / top if top else SIDE)}")
        if begins:
            path.append("h0")
    return "".join(path)


def stretch(begin: datetime, end: datetime, since: datetime, until: datetime) -> tuple[float, float]:
    """Where a time that lasts stands within a stretch of days: its left edge and its width, in units."""
    whole = (until - since).total_seconds()
    left = max((begin - since).total_seconds(), 0) / whole * SIDE
    right = min((end - since).total_seconds(), whole) / whole * SIDE
    return _r(min(left, SIDE - 0.6)), _r(max(right - left, 0.6))


def _r(number: float) -> float:
    return round(number, 2)
