"""The morning call's script: what she has to know in 30 to 60 seconds, written for the ear. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from godmode.lib.notify.bullets import URGENT, by_type, counts
from godmode.lib.notify.facts import Looked, Seen, counted
from godmode.lib.notify.spoken import clock, count, number, plain, when

SHORTEST, LONGEST = 30.0, 60.0  # seconds; specification, Morning call
MARGIN = 0.5  # seconds by which the same text may take longer when it is said again
NAMED = 3  # incidents named at most, and sources at one time
TITLES = (110, 60, 30)  # characters of a title, as many as there is time for
NAMES = {
    "n8n": "n eight n", "hubspot": "HubSpot", "notion": "Notion", "chatlogs": "the chat logs",
    "patterns": "patterns", "trouble": "trouble",
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """Whole sentences that stand or fall together. What is `kept` is said whatever the time."""

    text: str
    kept: bool = False


@dataclass(frozen=True)
class Script:
    """What is said, and the seconds that it takes."""

    text: str
    seconds: float


def compose(seen: Seen, length: Callable[[str], float], digest_at: tuple[int, int] | None = None) -> Script:
    """The script, the most important first. `length` says how many seconds a text takes.

    What does not fit is left out from the end, in whole sentences; what is left of the shortest time is filled with
    what else was looked up, and then by saying the important once more.
    """
    for longest in TITLES:
        script = _fitted(seen, list(_parts(seen, longest)), length, digest_at)
        if script.seconds <= LONGEST - MARGIN:
            break
    return script


def _fitted(seen: Seen, parts: list[Part], length: Callable[[str], float], at: tuple[int, int] | None) -> Script:
    script, cut = _script(seen, parts, length), False
    while script.seconds > LONGEST - MARGIN and (last := _last_to_go(parts)) is not None:
        del parts[last]
        script, cut = _script(seen, parts, length, cut=True), True
    if cut or script.seconds >= SHORTEST + MARGIN:
        return script
    important = [part for part in parts if part.kept]
    for more in (*_more(seen, at), *_once_more(important)):
        longer = _script(seen, [*parts, more], length)
        if longer.seconds <= LONGEST - MARGIN:
            parts, script = [*parts, more], longer
        if script.seconds >= SHORTEST + MARGIN:
            break
    return script


def _script(seen: Seen, parts: Sequence[Part], length: Callable[[str], float], *, cut: bool = False) -> Script:
    morning = seen.now.astimezone(seen.zone).hour < 12
    name = plain(seen.operator, 40)
    hello = f"{'Good morning' if morning else 'Hello'}{f', {name}' if name else ''}. This is godmode."
    end = "There is more, and the digest has it. Goodbye." if cut else "That is all. Goodbye."
    text = " ".join([hello, *(part.text for part in parts), end])
    return Script(text, length(text))


def _last_to_go(parts: Sequence[Part]) -> int | None:
    return next((place for place in range(len(parts) - 1, -1, -1) if not parts[place].kept), None)


# -- the parts, the most important first ---------------------------------------------------------------------


def _parts(seen: Seen, longest: int) -> Iterator[Part]:
    yield from _critical_incidents(seen, longest)
    yield from _unread(seen)
    yield from _pending_approvals(seen, longest)
    yield from _given_up(seen, longest)
    yield from _doubtful(seen)
    yield from _overnight_activity(seen)
    yield from _warnings(seen, longest)


def _critical_incidents(seen: Seen, longest: int) -> Iterator[Part]:
    found = [(i.severity, i.title, i.occurrences, i.opened_at) for i in seen.incidents if i.severity in URGENT]
    found += [(g.severity, g.title, g.times, g.since) for g in seen.groups if g.severity in URGENT and not g.told]
    if not found:
        where = "In what I could see, no" if seen.unread or not seen.sources else "No"
        yield Part(f"{where} critical incident is open.", kept=True)
        return
    found.sort(key=lambda one: one[0])
    yield Part(f"There {'is' if len(found) == 1 else 'are'} {count(len(found), 'critical incident')}.", kept=True)
    for place, (severity, title, times, since) in enumerate(found[:NAMED]):
        begun = f"since {when(since, seen.now, seen.zone)}{_often(title, times)}"
        said = f"Severity {number(int(severity[3:]))}: {_title(title, longest)}, {begun}."
        yield Part(said, kept=place == 0)
    if len(found) > NAMED:
        yield Part(f"The digest names {number(len(found) - NAMED)} more.")


def _unread(seen: Seen) -> Iterator[Part]:
    """What was not looked at, by the time since when; every one is named."""
    if not seen.sources:
        yield Part("No source is configured, so I looked at nothing but godmode itself.", kept=True)
    alike: dict[str, list[Looked]] = {}
    for looked in seen.unread:
        since = f"since {when(looked.at, seen.now, seen.zone)}" if looked.at else "so far"
        alike.setdefault(f"{looked.seen} {since}", []).append(looked)
    for how, ones in alike.items():
        yield Part(f"{_cased(_joined(_name(one) for one in ones))} {_were(ones)} not {how}.", kept=True)


def _pending_approvals(seen: Seen, longest: int) -> Iterator[Part]:
    waiting = max(seen.backlog.proposals, len(seen.proposals))
    if not waiting:
        yield Part("No proposal waits for your word.")
        return
    new = sorted((p for p in seen.proposals if p.updated_at >= seen.since), key=lambda p: (-p.confidence, p.id))
    yield Part(f"{_cased(count(waiting, 'proposal'))} {'waits' if waiting == 1 else 'wait'} for your word.")
    if new:
        yield Part(f"{'New is' if waiting == 1 else 'The first new one is'}: {_title(new[0].title, longest)}.")


def _given_up(seen: Seen, longest: int) -> Iterator[Part]:
    total = max(seen.backlog.dead_letters, len(seen.given_up))
    if total:
        yield Part(f"{_cased(count(total, 'piece'))} of work {'was' if total == 1 else 'were'} given up on.")
    for dead in seen.given_up[:1]:
        work = dead.job.replace("_", " ") if dead.job else f"the message {_title(dead.title or dead.type, longest)}"
        yield Part(f"{'It is' if total == 1 else 'The last is'} {work}.")


def _doubtful(seen: Seen) -> Iterator[Part]:
    total = len(seen.doubtful)
    if total:
        yield Part(f"{_cased(count(total, 'message'))} may not have reached you.")
    if seen.unsettled:
        n = len(seen.unsettled)
        yield Part(
            f"Of {'one change' if n == 1 else f'{number(n)} changes'} elsewhere nobody knows whether it was made."
        )


_DID = {
    "new message": ("chat message came in", "chat messages came in"),
    "new proposal": ("new proposal was found", "new proposals were found"),
    "new incident": ("incident was opened", "incidents were opened"),
    "correction applied": ("correction was applied", "corrections were applied"),
    "workflow run": ("workflow ran", "workflows ran"),
    "failed run": ("workflow run failed", "workflow runs failed"),
    "API call": ("request was made", "requests were made"),
}


def _overnight_activity(seen: Seen) -> Iterator[Part]:
    since = when(seen.since, seen.now, seen.zone)
    happened = [(n, what, fewer) for n, what, fewer in counted(seen) if n]
    nothing = [what for n, what, _ in counted(seen) if not n and what in ("workflow run", "new message")]
    for place, (n, what, fewer) in enumerate(happened):
        said = f"{'at least ' if fewer else ''}{number(n)} {_DID[what][n != 1]}."
        yield Part(f"Since {since}, {said}" if place == 0 else _cased(said))
    if not happened and nothing:
        none = " and ".join({"workflow run": "no workflow ran", "new message": "no chat message came in"}[w]
                            for w in nothing)  # fmt: skip
        yield Part(f"Since {since}, {none}.")


def _warnings(seen: Seen, longest: int) -> Iterator[Part]:
    found = [(g.times, g.title) for g in seen.groups if g.severity == "WARN" and not g.told]
    incidents = [(i.occurrences, i.title) for i in seen.incidents if i.severity == "WARN"]
    kinds = len(by_type(seen.groups, "WARN")) + len(incidents)
    if not kinds:
        return
    times, title = max(found + incidents, key=lambda one: one[0])
    said = _title(title, longest) + _often(title, times)
    if kinds == 1:
        yield Part(f"There is one warning: {said}.")
    else:
        yield Part(f"There are warnings of {number(kinds)} kinds. The most frequent is: {said}.")


# -- what else was looked up ---------------------------------------------------------------------------------


def _more(seen: Seen, digest_at: tuple[int, int] | None) -> Iterator[Part]:
    alike: dict[str, list[Looked]] = {}
    for looked in seen.read:
        if looked.at is not None:
            how = f"{looked.seen} at {when(looked.at, seen.now, seen.zone)}"
            alike.setdefault(how.replace("at yesterday at", "yesterday at"), []).append(looked)
    for how, ones in alike.items():
        yield Part(f"{_cased(_joined(_name(one) for one in ones))} {_were(ones)} {how}.")
    if not max(seen.backlog.dead_letters, len(seen.given_up)):
        yield Part("No work was given up on.")
    waiting = seen.backlog.retries
    yield Part(f"{_cased(count(waiting, 'piece'))} of work {'waits' if waiting == 1 else 'wait'} for another attempt."
               if waiting else "No failed work waits for another attempt.")  # fmt: skip
    if not seen.doubtful:
        yield Part("No message to you is in doubt.")
    if not any(g.severity == "WARN" for g in seen.groups):
        yield Part("No warning waits for the digest.")
    if seen.newest is not None:
        yield Part(
            f"The newest chat message is of {when(seen.newest, seen.now, seen.zone)}.".replace("of yest", "yest")
        )
    if digest_at is not None:
        yield Part(f"The digest is due at {clock(*digest_at)}.")


def _once_more(important: Sequence[Part]) -> Iterator[Part]:
    for _ in range(6):
        yield from (Part(f"Once more. {part.text}") for part in important)


def _often(title: str, times: int) -> str:
    """How often it happened, where its title does not say so; what that counts may be another thing."""
    said = counts(title)
    if times == 1 or said == times:
        return ""
    return f", {'seen ' if said else ''}{number(times)} times"


def _title(text: str, longest: int) -> str:
    return plain(text, longest) or "something without a name"


def _name(looked: Looked) -> str:
    return NAMES.get(looked.name) or plain(looked.name, 40)


def _were(ones: Sequence[Looked]) -> str:
    return "was" if len(ones) == 1 and ones[0].name not in ("chatlogs", "patterns") else "were"


def _joined(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _cased(text: str) -> str:
    """The beginning of a sentence; n eight n stays as it is said."""
    return text[:1].upper() + text[1:]
