"""The digest's bullets: what needs her, by kind, and how it is folded into as many lines as there is room for. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from godmode.lib import remedies
from godmode.lib.errors import BadData
from godmode.lib.notify.facts import Seen
from godmode.lib.notify.reviews import Review
from godmode.lib.notify.wording import count, line, when
from godmode.lib.store.figures import OpenIncident
from godmode.lib.store.news import Doubtful, GivenUp, Group
from godmode.lib.store.proposals import ProposalRow

BULLETS = 5
_TIMES = re.compile(r"\b(\d{1,3}(?:,\d{3})+|\d{1,9}) times\b")
URGENT = ("SEV0", "SEV1")
WARNINGS = "more warnings"
INCIDENTS, MESSAGES, DEAD, APPROVALS = "incidents", "audit messages", "queue dead", "proposals"  # what lists them


@dataclass(frozen=True)
class Item:
    """One thing that needs her: what, since when, how often (also that of `others` like it), and what she does.

    `listed` is the word that lists it among others, `brief` what an SMS says of it. `momentary`: it happened then.
    """

    what: str
    command: str
    listed: str
    since: datetime | None = None
    times: int = 1
    others: int = 0
    momentary: bool = False
    brief: str = ""


@dataclass(frozen=True)
class Kind:
    """Things of one kind, the most important first. `more` is what those are called that share a line with it.

    `rest` stands for what is only counted: how many, since when, and the word that lists them.
    """

    items: Sequence[Item]
    more: str
    rest: int = 0
    rest_since: datetime | None = None
    rest_listed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bullet:
    """One line: its first thing, and how many more it stands for, since when, and the words that list those."""

    item: Item
    more: int = 0
    more_of: str = ""
    more_since: datetime | None = None
    listed: tuple[str, ...] = ()


def kinds(seen: Seen) -> list[Kind]:
    """What needs her, the kind that needs her most first; empty kinds are left out."""
    ways = (_urgent, _given_up, _approvals, _doubtful, _warnings, _reviews, _changes)
    return [kind for kind in (way(seen) for way in ways) if kind.items]


def folded(found: Sequence[Kind], room: int = BULLETS) -> list[Bullet]:
    """As many bullets as there is room for. Every kind has one; where one is left, the more important is unfolded."""
    if len(found) > room:
        last = found[room - 1 :]
        found = [*found[: room - 1], _merged(last)]
    spare = room - len(found)
    bullets: list[Bullet] = []
    for kind in found:
        extra = min(spare, len(kind.items) - 1)
        spare -= extra
        bullets += _lines(kind, extra + 1)
    return bullets


def _merged(found: Sequence[Kind]) -> Kind:
    return Kind(
        [item for kind in found for item in kind.items],
        "more",
        sum(kind.rest for kind in found),
        min((kind.rest_since for kind in found if kind.rest_since), default=None),
        tuple(word for kind in found for word in kind.rest_listed),
    )


def _lines(kind: Kind, room: int) -> Iterator[Bullet]:
    for item in kind.items[: room - 1]:
        yield Bullet(item)
    item, *hidden = kind.items[room - 1 :]
    starts = [moment for moment in (*(i.since for i in hidden), kind.rest_since) if moment]
    listed = dict.fromkeys([*(i.listed for i in hidden), *(kind.rest_listed if kind.rest else ())])
    more = kind.rest + len(hidden) + sum(i.others for i in hidden)
    yield Bullet(item, more, kind.more, min(starts, default=None), tuple(listed))


def named(seen: Seen) -> list[ProposalRow]:
    """The proposals that have a line of their own, in the order of the lines."""
    lines = {_shows(p): p for p in seen.proposals}
    return [lines[bullet.item.command] for bullet in folded(kinds(seen)) if bullet.item.command in lines]


def text(bullet: Bullet, seen: Seen) -> str:
    """A bullet as she reads it."""
    item = bullet.item
    said = item.what + (f" and {item.others} others like it" if item.others > 1 else "")
    said += " and one other like it" if item.others == 1 else ""
    said += f", {'' if item.momentary else 'since '}{when(item.since, seen.now, seen.zone)}" if item.since else ""
    said += _often(item)
    said += f" ({_called(seen, item.command)})"
    if bullet.more:
        since = f", since {when(bullet.more_since, seen.now, seen.zone)}" if bullet.more_since else ""
        of = bullet.more_of.removesuffix("s") if bullet.more == 1 and bullet.more_of == WARNINGS else bullet.more_of
        said += f"; and {bullet.more:,} {of}{since} ({_called(seen, *bullet.listed)})"
    return said


def _often(item: Item) -> str:
    """How often it happened, where its own words do not say so; what they count may be another thing."""
    if item.times == 1 or (counts(item.what) == item.times and not item.others):
        return ""
    seen = "seen " if counts(item.what) and not item.others else ""
    return f", {seen}{item.times:,} times{' in all' if item.others else ''}"


def counts(title: str) -> int | None:
    """The number of times that a title says itself: 4 of "Invoice sync failed 4 times"."""
    found = _TIMES.search(title)
    return int(found[1].replace(",", "")) if found else None


def _called(seen: Seen, *words: str) -> str:
    return ", ".join(f"`{seen.command} {word}`" for word in words)


# -- the kinds -----------------------------------------------------------------------------------------------


def _urgent(seen: Seen) -> Kind:
    items: list[Item] = []
    for severity in URGENT:
        items += [_incident(i) for i in seen.incidents if i.severity == severity]
        items += [_group(g) for g in seen.groups if g.severity == severity and not g.told]
    return Kind(items, "more as severe")


def _incident(i: OpenIncident) -> Item:
    acknowledged = ", acknowledged" if i.status == "acknowledged" else ""
    what, command = f"{i.severity}: {line(i.title)}{acknowledged}", f"{INCIDENTS} show {i.id}"
    return Item(what, command, INCIDENTS, i.opened_at, i.occurrences)


def _group(group: Group) -> Item:
    body = f": {line(group.body)}" if group.body and group.titles == 1 else ""
    held = f", not sent: {line(group.why, 80)}" if group.severity in URGENT and group.why else ""
    listed, command = MESSAGES, f"{MESSAGES} --type {group.type}"
    if group.incident:
        listed = f"{INCIDENTS} --all"
        command = f"{INCIDENTS} show {group.incident}" if group.titles == 1 else listed
    return Item(
        f"{group.severity}: {line(group.title)}{body}{held}",
        command,
        listed,
        group.since,
        group.times,
        group.titles - 1,
    )


def _given_up(seen: Seen) -> Kind:
    """What was given up on; equal work that failed for the same reason is one thing."""
    alike: dict[tuple[object, ...], list[GivenUp]] = {}
    for dead in seen.given_up:
        alike.setdefault((dead.type, dead.job, dead.title, dead.error), []).append(dead)
    rest = max(seen.backlog.dead_letters - len(seen.given_up), 0)
    return Kind([_dead(same) for same in alike.values()], "more given up", rest, rest_listed=(DEAD,))


def _dead(same: Sequence[GivenUp]) -> Item:
    newest, others = same[0], len(same) - 1
    if newest.job:
        work = newest.job.replace("_", " ") + (f" of {newest.slot}" if newest.slot else "")
    elif newest.title:
        work = f'the message "{line(newest.title, 80)}"'
    else:
        work = f"a {newest.type} retry"
    tries = f" after {count(newest.attempts, 'attempt')}" if newest.attempts > 1 else ""
    why = f" ({line(newest.error)})" if newest.error else ""
    command = DEAD if others else f"queue show dead:{newest.id}"
    since = min(dead.created_at for dead in same)
    return Item(f"Given up{tries}: {work}{why}", command, DEAD, since, others=others, brief=f"Given up: {work}")


def _approvals(seen: Seen) -> Kind:
    """What is new is named; what she has been told of and left is counted."""
    new = sorted((p for p in seen.proposals if p.updated_at >= seen.since), key=lambda p: (-p.confidence, p.id))
    old = [p for p in seen.proposals if p.updated_at < seen.since]
    waiting = max(seen.backlog.proposals, len(seen.proposals))
    rest, since = waiting - len(new), min((p.created_at for p in old), default=None)
    if new or not waiting:
        return Kind([_proposal(p) for p in new], "more for your word", rest, since, (APPROVALS,))
    what = "1 proposal waits" if waiting == 1 else f"{waiting:,} proposals wait"
    return Kind([Item(f"{what} for your word, told of before", APPROVALS, APPROVALS, since)], "")


def _proposal(p: ProposalRow) -> Item:
    """A finding's title says how often; since when, the oldest of its messages."""
    said = p.evidence.get("messages")
    first = [m["at"] for m in said if isinstance(m, dict) and m.get("at")] if isinstance(said, list) else []
    since = min((datetime.fromisoformat(at) for at in first), default=p.created_at)
    return Item(line(p.title) + _offer(p), _shows(p), APPROVALS, since, brief=line(p.title))


