"""The sections of the configuration file, and the types of their values."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

TIME = r"^([01]\d|2[0-3]):[0-5]\d$"
MIDNIGHT = "24:00"  # as the end of quiet hours: the day's last moment
Minutes = Annotated[int, Meta(ge=1, le=1440)]
Time = Annotated[str, Meta(pattern=TIME)]
End = Annotated[str, Meta(pattern=rf"{TIME}|^{MIDNIGHT}$")]
HTTP = r"^https?://([^\x00-\x20/?#@]+@)?([^\x00-\x20/?#@:\[\]]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?(/[^\x00-\x20?#]*)?$"
Address = Annotated[str, Meta(pattern=HTTP)]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every part of the file: unknown keys are refused."""


class Remote(Section, frozen=True):
    """Base of the section of a source behind an API.

    `daily_calls` is a fuse: at most so many calls a day. `max_seconds` bounds a sync from cron, which goes on in the
    next slot.
    """

    daily_calls: Annotated[int, Meta(ge=1)] | None = None
    max_seconds: Annotated[int, Meta(ge=1)] = 480


class Operator(Section, frozen=True):
    name: str = ""
    phone: str = ""


class QuietHours(Section, frozen=True):
    """Local times; equal ones mean no quiet hours, "00:00" to "24:00" that every hour is quiet."""

    start: Time = "21:00"
    end: End = "06:00"


class IntervalJob(Section, frozen=True):
    interval_minutes: Minutes | None = None
    deadline_seconds: Annotated[int, Meta(ge=1)] | None = None


class DailyJob(Section, frozen=True):
    time: Time | None = None
    deadline_seconds: Annotated[int, Meta(ge=1)] | None = None


class Jobs(Section, frozen=True):
    periodic_scan: IntervalJob = IntervalJob()
    daily_digest: DailyJob = DailyJob()
    morning_call: DailyJob = DailyJob()
    cleanup_old_data: DailyJob = DailyJob()
    health_monitor: IntervalJob = IntervalJob()


class Watchers(Section, frozen=True):
    """`sections` are the tables [watchers.NAME], each checked by its watcher's own settings class."""

    check_interval_minutes: Minutes = field(default=5, name="checkIntervalMinutes")
    sections: dict[str, Any] = field(default_factory=dict)


class Incidents(Section, frozen=True):
    """An incident is resolved when its trouble has stayed away for so long. SEV0 and SEV1 that nobody acknowledges
    are told again, so many minutes apart and so often."""

    resolve_after_minutes: Minutes = 30
    sev0_again_minutes: Minutes = 10
    sev0_again_times: Annotated[int, Meta(ge=0, le=100)] = 6
    sev1_again_minutes: Minutes = 60
    sev1_again_times: Annotated[int, Meta(ge=0, le=100)] = 4


class RetryQueue(Section, frozen=True):
    check_interval_seconds: Annotated[int, Meta(ge=5, le=3600)] = field(default=30, name="checkIntervalSeconds")


class Detectors(Section, frozen=True):
    """`lookback_days` counts back from the newest message read, since exports arrive late."""

    lookback_days: Annotated[int, Meta(ge=1, le=366)] = 14
    min_confidence: Annotated[float, Meta(ge=0, le=1)] = 0.6


class Embedded(Section, frozen=True):
    """`bin_dir`: the folder with `postgres` and `initdb` to use in place of the wheel's."""

    bin_dir: str | None = None


class Backup(Section, frozen=True):
    """`daily`: cleanup_old_data takes a backup each night, and once a week brings one back into a scratch server.

    `folder` is relative to this file. The newest `keep` stay in it; older ones are moved into its folder `old`, where
    the newest `keep_aside` are kept.
    """

    daily: bool = False
    folder: str | None = None
    keep: Annotated[int, Meta(ge=7)] = 7
    keep_aside: Annotated[int, Meta(ge=0)] = 23


class Speech(Section, frozen=True):
    """`voice` is one of espeak-ng's; `piper` a voice file (.onnx), relative to this file, for piper in its place."""

    voice: str = "en-us"
    piper: str | None = None


class Digest(Section, frozen=True):
    """`seal`: the digest ends with the first characters of the newest audit seal."""

    seal: bool = False


class Route(Section, frozen=True):
    """Messages of this severity and type (None: of any) go by the first way of `via` that works.

    "digest", or no way at all, is the next digest. Without `quiet_hours` only SEV0 and SEV1 pass them.
    """

    severity: Literal["SEV0", "SEV1", "WARN", "INFO"] | None = None
    type: str | None = None
    via: list[Literal["call", "sms", "message", "digest"]] = field(default_factory=list)
    quiet_hours: Literal["respect", "bypass"] | None = None


class Health(Section, frozen=True):
    """What the health monitor calls unwell, and who hears of it when it cannot work itself.

    `ping_url` is a dead man's switch for the monitor, `pings` for other jobs by name; whose conventions its address
    follows is told by it, or by `ping_style`. `fallback` names the channels that tell of a monitor that cannot work, in
    order (none: the ways of SEV1). `pre_armed`: Twilio holds a message that says tomorrow that godmode did not run,
    `pre_armed_minutes` after the digest's time.
    """

    ping_url: Address | None = None
    ping_style: Literal["healthchecks", "cronitor", "uptime_kuma"] | None = None
    pings: dict[str, Address] = field(default_factory=dict)
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


class Settings(Section, frozen=True):
    """The whole file. Every key has a default."""

    timezone: str = "America/Chicago"
    quiet_hours: QuietHours = QuietHours()
    operator: Operator = Operator()
    state_dir: str | None = None
    jobs: Jobs = Jobs()
    sources: dict[str, Any] = field(default_factory=dict)
    channels: dict[str, Any] = field(default_factory=dict)
    routes: list[Route] = field(default_factory=list)
    watchers: Watchers = Watchers()
    incidents: Incidents = Incidents()
    retry_queue: RetryQueue = RetryQueue()
    detectors: Detectors = Detectors()
    embedded: Embedded = Embedded()
    backup: Backup = Backup()
    speech: Speech = Speech()
    digest: Digest = Digest()
    health: Health = Health()
    log: Log = Log()
