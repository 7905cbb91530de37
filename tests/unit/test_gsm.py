"""What an SMS costs is counted as the carriers do, and no sign makes it dear that need not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from godmode.lib.channels.sms import MOST_SEGMENTS, fitted
from godmode.lib.gsm import ALPHABET, EXTENSION, is_cheap, plain, segments

CHEAP = st.text(alphabet=sorted(ALPHABET | EXTENSION), max_size=900)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),  # two places each, and never torn: 76 in a part of 153
        ("€" * 152, 2),
        ("€" * 153, 3),
        ("я" * 70, 1),
        ("я" * 71, 2),
        ("я" * 134, 2),
        ("🙂" * 35, 1),
        ("🙂" * 36, 2),
        ("a" * 159 + "’", 3),  # one typographic apostrophe
    ],
)
def test_segments_are_counted_as_they_are_billed(text: str, count: int) -> None:
    assert segments(text) == count


def test_typography_emoji_and_accents_do_not_make_an_sms_dear() -> None:
    assert plain("“n8n” – it’s down… 🔥 [2×] Žluťoučký") == '"n8n" - it\'s down...  (2x) Zlutoucky'


def test_letters_that_have_no_likeness_stay() -> None:
    assert plain("Склад “down”") == 'Склад "down"'


@given(st.text(max_size=300))
def test_a_plain_text_never_costs_more_and_stays_as_it_is(text: str) -> None:
    once = plain(text)
    assert plain(once) == once
    assert segments(once.strip()) <= max(segments(text), segments(text.strip()), 1) or is_cheap(once)


@given(st.one_of(CHEAP, st.text(max_size=900)))
def test_no_sms_takes_more_segments_than_a_message_may(text: str) -> None:
    assert segments(fitted(text)) <= MOST_SEGMENTS
