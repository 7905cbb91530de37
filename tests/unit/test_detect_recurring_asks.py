"""Asks that come back in other words."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from fakes.chats import BAKERY, at, in_order, quiet_weeks, said
from fakes.memory_search import finds

from godmode.lib.detectors.recurring_asks import find
from godmode.lib.kernel import Proposal
from godmode.lib.store.memory import Message

INVOICES = [
    "Hi Maria, can you export last week's invoices for the accountant?",
    "Could someone send the invoice export to the accountant please",
    "Please export the open invoices as CSV, the accountant is waiting",
    "Exporting invoices again: can you do the list for Mrs Keller, our accountant?",
    "I need the invoice export for bookkeeping, the accountant asked again.",
]
MAILS = [
    "Rewrite this mail to a customer about a shipping delay:\n\nDear Mr Jones, where is our money?",
    "Can you make this shipping delay email nicer? Dear customer, we are late",
    "Rewrite this delay email for a customer in a warmer tone: Hello Anna, the parcel is late",
]
DAYS = (0, 2, 4, 7, 9)


def invoices(days: tuple[int, ...] = DAYS) -> list[Message]:
    return [
        said(text, at(day, 10), who)
        for text, day, who in zip(INVOICES, days, ("Jo", "Ann", "Jo", "Ann", "Jo"), strict=False)
    ]


def look(messages: list[Message], as_of: datetime | None = None) -> list[Proposal]:
    return list(find(messages, as_of or messages[-1].at))


def test_an_ask_in_five_wordings_is_one_finding_with_its_days_counted() -> None:
    (found,) = look(in_order(quiet_weeks(BAKERY, 1), invoices()))
    assert found.title == 'Asked on 5 days: "export last week\'s invoices for the accountant"'
    assert found.evidence["count"] == 5
    assert found.confidence == pytest.approx(5 / 6)
    assert found.evidence["summary"] == (
        "5 asks for the same thing on 5 days from Mon 2 Mar to Wed 11 Mar by Jo, Ann, in #general."
    )


def test_two_different_asks_are_two_findings_also_when_one_is_put_to_an_assistant() -> None:
    mails = [
        said(text, at(day, 11), "Jonah", f"chat {day}", "operator") for text, day in zip(MAILS, (1, 3, 8), strict=True)
    ]
    found = look(in_order(quiet_weeks(BAKERY, 2), invoices(), mails))
    assert [p.evidence["count"] for p in found] == [5, 3]
    assert found[0].confidence > found[1].confidence
    assert len({p.dedup_key for p in found}) == 2


def test_the_follow_up_finds_every_message_of_the_finding() -> None:
    history = in_order(quiet_weeks(BAKERY, 1), invoices())
    (found,) = look(history)
    asked = {m.key for m in history if m.author in ("Jo", "Ann")}
    assert asked == {m["key"] for m in found.evidence["messages"]} <= finds(found, history)


def test_tomorrows_larger_finding_is_the_same_proposal() -> None:
    history = in_order(quiet_weeks(BAKERY, 1), invoices())
    keys = {p.dedup_key for day in range(5, 12) for p in look([m for m in history if m.at < at(day)])}
    assert len(keys) == 1
    later = [m for m in history if m.at > at(1)]
    assert {p.dedup_key for p in look(later)} == keys


def test_asks_on_two_days_only_are_no_pattern() -> None:
    asks = [replace(m, at=at(i % 2, 9 + i)) for i, m in enumerate(invoices())]
    assert look(in_order(asks)) == []


def test_days_are_those_of_the_zone_it_is_asked_for() -> None:
    asks = in_order([replace(m, at=at(2, 3 + 8 * i)) for i, m in enumerate(invoices()[:3])])
    end = at(5)
    assert look(asks, end) == []
    east = [replace(m, at=at(2, hour)) for m, hour in zip(asks, (-1, 1, 25), strict=True)]
    assert len(look(in_order(east), end)) == 1
    assert look(in_order(east), end.astimezone(ZoneInfo("Pacific/Auckland"))) == []


def test_an_ask_that_stayed_away_for_a_week_is_less_sure_to_come_back() -> None:
    asks = in_order(invoices((0, 1, 2)))
    (fresh,), (stale,) = look(asks), look(asks, at(12))
    assert fresh.confidence == pytest.approx(3 / 4)
    assert stale.confidence == pytest.approx(3 / 5)


def test_a_reminder_that_is_posted_unchanged_is_nobodys_ask() -> None:
    posts = [said("Please enter your hours in the timesheet tool", at(day), "Reminder") for day in range(9)]
    assert look(in_order(quiet_weeks(BAKERY, 1), posts)) == []


def test_what_an_assistant_asks_back_is_no_ask() -> None:
    back = [replace(m, role="assistant") for m in invoices()]
    assert look(in_order(back)) == []


def test_common_words_that_meet_by_chance_are_no_ask() -> None:
    """Words drawn at random, some much commoner than others, as in any trade: nobody asks for the same twice."""
    chance = random.Random(7)
    vocabulary = ["".join(chance.choices("bcdfgklmnprstvz", k=6)) for _ in range(600)]
    weights = [1 / (rank + 1) for rank in range(600)]
    asks = [
        said(f"can you {' '.join(chance.choices(vocabulary, weights, k=8))}?", at(i % 12, 8 + i / 400), "Jo")
        for i in range(3000)
    ]
    assert look(in_order(asks)) == []


def test_asks_that_share_two_words_of_many_are_different_asks() -> None:
    texts = (
        "Can you send Nora the blue paint sample for the kitchen wall?",
        "Please send Nora the landlord's tax form with his insurance papers",
        "Could someone send Nora a birthday card, flowers and dark chocolate?",
        "Please send Nora three photographs showing the damaged roof tiles",
    )
    asks = [said(text, at(i * 2), "Jo") for i, text in enumerate(texts)]
    assert look(in_order(quiet_weeks(BAKERY, 1), asks)) == []


def test_a_message_that_the_follow_up_would_not_find_is_not_counted() -> None:
    texts = (
        "can you export the invoices for the accountant?",
        "please send the accountant the invoice list",
        "export the accountant's invoices please?",
        "can you export the invoice list for bookkeeping?",
        "please send the list to the accountant, as an export",
    )
    history = in_order([said(text, at(i), "Jo") for i, text in enumerate(texts)])
    (found,) = look(history)
    assert found.evidence["count"] == 4
    assert finds(found, history) == {m["key"] for m in found.evidence["messages"]}


def test_two_runs_say_the_same() -> None:
    history = in_order(quiet_weeks(BAKERY, 1), invoices())
    assert look(history) == look(history)
