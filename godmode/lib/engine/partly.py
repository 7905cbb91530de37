"""A run of several parts, of which one failing stops no other: it has failed, after all of them, where a part has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from godmode.lib.kernel import JobResult, Outcome


def result(parts: str, count: int, failed: Mapping[str, JobResult], data: Mapping[str, Any]) -> JobResult:
    """The run's result: `failed` are the results of the parts that failed, by name, of `count` (`parts` in words)."""
    if not failed:
        return JobResult(Outcome.SUCCEEDED, data=data)
    named = [{"where": name, "why": one.error} for name, one in sorted(failed.items())]
    name, first = min(failed.items(), key=lambda item: item[0])
    error = f"{len(failed)} of {count} {parts} failed; {name}: {first.error}"
    return JobResult(Outcome.FAILED, None, error, first.error_category, {**data, "failed": named}, first.cause)
