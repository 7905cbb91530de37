"""A text that is too long is cut where a reader would cut it, and nothing of it is lost or torn."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from godmode.lib.channels.cutting import divided, short
from godmode.lib.gsm import utf16

TEXT = st.text(alphabet="ab .\n\u0301🙂👩\u200d\ufe0f", max_size=200)


def test_a_text_is_cut_between_lines_then_between_words() -> None:
    assert divided("first line\nsecond line", 18, 3) == ("first line", "second line")
    assert divided("one two three four", 10, 3) == ("one two", "three four")


def test_an_emoji_of_several_characters_is_not_torn() -> None:
    family = "👩‍👩‍👧‍👦"
    assert divided(f"xx{family}", 3, 9) == ("xx", *divided(family, 3, 9))
    assert divided("aaae\u0301", 4, 2) == ("aaa", "e\u0301")


def test_more_than_fits_ends_in_a_word_that_says_so() -> None:
    assert short("one two three four", 10) == "one two…"
    assert divided("a b c d e f", 4, 2, more="+") == ("a b", "c+")


@given(TEXT, st.integers(1, 40))
def test_no_part_is_too_long_and_nothing_but_blanks_is_lost(text: str, limit: int) -> None:
    parts = divided(text, limit + 1, 1000, utf16)
    assert all(0 < utf16(part) <= limit + 1 for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@given(TEXT, st.integers(30, 60), st.integers(1, 3))
def test_there_are_never_more_parts_than_asked_for(text: str, limit: int, most: int) -> None:
    parts = divided(text, limit, most, utf16)
    assert len(parts) <= most
    assert all(utf16(part) <= limit for part in parts)
