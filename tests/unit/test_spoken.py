"""What is said: numbers and times as words, and nothing that cannot be said."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from godmode.lib.notify import spoken

CHICAGO = ZoneInfo("America/Chicago")
NOW = datetime(2026, 3, 10, 13, 0, tzinfo=UTC)
ONES = {spoken.number(n): n for n in range(20)}
TENS = {spoken.number(n): n for n in range(20, 100, 10)}
SIZES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}


def understood(words: str) -> int:
    """The number that a listener hears."""
    total = group = 0
    for word in words.split():
        if word == "hundred":
            group *= 100
        elif word in SIZES:
            total, group = total + group * SIZES[word], 0
        else:
            group += (ONES | TENS)[word]
    return total + group


@given(st.integers(0, 10**15 - 1))
def test_a_number_is_heard_as_it_was_meant(n: int) -> None:
    said = spoken.number(n)
    assert understood(said) == n
    assert re.fullmatch(r"[a-z]+( [a-z]+)*", said)


@pytest.mark.parametrize(
    ("n", "said"),
    [
        (0, "zero"),
        (21, "twenty one"),
        (100, "one hundred"),
        (1905, "one thousand nine hundred five"),
        (2_000_010, "two million ten"),
        (-3, "minus three"),
    ],
)
def test_numbers_in_words(n: int, said: str) -> None:
    assert spoken.number(n) == said


def test_ordinals_of_a_month() -> None:
    assert [spoken.ordinal(n) for n in (1, 2, 3, 4, 5, 8, 9, 12, 20, 21, 30, 31)] == [
        "first", "second", "third", "fourth", "fifth", "eighth", "ninth", "twelfth", "twentieth", "twenty first",
        "thirtieth", "thirty first",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(hours=4, minutes=50), "three ten in the morning"),
        (timedelta(hours=1, minutes=55), "six oh five in the morning"),
        (timedelta(hours=8), "midnight"),
        (timedelta(hours=11), "yesterday at nine in the evening"),
        (timedelta(days=2, hours=1), "Sunday at seven in the morning"),
        (timedelta(days=9), "March first"),
        (timedelta(days=400), "February third"),
    ],
)
def test_moments_are_said_as_people_do(ago: timedelta, said: str) -> None:
    assert spoken.when(NOW - ago, NOW, CHICAGO) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("n8n's “Lead capture” v1.123", "n eight n's Lead capture v one point one two three"),
        (
            "Invoice #42 failed: HTTP 503 at 03:10 – see https://x.example/z?a=1",
            "Invoice number forty two failed, HTTP five hundred three at three ten in the morning, see a link",
        ),
        ("99.5 % of 1,204", "ninety nine point five percent of one thousand two hundred four"),
        ("SEV1: ask jo@x.example", "severity one, ask a link"),
        ("sync_n8n failed... twice?!", "sync n eight n failed, twice"),
        ("🔥\n+15125550100", "plus one five one two five five five zero one"),
        ("007", "zero zero seven"),
        ("🔥", ""),
    ],
)
def test_other_peoples_text_is_made_sayable(text: str, said: str) -> None:
    assert spoken.plain(text) == said


@given(st.text(max_size=300), st.integers(10, 110))
def test_whatever_stands_in_a_text_only_letters_and_pauses_are_said(text: str, longest: int) -> None:
    said = spoken.plain(text, longest)
    assert len(said) <= longest
    assert all(unicodedata.category(c)[0] == "L" or unicodedata.category(c) == "Mn" or c in " ,'" for c in said)
    assert "://" not in said
