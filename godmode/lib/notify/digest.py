"""The daily digest's text: what needs her most, in at most five bullets, and no false all-clear. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from godmode.lib.notify.freshness import freshness
from godmode.lib.store.figures import Backlog, Figures, OpenIncident
from godmode.lib.store.outbox import Message
from godmode.lib.store.proposals import ProposalRow
from godmode.lib.store.sync import SyncState

BULLETS = 5


@dataclass(frozen=True)
class SourceSeen:
    """A configured source: how it was last read, and how old that may be before it is called stale."""

    name: str
    state: SyncState
    stale_after: timedelta


@dataclass(frozen=True)
class Seen:
    """All that the digest was told.

    `since` is the moment its figures count from, `newest` the time of the newest chat message (exports arrive
    late, and what was noticed in them is as old as they are), `command` how she calls godmode.
    """

    now: datetime
    since: datetime
    zone: tzinfo
    command: str
    figures: Figures
    backlog: Backlog
    incidents: Sequence[OpenIncident]
    messages: Sequence[Message]
    proposals: Sequence[ProposalRow]
    sources: Sequence[SourceSeen]
    uncertain: int
    newest: datetime | None = None


def compose(seen: Seen) -> str:
    """The digest: a headline, the figures, what could not be seen, and the bullets or one quiet line."""
    bullets = [*_incidents(seen), *_given_up(seen), *_uncertain(seen), *_warnings(seen), *_proposals(seen)]
    unseen = [_unread(seen, source) for source in seen.sources if not _fresh(seen, source)]
    if len(bullets) > BULLETS:
        rest = len(bullets) - BULLETS + 1
        bullets = [*bullets[: BULLETS - 1], f"and {rest} more: `{seen.command} status`"]
    head = f"godmode digest, {seen.now.astimezone(seen.zone):%a %d %b %Y}"
    lines = [head, f"Since {_when(seen, seen.since)}: {_figures(seen)}.", *unseen]
    return "\n".join(lines + [f"{n}. {bullet}" for n, bullet in enumerate(bullets, 1)] or []) + _quiet(
        seen, bullets, unseen
    )


def _quiet(seen: Seen, bullets: Sequence[str], unseen: Sequence[str]) -> str:
    if bullets:
        return ""
    read = [f"{s.name} ({_read(seen, s)})" for s in seen.sources if _fresh(seen, s)]
    looked = ", ".join([*read, "incidents", "failed work", "proposals"])
    if not seen.sources:
        return f"\nNo source is configured, so only godmode itself was looked at: `{seen.command} config show`."
    return f"\n{'Nothing else to report' if unseen else 'All quiet'}. Looked at: {looked}."


def _read(seen: Seen, source: SourceSeen) -> str:
    """How complete it is, where all of it was compared; else when it was read."""
    words = freshness(source.state, seen.now) if source.state.completeness else None
    return words or f"read {_when(seen, source.state.last_sync_completed_at)}"


def _figures(seen: Seen) -> str:
    """The metrics; what was not looked at is left out here and named as unread."""
    f, read = seen.figures, {s.name for s in seen.sources if s.state.last_sync_completed_at}
    parts = [_count(f.new_messages, "new message") + _newest(seen)] if "chatlogs" in read else []
    parts += [_count(f.new_proposals, "new proposal"), _count(f.new_incidents, "new incident")]
    parts += [f"{_count(f.corrections_applied, 'correction')} applied"]
    if "n8n" in read:
        parts.append(f"{_count(f.workflows_executed, 'workflow run')}, {f.workflows_failed} failed")
    if read - {"chatlogs"}:
        parts.append(_count(f.api_calls, "API call"))
    return ", ".join(parts)


def _newest(seen: Seen) -> str:
    """` (the newest of Sun 15 Nov)` where the chats end before yesterday."""
    if seen.newest is None or seen.now - seen.newest < timedelta(days=1):
        return ""
    return f" (the newest of {seen.newest.astimezone(seen.zone):%a %d %b %Y})"


def _fresh(seen: Seen, source: SourceSeen) -> bool:
    """Whether the source was read, without an error, no longer ago than it may be."""
    done = source.state.last_sync_completed_at
    return bool(source.state.last_sync_success) and done is not None and seen.now - done <= source.stale_after


def _unread(seen: Seen, source: SourceSeen) -> str:
    done, error = source.state.last_sync_completed_at, source.state.last_error
    when = f"since {_when(seen, done)}" if done else "yet"
    why = f": {error}" if error else ""
    return f"{source.name} not read {when}{why} (`{seen.command} run sync-{source.name}`)"


def _incidents(seen: Seen) -> list[str]:
    return [
        f"{i.severity}: {_line(i.title)}, since {_when(seen, i.opened_at)}"
        + (f", {i.occurrences} times" if i.occurrences > 1 else "")
        + f" (`{seen.command} status`)"
        for i in seen.incidents
    ]


def _given_up(seen: Seen) -> list[str]:
    if not seen.backlog.dead_letters:
        return []
    return [
        f"{_count(seen.backlog.dead_letters, 'failed piece')} of work given up on (`{seen.command} audit --failed`)"
    ]


def _uncertain(seen: Seen) -> list[str]:
    if not seen.uncertain:
        return []
    return [f"{_count(seen.uncertain, 'message')} may not have arrived (`{seen.command} audit --failed`)"]


def _warnings(seen: Seen) -> list[str]:
    return [
        f"{_line(m.title)}{f': {_line(m.body)}' if m.body else ''}, since {_when(seen, m.created_at)}"
        + (f", {m.count} times" if m.count > 1 else "")
        + f" (`{seen.command} audit --failed`)"
        for m in seen.messages
    ]


def _proposals(seen: Seen) -> list[str]:
    return [f"{_line(p.title)} (`{seen.command} proposals show {p.id}`)" for p in seen.proposals]


def _count(n: int, thing: str) -> str:
    return f"{n:,} {thing}{'' if n == 1 else 's'}"


def _when(seen: Seen, at: datetime | None) -> str:
    if at is None:
        return "never"
    local, today = at.astimezone(seen.zone), seen.now.astimezone(seen.zone).date()
    if local.date() == today:
        return f"{local:%H:%M}"
    return f"{local:%a %H:%M}" if today - local.date() < timedelta(days=7) else f"{local:%d %b %Y}"


def _line(text: str) -> str:
    """One line of a text, however it was written, at most 300 characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= 300 else f"{flat[:297]}…"
