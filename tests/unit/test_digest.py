"""The digest's wording: golden days, no false all-clear whatever was not looked at, and nothing lost in a fold."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
import typer
from fakes.days import BUSY, DAY, DAYS, HOUR, JOBS, NO_BACKLOG, NOTHING, NOW, QUIET, READ, group, incident, proposal
from hypothesis import given
from hypothesis import strategies as st
from typer.core import TyperGroup

from godmode.commands import words
from godmode.lib import gsm
from godmode.lib.notify import bullets, digest
from godmode.lib.notify.bullets import BULLETS, Item, Kind
from godmode.lib.notify.facts import Looked
from godmode.lib.store.figures import Figures

GOLDEN = Path(__file__).parents[1] / "fixtures" / "digests"
LOOKED = (*READ, *JOBS)


@pytest.mark.parametrize("name", DAYS)
def test_a_day_is_told_as_it_was_agreed_on(name: str) -> None:
    sms = digest.brief(DAYS[name])
    told = f"{digest.compose(DAYS[name])}\n\n-- as an SMS of {gsm.segments(sms)}:\n{sms}\n"
    assert told == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_every_golden_text_is_of_a_day() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(DAYS)


@pytest.mark.parametrize("name", DAYS)
def test_every_command_that_a_digest_names_is_one_that_exists(name: str) -> None:
    named = re.findall(r"`godmode ([^`]+)`", digest.compose(DAYS[name]))
    for said in named:
        assert accepts(said.split()), said
    assert named or name in ("quiet", "worked_without_trouble", "sealed")


def accepts(said: list[str]) -> bool:
    """Whether the command line takes these words; raises Typer's error where it does not."""
    command = typer.main.get_command(words.app)
    context = command.make_context("godmode", list(said))
    while isinstance(command, TyperGroup) and (rest := [*context._protected_args, *context.args]):
        name, command, rest = command.resolve_command(context, rest)  # type: ignore[assignment]
        context = command.make_context(name, rest, parent=context)
    return True


def test_what_the_comparisons_of_the_day_mended_is_told() -> None:
    notion = replace(READ[0], mended="2 pages fetched that were missing")
    hubspot = replace(READ[2], mended="1 contact gone at the source")
    told = digest.compose(replace(QUIET, sources=(notion, READ[1], hubspot))).splitlines()
    assert told[2] == (
        "Compared with what is there: notion (2 pages fetched that were missing), hubspot (1 contact gone at the"
        " source) (`godmode sources`)."
    )
    assert told[3].startswith("All quiet.")


# -- no false all-clear --------------------------------------------------------------------------------------


@pytest.mark.parametrize("up", list(product([True, False], repeat=len(LOOKED))))
def test_nothing_is_called_quiet_or_zero_that_was_not_looked_at(up: tuple[bool, ...]) -> None:
    seen = replace(
        QUIET,
        sources=[_down(looked, ok) for looked, ok in zip(READ, up, strict=False)],
        jobs=[_down(looked, ok) for looked, ok in zip(JOBS, up[len(READ) :], strict=True)],
    )
    nothing_read = not any(up[: len(READ)])
    for text in (digest.compose(seen), digest.brief(seen)):
        for looked, ok in zip(LOOKED, up, strict=True):
            named = re.search(
                rf"(^|: |, ){looked.name} not .* since 03:00|^Not read since 03:00: .*{looked.name}", text, re.M
            )
            implied = looked.name == "patterns" and nothing_read
            assert bool(named) is (not ok and not implied), (looked.name, text)
        assert ("All quiet" in text) is all(up)
    whole, zeros = digest.compose(seen), set(re.findall(r"\b0 ([a-z]+ [a-z]+|API)", digest.compose(seen)))
    assert ("new messages" in zeros) is up[3]
    assert ("workflow runs" in zeros) is up[1]
    assert ("API" in zeros) is all(up[:3])
    assert ({"new proposals", "new incidents"} <= zeros) is all(up)
    assert all(up) or not {"new proposals", "new incidents"} & zeros
    assert "corrections applied" in whole


def _down(looked: Looked, ok: bool) -> Looked:
    return looked if ok else replace(looked, worked=False, at=NOW - 5 * HOUR, error="no answer")


@pytest.mark.parametrize("up", list(product([True, False], repeat=len(LOOKED))))
def test_what_was_counted_before_a_source_went_away_is_at_least_so_much(up: tuple[bool, ...]) -> None:
    seen = replace(
        QUIET,
        figures=Figures(5, 5, 5, 5, 5, 5, 5),
        sources=[_down(looked, ok) for looked, ok in zip(READ, up, strict=False)],
        jobs=[_down(looked, ok) for looked, ok in zip(JOBS, up[len(READ) :], strict=True)],
    )
    text = digest.compose(seen)
    assert ("at least 5 new messages" in text) is not up[3]
    assert ("at least 5 workflow runs" in text) is not up[1]
    assert ("at least 5 new incidents" in text) is not all(up)


def test_a_source_that_is_stale_counts_as_unread_though_its_last_sync_worked() -> None:
    stale = replace(READ[3], at=NOW - 2 * DAY)
    text = digest.compose(replace(QUIET, sources=(*READ[:3], stale)))
    assert "chatlogs not read since Sun 08:00 (`godmode run sync-chatlogs`)" in text


