"""How counts, times and other people's texts are written in a message. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

LONGEST = 200  # characters of somebody else's text in a line


def count(number: int, thing: str) -> str:
    """`1 new message`, `12 new messages`; of `correction applied` it is the first word that is many."""
    if number == 1:
        return f"1 {thing}"
    first, _, rest = thing.partition(" applied")
    return f"{number:,} {first}s{' applied' if _ else ''}{rest}"


def when(at: datetime | None, now: datetime, zone: tzinfo) -> str:
    """A moment as she would say it: the hour today, the day within a week, else the date."""
    if at is None:
        return "never"
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    if local.date() == today:
        return f"{local:%H:%M}"
    if timedelta(0) <= today - local.date() < timedelta(days=7):
        return f"{local:%a %H:%M}"
    return f"{local:%d %b}" if local.year == today.year else f"{local:%d %b %Y}"


def line(text: str, longest: int = LONGEST) -> str:
    """One line of a text, however it was written, cut at a word where it is too long."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(flat) <= longest:
        return flat
    cut = flat[: longest - 1]
    space = cut.rfind(" ")
    return f"{cut[:space] if space > longest // 2 else cut}…"


def took(ms: float | None) -> str:
    """A duration in at most six characters: `41 ms`, `3.2 s`, `4 min`, `2.5 h`; nothing for None."""
    if ms is None:
        return ""
    if ms < 1000:
        return f"{ms:.0f} ms"
    seconds = ms / 1000
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5970 else f"{seconds / 3600:.1f} h"
