"""What was said, held against what was true: precision, recall, delay, calibration, messages a day, duplicates."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from benchmarks.judged import reliability
from benchmarks.judged.driving import Came
from benchmarks.judged.history import DAY, HOUR, Trouble
from benchmarks.judged.making import Made

LATE = HOUR  # how long after its end an incident may still speak of a trouble; a pattern two days
OF_ALL = ("failure_rate:workflows", "failure_rate:own")  # subjects that stand for everything


@dataclass(frozen=True)
class Said:
    """One thing that was said: a subject of an incident, or a pattern."""

    by: str
    at: datetime
    text: str
    title: str
    confidence: float = 1.0
    severity: str = ""
    until: datetime | None = None
    proposed: bool = False


@dataclass
class Score:
    """Sums over any number of histories."""

    right: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    there: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    delays: dict[str, list[float]] = field(default_factory=dict)
    faint_there: Counter[str] = field(default_factory=Counter)
    faint_seen: Counter[str] = field(default_factory=Counter)
    sure: list[reliability.Judged] = field(default_factory=list)
    false: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    normal_days: int = 0
    normal_messages: int = 0
    normal_lines: int = 0
    days: int = 0
    messages: int = 0
    lines: int = 0
    twice: list[str] = field(default_factory=list)


def score(total: Score, made: Made, came: Came, seed: int, watched: bool = True) -> None:
    """Add what came of a history. Where no watcher looked, their troubles are not counted."""
    subjects, patterns = list(_subjects(came)), list(_patterns(came))
    for trouble in made.history.troubles:
        if watched or not trouble.seen_as:
            _found(total, trouble, subjects if trouble.seen_as else patterns, seed)
    for said, late in [(s, LATE) for s in subjects] + [(p, 2 * DAY) for p in patterns]:
        true = any(_speaks_of(said, t, late) for t in made.history.troubles)
        (total.right if true else total.wrong)[said.by] += 1
        if not true:
            total.false.append(f"seed {seed} {said.at:%a %d %b %H:%M} {said.by} {said.confidence:.2f}: {said.title}")
    for pattern in patterns:
        _judged(total, made, pattern)
    _messages(total, made, came)


def _judged(total: Score, made: Made, said: Said) -> None:
    """A pattern, held against what it says; left out where it foretells what lies beyond the history."""
    causes = [t for t in made.history.troubles if _speaks_of(said, t, 2 * DAY)]
    known = causes + [t for t in made.history.twins if _speaks_of(said, t, 2 * DAY)]
    true: bool | None = bool(causes)
    if said.by in reliability.FORETELLS and said.until is not None and any(t.later for t in known):
        true = reliability.came(known, said.until, made.end)
    if true is not None:
        total.sure.append(reliability.Judged(said.by, said.confidence, true, bool(causes), said.proposed))


def _subjects(came: Came) -> Iterator[Said]:
    for row in came.incidents:
        parts: Sequence[dict[str, Any]] = row["subjects"] or [
            {"title": row["title"], "key": row["dedup_key"], "first_at": row["opened_at"].isoformat()}
        ]
        for part in parts:
            at, text = datetime.fromisoformat(part["first_at"]), f"{part['title']} {part['key']}".lower()
            yield Said(row["type"], at, text, part["title"], severity=row["severity"])


def _patterns(came: Came) -> Iterator[Said]:
    for key, seen in came.patterns.items():
        text = f"{seen.proposal.title} {json.dumps(dict(seen.proposal.evidence))} {key}".lower()
        until = seen.proposal.evidence.get("until")
        yield Said(
            seen.proposal.type, seen.first, text, seen.proposal.title, seen.confidence,
            until=datetime.fromisoformat(until) if until else None, proposed=seen.proposed is not None,
        )  # fmt: skip


def _found(total: Score, trouble: Trouble, said: Sequence[Said], seed: int) -> None:
    finders, late = (trouble.seen_as, LATE) if trouble.seen_as else (trouble.found_by, 2 * DAY)
    hits = [s.at for s in said if s.by in finders and _speaks_of(s, trouble, late)]
    there, seen = (total.faint_there, total.faint_seen) if trouble.faint else (total.there, total.seen)
    there[trouble.kind] += 1
    if not hits:
        total.missed.append(f"seed {seed} {trouble.begin:%a %d %b %H:%M} {trouble.kind}")
        return
    seen[trouble.kind] += 1
    total.delays.setdefault(trouble.kind, []).append((min(hits) - trouble.visible) / timedelta(minutes=1))


def _speaks_of(said: Said, trouble: Trouble, late: timedelta) -> bool:
    kinds = trouble.seen_as | trouble.found_by | trouble.beside
    if said.by not in kinds or not trouble.begin - HOUR / 12 <= said.at <= trouble.end + late:
        return False
    return trouble.about in said.text or said.text.endswith(OF_ALL)


def _messages(total: Score, made: Made, came: Came) -> None:
    """What reached her at once, and what waited for a digest; and what was said twice within a day."""
    for row in came.messages:
        at_once = row["severity"] in ("SEV0", "SEV1") or bool(row["via"])
        total.messages += at_once
        total.lines += not at_once
        if row["created_at"] < made.judged:
            total.normal_messages += at_once
            total.normal_lines += not at_once
    total.days += (made.end - made.normal).days
    total.normal_days += (made.judged - made.normal).days
    last: dict[tuple[str, str], datetime] = {}
    for row in (row for row in came.messages if row["status"] != "suppressed"):
        known = (f"{row['type']} {row['severity']}", "".join(c for c in row["title"] if not c.isdigit()))
        if known in last and row["created_at"] - last[known] < DAY:
            total.twice.append(f"{row['created_at']:%a %d %b %H:%M} {row['type']}: {row['title']}")
        last[known] = row["created_at"]


# -- in words ------------------------------------------------------------------------------------------------


def report(total: Score) -> Iterator[str]:
    """The lines of the report."""
    yield f"{'said by':24}{'right':>6}{'wrong':>6}{'precision':>10}"
    for by in sorted(total.right.keys() | total.wrong.keys()):
        yield f"{by:24}{total.right[by]:6}{total.wrong[by]:6}{_share(total.right[by], total.wrong[by]):>10}"
    yield ""
    yield f"{'trouble':24}{'there':>6}{'found':>6}{'recall':>10}{'delay, median and worst':>26}"
    for counted, seen in ((total.there, total.seen), (total.faint_there, total.faint_seen)):
        for kind in sorted(counted):
            missed = counted[kind] - seen[kind]
            yield f"{kind:24}{counted[kind]:6}{seen[kind]:6}{_share(seen[kind], missed):>10}" + _delay(
                total.delays.get(kind, [])
            )
    yield ""
    yield from reliability.table(total.sure)
    yield ""
    yield from _summary(total)


def _delay(minutes: Sequence[float]) -> str:
    if not minutes:
        return ""
    ordered = sorted(minutes)
    return f"{_time(ordered[len(ordered) // 2]):>15}{_time(ordered[-1]):>11}"


def _time(minutes: float) -> str:
    if minutes < 0:
        return "at once"
    return f"{minutes:.0f} min" if minutes < 600 else f"{minutes / 1440:.1f} days"


def _share(yes: int, no: int) -> str:
    return f"{yes / (yes + no):.2f}" if yes + no else "-"


def _summary(total: Score) -> Iterator[str]:
    patterns = {by for by in total.right.keys() | total.wrong.keys() if by in DETECTORS}
    incident = (total.right.keys() | total.wrong.keys()) - patterns
    right, wrong = (sum(counts[by] for by in incident) for counts in (total.right, total.wrong))
    there, seen = sum(total.there.values()), sum(total.seen.values())
    yield f"clear troubles: recall {_share(seen, there - seen)} of {there}; incidents' precision {_share(right, wrong)}"
    faint, noticed = sum(total.faint_there.values()), sum(total.faint_seen.values())
    yield f"faint troubles: recall {_share(noticed, faint - noticed)} of {faint}"
    yield _a_day("normal weeks", total.normal_days, total.normal_messages, total.normal_lines)
    yield _a_day("all weeks", total.days, total.messages, total.lines)
    yield f"said twice within a day: {len(total.twice)}"


def _a_day(when: str, days: int, messages: int, lines: int) -> str:
    each = max(days, 1)
    return f"{when}: {messages / each:.2f} messages a day besides the digest, {lines / each:.2f} lines of the digest"


DETECTORS = frozenset({
    "recurring_asks", "unanswered_questions", "growing_topics", "error_templates", "second_try", "failure_hours",
    "chained_failures", "changed_rate", "slowing_queue", "manual_work", "page_conflicts", "revivable_letters",
    "idle_syncs",
})  # fmt: skip
