"""Weeks of a small company's runs, as the detectors read them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from godmode.lib.kernel import Proposal
from godmode.lib.store.outcomes import Failure, Tally

NOW = datetime(2026, 3, 30, 12, 0, tzinfo=UTC)  # a Monday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def failed(
    subject: str, at: Iterable[datetime], error: str | None = "connect ECONNREFUSED 10.0.0.7:5432"
) -> list[Failure]:
    return [Failure("workflow", subject, subject.title(), when, error, f"{when:%d%H%M}") for when in at]


def hours(
    subject: str, *, days: int = 28, every: int = 1, ended: int = 2, ms: int = 4_000, failing: Iterable[datetime] = ()
) -> list[Tally]:
    """A workflow that ran `ended` times in every `every`-th hour, for `ms` each; in `failing` hours one run failed."""
    bad = {when.replace(minute=0) for when in failing}
    steps = (NOW - n * HOUR for n in range(days * 24, 0, -every))
    return [Tally("workflow", subject, subject.title(), at, ended, int(at in bad), ended * ms) for at in steps]


def ago(**step: float) -> datetime:
    return NOW - timedelta(**step)


def sure(found: Iterable[Proposal]) -> list[Proposal]:
    """Those that the engine takes for patterns, as it is configured by default."""
    return [p for p in found if p.confidence >= 0.6]
