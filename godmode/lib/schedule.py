"""The cron lines and systemd units that start every job. Pure: from the configured cadences to text.

Zones, daylight saving and missed slots are godmode's business: lines fire often enough, `--scheduled` decides.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import timedelta

from godmode.lib.config import parse_time
from godmode.lib.kernel import Daily, Every, Job

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DAILY_EVERY = 5  # minutes between two looks at whether a daily job is due, for catching up and for its retry
MINUTE = timedelta(minutes=1)

_HEAD = """\
# godmode: made by `godmode schedule cron`. Paste into `crontab -e`.
# A line fires more often than its job is due; `--scheduled` runs it only when its slot is, in godmode's own zone.
SHELL=/bin/sh
PATH={path}
"""

_SERVICE = """\
# Made by `godmode schedule systemd`.
[Unit]
Description=godmode %i
Wants=godmode-postgres.service
After=network-online.target godmode-postgres.service

[Service]
Type=oneshot
ExecStart={command} run %i --scheduled
TimeoutStartSec=15min
TimeoutStopSec=15s
UMask=0077
{environment}"""

_POSTGRES = """\
# Made by `godmode schedule systemd`. The embedded database outlives the jobs that use it, so it has its own unit.
# With DATABASE_URL there is nothing to start, and this unit fails without harm.
[Unit]
Description=godmode's PostgreSQL

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={command} db start
ExecStop={command} db stop
TimeoutStartSec=2min
UMask=0077
{environment}
[Install]
WantedBy=default.target
"""

_TIMER = """\
# Made by `godmode schedule systemd`.
[Unit]
Description={job}, {when}

[Timer]
OnCalendar={calendar}
AccuracySec={accuracy}
Persistent=true
Unit=godmode@{job}.service

[Install]
WantedBy=timers.target
"""


def crontab(jobs: Sequence[Job], program: str = "godmode", config: str | None = None, home: str | None = None) -> str:
    """The lines of a crontab: a fixed environment, then every job, its output to the system's log.

    `config` is what `--config` named, `home` what GODMODE_HOME was.
    """
    lines = [_HEAD.format(path=PATH), *([f"GODMODE_HOME={home}\n"] if home else [])]
    for place, job in enumerate(jobs):
        command = f"{_command(program, config)} run {job.name.replace('_', '-')} --scheduled 2>&1 | logger -t godmode"
        command = command.replace("%", r"\%")  # cron turns a bare % into a line break
        lines += [f"{_minutes(job, place)} * * * * {wait}{command}\n" for wait in _waits(job)]
    return "".join(lines)


def units(
    jobs: Sequence[Job], program: str = "godmode", config: str | None = None, home: str | None = None
) -> dict[str, str]:
    """The files of systemd by name: a service template, the database's own service, a timer for each job."""
    command = _command(program, config).replace("%", "%%")
    quoted = (home or "").replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    environment = f'Environment="GODMODE_HOME={quoted}"\n' if home else ""
    files = {
        "godmode@.service": _SERVICE.format(command=command, environment=environment),
        "godmode-postgres.service": _POSTGRES.format(command=command, environment=environment),
    }
    for place, job in enumerate(jobs):
        name = job.name.replace("_", "-")
        short = _period(job) < MINUTE
        files[f"godmode-{name}.timer"] = _TIMER.format(
            job=name,
            when=_words(job),
            calendar=f"*:*:0/{int(_period(job).total_seconds())}" if short else f"*:{_minutes(job, place)}",
            accuracy="1s" if short else "10s",
        )
    return files


def _command(program: str, config: str | None) -> str:
    return shlex.join([program, *(["--config", config] if config else [])])


def _period(job: Job) -> timedelta:
    return job.cadence.period if isinstance(job.cadence, Every) else timedelta(days=1)


def _minutes(job: Job, place: int) -> str:
    """The minutes of every hour at which a job is looked at, its place in the list spreading them.

    A daily job is looked at in the minute of its hour; an interval that is no part of an hour, every minute.
    """
    if isinstance(job.cadence, Daily):
        return _every(DAILY_EVERY, parse_time(job.cadence.at).minute % DAILY_EVERY)
    minutes = int(_period(job) / MINUTE)
    if minutes == 0 or 60 % minutes:
        return "*" if minutes < DAILY_EVERY else _every(DAILY_EVERY, place % DAILY_EVERY)
    return _every(minutes, (1 + place) % minutes if minutes > 1 else 0)


def _every(minutes: int, first: int) -> str:
    """`2,7,12,…`: a list, which cron and systemd read alike."""
    return "*" if minutes == 1 else ",".join(str(m) for m in range(first, 60, minutes))


def _waits(job: Job) -> list[str]:
    """What stands before the command: an interval below a minute is several lines that wait."""
    seconds = int(_period(job).total_seconds())
    return [f"sleep {wait}; " if wait else "" for wait in range(0, 60, seconds)] if seconds < 60 else [""]


def _words(job: Job) -> str:
    if isinstance(job.cadence, Daily):
        return f"daily at {job.cadence.at} in godmode's zone"
    return f"every {int(_period(job).total_seconds())} s"
