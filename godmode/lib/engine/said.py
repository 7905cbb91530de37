"""What is kept or told of a run: its error, and every text in its data, passes `clean` first (notify/redact.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from godmode.lib.errors import GodmodeError
from godmode.lib.kernel import JobResult

Clean = Callable[[str], str]


def said(result: JobResult, clean: Clean) -> JobResult:
    """The result as it may be written and shown. A result of numbers calls `clean` for nothing."""
    if isinstance(result.cause, GodmodeError):
        result.cause.message = clean(result.cause.message)
    error = clean(result.error) if result.error else result.error
    return replace(result, error=error, data=texts(result.data, clean))


def texts(value: Any, clean: Clean) -> Any:
    """A JSON value with every text in it cleaned; its keys are the program's own and stay."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {key: texts(item, clean) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [texts(item, clean) for item in value]
    return value
