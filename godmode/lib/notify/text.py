"""What stands in a message, a call and the one message that several became. Pure, and the same at every attempt."""

from __future__ import annotations

from collections.abc import Sequence

from godmode.lib.kernel import Notification, Severity
from godmode.lib.notify.routes import ONCE
from godmode.lib.store.outbox import Message

LINES = 20  # of the one message; `audit messages` shows what is cut off
SEVERITIES = tuple(str(severity) for severity in Severity)  # the most severe first
_SPOKEN = {"SEV0": "Severity zero", "SEV1": "Severity one", "WARN": "A warning", "INFO": "For your information"}


def plural(way: str) -> str:
    """calls, SMS, messages."""
    return "SMS" if way == "sms" else f"{way}s"


def written(row: Message, way: str) -> str:
    """A message to be read; an SMS has its own words where there are any."""
    if way == "sms" and row.brief:
        return row.brief
    if row.type in ONCE or row.type == "phone_reply":
        return row.body
    return f"{row.severity}: {row.title}" + (f"\n{row.body}" if row.body else "")


def spoken(row: Message) -> str:
    """A message to be heard; a morning call's body is its script."""
    if row.type in ONCE:
        return row.body
    said = f"This is godmode. {_SPOKEN[row.severity]}. {row.title}."
    return f"{said} {row.body}" if row.body else said


def folded(rows: Sequence[Message], key: str) -> Notification:
    """The one message that says what several held ones would have said: the most severe first, equal ones once."""
    ordered = sorted(rows, key=lambda row: (SEVERITIES.index(row.severity), row.created_at))
    times: dict[str, int] = {}
    for row in ordered:
        said = f"{row.severity}: {_line(row.title)}" + (f": {_line(row.body)}" if row.body else "")
        times[said] = times.get(said, 0) + row.count
    lines = [
        f"{n}. {said}{f' ({count} times)' if count > 1 else ''}" for n, (said, count) in enumerate(times.items(), 1)
    ]
    if len(lines) > LINES:
        lines = [
            *lines[: LINES - 1],
            f"and {len(lines) - LINES + 1} more: `godmode audit messages --told-by held-messages`",
        ]
    return Notification(
        "held_messages", Severity(ordered[0].severity), f"{len(rows)} messages in one", "\n".join(lines), key
    )


def _line(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 200 else f"{flat[:199]}…"
