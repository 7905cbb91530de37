"""What every format yields: a message as it was said, or a word on what could not be read."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from hashlib import blake2b
from typing import Any

from msgspec import Struct

_SECONDS_TO_9999 = 253_402_300_799


class Said(Struct, frozen=True):
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


class Unread(Struct, frozen=True):
    """Something in a file that is no message of its format: `where` in the file, and why.

    `records` is how many messages are concerned; 0 for a remark on one that was read all the same.
    """

    where: str
    why: str
    records: int = 1


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
    try:
        seconds = float(stamp)
    except OverflowError:  # a whole number beyond every float
        return None
    for _ in range(2):
        if seconds > 100_000_000_000:  # later than the year 5138: a finer unit
            seconds /= 1000
    if not 0 < seconds <= _SECONDS_TO_9999:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _iso(stamp: object, zone: tzinfo) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(stamp))
        at = (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if at.year >= 1970 else None


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


def fault(value: object, otherwise: str) -> str:
    """Why a value is no message: the reader's own reason where it could not be read at all, else `otherwise`."""
    return str(value) if isinstance(value, Exception) else otherwise


def shortened(text: str) -> str:
    """A name short enough for a line to the operator."""
    return text if len(text) <= 60 else f"{text[:59]}…"


def digest(*parts: object) -> str:
    """A short name for what has none of its own."""
    return blake2b("\x1f".join(map(str, parts)).encode("utf-8", "replace"), digest_size=10).hexdigest()


def word(value: Any) -> str:
    """A name or an id of an export as text; empty for what is neither text nor a number."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
