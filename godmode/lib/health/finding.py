"""What a check of godmode's own health comes to. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from godmode.lib.errors import Usage
from godmode.lib.kernel import Job, JobContext, Slot
from godmode.lib.ports import Probe
from godmode.lib.sections import Health


@dataclass(frozen=True)
class Finding:
    """Something that is not well: `what` in words, and what to `do`.

    `subject` is the same as long as it is the same trouble. `looks` is in how many looks in a row it has to be found
    before it is told: what may pass by itself more than one.
    """

    subject: str
    what: str
    do: str
    looks: int = 1


@dataclass(frozen=True)
class Look:
    """What one check saw: a line, what is not well, and numbers for the looks to come."""

    name: str
    detail: str
    findings: Sequence[Finding] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Around:
    """What the checks may know of the installation, from the composition root.

    `folders` are those in use by their names; `embedded` whether the database is the embedded one. `due` gives the
    slot of a job that must have been claimed by a moment, or None. `probes` are the services configured, or why one
    cannot be asked. `real` says that the clock is the machine's own.
    """

    folders: Mapping[str, Path]
    embedded: bool
    jobs: Sequence[Job]
    due: Callable[[Job, datetime], Slot | None]
    probes: Callable[[float], Mapping[str, Probe | Usage]]
    host: str
    real: bool = True


@dataclass(frozen=True)
class Patient:
    """What every check is handed: the run, the thresholds, the surroundings, and what earlier looks saw.

    `earlier` gives the data of the newest look before a moment, {} where there was none. `watching_since` is since
    when the monitor has been looking without a gap.
    """

    ctx: JobContext
    limits: Health
    around: Around
    earlier: Callable[[datetime], tuple[datetime, Mapping[str, Any]] | None]
    watching_since: datetime
    locked_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        now: datetime = self.ctx.clock.now()
        return now
