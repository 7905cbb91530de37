"""Work that a person does by hand again and again, as if by a calendar: something for a schedule or a rule.

What is asked for again and again in the chats is recurring_asks's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from godmode.lib.detectors.evidence import shorten
from godmode.lib.detectors.runs import dates, is_news, offered, proposal, quoted, surest
from godmode.lib.detectors.statistics import comes_back
from godmode.lib.kernel import Proposal
from godmode.lib.remedies import MuteIncidents
from godmode.lib.store import outcomes
from godmode.lib.store.outcomes import Deed

if TYPE_CHECKING:
    from godmode.lib.store import Store

WINDOW = timedelta(days=42)
FEWEST_DAYS = 4
FEWEST_WEEKS = 3  # somebody who builds a workflow starts it for some days in a row
MUTED_DAYS = 7
_NUMBER = re.compile(r"\d+([.,:]\d+)*")

WORDS = {
    "run_workflow": ("workflow {name} was started by hand", "give it a schedule in n8n.", "it starts by itself."),
    "apply_correction": ("the correction {name} was applied", "mend its cause, or make a rule of it.",
                         "the same thing need not be approved again."),
    "settle_incident": ("incidents of the type {name} were acknowledged",
                        "mute this type for a week, or raise its threshold.",
                        "no incident of this type is raised in that time."),
    "change_page": ("the page {name} was corrected", "let it be filled by a workflow, or leave what changes out of it.",
                    "nobody has to correct it by hand."),
}  # fmt: skip


class ManualWork:
    """The same deed of a person on at least four days of at least three weeks; of a page, that its numbers changed.

    Confidence is the probability that it is done again within seven days of its last time, by Laplace's rule of
    succession over the days (`statistics.comes_back`, as recurring_asks).
    """

    name = "manual_work"

    def look(self, store: Store, now: datetime, lookback: timedelta) -> Iterator[Proposal]:
        """What was done again within the last 24 hours, by six weeks of history, the surest first."""
        yield from find(outcomes.deeds(store.conn, now - WINDOW, now), now)


def find(deeds: Sequence[Deed], now: datetime) -> Iterator[Proposal]:
    """The deeds that come back, at most five."""
    same: dict[tuple[str, str], list[Deed]] = defaultdict(list)
    for deed in deeds:
        same[deed.kind, deed.subject].append(deed)
    kept = [_corrections(found) if kind == "change_page" else found for (kind, _), found in same.items()]
    yield from surest(p for found in kept if (p := _proposal(found, now)))


def _corrections(versions: Sequence[Deed]) -> list[Deed]:
    """The versions of a page that differ from the one before in numbers alone: others are written, not corrected."""
    return [b for a, b in pairwise(versions) if _NUMBER.sub("#", a.text) == _NUMBER.sub("#", b.text)]


def _proposal(deeds: Sequence[Deed], now: datetime) -> Proposal | None:
    if len(deeds) < FEWEST_DAYS:
        return None
    one, times = deeds[-1], [deed.at for deed in deeds]
    days = dates(times, now.tzinfo)
    weeks = {day.isocalendar()[:2] for day in days}
    if len(days) < FEWEST_DAYS or len(weeks) < FEWEST_WEEKS or not is_news(times[-1], now):
        return None
    what, do, changes = WORDS[one.kind]
    said = what.format(name=shorten(one.name, 60))
    return proposal(
        ManualWork.name,
        f"On {len(days)} days {said}",
        comes_back(days, now.astimezone(now.tzinfo).date()),
        dedup=f"{one.kind}:{one.subject}",
        seen=f"In six weeks {said} {len(times)} times, on {len(days)} days of {len(weeks)} weeks.",
        do=do,
        changes=changes,
        undo="end the mute." if one.kind == "settle_incident" else "switch the schedule off again.",
        more="godmode incidents" if one.kind == "settle_incident" else f'godmode memory search "{one.name[:40]}"',
        times=times,
        messages=[quoted(deed.at, deed.name, deed.text) for deed in deeds],
        remedy=_remedy(one),
    )


def _remedy(one: Deed) -> Mapping[str, Any] | None:
    return offered(MuteIncidents(one.subject, days=MUTED_DAYS)) if one.kind == "settle_incident" else None
