"""The daily digest's text: what needs her most, in at most five bullets, and no false all-clear. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from godmode.lib import approval, gsm
from godmode.lib.kernel import Button
from godmode.lib.notify import bullets
from godmode.lib.notify.bullets import Bullet
from godmode.lib.notify.facts import Looked, Seen, counted
from godmode.lib.notify.wording import count, line, when

LOOKED_UP = ("incidents", "failed work", "approvals", "messages")  # in the database, so whenever there is a digest
NO_SOURCE = "no source is configured: only godmode itself was looked at"
WIDTHS = (100, 60, 45, 32)  # characters of one thing in an SMS, as many as cost nothing
SEAL = 12  # characters


def compose(seen: Seen) -> str:
    """The digest: a headline, the figures, what could not be seen, and the bullets or one quiet line."""
    lines = [f"godmode digest, {seen.now.astimezone(seen.zone):%a %d %b %Y}", _figures(seen)]
    lines += [] if seen.sources else [f"{NO_SOURCE} (`{seen.command} config show`)"]
    lines += [_unread(seen, looked) for looked in seen.unread]
    lines += _mended(seen)
    found = bullets.folded(bullets.kinds(seen))
    lines += [f"{number}. {bullets.text(bullet, seen)}" for number, bullet in enumerate(found, 1)] or [_quiet(seen)]
    lines += [f"audit seal {seen.seal[:SEAL]}"] if seen.seal else []
    return "\n".join(lines)


def brief(seen: Seen) -> str:
    """The digest as an SMS, in as few segments as it can be said in: no figures, the commands left out."""
    drafts = [gsm.plain(_brief(seen, width)) for width in WIDTHS]
    return min(drafts, key=gsm.segments)  # of equal ones the first, which says most


def buttons(seen: Seen) -> tuple[Button, ...]:
    """Approve and Reject for each proposal that is told of in a line of its own."""
    return tuple(button for p in bullets.named(seen) for button in approval.buttons(p.id, p.shown))


def _figures(seen: Seen) -> str:
    told = [
        f"{'at least ' if fewer else ''}{count(number, what)}" + (_newest(seen) if what == "new message" else "")
        for number, what, fewer in counted(seen)
    ]
    return f"{'The first digest; since' if seen.first else 'Since'} {when(seen.since, seen.now, seen.zone)}: " + (
        f"{', '.join(told)}."
    )


def _newest(seen: Seen) -> str:
    """` (the newest of Sun 15 Nov)` where the chats end before yesterday."""
    if seen.newest is None or seen.now - seen.newest < timedelta(days=1):
        return ""
    return f" (the newest of {seen.newest.astimezone(seen.zone):%a %d %b %Y})"


def _unread(seen: Seen, looked: Looked) -> str:
    when_ = f"since {when(looked.at, seen.now, seen.zone)}" if looked.at else "yet"
    why = f": {line(looked.error)}" if looked.error else ""
    return f"{looked.name} not {looked.seen} {when_}{why} (`{seen.command} {looked.command}`)"


def _mended(seen: Seen) -> list[str]:
    """What the day's comparisons of what is stored with what is there found, and mended."""
    found = [f"{source.name} ({source.mended})" for source in seen.sources if source.mended]
    return [f"Compared with what is there: {', '.join(found)} (`{seen.command} sources`)."] if found else []


def _quiet(seen: Seen) -> str:
    read = [f"{looked.name} ({looked.how or _when_read(seen, looked)})" for looked in seen.read]
    head = "Nothing else to report" if seen.unread or not seen.sources else "All quiet"
    return f"{head}. Looked at: {', '.join([*read, *LOOKED_UP])}."


def _when_read(seen: Seen, looked: Looked) -> str:
    return f"{looked.seen} {when(looked.at, seen.now, seen.zone)}"


# -- as an SMS -----------------------------------------------------------------------------------------------


def _brief(seen: Seen, width: int) -> str:
    found = bullets.folded(bullets.kinds(seen))
    lines = [f"godmode {seen.now.astimezone(seen.zone):%a %d %b}"]
    lines += [_brief_line(bullet, seen, width) for bullet in found]
    lines += [] if seen.sources else [NO_SOURCE]
    lines += _brief_unread(seen)
    if not found:
        lines.append(_brief_quiet(seen))
    return "\n".join(lines)


def _brief_unread(seen: Seen) -> Iterator[str]:
    """What was last looked at at the same time stands in one line."""
    names: dict[str, list[str]] = {}
    for looked in seen.unread:
        since = f"since {when(looked.at, seen.now, seen.zone)}" if looked.at else "yet"
        names.setdefault(since, []).append(looked.name)
    return (f"Not read {since}: {', '.join(alike)}" for since, alike in names.items())


def _brief_line(bullet: Bullet, seen: Seen, width: int) -> str:
    item = bullet.item
    others, what = item.others + bullet.more, line(item.brief or item.what, width)
    return (
        what
        + (f" {when(item.since, seen.now, seen.zone)}" if item.since else "")
        + (f" x{item.times}" if item.times > 1 and bullets.counts(what) != item.times else "")
        + (f" +{others}" if others else "")
    )


def _brief_quiet(seen: Seen) -> str:
    if seen.unread or not seen.sources:
        return "Nothing else to report."
    read = ", ".join([*(looked.name for looked in seen.read), *LOOKED_UP])
    oldest = when(min(looked.at for looked in seen.read if looked.at), seen.now, seen.zone)
    return f"All quiet since {when(seen.since, seen.now, seen.zone)}. Looked at ({oldest}): {read}."