def _offer(p: ProposalRow) -> str:
    """`; a yes would disable sync-n8n`, where it offers something that this version knows."""
    try:
        return f"; a yes would {line(remedies.read(p.remedy).words, 80)}" if p.remedy else ""
    except BadData:
        return ""


def _shows(p: ProposalRow) -> str:
    return f"proposals show {p.id}"


def _doubtful(seen: Seen) -> Kind:
    items = [_perhaps(message) for message in seen.doubtful]
    items += [
        Item(
            f"Nobody knows whether {a.kind.replace('_', ' ')} to {line(a.target or 'somewhere', 60)} was done",
            f"audit action {a.id}", f"audit action {a.id}", a.finished_at, momentary=True,
            brief=f"In doubt: {a.kind.replace('_', ' ')}",
        )
        for a in seen.unsettled
    ]  # fmt: skip
    return Kind(items, "more in doubt")


def _perhaps(message: Doubtful) -> Item:
    by = f" by {message.channel}" if message.channel else ""
    what = f'{message.severity} "{line(message.title, 100)}"' if message.severity in URGENT else line(message.title)
    became = "did not reach you" if message.status == "failed" else "may not have reached you"
    command = f"{MESSAGES} --status {message.status}"
    brief = f"{'Not' if message.status == 'failed' else 'Perhaps not'} got: {what}"
    return Item(f"{what} {became}{by}", command, command, message.created_at, momentary=True, brief=brief)


