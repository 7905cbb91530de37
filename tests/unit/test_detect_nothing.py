"""No false word: two quiet weeks, three companies, and whatever else can stand in a message."""

from __future__ import annotations

import pytest
from fakes.chats import COMPANIES, Company, at, in_order, quiet_weeks, said

from godmode.lib.detectors import growing_topics, recurring_asks, unanswered_questions
from godmode.lib.kernel import Proposal
from godmode.lib.store.memory import Message

FINDERS = {d.__name__.rpartition(".")[2]: d.find for d in (growing_topics, recurring_asks, unanswered_questions)}
EXTREME = [
    "",
    "\0",
    "😀" * 5000,
    "x" * 1_000_000,
    "هل وصلت الفاتورة؟ " * 300,
    "?" * 4000,
    "hi, " * 2000,
    "\ud800?",
    "a@" * 3000,
]


def everything(messages: list[Message]) -> list[Proposal]:
    return [p for find in FINDERS.values() for p in find(messages, messages[-1].at)]


@pytest.mark.parametrize("company", COMPANIES.values(), ids=COMPANIES)
@pytest.mark.parametrize("seed", range(1, 6))
def test_of_quiet_weeks_nothing_is_said_on_any_day(company: Company, seed: int) -> None:
    history = quiet_weeks(company, seed)
    for day in range(1, 15):
        assert everything([m for m in history if m.at < at(day)]) == []


@pytest.mark.parametrize("find", FINDERS.values(), ids=FINDERS)
def test_without_messages_there_is_nothing_to_say(find: object) -> None:
    assert callable(find)
    assert list(find([], at(0))) == []


@pytest.mark.parametrize("text", EXTREME, ids=range(len(EXTREME)))
def test_extreme_texts_are_taken_and_say_nothing_untrue(text: str) -> None:
    found = everything(in_order([said(text, at(i), "AB"[i % 2]) for i in range(14)]))
    assert all(len(p.title) < 200 and all(len(m["text"]) <= 200 for m in p.evidence["messages"]) for p in found)
