"""The digest's wording: golden days, and no false all-clear with any source failing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from godmode.lib.notify import digest
from godmode.lib.store.figures import Backlog, Figures, OpenIncident
from godmode.lib.store.outbox import Message
from godmode.lib.store.proposals import ProposalRow
from godmode.lib.store.sync import SyncState

NOW = datetime(2026, 3, 10, 13, 0, tzinfo=UTC)  # a Tuesday, 08:00 in Chicago
HOUR = timedelta(hours=1)


def read(name: str, ago: timedelta = timedelta(0)) -> digest.SourceSeen:
    return digest.SourceSeen(name, SyncState(name, NOW - ago, NOW - ago, True), HOUR)


def broken(name: str, ago: timedelta | None = timedelta(hours=5)) -> digest.SourceSeen:
    last = NOW - ago if ago else None
    return digest.SourceSeen(name, SyncState(name, NOW, last, False, last_error="no answer in 30 s"), HOUR)


def proposal(number: int) -> ProposalRow:
    return ProposalRow(number, "t", f"Finding {number}", "open", 0.8, {}, NOW, NOW)


def warning(title: str, count: int = 1) -> Message:
    return Message(1, "job_failing", "WARN", title, "no answer", "pending", count, NOW - HOUR, None)


QUIET = digest.Seen(
    now=NOW,
    since=NOW - timedelta(days=1),
    zone=ZoneInfo("America/Chicago"),
    command="godmode",
    figures=Figures(0, 0, 0, 0, 0, 0, 0),
    backlog=Backlog(0, 0, 0, 0, 0),
    incidents=(),
    messages=(),
    proposals=(),
    sources=(read("chatlogs"),),
    uncertain=0,
)


def test_of_a_source_that_was_compared_it_says_how_complete_it_is() -> None:
    counts = {"at_source": 4812, "stored": 4812, "repaired": 0, "gone": 0}
    source = read("notion", timedelta(minutes=59, seconds=1))
    whole = replace(source, state=replace(source.state, completeness=counts))
    assert "Looked at: notion (4,812 of 4,812 pages, at most 60 min old), incidents" in digest.compose(
        replace(QUIET, sources=(whole,))
    )


def test_a_quiet_day_says_so_and_what_was_looked_at() -> None:
    assert digest.compose(QUIET) == (
        "godmode digest, Tue 10 Mar 2026\n"
        "Since Mon 08:00: 0 new messages, 0 new proposals, 0 new incidents, 0 corrections applied.\n"
        "All quiet. Looked at: chatlogs (read 08:00), incidents, failed work, proposals."
    )


def test_a_busy_day_puts_what_needs_her_most_first_and_never_more_than_five_bullets() -> None:
    seen = replace(
        QUIET,
        figures=Figures(7, 2, 1, 0, 0, 0, 316),
        backlog=Backlog(0, 2, 1, 7, 1),
        incidents=(OpenIncident(4, "SEV1", "Store is down", NOW - HOUR, 3),),
        messages=(warning("periodic scan failed 3 times in a row"),),
        proposals=[proposal(n) for n in range(1, 8)],
        uncertain=1,
    )
    assert digest.compose(seen).splitlines() == [
        "godmode digest, Tue 10 Mar 2026",
        "Since Mon 08:00: 316 new messages, 7 new proposals, 2 new incidents, 1 correction applied.",
        "1. SEV1: Store is down, since 07:00, 3 times (`godmode status`)",
        "2. 2 failed pieces of work given up on (`godmode audit --failed`)",
        "3. 1 message may not have arrived (`godmode audit --failed`)",
        "4. periodic scan failed 3 times in a row: no answer, since 07:00 (`godmode audit --failed`)",
        "5. and 7 more: `godmode status`",
    ]


def test_a_broken_source_is_named_with_the_time_it_was_last_read() -> None:
    text = digest.compose(replace(QUIET, sources=(broken("chatlogs"),)))
    assert "chatlogs not read since 03:00: no answer in 30 s (`godmode run sync-chatlogs`)" in text
    assert "All quiet" not in text


def test_a_stale_source_counts_as_unread_though_its_last_sync_succeeded() -> None:
    text = digest.compose(replace(QUIET, sources=(read("chatlogs", timedelta(days=2)),)))
    assert "chatlogs not read since Sun 08:00" in text
    assert "All quiet" not in text


def test_a_source_never_read_has_no_figures() -> None:
    text = digest.compose(replace(QUIET, sources=(broken("n8n", None), broken("chatlogs", None))))
    assert "n8n not read yet" in text
    assert "workflow run" not in text
    assert "new message" not in text


@pytest.mark.parametrize("up", list(product([True, False], repeat=3)))
def test_nothing_is_called_quiet_or_zero_that_was_not_looked_at(up: tuple[bool, ...]) -> None:
    names = ("chatlogs", "n8n", "hubspot")
    sources = [read(n) if ok else broken(n, None) for n, ok in zip(names, up, strict=True)]
    text = digest.compose(replace(QUIET, sources=sources))
    for name, ok in zip(names, up, strict=True):
        assert (f"{name} not read yet" in text) is not ok
    assert ("All quiet" in text) is all(up)
    assert ("workflow runs" in text) is up[1]
    assert ("API calls" in text) is (up[1] or up[2])


def test_without_a_source_the_digest_says_that_only_godmode_was_looked_at() -> None:
    assert digest.compose(replace(QUIET, sources=())).endswith(
        "No source is configured, so only godmode itself was looked at: `godmode config show`."
    )


def test_chats_that_end_long_ago_are_dated_since_what_was_noticed_in_them_is_as_old() -> None:
    seen = replace(QUIET, newest=NOW - timedelta(days=9))
    assert "0 new messages (the newest of Sun 01 Mar 2026)," in digest.compose(seen)
    assert "newest" not in digest.compose(replace(QUIET, newest=NOW - timedelta(hours=23)))


def test_a_title_with_line_breaks_stays_one_bullet() -> None:
    seen = replace(QUIET, proposals=[replace(proposal(1), title="one\ntwo\r\n3. three")])
    assert digest.compose(seen).splitlines()[2:] == ["1. one two 3. three (`godmode proposals show 1`)"]