def _warnings(seen: Seen) -> Kind:
    """Warnings by type, so that hundreds of few types are few."""
    ordered = sorted((i for i in seen.incidents if i.severity == "WARN"), key=lambda i: (i.type, i.opened_at))
    items = [_alike(list(alike)) for _, alike in groupby(ordered, key=lambda i: i.type or i.id)]
    items += [_group(g) for g in by_type(seen.groups, "WARN")]
    return Kind(sorted(items, key=lambda i: -(i.times + i.others)), WARNINGS)


def by_type(groups: Sequence[Group], severity: str) -> list[Group]:
    """What waits of a severity; where that is more than there are bullets, those of a type are one, as the most
    frequent of them."""
    found = [g for g in groups if g.severity == severity and not g.told]
    if len(found) <= BULLETS:
        return found
    alike: dict[str, list[Group]] = {}
    for group in found:
        alike.setdefault(group.type, []).append(group)
    return [
        replace(
            max(same, key=lambda g: g.times),
            ids=sorted(number for g in same for number in g.ids),
            titles=len({g.title for g in same}),
            times=sum(g.times for g in same),
            since=min(g.since for g in same),
        )
        for same in alike.values()
    ]


def _alike(incidents: Sequence[OpenIncident]) -> Item:
    first, others = _incident(incidents[0]), len(incidents) - 1
    command = INCIDENTS if others else first.command
    return replace(first, times=sum(i.occurrences for i in incidents), others=others, command=command)


def _reviews(seen: Seen) -> Kind:
    """What was promised thirty days ago, and what came of it."""
    return Kind([_review(r) for r in seen.reviews], "more looked back at")


def _review(r: Review) -> Item:
    now = f"{r.now:,} now" if r.now is not None else f"now not known, since {r.unseen} was not looked at"
    figures = f"{r.what}: {r.then:,} then, {now}" if r.what else "what came of it was not measured"
    said = f'Thirty days ago "{line(r.title, 80)}" was mended ({line(r.did, 80)}): {line(figures)}'
    return Item(said, f"proposals show {r.proposal}", "proposals --all", brief=f"30 days on, {line(r.did, 60)}")


def _changes(seen: Seen) -> Kind:
    word = "killswitch status"
    items = [Item(seen.switched[:1].upper() + line(seen.switched)[1:], word, word)] if seen.switched else []
    told = [_group(g) for g in by_type(seen.groups, "INFO")]
    return Kind([*items, *(replace(item, what=item.what.removeprefix("INFO: ")) for item in told)], "more")
