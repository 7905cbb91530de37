"""Questions among people that nobody took up."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from fakes.chats import AGENCY, at, in_order, quiet_weeks, said
from fakes.memory_search import finds

from godmode.lib.detectors.statistics import wilson_lower
from godmode.lib.detectors.unanswered_questions import find
from godmode.lib.kernel import Proposal
from godmode.lib.store.memory import Message

ASKED = at(8, 15)
THREE_DAYS_ON = at(11, 16)
QUESTION = said("did anyone confirm the clamp order with Helm?", ASKED, "Maria", "#purchasing")
BEFORE = [said("Helm's new price list is out", at(1), "Jo", "#purchasing"), said("ok", at(1, 10), "Ann", "#purchasing")]


def look(*parts: Message | list[Message], as_of: datetime = THREE_DAYS_ON) -> list[Proposal]:
    return list(find(in_order(*parts), as_of))


def test_a_question_without_a_word_from_others_is_found_with_its_age_author_and_place() -> None:
    history = in_order(quiet_weeks(AGENCY, 1), BEFORE, QUESTION)
    (found,) = find(history, at(11, 16))
    assert found.title == 'Unanswered for 3 days: Maria in #purchasing, "did anyone confirm the clamp order with Helm?"'
    assert finds(found, history) == {m["key"] for m in found.evidence["messages"]}
    assert len(finds(found, history)) == 1


def test_confidence_is_the_lower_bound_of_the_share_that_is_answered() -> None:
    answered = [
        (said(f"Where is box {name}?", at(0, i), "Ann", "#stock"), said("top shelf", at(0, i + 0.5), "Jo", "#stock"))
        for i, name in enumerate(("alpha", "beta", "gamma", "delta"))
    ]
    (found,) = look(*[m for pair in answered for m in pair], BEFORE, QUESTION)
    assert found.confidence == pytest.approx(wilson_lower(4, 5))
    assert "4 of 5 such questions were answered within 24 hours" in found.evidence["summary"]


def test_where_questions_are_seldom_answered_a_silence_says_little() -> None:
    musings = [
        said(f"isn't it odd how the {chr(97 + i)}{chr(97 + i)}cat slept?", at(i / 2), "Ann", "#musings", thread=f"t{i}")
        for i in range(24)
    ]
    other_talk = said("hello there", at(0), "Jo", "#musings")
    found = look(
        quiet_weeks(AGENCY, 1), quiet_weeks(AGENCY, 2), quiet_weeks(AGENCY, 3), musings, other_talk, as_of=at(13)
    )
    assert found
    assert all("0 of 24 such questions" in p.evidence["summary"] for p in found)
    assert all(p.confidence < 0.1 for p in found)


@pytest.mark.parametrize("hours", [0.1, 23.9])
def test_anybody_elses_word_within_a_day_is_an_answer(hours: float) -> None:
    assert look(BEFORE, QUESTION, said("yes", at(8, 15 + hours), "Jo", "#purchasing")) == []


def test_a_word_elsewhere_is_no_answer() -> None:
    assert len(look(BEFORE, QUESTION, said("the clamp order is confirmed", at(8, 16), "Jo", "#support"))) == 1


def test_an_answer_that_came_late_is_an_answer_and_other_talk_is_not() -> None:
    late = at(10, 9)
    assert look(BEFORE, QUESTION, said("yes, Helm confirmed on Tuesday", late, "Jo", "#purchasing")) == []
    assert look(BEFORE, QUESTION, said("@Maria all done", late, "Jo", "#purchasing")) == []
    assert len(look(BEFORE, QUESTION, said("tyres are in stock", late, "Jo", "#purchasing"))) == 1


def test_between_two_people_the_others_next_word_is_the_answer() -> None:
    alone = [
        said("hello", at(1), "Jo", "#purchasing"),
        QUESTION,
        said("sorry, was ill. All good", at(11), "Jo", "#purchasing"),
    ]
    assert look(alone) == []


def test_who_is_asked_on_friday_may_answer_on_monday() -> None:
    friday = replace(QUESTION, at=at(4, 16))
    monday = said("yes", at(7, 10), "Jo", "#purchasing")
    assert look(BEFORE, friday, monday) == []
    assert len(look(BEFORE, friday, replace(monday, at=at(7, 16.1)))) == 1


def test_a_question_of_today_has_time() -> None:
    assert look(BEFORE, QUESTION, as_of=at(9, 14.9)) == []
    assert len(look(BEFORE, QUESTION, as_of=at(9, 15))) == 1


def test_in_a_thread_only_the_thread_answers() -> None:
    inside = replace(QUESTION, thread="t1")
    assert len(look(BEFORE, inside, said("Helm called", at(8, 16), "Jo", "#purchasing"))) == 1
    assert look(BEFORE, inside, said("yes", at(8, 16), "Jo", "#purchasing", thread="t1")) == []


def test_asking_again_is_the_same_question() -> None:
    again = said("Anyone? Can somebody please tell me about Helm?", at(9, 10), "Maria", "#purchasing")
    (first,), (both,) = look(BEFORE, QUESTION), look(BEFORE, QUESTION, again)
    assert both.evidence["count"] == 2
    assert both.dedup_key.partition(":")[0] == first.dedup_key.partition(":")[0]
    assert "confirm the clamp order" in both.title


def test_the_finding_is_the_same_proposal_on_every_day() -> None:
    history = in_order(BEFORE, QUESTION)
    assert len({p.dedup_key for day in (10, 11, 13) for p in find(history, at(day))}) == 1


def test_questions_to_an_assistant_wait_for_nobody() -> None:
    chat = [
        replace(QUESTION, role="operator", author="Jonah"),
        said("It is confirmed.", at(1), "ChatGPT", "#purchasing", "assistant"),
    ]
    assert look(chat) == []


def test_a_bot_in_the_channel_neither_answers_nor_makes_it_a_chat_with_an_assistant() -> None:
    bot = said("New order 4411", at(8, 16), "Shop", "#purchasing", "assistant")
    assert len(look(BEFORE, QUESTION, bot)) == 1


@pytest.mark.parametrize(
    "text", ["how are you?", "really?", "Good morning all, how was your evening?", "ok?", "🙂?", "??"]
)
def test_small_talk_wants_no_answer(text: str) -> None:
    assert look(BEFORE, replace(QUESTION, text=text)) == []


def test_of_many_the_newest_five_are_said() -> None:
    chat = [
        said(f"who moved the {what}?", at(1 + i, 9), "Maria", f"#{what}")
        for i, what in enumerate(("ladder", "drill", "vice", "lathe", "press", "hoist", "crane"))
    ]
    chat += [said("hello", at(0), "Jo", m.conversation) for m in chat]
    found = look(chat)
    assert [p.title.split("#")[1].split(",")[0] for p in found] == ["crane", "hoist", "press", "lathe", "vice"]
