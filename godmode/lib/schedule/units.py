"""The units of systemd that start every job. Pure: from the configured cadences to the text of files.

Timers know godmode's own zone, so a daily job is looked at only from its hour on, as long as it may be caught up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from godmode.lib.config import parse_time
from godmode.lib.errors import Usage
from godmode.lib.kernel import Daily, Job
from godmode.lib.schedule import looks, sandbox
from godmode.lib.schedule.calling import PATH, SECRETS, Call
from godmode.lib.schedule.sandbox import Folders, quoted

MADE = "# Made by `godmode schedule systemd`"
SERVER = "godmode-postgres.service"
KEEPER = "godmode@cleanup-old-data.service"  # in the template's place for the job that takes backups and proves them
_ZONES, _FIXED_DELAY, _STORE = 236, 247, 252  # systemd's versions that brought a zone, FixedRandomDelay, the credstore
NEWEST = 999
_OVER_DEADLINE = timedelta(minutes=5)
_LONGEST_DELAY = 30  # seconds
DEFAULT, ROOTS = Call(), Folders()


@dataclass(frozen=True)
class Installation:
    """What the units are made for: how godmode is called, where its files are, and which systemd takes them.

    `zone` is that of the configuration, `system` whether they are root's. `embedded` says that the database is
    godmode's own, `jit` that its server compiles queries.
    """

    call: Call = DEFAULT
    zone: str = "America/Chicago"
    system: bool = True
    version: int = NEWEST
    embedded: bool = True
    jit: bool = False
    folders: Folders = ROOTS


def units(jobs: Sequence[Job], made_for: Installation) -> dict[str, str]:
    """The files by name: a service for any job, one for its failure, a timer for each, and the embedded server's.

    Raises Usage for a path that no unit can hold.
    """
    call = made_for.call
    if any("\n" in word for word in (*call.words(), *call.environment.values(), made_for.folders.state)):
        raise Usage("a unit cannot hold a path with a line break", "rename the folder")
    limit = max(job.deadline for job in jobs) + _OVER_DEADLINE
    sandboxed = sandbox.job(made_for.folders, system=made_for.system, embedded=made_for.embedded)
    files = {
        "godmode@.service": _job(made_for, limit, sandboxed),
        "godmode-fallback@.service": _fallback(made_for, sandboxed),
    }
    if made_for.embedded:
        files[SERVER] = _server(made_for)
    if made_for.system and made_for.folders.backups:
        files[KEEPER] = _job(made_for, limit, sandbox.keeper(made_for.folders))
    minutes = looks.spread(jobs)
    for job in jobs:
        files[f"godmode-{_word(job)}.timer"] = _timer(job, minutes[job.name], made_for)
    return {name: f"{MADE}{f' of {call.name}' if call.name else ''}.\n{text}" for name, text in files.items()}


def _word(job: Job) -> str:
    return job.name.replace("_", "-")


def _section(name: str, lines: Sequence[str]) -> str:
    return "\n".join([f"[{name}]", *lines, ""])


def _job(to: Installation, limit: timedelta, sandboxed: Sequence[str]) -> str:
    needs = (["network-online.target"] if to.system else []) + ([SERVER] if to.embedded else [])
    unit = ["Description=godmode %i", *_after(needs), "OnFailure=godmode-fallback@%i.service"]
    limits = [f"TimeoutStartSec={int(limit.total_seconds())}", "TimeoutStopSec=15"]
    return _once(to, unit, f"{_command(to, 'run')} %i --scheduled", [*limits, *_LOGGED, *sandboxed])


def _fallback(to: Installation, sandboxed: Sequence[str]) -> str:
    unit = ["Description=godmode tells that %i does not run", *_after(["network-online.target"] if to.system else [])]
    return _once(to, unit, f"{_command(to, 'fallback')} %i", ["TimeoutStartSec=120", *_LOGGED, *sandboxed])


def _once(to: Installation, unit: Sequence[str], command: str, more: Sequence[str]) -> str:
    service = ["Type=oneshot", f"ExecStart={command}", *_given(to), *more]
    return "\n".join([_section("Unit", unit), _section("Service", service)])


def _server(to: Installation) -> str:
    """The embedded server outlives the jobs that use it, so it has its own unit; one that dies is started again."""
    often = ["StartLimitIntervalSec=300", "StartLimitBurst=5"]
    return "\n".join(
        [
            _section("Unit", ["Description=godmode's PostgreSQL", *often]),
            _section(
                "Service",
                [
                    "Type=notify",
                    f"ExecStart={_command(to, 'db', 'start', '--wait')}",
                    f"ExecStop={_command(to, 'db', 'stop')}",
                    *_environment(to),
                    "Restart=always",
                    "RestartSec=5",
                    "TimeoutStartSec=120",
                    "TimeoutStopSec=60",
                    *_LOGGED,
                    *sandbox.server(to.folders, system=to.system, jit=to.jit),
                ],
            ),
        ]
    )


# What a run says is a notice, what systemd says of every start and end is not: 2880 times a day is enough.
_LOGGED = ("SyslogIdentifier=godmode", "SyslogLevel=notice", "LogLevelMax=notice")


def _after(needs: Sequence[str]) -> list[str]:
    return [f"Wants={' '.join(needs)}", f"After={' '.join(needs)}"] if needs else []


def _command(to: Installation, *words: str) -> str:
    """A command line for ExecStart: a program without a path is looked up on PATH."""
    given = [quoted(word).replace("$", "$$") for word in to.call.words(*words)]
    return " ".join(given if to.call.program.startswith("/") else ["/usr/bin/env", *given])


def _environment(to: Installation) -> list[str]:
    return [f"Environment={quoted(f'{name}={value}')}" for name, value in {"PATH": PATH, **to.call.environment}.items()]


def _given(to: Installation) -> list[str]:
    """The environment, and the secrets in systemd's store, /etc/credstore/godmode.NAME, as far as they are there."""
    stored = SECRETS if to.system and to.version >= _STORE else ()
    own = (
        {"DATABASE_URL", "BACKUP_DATABASE_URL"} if to.embedded else set()
    )  # a database that commands by hand would not find
    return [*_environment(to), *(f"LoadCredential={name}:godmode.{name}" for name in stored if name not in own)]


