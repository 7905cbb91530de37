"""A dozen days of a small company, as the digest and the morning call are told of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from godmode.lib.notify.facts import Looked, Seen
from godmode.lib.store.figures import Backlog, Figures, OpenIncident
from godmode.lib.store.news import Doubtful, GivenUp, Group, Unsettled
from godmode.lib.store.proposals import ProposalRow

NOW = datetime(2026, 3, 10, 13, 0, tzinfo=UTC)  # a Tuesday, 08:00 in Chicago
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOTHING = Figures(0, 0, 0, 0, 0, 0, 0)
NO_BACKLOG = Backlog(0, 0, 0, 0, 0)


def source(name: str, ago: timedelta | None = timedelta(minutes=1), error: str | None = None) -> Looked:
    at = None if ago is None else NOW - ago
    return Looked(name, at, error is None and at is not None, HOUR, f"run sync-{name}", error)


def job(name: str, word: str, ago: timedelta | None = timedelta(minutes=1), error: str | None = None) -> Looked:
    at = None if ago is None else NOW - ago
    return Looked(name, at, error is None and at is not None, HOUR, f"run {word}", error, "looked for")


def incident(number: int, severity: str, title: str, ago: timedelta, times: int = 1, type_: str = "x") -> OpenIncident:
    return OpenIncident(number, severity, title, NOW - ago, times, type_)


def group(severity: str, type_: str, title: str, ids: int = 1, **more: object) -> Group:
    more["since"] = NOW - more.get("since", HOUR)  # type: ignore[operator]
    told = {
        "told": False, "ids": list(range(1, ids + 1)), "titles": 1, "times": ids, "body": "",
        "why": None,
    }  # fmt: skip
    return Group(severity, type_, title=title, **(told | more))  # type: ignore[arg-type]


def proposal(number: int, title: str, ago: timedelta = HOUR, confidence: float = 0.8) -> ProposalRow:
    at = NOW - ago
    return ProposalRow(number, "t", title, "open", confidence, {}, at, at)


def given_up(number: int, ago: timedelta = HOUR, **more: object) -> GivenUp:
    about = {"title": None, "job": "daily_digest", "slot": "2026-03-09"} | more
    return GivenUp(number, "job" if about["job"] else "notification", 2, "no answer in 30 s", NOW - ago, **about)  # type: ignore[arg-type]


READ = (source("notion"), source("n8n"), source("hubspot"), source("chatlogs"))
JOBS = (job("patterns", "periodic-scan"), job("trouble", "run-watchers"))
QUIET = Seen(
    now=NOW, since=NOW - DAY, zone=ZoneInfo("America/Chicago"), command="godmode", figures=NOTHING,
    backlog=NO_BACKLOG, sources=READ, jobs=JOBS, operator="Jonah",
)  # fmt: skip
WORKED = replace(QUIET, figures=Figures(0, 0, 1, 412, 0, 1288, 316))
BUSY = replace(
    QUIET,
    figures=Figures(7, 2, 1, 412, 3, 1288, 316),
    backlog=Backlog(1, 2, 4, 9, 2),
    incidents=(
        incident(4, "SEV1", "Invoice sync fails", 6 * HOUR, 3),
        incident(5, "WARN", "Lead capture is slow", 5 * HOUR, 8),
    ),
    given_up=(given_up(3), given_up(2, 20 * HOUR, job=None, title="n8n is down", slot=None)),
    proposals=[proposal(n, f"Finding {n}", n * HOUR, 0.9 - n / 100) for n in range(1, 8)]
    + [proposal(n, f"Finding {n}", 3 * DAY) for n in (8, 9)],
    doubtful=(Doubtful(71, "incident", "SEV1", "Invoice sync fails", "uncertain", "salesmsg", NOW - 6 * HOUR),),
    groups=(
        group("WARN", "job_failing", "periodic scan failed 3 times in a row", body="no answer"),
        group("INFO", "job_recovered", "sync hubspot works again after 4 failures"),
    ),
)

DAYS = {
    "quiet": QUIET,
    "worked_without_trouble": WORKED,
    "busy": BUSY,
    "broken_source": replace(
        WORKED,
        figures=Figures(0, 0, 0, 12, 0, 90, 40),
        sources=(READ[0], source("n8n", 5 * HOUR, "n8n answered 401: unauthorized"), *READ[2:]),
    ),
    "stale_scan": replace(
        WORKED,
        figures=Figures(2, 0, 0, 80, 1, 300, 0),
        sources=tuple(source(s.name, 9 * HOUR) for s in READ),
        jobs=(job("patterns", "periodic-scan", 9 * HOUR, "stopped at its deadline of 600 s"), JOBS[1]),
        proposals=[proposal(1, "Asked on 7 days: export last week's invoices", 10 * HOUR)],
    ),
    "first_day": replace(
        QUIET,
        first=True,
        sources=(source("chatlogs"),),
        jobs=JOBS[:1],
        figures=Figures(1, 0, 0, 0, 0, 0, 273),
        newest=NOW - 9 * DAY,
        proposals=[proposal(1, '"saddle clamp" in 15 messages in 3 days, 2 in the 11 days before', 0 * HOUR)],
    ),
    "only_dead_letters": replace(
        WORKED, backlog=Backlog(0, 7, 0, 0, 0), given_up=[given_up(n, n * HOUR) for n in range(1, 8)]
    ),
    "sev0_open": replace(
        WORKED,
        figures=Figures(0, 1, 0, 400, 12, 900, 10),
        incidents=(incident(9, "SEV0", "The store takes no orders", 5 * HOUR, 14),),
    ),
    "hundreds_of_warnings": replace(
        WORKED,
        groups=(
            *(
                group("WARN", "workflow_failed", f"{name} failed", 20, times=75 + n, since=(n + 10) * HOUR)
                for n, name in enumerate(("Lead capture", "Invoice sync", "Newsletter", "Refunds", "Stock", "Labels"))
            ),
            *(
                group("WARN", "job_failing", f"sync {name} failed 3 times in a row", 20, since=21 * HOUR)
                for name in ("notion", "n8n", "hubspot")
            ),
            group("WARN", "recipient_refused", "A recipient was refused", 8, body="telegram: 99 is not on the list"),
        ),
    ),
    "all_in_doubt": replace(
        WORKED,
        doubtful=(
            Doubtful(80, "morning_call", "INFO", "Morning call", "failed", "twilio", NOW - 2 * HOUR),
            Doubtful(79, "incident", "SEV0", "The store takes no orders", "uncertain", "callmebot", NOW - 9 * HOUR),
            Doubtful(70, "daily_digest", "INFO", "Daily digest", "uncertain", "telegram", NOW - DAY),
        ),
        unsettled=(Unsettled(12, "update_contact", "hubspot contact 451", NOW - 3 * HOUR),),
    ),
    "comms_came_back": replace(
        WORKED,
        groups=(
            group("SEV1", "incident", "Invoice sync failed", since=30 * HOUR, why="comms_enabled is off", times=5),
            group("WARN", "job_failing", "sync n8n failed 3 times in a row", 2, since=31 * HOUR),
            group("INFO", "job_recovered", "sync n8n works again after 14 failures"),
        ),
    ),
    "switched_off": replace(WORKED, switched="the kill switch was turned off by jonah: deploy is over"),
    "no_source": replace(QUIET, sources=(), jobs=()),
    "all_sources_failing": replace(
        QUIET,
        sources=tuple(
            source(s.name, ago, "no answer in 30 s")
            for s, ago in zip(READ, (5 * HOUR, 6 * HOUR, 7 * HOUR, None), strict=True)
        ),
        jobs=(job("patterns", "periodic-scan", 5 * HOUR, "no answer in 30 s"), JOBS[1]),
    ),
    "foreign_letters": replace(
        WORKED,
        incidents=(incident(4, "SEV1", "Склад “Nord” – n8n’s Žlutý… 🔥\n2. forged\x00 line", 6 * HOUR),),
    ),
    "sealed": replace(WORKED, seal="3fa9c1d2e4b5a6978877"),
}  # fmt: skip


def overnight(seen: Seen) -> Seen:
    """The same day as the morning call is told of it: since Monday 21:00."""
    return replace(seen, since=datetime(2026, 3, 10, 2, 0, tzinfo=UTC))
