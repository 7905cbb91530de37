"""What a rehearsal notes while it lives: what happened, what was tried to reach her, how messages came to stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from msgspec import Struct

from godmode.lib.store.rehearsed import Told


@dataclass
class Try:
    """A channel was to reach her. `came` is `sent`, `refused`, or of a call `rings`, `answered`, `not answered`.

    `message` is the number of the message in the outbox.
    """

    at: datetime
    channel: str
    way: str
    to: str
    text: str
    message: int
    came: str


class Happened(Struct, frozen=True):
    """Something of the script, in words."""

    at: datetime
    says: str


class Stood(Struct, frozen=True):
    """A message stood otherwise from a moment on."""

    at: datetime
    message: Told


class Skipped(Struct, frozen=True):
    """A daily job that did not go out for a slot: `outcome` is `skipped` or `failed`, `why` with what mends it."""

    at: datetime
    job: str
    outcome: str
    why: str


@dataclass
class Diary:
    """All of it, in the order of time. `runs` counts the runs by job and outcome; `seconds` is how long a morning
    call lasts, by its text."""

    happened: list[Happened] = field(default_factory=list)
    tries: list[Try] = field(default_factory=list)
    stood: list[Stood] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    runs: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    messages: dict[int, Told] = field(default_factory=dict)
    seconds: dict[str, int] = field(default_factory=dict)
    refusing: dict[str, datetime] = field(default_factory=dict)

    def refuses(self, channel: str, now: datetime) -> bool:
        """Whether a channel refuses what it is handed now: `refusing` says until when each does, and it does once."""
        until = self.refusing.pop(channel, None)
        return until is not None and now < until
