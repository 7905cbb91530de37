"""The block of lines that starts every job from a crontab. Pure: from the configured cadences to text."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from godmode.lib.errors import Usage
from godmode.lib.kernel import Job
from godmode.lib.schedule import looks
from godmode.lib.schedule.calling import PATH, Call

BEGIN, END = "# BEGIN godmode", "# END godmode"
PERCENT = r"\%"  # cron makes a line break of a bare one

_HEAD = """\
# Made by `godmode schedule cron`; --install writes it anew, --uninstall takes it out, all else stays as it is.
# A line fires more often than its job is due; `--scheduled` runs it only when its slot is, in godmode's own zone.
# The environment stands within each line, so that your own lines keep theirs. Secrets come from secrets.env beside
# the configuration, or from the files that NAME_FILE names.
"""


def block(jobs: Sequence[Job], call: Call, log: str | None = None, shift: int = 0) -> str:
    """The lines of every job between two markers; what runs print goes to the system's log, or to the file `log`.

    Raises Usage for a path that no crontab can hold.
    """
    told = f">> {shlex.quote(log)} 2>&1" if log else "2>&1 | logger -t godmode"
    text = "".join(f"{line} {told.replace('%', PERCENT)}\n" for line in _lines(jobs, call, shift))
    if any("\n" in word or "\r" in word for word in (*call.words(), *call.environment.values(), call.name, log or "")):
        raise Usage("a crontab cannot hold a path with a line break", "rename the folder, or use `schedule systemd`")
    return f"{marker(BEGIN, call.name)}\n{_HEAD}{text}{marker(END, call.name)}\n"


def marker(mark: str, name: str) -> str:
    """The line that begins or ends the block of an installation."""
    return f"{mark} {name}".rstrip()


def _lines(jobs: Sequence[Job], call: Call, shift: int) -> Iterator[str]:
    minutes = looks.spread(jobs, shift)
    given = " ".join(f"{name}={shlex.quote(value)}" for name, value in {"PATH": PATH, **call.environment}.items())
    for job in jobs:
        at = minutes[job.name]
        when = "*" if len(at) == looks.HOUR else ",".join(map(str, at))
        command = f"{given} {shlex.join(call.words('run', job.name.replace('_', '-'), '--scheduled'))}"
        for wait in looks.seconds(job):
            yield f"{when} * * * * {f'sleep {wait}; ' if wait else ''}{command.replace('%', PERCENT)}"
