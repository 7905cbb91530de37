"""Topics that suddenly grow."""

from __future__ import annotations

import random
import tracemalloc
from dataclasses import replace
from datetime import timedelta

import pytest
from fakes.chats import BAKERY, COMPANIES, Company, at, in_order, quiet_weeks, said
from fakes.memory_search import finds

from godmode.lib.detectors.growing_topics import find
from godmode.lib.detectors.runs import MOST_SURE
from godmode.lib.store.memory import Message

CLAMPS = [
    "Another cracked saddle clamp came back today",
    "Customer wants a refund, saddle clamp cracked after two rides",
    "Saddle clamps cracked again, third one this week",
    "photo of the cracked clamp attached",
    "two more refunds for the saddle clamp",
    "the saddle clamp from batch 7 is cracked",
    "support got cracked saddle clamps x2",
    "is it the saddle clamp again? yes, cracked",
    "we should stop selling the saddle clamp",
    "refunded 49 for the saddle clamp",
]
END = at(11, 18)


def burst(people: tuple[str, ...] = ("Ann", "Jo", "Max"), place: str = "#support") -> list[Message]:
    return [
        said(text, at(9 + i // 4, 9 + 2 * (i % 4)), people[i % len(people)], place) for i, text in enumerate(CLAMPS)
    ]


def early() -> list[Message]:
    return [said("ordered saddle clamps from Helm", at(2, 14), "Jo", "#purchasing")]


@pytest.mark.parametrize("company", COMPANIES.values(), ids=COMPANIES)
def test_a_burst_among_normal_talk_is_one_finding_with_true_numbers(company: Company) -> None:
    history = [m for m in in_order(quiet_weeks(company, 5), burst(), early()) if m.at <= END]
    (found,) = find(history, END)
    assert found.title == '"saddle clamp" in 9 messages in 3 days, 1 in the 8 days before'
    assert 0.9 < found.confidence <= MOST_SURE
    told = {m.key for m in history if "saddle clamp" in m.text.lower()}
    assert finds(found, history) == told
    assert {m["key"] for m in found.evidence["messages"]} < told


def test_tomorrows_larger_finding_is_the_same_proposal() -> None:
    history = in_order(quiet_weeks(BAKERY, 5), burst())
    keys = {
        p.dedup_key
        for hours in (10.7, 11, 11.8, 12, 12.5)
        for p in find([m for m in history if m.at <= at(hours)], at(hours))
    }
    assert keys == {"growing_topics:clamp"}


def test_one_persons_own_affair_is_no_topic() -> None:
    assert list(find(in_order(quiet_weeks(BAKERY, 5), burst(("Ann",))), END)) == []


def test_one_quick_exchange_is_no_topic() -> None:
    quick = [replace(m, at=at(11, 9 + i / 20), author="AB"[i % 2]) for i, m in enumerate(burst())]
    assert list(find(in_order(quiet_weeks(BAKERY, 5), quick), END)) == []


def test_a_word_that_was_always_there_does_not_grow() -> None:
    steady = [said(f"the saddle clamp {i}", at(day, 9 + i), "AB"[i % 2]) for day in range(12) for i in range(5)]
    assert list(find(in_order(steady), END)) == []


def test_after_a_quiet_week_talk_that_starts_again_is_no_topic() -> None:
    before = [m for m in quiet_weeks(BAKERY, 5) if m.at < at(3)]
    after = [replace(m, at=at(9) + (m.at - at(0))) for m in before]
    assert list(find(in_order(before, after), at(12))) == []


def talk(day: int, messages: int, about: str, times: int) -> list[Message]:
    """A day of that many messages, the first `times` of them about the one thing."""
    return [
        said(about if i < times else f"{chr(97 + i)}{chr(97 + day)}xyz", at(day, 7 + i / 2), "AB"[i % 2])
        for i in range(messages)
    ]


def test_a_part_of_the_talk_that_stays_the_same_is_no_topic_when_all_talk_more() -> None:
    history = [talk(day, 5 if day < 9 else 25, "saddle clamp", 2 if day < 9 else 10) for day in range(12)]
    assert list(find(in_order(*history), at(12))) == []


def test_a_word_as_frequent_as_ever_is_no_topic_when_others_fall_silent() -> None:
    history = [talk(day, 25 if day < 9 else 5, "saddle clamp", 4) for day in range(12)]
    assert list(find(in_order(*history), at(12))) == []


def test_without_a_week_of_history_nothing_can_be_said_to_grow() -> None:
    many = burst() + [replace(m, at=m.at + timedelta(hours=1)) for m in burst()]
    history = in_order(quiet_weeks(BAKERY, 5), many)
    assert list(find(history, END))
    assert list(find([m for m in history if m.at > at(4)], END)) == []


def test_what_an_assistant_writes_and_names_of_authors_are_no_topics() -> None:
    answers = [replace(m, role="assistant") for m in burst()]
    names = [said("ask Annabel", at(10, i), "AB"[i % 2]) for i in range(9)]
    assert list(find(in_order(quiet_weeks(BAKERY, 5), answers, names, said("hi", at(1), "Annabel Lee")), END)) == []


def test_two_topics_are_two_findings() -> None:
    texts = (
        "payroll portal refuses my password",
        "nobody gets into the payroll portal",
        "payroll portal again",
        "called the payroll portal people",
        "payroll portal is back",
        "payroll portal: still slow",
        "payroll portal hung up",
        "my payslip, payroll portal shows none",
        "payroll portal locked me",
    )
    other = [said(t, at(9 + i // 4, 8 + 2 * (i % 4)), "AB"[i % 2], "#office") for i, t in enumerate(texts)]
    found = list(find(in_order(quiet_weeks(BAKERY, 5), burst(), other), END))
    assert {p.dedup_key for p in found} == {"growing_topics:clamp", "growing_topics:payroll"}


def test_long_messages_full_of_different_words_are_looked_through_in_little_memory() -> None:
    rng = random.Random(1)
    words = ["".join(rng.choices("bcdfgklmnprt", k=8)) for _ in range(2000)]
    long = [said(" ".join(rng.choices(words, k=80)), at(n / 75), f"p{n % 9}") for n in range(750)]
    tracemalloc.start()
    assert list(find(long, at(10, 9))) == []
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12_000_000  # a list for each pair of words would take twice that
