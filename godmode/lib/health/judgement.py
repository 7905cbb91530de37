"""From what is found now and what was found before: since when it is so, and whether it is to be told. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from godmode.lib.health.finding import Finding

HOUR = timedelta(hours=1)
REMIND = timedelta(hours=4)  # how long the same trouble is told once, while it is younger than a day
DAY = timedelta(days=1)  # and how long afterwards


@dataclass(frozen=True)
class Known:
    """A finding with its history: since when it is so, in how many looks in a row, and whether it is to be told."""

    subject: str
    what: str
    do: str
    since: datetime
    looks: int
    ripe: bool

    def data(self) -> dict[str, Any]:
        """As the run's data keeps it."""
        return {**vars(self), "since": self.since.isoformat()}


def known(
    found: Iterable[Finding], before: Mapping[str, Any], now: datetime, clean: Callable[[str], str]
) -> list[Known]:
    """The findings, each since when it is so by the last look's data."""
    last = {each.get("subject"): each for each in before.get("findings") or ()}
    return [_known(finding, last.get(clean(finding.subject), {}), now, clean) for finding in found]


def _known(finding: Finding, last: Mapping[str, Any], now: datetime, clean: Callable[[str], str]) -> Known:
    looks = int(last.get("looks", 0)) + 1
    since = datetime.fromisoformat(last["since"]) if "since" in last else now
    what, do = clean(finding.what), clean(finding.do)
    return Known(clean(finding.subject), what, do, since, looks, looks >= finding.looks)


def due(ripe: Sequence[Known], told: Iterable[str], last: datetime | None, now: datetime) -> bool:
    """Whether she is to be told now: of something new, or again of what lasts; at most once an hour.

    What lasts is told every four hours on its first day, and once a day from then on.
    """
    if not ripe or (last is not None and now - last < HOUR):
        return False
    news = {finding.subject for finding in ripe} - set(told)
    young = any(now - finding.since < DAY for finding in ripe)
    return bool(news) or last is None or now - last >= (REMIND if young else DAY)


def alert(ripe: Sequence[Known], host: str, zone: tzinfo) -> str:
    """The body of an alert: each trouble, since when, and what to do."""
    lines = [f"{n}. {_upper(f.what)}, since {_when(f.since, zone)}. What to do: {f.do}." for n, f in enumerate(ripe, 1)]
    return "\n".join([f"On {host}:", *lines, "`godmode status` shows the rest."])


def recovery(over: Iterable[Mapping[str, Any]], host: str, now: datetime, zone: tzinfo) -> str:
    """The body of the news that all is well again: what it was, and for how long."""
    lines = [
        f"- {_upper(str(each['what']))}: from {_when(datetime.fromisoformat(str(each['since'])), zone)}"
        for each in over
    ]
    return "\n".join([f"On {host} all is well since {_when(now, zone)}. It was:", *lines])


def _when(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).strftime("%a %d %b %H:%M")


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