def test_a_source_that_was_compared_whole_says_how_complete_and_how_old_it_is() -> None:
    quiet = DAYS["quiet"]
    whole = replace(quiet.sources[0], how="4,812 of 4,812 pages, at most 60 min old")
    text = digest.compose(replace(quiet, sources=(whole,)))
    assert f"Looked at: {whole.name} (4,812 of 4,812 pages, at most 60 min old), " in text


def test_chats_that_end_long_ago_are_dated_since_what_was_noticed_in_them_is_as_old() -> None:
    assert "0 new messages (the newest of Sun 01 Mar 2026)," in digest.compose(replace(QUIET, newest=NOW - 9 * DAY))
    assert "newest" not in digest.compose(replace(QUIET, newest=NOW - timedelta(hours=23)))


# -- nothing is lost in a fold -------------------------------------------------------------------------------

KINDS = st.lists(
    st.builds(
        lambda size, rest: Kind([Item(f"thing {n}", "c", "lists") for n in range(size)], "more", rest, None, ("rest",)),
        st.integers(1, 9),
        st.sampled_from([0, 0, 3]),
    ),
    max_size=6,
)


@given(KINDS)
def test_there_are_never_more_than_five_bullets_and_they_stand_for_everything(kinds: list[Kind]) -> None:
    found = bullets.folded(kinds)
    assert len(found) <= BULLETS
    assert len(found) == min(BULLETS, sum(len(kind.items) for kind in kinds))
    assert sum(1 + b.more for b in found) == sum(len(k.items) + k.rest for k in kinds)
    assert all(b.listed for b in found if b.more)


def test_the_more_severe_is_unfolded_first() -> None:
    incidents = [incident(n, "SEV1", f"trouble {n}", n * HOUR) for n in range(1, 4)]
    lines = digest.compose(replace(BUSY, incidents=incidents, doubtful=(), groups=())).splitlines()
    assert [line[:18] for line in lines[2:]] == [
        "1. SEV1: trouble 1", "2. SEV1: trouble 2", "3. SEV1: trouble 3", "4. Given up after ", "5. Finding 1, sinc",
    ]  # fmt: skip


def test_an_incident_speaks_for_the_messages_about_it_which_are_carried_all_the_same() -> None:
    told = group("SEV1", "incident", "Store is down", 2, told=True)
    seen = replace(QUIET, incidents=[incident(4, "SEV1", "Store is down", HOUR)], groups=(told,))
    assert digest.compose(seen).count("Store is down") == 1
    assert seen.carries == (1, 2)


def test_proposals_she_was_told_of_before_are_one_line() -> None:
    seen = replace(QUIET, proposals=[proposal(n, f"Finding {n}", n * DAY) for n in (2, 3)])
    assert "1. 2 proposals wait for your word, told of before, since Sat 07:00 (`godmode proposals`)" in digest.compose(
        seen
    )


# -- as an SMS -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DAYS)
def test_an_sms_takes_at_most_two_segments(name: str) -> None:
    assert gsm.segments(digest.brief(DAYS[name])) <= 2


@given(st.text(max_size=400), st.text(max_size=400))
def test_whatever_stands_in_a_title_the_digest_is_one_line_a_bullet(title: str, body: str) -> None:
    seen = replace(QUIET, incidents=[incident(4, "SEV1", title, HOUR)], groups=(group("WARN", "x", title, body=body),))
    assert len(digest.compose(seen).split("\n")) == 4
    assert len(digest.brief(seen).split("\n")) == 3
    assert "\x00" not in digest.compose(seen)


def test_nothing_at_all_is_said_of_a_fresh_installation_but_that_it_is_one() -> None:
    seen = replace(QUIET, sources=(), jobs=(), first=True, figures=NOTHING, backlog=NO_BACKLOG)
    assert "All quiet" not in digest.compose(seen)


@pytest.mark.parametrize(
    ("title", "times", "told", "by_sms"),
    [
        ("Invoice sync failed 4 times", 4, "failed 4 times, since 02:00 (", "failed 4 times 02:00"),
        ("Invoice sync failed 4 times", 9, "failed 4 times, since 02:00, seen 9 times (", "failed 4 times 02:00 x9"),
        ("Invoice sync failed 1,204 times", 1204, "1,204 times, since 02:00 (", "1,204 times 02:00"),
        ("Invoice sync fails", 4, "fails, since 02:00, 4 times (", "fails 02:00 x4"),
    ],
)
def test_how_often_is_said_once(title: str, times: int, told: str, by_sms: str) -> None:
    seen = replace(QUIET, incidents=[incident(1, "SEV1", title, 6 * HOUR, times)])
    assert told in digest.compose(seen)
    assert digest.brief(seen).splitlines()[1].endswith(by_sms)


@pytest.mark.parametrize(("warnings", "said"), [(7, "and 1 more warning,"), (8, "and 2 more warnings,")])
def test_one_more_warning_is_one(warnings: int, said: str) -> None:
    urgent = [incident(90, "SEV1", "The store is down", HOUR)]
    found = [incident(n, "WARN", f"Trouble {n}", HOUR, type_=f"t{n}") for n in range(warnings - 2)]
    assert said in digest.compose(replace(QUIET, incidents=[*urgent, *found]))
