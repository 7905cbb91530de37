"""The same error again and again, whatever ids and numbers stand in it: new since today, or on most days."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from godmode.lib.detectors.evidence import shorten
from godmode.lib.detectors.runs import (
    BASELINE,
    FEWEST_DAYS_BEFORE,
    NEWS,
    called,
    dates,
    follow_up,
    is_news,
    key,
    offered,
    proposal,
    quoted,
    surest,
)
from godmode.lib.detectors.statistics import bonferroni, calibrated, rate_grew, succession
from godmode.lib.detectors.templates import ANY, mined
from godmode.lib.kernel import Proposal
from godmode.lib.remedies import DeactivateWorkflow, DisableJob
from godmode.lib.store import outcomes
from godmode.lib.store.outcomes import Failure, Tally

if TYPE_CHECKING:
    from godmode.lib.store import Store

BLOCK = timedelta(hours=3)
RECENT_DAYS = 14
FEWEST_BLOCKS = 3  # a burst is one event, and so is an outage of three hours
FEWEST_DAYS = 5
FEWEST_RUNS = 5  # from so many in a day, all of which failed, a thing does nothing but fail
LOOKS = BASELINE // NEWS


class ErrorTemplates:
    """Failures of jobs and workflows by the template of their message (see templates.py).

    Two kinds of finding. New: the template stands in more of the last day's blocks of three hours than of the four
    weeks before; a block counts once, so that a burst is one event. Confidence is `calibrated` of the conditional
    binomial test of two rates (`rate_grew`), corrected for all templates and for looking anew each day. Chronic: it
    stands, for one and the same thing, on at least five of the last fourteen days; confidence is that it does
    tomorrow, by Laplace's rule of succession over these days. The surer one counts.
    """

    name = "error_templates"

    def look(self, store: Store, now: datetime, lookback: timedelta) -> Iterator[Proposal]:
        """The templates of the last 24 hours, the surest first."""
        since, conn = now - BASELINE, store.conn
        failures = outcomes.failures(conn, since, now)
        if failures and is_news(failures[-1].at, now):
            start = outcomes.known_since(conn, since, now) or now
            yield from find(failures, outcomes.tallies(conn, now - NEWS, now), start, now)


class Cause(Struct, frozen=True):
    """A template and what failed with it, in the order of time."""

    template: str
    failures: Sequence[Failure]

    @property
    def subjects(self) -> list[Failure]:
        """One failure of each thing that failed so."""
        return list({key(f): f for f in self.failures}.values())


def find(failures: Sequence[Failure], today: Sequence[Tally], start: datetime, now: datetime) -> Iterator[Proposal]:
    """The templates that are news, at most five. `today` ran within the last day; all is known since `start`."""
    causes, broken = _causes(failures), _only_failing(today)
    found = [_proposal(c, _confidence(c, start, len(causes), now), broken, now) for c in causes]
    yield from surest(p for p in found if p)


def _causes(failures: Sequence[Failure]) -> list[Cause]:
    """Failures without a message are told apart by what failed: nobody knows more of them."""
    told = [f for f in failures if f.error]
    by_template: dict[str, list[Failure]] = defaultdict(list)
    for failure, template in zip(told, mined(f.error or "" for f in told), strict=True):
        by_template[template].append(failure)
    for failure in failures:
        if not failure.error:
            by_template[f"{called(failure)} failed"].append(failure)
    return [Cause(template, found) for template, found in by_template.items()]


def _confidence(cause: Cause, start: datetime, causes: int, now: datetime) -> float:
    if not is_news(cause.failures[-1].at, now):
        return 0.0
    return max(_new(cause, start, causes, now), _chronic(cause, start, now))


def _new(cause: Cause, start: datetime, causes: int, now: datetime) -> float:
    before = (now - NEWS - start) / BLOCK
    if before < FEWEST_DAYS_BEFORE * (NEWS / BLOCK):
        return 0.0
    blocks = {(now - f.at) // BLOCK for f in cause.failures}
    recent = sum(block < NEWS / BLOCK for block in blocks)
    if recent < FEWEST_BLOCKS:
        return 0.0
    share = (NEWS / BLOCK) / (NEWS / BLOCK + before)
    return calibrated(bonferroni(rate_grew(recent, len(blocks) - recent, share), causes * LOOKS))


def _chronic(cause: Cause, start: datetime, now: datetime) -> float:
    """Of the thing that fails so most often: a cause that is everybody's, and rarely each one's, is the weather."""
    often, _ = Counter(map(key, cause.failures)).most_common(1)[0]
    observed = min(RECENT_DAYS, (now - start) // NEWS)
    days = {(now - f.at) // NEWS for f in cause.failures if key(f) == often}
    with_it = sum(day < observed for day in days)
    return succession(with_it, observed) if with_it >= FEWEST_DAYS else 0.0


def _only_failing(today: Sequence[Tally]) -> dict[str, Tally]:
    """What ran at least five times within the last day, and never ended well."""
    runs: dict[str, list[Tally]] = defaultdict(list)
    for tally in today:
        runs[key(tally)].append(tally)
    return {
        name: found[-1]
        for name, found in runs.items()
        if sum(t.ended for t in found) >= FEWEST_RUNS and all(t.ended == t.failed for t in found)
    }


def _proposal(cause: Cause, confidence: float, broken: Mapping[str, Tally], now: datetime) -> Proposal | None:
    if confidence <= 0:
        return None
    times, subjects = [f.at for f in cause.failures], cause.subjects
    recent = sum(is_news(at, now) for at in times)
    where = called(subjects[0]) if len(subjects) == 1 else f"{len(subjects)} jobs and workflows"
    days = len(dates(times, now.tzinfo))
    remedy = _remedy(subjects, broken)
    return proposal(
        ErrorTemplates.name,
        f'{where}: "{shorten(cause.template, 70)}" {recent} times in 24 hours',
        confidence,
        dedup=_dedup(cause, subjects),
        seen=f"{len(times)} failures on {days} days, {recent} of them in the last 24 hours, in "
        f"{', '.join(called(s) for s in subjects[:4])}, all with: {shorten(cause.template, 200)}.",
        do=f"mend the cause{', and stop what only fails until then' if remedy else ''}.",
        changes=f"{where} stops failing for this reason.",
        undo="switch it on again, when the cause is mended." if remedy else "nothing is changed by godmode.",
        more=follow_up(subjects[0]),
        times=times,
        messages=[quoted(f.at, f.name, f.error or "failed, n8n was not asked why") for f in cause.failures[-10:]],
        remedy=remedy,
        about=subjects,
    )


def _remedy(subjects: Sequence[Failure], broken: Mapping[str, Tally]) -> Mapping[str, Any] | None:
    """To stop what does nothing but fail, where it is one thing."""
    if len(subjects) != 1 or key(subjects[0]) not in broken:
        return None
    one = subjects[0]
    if one.kind == "workflow":
        return offered(DeactivateWorkflow(one.subject, shorten(one.name, 100)))
    return offered(DisableJob(one.subject))


def _dedup(cause: Cause, subjects: Sequence[Failure]) -> str:
    """The first words that never vary, and the thing where it is one: these stay while the template widens."""
    fixed = [word.lower().strip(".,:;") for word in cause.template.split() if ANY not in word][:4]
    return f"{key(subjects[0]) if len(subjects) == 1 else 'several'}:{'+'.join(fixed)}"
