"""What the detectors take for a word, and for the same word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from godmode.lib.detectors.asks import find_asks
from godmode.lib.detectors.words import common_start, plain, sentences, similarity, stem, tokens


def stems(text: str) -> list[str]:
    return [t.stem for t in tokens(plain(text))]


@pytest.mark.parametrize(
    "family",
    [
        "invoice invoices invoicing invoiced",
        "ship ships shipping shipped",
        "delay delays delayed delaying",
        "company companies",
        "crack cracked cracks",
        "box boxes",
        "email mail emails",
        "address addresses",
    ],
)
def test_forms_of_a_word_are_one_word(family: str) -> None:
    assert len({stem(w) for w in family.split()}) == 1


@pytest.mark.parametrize("pair", ["bus but", "class clasp", "string strong", "bring brush"])
def test_other_words_stay_apart(pair: str) -> None:
    a, b = pair.split()
    assert stem(a) != stem(b)


def test_numbers_days_and_function_words_are_no_content() -> None:
    assert stems("On Monday the 14th we had 3 of 27 at 10:30, don't you think?") == []


@pytest.mark.parametrize(
    "noise",
    [
        "https://example.org/cracked?clamp=1",
        "<@U024BE7LH>",
        ":thumbs_up:",
        "```cracked clamp```",
        "> cracked clamp",
        "jo.clamp@example.org",
    ],
)
def test_what_its_author_did_not_write_is_left_out(noise: str) -> None:
    assert stems(f"refund\n{noise}") == ["refund"]


def test_neighbours_in_one_sentence_have_neighbouring_positions() -> None:
    crack, saddle, clamp = tokens("cracked saddle. Clamp")
    assert saddle.position - crack.position == 1
    assert clamp.position - saddle.position > 1


def test_likeness_goes_by_weight() -> None:
    weights = {"rare": 9.0, "common": 1.0, "other": 1.0}
    assert similarity({"rare", "common"}, {"rare", "other"}, weights) > 0.8
    assert similarity({"rare", "common"}, {"common", "other"}, weights) < 0.2
    assert similarity(set(), set(), weights) == 0.0


def test_the_common_start_finds_every_form() -> None:
    assert common_start(["companies", "company"]) == "compan"
    assert common_start(["a", "b"]) == common_start([]) == ""


@given(st.text(max_size=300))
def test_any_text_is_taken(text: str) -> None:
    assert all(t.form and t.stem for t in tokens(plain(text)))
    assert all(ask.text for ask in find_asks(text))


@pytest.mark.parametrize(
    "text", ["🙏" * 5000, "هل يمكنك إرسال الفاتورة؟ " * 200, "x" * 1_000_000, "hi, " * 2000 + "x", "\ud800?", "", "\0"]
)
def test_extreme_texts_are_taken(text: str) -> None:
    assert len(tokens(plain(text))) <= 4000
    find_asks(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Hi Maria, can you export last week's invoices?", "export last week's invoices?"),
        ("@jo could you please send the price list", "send the price list"),
        ("Someone please export the invoices, they are due", "export the invoices, they are due"),
        ("Please rewrite this mail", "rewrite this mail"),
        ("Summarise the meeting notes below:\nSam was late.", "Summarise the meeting notes below:"),
        ("did anyone confirm the order with Helm?", "did anyone confirm the order with Helm?"),
        ("What did we quote for the fork?", "What did we quote for the fork?"),
        ("are you ok with the new price?", "are you ok with the new price?"),
        ("The parcel is here. Who takes it? 🙂", "Who takes it?"),
        ("هل يمكنك إرسال الفاتورة؟", "هل يمكنك إرسال الفاتورة?"),
    ],
)
def test_an_ask_is_found_and_freed_of_its_politeness(text: str, wanted: str) -> None:
    assert [ask.wanted for ask in find_asks(text)] == [wanted]


@pytest.mark.parametrize(
    "text",
    [
        "Good morning everyone!",
        "hi, how are you?",
        "Thanks a lot",
        "Order 44 left today",
        "pull request review is done",
        "Please note that we close at five",
        "really?",
        "Export failed again",
        "check engine light is on",
        "???",
    ],
)
def test_greetings_thanks_and_statements_are_no_asks(text: str) -> None:
    assert find_asks(text) == []


def test_sentences_end_at_their_marks_not_inside_numbers() -> None:
    assert sentences("It is 3.50 now. Really?\nYes") == ["It is 3.50 now.", "Really?", "Yes"]
