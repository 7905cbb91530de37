"""`godmode rehearse`: what she would hear of a day in which much goes wrong, with her own configuration."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Annotated, Any

import typer
from msgspec import structs

from godmode import stage
from godmode.commands import terminal
from godmode.lib import quiet
from godmode.lib.clock import SystemClock
from godmode.lib.config import Config
from godmode.lib.engine import slots
from godmode.lib.errors import Usage
from godmode.lib.kernel import Daily
from godmode.lib.rehearsal import account
from godmode.lib.rehearsal.account import EVENT, WHOLE, Account, Entry, Summary
from godmode.stage import Rehearsed

app = typer.Typer(add_completion=False, rich_markup_mode=None)

WIDTH = 80
INDENT = 19  # columns before what is told: a time and how


@app.command()
def rehearse(
    on: Annotated[
        str | None, typer.Option("--date", help="The day, as 2026-03-08; tomorrow without it.", metavar="DATE")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Live through a day of troubles, on a database of its own, and show what you would hear, how and when.

    The day begins at 20:00 the evening before. Your hours, quiet hours, routes, channels and allowlist hold; nothing
    is sent, no service is asked, and your own database and state folder stay as they are. Where nothing happens, the
    watchers and the health monitor look every 15 minutes, and the retry queue is looked at when something is due.
    """
    config = terminal.config()
    lived = stage.rehearse(config, _day(on, config))
    told = Account(lived.diary, config.settings, config.zone, partial(_next_digest, config))
    notes = [*account.findings(config.settings, lived.channels), *_in_life(lived)]
    document = {
        "date": lived.day.date.isoformat(),
        "zone": config.settings.timezone,
        "from": lived.day.begin.astimezone(config.zone),
        "to": lived.day.end.astimezone(config.zone),
        "timeline": [_plain(entry, config) for entry in told.timeline()],
        "summary": structs.asdict(told.summary()),
        "notes": notes,
    }
    text = "" if as_json else "\n".join(_lines(lived, config, told.timeline(), told.summary(), notes))
    terminal.show(document, as_json, text)
    return 0


def _day(on: str | None, config: Config) -> date:
    if on is None:
        return SystemClock().now().astimezone(config.zone).date() + timedelta(days=1)
    try:
        day = date.fromisoformat(on)
    except ValueError:
        raise Usage(f'"{on}" is no date', "--date takes one such as 2026-03-08") from None
    if not 1971 <= day.year <= 9000:
        raise Usage(f'"{on}" is no date that can be lived', "--date takes one such as 2026-03-08")
    return day


def _next_digest(config: Config, after: datetime) -> datetime:
    """When the next digest goes out; quiet.NEVER where it is always quiet."""
    at = config.settings.jobs.daily_digest.time or "08:00"
    start = slots.following(Daily(at), after, config.zone).start
    return quiet.until(config.settings.quiet_hours, start, config.zone) or start


def _plain(entry: Entry, config: Config) -> dict[str, Any]:
    """An entry as `--json` prints it: its times are those of the configured zone."""
    until = entry.held_until
    times = {"at": entry.at.astimezone(config.zone), "held_until": until and until.astimezone(config.zone)}
    return structs.asdict(entry) | times


def _in_life(lived: Rehearsed) -> list[str]:
    """What is otherwise in her installation now than it was in the rehearsal."""
    hers = lived.hers
    notes = []
    if lived.unset:
        notes.append(f"not set here, so that in life what needs it would fail: {', '.join(lived.unset)}")
    if hers.allowed is None:
        notes.append("your own database could not be asked: whomever the configuration names counted as allowed")
    if hers.switched_on:
        notes.append("your kill switch is ON: in life nothing at all would leave now (`godmode killswitch off`)")
    for name in ("jobs_enabled", "comms_enabled"):
        if hers.controls is not None and not getattr(hers.controls, name):
            what = "no job would run" if name == "jobs_enabled" else "nobody would be told of anything"
            notes.append(f"your {name} is off: in life {what} now (`godmode controls set {name} on`)")
    return notes + [
        f"{job.replace('_', '-')} is switched off (`godmode jobs enable {job.replace('_', '-')}`)"
        for job in hers.disabled
    ]


# -- for a person --------------------------------------------------------------------------------------------


def _lines(
    lived: Rehearsed, config: Config, timeline: Sequence[Entry], summary: Summary, notes: Sequence[str]
) -> Iterator[str]:
    day, hours = lived.day.date, config.settings.quiet_hours
    yield from _wrapped(
        f"{day:%A %d %B %Y} in {config.settings.timezone}, from 20:00 of the evening before, with quiet hours from "
        f"{hours.start} to {hours.end}. This is a rehearsal: nothing was sent."
    )
    before: Entry | None = None
    for entry in timeline:
        here = entry.at.astimezone(config.zone)
        if before is None or before.at.astimezone(config.zone).date() != here.date():
            yield from ("", f"{here:%a %d %b}")
        elif entry.how == EVENT and before.at != entry.at:
            yield ""
        yield from _entry(entry, f"{here:%H:%M}")
        before = entry
    yield ""
    yield from _sums(summary)
    if notes:
        yield ""
    for note in notes:
        yield from _wrapped(note, "! ")


def _entry(entry: Entry, clock: str) -> Iterator[str]:
    if entry.how == EVENT:
        yield from _wrapped(entry.what, f"{clock}  ")
        return
    whole = entry.type in WHOLE and entry.text
    said = entry.what if whole or entry.channel is None else f"{entry.what}: {_first(entry.text)}"
    yield from _wrapped(said, f"{clock}    {entry.how:<{INDENT - 9}}")
    if entry.why:
        yield from _wrapped(f"({entry.why})", " " * INDENT)
    if whole:
        for line in entry.text.splitlines():
            yield from _wrapped(line, " " * (INDENT - 2) + "| ", " " * (INDENT - 2) + "| ")


def _first(text: str) -> str:
    return text.partition("\n")[0]


def _sums(summary: Summary) -> Iterator[str]:
    night = summary.in_quiet_hours
    reached = (
        f"{_count(summary.calls, 'call')} ({summary.answered} answered), {summary.sms} SMS and "
        f"{_count(summary.messages, 'message')}; in quiet hours {_count(night['calls'], 'call')}, {night['sms']} SMS "
        f"and {_count(night['messages'], 'message')}"
    )
    yield from _wrapped(reached, "reached you  ")
    waited = f"{summary.for_the_digest} for the digest, {summary.for_the_end_of_quiet_hours} for the end of quiet hours"
    yield from _wrapped(waited, "waited       ")
    runs = ", ".join(f"{job.replace('_', '-')} {_outcomes(counts)}" for job, counts in summary.runs.items())
    yield from _wrapped(f"{runs} (fewer than in life, where nothing happens)", "runs         ")


def _outcomes(counts: Mapping[str, int]) -> str:
    """`48`, where all succeeded; else `1 skipped` and what else there was."""
    if set(counts) == {"succeeded"}:
        return str(counts["succeeded"])
    return " and ".join(f"{number} {outcome}" for outcome, number in counts.items())


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _wrapped(text: str, first: str = "", other: str | None = None) -> list[str]:
    """The text in lines of WIDTH columns; words are not torn, so that commands and addresses stay whole."""
    following = " " * len(first) if other is None else other
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=following, break_long_words=False, break_on_hyphens=False
    )  # fmt: skip