def _timer(job: Job, minutes: Sequence[int], to: Installation) -> str:
    delay, accuracy = _delay(job)
    fixed = ["FixedRandomDelay=yes"] if delay and to.version >= _FIXED_DELAY else []
    return "\n".join(
        [
            _section("Unit", [f"Description={_word(job)}, {_words(job)}"]),
            _section(
                "Timer",
                [
                    f"OnCalendar={_calendar(job, minutes, to)}",
                    f"AccuracySec={accuracy}",
                    *([f"RandomizedDelaySec={delay}"] if delay else []),
                    *fixed,
                    "Persistent=true",
                    f"Unit=godmode@{_word(job)}.service",
                ],
            ),
            _section("Install", ["WantedBy=timers.target"]),
        ]
    )


def _delay(job: Job) -> tuple[int, int]:
    """By how many seconds a look may be late, so that hosts do not come together, and how exact the timer is."""
    if looks.is_exact(job) or len(looks.seconds(job)) > 1:
        return 0, 1
    return min(looks.step(job) * 15, _LONGEST_DELAY), 10


def _calendar(job: Job, minutes: Sequence[int], to: Installation) -> str:
    if len(seconds := looks.seconds(job)) > 1:
        return f"*-*-* *:*:{_list(seconds)} UTC"
    if not isinstance(job.cadence, Daily):
        return f"*-*-* *:{_list(minutes)}:00 UTC"
    if to.version < _ZONES:
        return f"*-*-* *:{_list(minutes)}:00"
    return f"*-*-* {_hours(job.cadence)}:{_list(minutes)}:00 {to.zone}"


def _list(numbers: Sequence[int]) -> str:
    return "*" if len(numbers) == 60 else ",".join(f"{number:02}" for number in numbers)


def _hours(cadence: Daily) -> str:
    """From its hour to the last in which it may be caught up, and one more, since the clocks may skip one."""
    first = parse_time(cadence.at)
    day = datetime(2000, 1, 1, first.hour, first.minute)  # noqa: DTZ001
    over = day + cadence.catch_up + timedelta(hours=1)
    last = over.hour if over.date() == day.date() else 23
    return f"{first.hour:02}..{last:02}" if last > first.hour else f"{first.hour:02}"


def _words(job: Job) -> str:
    if isinstance(job.cadence, Daily):
        return f"daily at {job.cadence.at} in godmode's zone"
    seconds = int(job.cadence.period.total_seconds())
    return f"every {seconds // 60} min" if seconds % 60 == 0 else f"every {seconds} s"
