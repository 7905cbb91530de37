"""Filters of a data source query, as strict as Notion is with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from fakes.notion_pages import DataSource, Page, minute

Test = Callable[[Page], bool]
WHEN: dict[str, Callable[[datetime, datetime], bool]] = {
    "on_or_after": lambda at, asked: at >= asked,
    "on_or_before": lambda at, asked: at <= asked,
    "after": lambda at, asked: at > asked,
    "before": lambda at, asked: at < asked,
}
OPERATORS = {"multi_select": "contains", "select": "equals", "status": "equals"}


class Invalid(Exception):
    """What Notion answers 400 `validation_error` to."""


def compiled(source: DataSource, asked: Mapping[str, Any] | None) -> Test:
    """Whether a page passes. Raises Invalid for what Notion would not take."""
    if not asked:
        return lambda page: True
    for word, combined in (("and", all), ("or", any)):
        if word in asked:
            parts = [compiled(source, part) for part in asked[word]]
            return lambda page: combined(part(page) for part in parts)
    if "timestamp" in asked:
        return _time(asked)
    return _tag(source, asked)


def _time(asked: Mapping[str, Any]) -> Test:
    if asked["timestamp"] not in ("last_edited_time", "created_time"):
        raise Invalid("body failed validation: body.filter.timestamp should be `created_time` or `last_edited_time`")
    ((word, value),) = asked[asked["timestamp"]].items()
    try:
        holds, when = WHEN[word], datetime.fromisoformat(value)
    except (KeyError, ValueError):
        raise Invalid(f"body failed validation: {word} {value} is not a date condition") from None
    if asked["timestamp"] == "created_time":
        return lambda page: holds(minute(page.created), when)
    return lambda page: holds(minute(page.edited), when)


def _tag(source: DataSource, asked: Mapping[str, Any]) -> Test:
    name = asked.get("property")
    if source.kind is None or name not in (source.property, "tG%7Bs"):
        raise Invalid(f"Could not find property with name or id: {name}")
    if source.kind not in asked:
        given = next(word for word in asked if word != "property")
        raise Invalid(f"database property {source.kind} does not match filter {given}")
    ((word, tag),) = asked[source.kind].items()
    if word != OPERATORS.get(source.kind):
        raise Invalid(f"body failed validation: {source.kind}.{word} is not defined")
    if source.kind == "status" and tag not in source.options:
        raise Invalid(f'status option "{tag}" not found for property "{name}"')
    return lambda page: tag in page.tags
