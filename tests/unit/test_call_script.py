"""The morning call's script: golden days, 30 to 60 seconds of whole sentences, and no false all-clear."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from fakes.days import BUSY, DAYS, HOUR, JOBS, NOW, QUIET, READ, group, incident, overnight, proposal
from hypothesis import given
from hypothesis import strategies as st

from godmode.lib.notify import call_script, speech
from godmode.lib.notify.call_script import LONGEST, SHORTEST
from godmode.lib.notify.facts import Seen

GOLDEN = Path(__file__).parents[1] / "fixtures" / "calls"
EIGHT = (8, 0)
NAMES = {"notion": "Notion", "n8n": "n eight n", "hubspot": "HubSpot", "chatlogs": "chat logs", "trouble": "trouble",
         "patterns": "patterns"}  # fmt: skip


def by_words(seen: Seen) -> call_script.Script:
    return call_script.compose(seen, speech.estimate, EIGHT)


@pytest.mark.parametrize("name", DAYS)
def test_a_day_is_said_as_it_was_agreed_on(name: str) -> None:
    script = by_words(overnight(DAYS[name]))
    told = f"{script.text.replace('. ', '.' + chr(10))}\n\n-- {round(script.seconds)} s\n"
    assert told == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_every_golden_script_is_of_a_day() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(DAYS)


@pytest.fixture(scope="module")
def measured() -> Callable[[str], float]:
    say = speech.voice("en-us")
    return lambda text: say(text).seconds


@pytest.mark.parametrize("name", DAYS)
def test_said_aloud_a_call_takes_30_to_60_seconds(name: str, measured: Callable[[str], float]) -> None:
    script = call_script.compose(overnight(DAYS[name]), measured, EIGHT)
    assert SHORTEST <= script.seconds <= LONGEST
    assert SHORTEST <= measured(script.text) <= LONGEST
    assert script.seconds == pytest.approx(measured(script.text), abs=call_script.MARGIN)


@pytest.mark.parametrize("name", DAYS)
def test_a_script_holds_nothing_that_cannot_be_said(name: str) -> None:
    text = by_words(overnight(DAYS[name])).text
    assert re.fullmatch(r"[^\W\d_]+([ ,.:']+[^\W\d_]+)*\.", text), text


def test_what_is_too_long_loses_whole_sentences_from_the_end_and_says_so() -> None:
    long = replace(BUSY, incidents=[incident(n, "SEV1", f"{'very long trouble ' * 9}{n}", n * HOUR) for n in range(7)])
    script = by_words(long)
    assert SHORTEST <= script.seconds <= LONGEST
    assert "There are seven critical incidents. Severity one: very long trouble" in script.text
    assert script.text.endswith("There is more, and the digest has it. Goodbye.")
    whole = call_script.compose(long, lambda text: 45.0).text
    assert set(re.split(r"(?<=\.) ", script.text)[:-2]) <= set(re.split(r"(?<=\.) ", whole))


def test_a_day_with_nothing_to_say_is_filled_with_what_was_looked_up() -> None:
    text = by_words(replace(QUIET, sources=(), jobs=())).text
    assert "No source is configured, so I looked at nothing but godmode itself." in text
    assert "No critical incident is open." not in text.replace("In what I could see, no", "")
    assert "read" not in text


LOOKED = (*READ, *JOBS)


@pytest.mark.parametrize("up", list(product([True, False], repeat=len(LOOKED))))
def test_nothing_is_said_to_be_well_that_was_not_looked_at(up: tuple[bool, ...]) -> None:
    ages = [replace(x, worked=ok, at=x.at if ok else NOW - 5 * HOUR) for x, ok in zip(LOOKED, up, strict=True)]
    text = by_words(replace(QUIET, sources=ages[:4], jobs=ages[4:])).text
    unseen = " ".join(re.findall(r"[^.]*\bnot (?:read|looked for) since three in the morning\.", text)).lower()
    for looked, ok in zip(LOOKED, up, strict=True):
        implied = looked.name == "patterns" and not any(up[:4])
        assert (NAMES[looked.name].lower() in unseen) is (not ok and not implied), text
    assert ("No critical incident is open." in text) is all(up)
    assert ("no workflow ran" in text) is up[1]
    assert ("no chat message came in" in text) is up[3]


TITLES = st.text(max_size=200)


@given(
    st.lists(st.tuples(TITLES, st.sampled_from(["SEV0", "SEV1", "WARN"])), max_size=9),
    st.lists(TITLES, max_size=9),
    st.lists(TITLES, max_size=5),
    st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_every_day_whatever_it_brings_is_30_to_60_seconds(
    incidents: list[tuple[str, str]], proposals: list[str], warnings: list[str], up: list[bool]
) -> None:
    ages = [replace(x, worked=ok) for x, ok in zip(LOOKED, up, strict=True)]
    seen = replace(
        BUSY,
        incidents=[incident(n, severity, title, n * HOUR) for n, (title, severity) in enumerate(incidents, 1)],
        proposals=[proposal(n, title) for n, title in enumerate(proposals)],
        groups=[group("WARN", "x", title) for title in warnings],
        sources=ages[:4],
        jobs=ages[4:],
    )
    script = by_words(seen)
    assert SHORTEST <= script.seconds <= LONGEST
    assert script.text.startswith("Good morning, Jonah. This is godmode.")
    assert script.text.endswith("Goodbye.")


@pytest.mark.parametrize(
    ("times", "said"), [(4, "failed four times, since {}."), (9, "failed four times, since {}, seen nine times.")]
)
def test_how_often_is_said_once(times: int, said: str) -> None:
    night = replace(QUIET, incidents=[incident(1, "SEV0", "Invoice sync failed 4 times", 6 * HOUR, times)])
    assert said.format("two in the morning") in by_words(night).text
    warned = replace(QUIET, groups=[group("WARN", "x", "Invoice sync failed 4 times", times)])
    assert said.format("").replace(", since ", "") in by_words(warned).text
