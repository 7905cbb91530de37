"""What sections of the configuration are made of, and those of health and log."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every part of the file: unknown keys are refused."""


URL = r"^https?://\S+$"
Url = Annotated[str, Meta(pattern=URL)]


class Health(Section, frozen=True):
    """What the health monitor calls unwell, and who hears of it when it cannot work itself.

    `ping_url` is a dead man's switch for the monitor, `pings` for other jobs by name; whose conventions its address
    follows is told by it, or by `ping_style`. `fallback` names the channels that tell of a monitor that cannot work, in
    order (none: the ways of SEV1). `pre_armed`: Twilio holds a message that says tomorrow that godmode did not run,
    `pre_armed_minutes` after the digest's time.
    """

    ping_url: Url | None = None
    ping_style: Literal["healthchecks", "cronitor", "uptime_kuma"] | None = None
    pings: dict[str, Url] = field(default_factory=dict)
    fallback: list[str] = field(default_factory=list)
    pre_armed: bool = False
    pre_armed_minutes: Annotated[int, Meta(ge=5, le=600)] = 10
    database_ms: Annotated[int, Meta(ge=1)] = 1000
    vacuum_days: Annotated[int, Meta(ge=1)] = 7
    clock_seconds: Annotated[int, Meta(ge=1)] = 30
    disk_percent: Annotated[int, Meta(ge=1, le=100)] = 95
    disk_hours: Annotated[int, Meta(ge=1)] = 24
    credential_days: Annotated[int, Meta(ge=1)] = 14


class Log(Section, frozen=True):
    """`level` is the least that is written."""

    format: Literal["plain", "json"] = "plain"
    level: Literal["debug", "info", "warning", "error"] = "info"
