"""What every format yields: a message as it was said, or a word on what could not be read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from hashlib import blake2b
from typing import Any

_SECONDS_TO_9999 = 253_402_300_799


@dataclass(frozen=True)
class Said:
    """One message. `at` is aware UTC or None; `role` is set where the format knows it, else by the author.

    `names` are all names and ids of the author; the first is shown.
    """

    conversation: str
    title: str
    id: str
    at: datetime | None
    names: tuple[str, ...]
    text: str
    role: str | None = None
    thread: str | None = None


@dataclass(frozen=True)
class Unread:
    """Something in a file that is no message of its format: `where` in the file, and why."""

    where: str
    why: str


def moment(stamp: object, zone: tzinfo = UTC) -> datetime | None:
    """The time of a stamp: seconds, milliseconds or microseconds since 1970, as a number or digits, or ISO 8601.

    A stamp without a zone is read in `zone`. None for what is no time, or lies outside the years 1970 to 9999.
    """
    if isinstance(stamp, str):
        try:
            stamp = float(stamp)
        except ValueError:
            return _iso(stamp, zone)
    if isinstance(stamp, bool) or not isinstance(stamp, int | float):
        return None
    seconds = float(stamp)
    for _ in range(2):
        if seconds > 100_000_000_000:  # later than the year 5138: a finer unit
            seconds /= 1000
    if not 0 < seconds <= _SECONDS_TO_9999:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _iso(stamp: object, zone: tzinfo) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(stamp))
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def clean(text: str) -> str:
    """The text as PostgreSQL can keep it: NUL and halves of surrogate pairs become U+FFFD."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def digest(*parts: object) -> str:
    """A short name for what has none of its own."""
    return blake2b("\x1f".join(map(str, parts)).encode("utf-8", "replace"), digest_size=10).hexdigest()


def word(value: Any) -> str:
    """A name or an id of an export as text; empty for what is neither text nor a number."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
