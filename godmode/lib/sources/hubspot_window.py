"""How far HubSpot's contacts have been read, and which stretch of time is read next. No I/O.

A search gives at most 10,000 rows, and more contacts than that can carry the very same time after a bulk update. So
a window of time is fixed at its start and read in the order of ids: where it stands is one number, whatever happens
to the contacts meanwhile. Times are milliseconds since 1970, as HubSpot's filters want them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

DAY = timedelta(days=1)


class Window(msgspec.Struct, frozen=True, omit_defaults=True):
    """Changes from `since` to `until`, both included, read up to the contact `last`; `deep` is that of a day."""

    since: int
    until: int
    last: int = 0
    deep: bool = False


class Progress(msgspec.Struct, frozen=True, omit_defaults=True):
    """The cursor. `read_to`: all changes up to here were read; `deep`: when it was last looked far back.

    `window` is one that was begun and not ended, `bin` the place in the list of archived contacts, `asked` the
    properties that were asked for.
    """

    read_to: int | None = None
    deep: int | None = None
    bin: str = ""
    asked: str = ""
    window: Window | None = None

    @classmethod
    def of(cls, cursor: Mapping[str, Any], properties: Sequence[str]) -> Progress:
        """From a stored cursor. All is read again when it cannot be read, or was for other properties."""
        asked = ",".join(sorted(properties))
        try:
            kept = msgspec.convert(dict(cursor), cls)
        except msgspec.ValidationError:
            return cls(asked=asked)
        return kept if kept.asked == asked else cls(bin=kept.bin, asked=asked)

    def cursor(self) -> dict[str, Any]:
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built

    def within(self, window: Window) -> Progress:
        """The window was read up to its `last`."""
        return msgspec.structs.replace(self, window=window)

    def behind(self, window: Window) -> Progress:
        """The window was read to its end."""
        deep = window.until if window.deep else self.deep
        return msgspec.structs.replace(self, window=None, read_to=window.until, deep=deep)


def following(progress: Progress, now: datetime, overlap: timedelta, daily_overlap: timedelta) -> Window:
    """The window after what was read: it overlaps the last by `overlap`, and once a day by `daily_overlap`.

    The search index learns of changes late, by a minute as a rule and by hours at times.
    """
    until = ms(now)
    if progress.read_to is None:
        return Window(0, until, deep=True)
    deep = progress.deep is None or until - progress.deep >= DAY / timedelta(milliseconds=1)
    back = max(overlap, daily_overlap) if deep else overlap
    since = min(progress.read_to, until) - round(back / timedelta(milliseconds=1))
    return Window(max(0, since), until, deep=deep)


def ms(at: datetime) -> int:
    return round((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))
