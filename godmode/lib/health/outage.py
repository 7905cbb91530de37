"""What was told of godmode's health, when, and since when it could not work: kept without a database.

The road without a database tells at most once an hour by it, and the one with a database waits for that hour as well.
What that one told before does not count here: that something is not well is no news of nothing being watched at all.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from godmode.lib.health import slab
from godmode.lib.health.mirror import folder

HOUR = timedelta(hours=1)


class Outage(Struct, frozen=True):
    """`told_at` is when the last alert went out without a database. The rest is of the present outage, if there is one.

    `since` is when it was first seen, `kind` and `what` what it is; `told` says whether she has heard of it.
    """

    told_at: datetime | None = None
    since: datetime | None = None
    kind: str = ""
    what: str = ""
    told: bool = False

    def told_lately(self, now: datetime) -> bool:
        """Whether the last alert is less than an hour old; one that lies ahead of the clock says nothing."""
        return self.told_at is not None and timedelta(0) <= now - self.told_at < HOUR


def path(state: Path) -> Path:
    return folder(state) / "alert"


def of(kept: dict[str, Any]) -> Outage:
    """What a slab holds; an empty one where it is something else."""
    try:
        return msgspec.convert(kept, Outage)
    except msgspec.ValidationError:
        return Outage()


def read(state: Path) -> Outage:
    """What was told; it is not kept from others meanwhile."""
    with slab.held(path(state)) as kept:
        return of(kept.read()) if kept is not None else Outage()


def over(state: Path) -> None:
    """The outage has ended, and she has heard so; when she was told last still counts."""
    with slab.held(path(state)) as kept:
        if kept is not None and of(kept.read()).since is not None:
            kept.write(msgspec.to_builtins(Outage(told_at=of(kept.read()).told_at)))
