"""What persons do by hand again and again, and pages that conflict."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from fakes.chats import in_order, said
from fakes.histories import NOW, ago

from godmode.lib.detectors import manual_work, page_conflicts
from godmode.lib.kernel import Proposal
from godmode.lib.store.memory import Message
from godmode.lib.store.outcomes import Deed
from godmode.lib.store.pages import CanonicalPage

OLD = NOW - timedelta(days=300)
BODY = (
    "Orders that arrive before noon are packed the same day. The warehouse prints the label and weighs the parcel. "
    "Fragile goods get a double box with paper around them. A courier collects everything at four. "
    "Late orders wait for the next morning, and their buyers are written to. "
    "Returns go to the shelf beside the door, where Nora counts them on Friday and books the stock."
)


def page(number: int, title: str, text: str, edited: datetime = OLD, stored: datetime = NOW) -> CanonicalPage:
    return CanonicalPage(number, f"notion.{number}", title, text, edited, stored)


def look(*held: CanonicalPage, messages: list[Message] | None = None) -> list[Proposal]:
    return list(page_conflicts.find(held, messages or [], NOW, NOW))


def deeds(kind: str, days: list[int]) -> list[Deed]:
    return [
        Deed(kind, "stock", "Stock report", ago(days=d, hours=3), "run by hand") for d in sorted(days, reverse=True)
    ]


def test_a_workflow_that_is_started_by_hand_every_week_is_found() -> None:
    (found,) = manual_work.find(deeds("run_workflow", [0, 7, 14, 21, 28]), NOW)
    assert found.title == "On 5 days workflow Stock report was started by hand"
    assert found.confidence == pytest.approx(5 / 6)


@pytest.mark.parametrize("days", [[0, 1, 2, 3, 4], [0, 14], [3, 10, 17, 24]], ids=["built", "twice", "over"])
def test_what_is_no_habit_is_not_found(days: list[int]) -> None:
    assert list(manual_work.find(deeds("run_workflow", days), NOW)) == []


def test_a_type_of_incident_that_is_acknowledged_again_and_again_can_be_muted() -> None:
    (found,) = manual_work.find(deeds("settle_incident", [0, 3, 9, 16, 20]), NOW)
    assert found.remedy == {"kind": "mute_incidents", "type": "stock", "days": 7}


def test_a_page_whose_numbers_are_corrected_every_week_is_found_and_one_that_is_written_is_not() -> None:
    days = [35, 28, 21, 14, 7, 0]
    prices = [Deed("change_page", "p", "Prices", ago(days=d, hours=1), f"A bag costs {d}.50 €") for d in days]
    notes = [Deed("change_page", "n", "Notes", ago(days=d, hours=1), "We decided. " * (40 - d)) for d in days]
    (found,) = manual_work.find(prices + notes, NOW)
    assert found.title == "On 5 days the page Prices was corrected"


def test_a_page_that_stands_there_twice_is_found_and_the_older_one_can_be_superseded() -> None:
    (found,) = look(page(1, "Packing SOP", BODY), page(2, "Packing (copy)", BODY + " Smile.", NOW))
    assert "stands there twice" in found.title
    assert found.confidence > 0.8
    assert found.remedy == {"kind": "supersede_memory", "item": 1, "by": 2}


def test_two_pages_that_name_another_number_contradict_each_other() -> None:
    (found,) = look(
        page(
            1,
            "Refund policy",
            "Customers receive a refund for unused goods within 14 days of delivery. Ask the boss otherwise.",
        ),
        page(
            2,
            "Customer service",
            "Hello! Customers receive their refund for unused goods within 30 days of delivery.",
            NOW,
        ),
    )
    assert found.title == '"Refund policy" says 14 days, "Customer service" 30 days'
    assert found.confidence >= 0.7


def test_pages_of_one_template_say_the_same_of_different_things() -> None:
    text = "The subscription costs {} € per user and month and is billed yearly."
    assert look(page(1, "Basic plan", text.format(20)), page(2, "Pro plan", text.format(45))) == []


def test_pages_that_nobody_touched_today_are_not_compared_again() -> None:
    stored = NOW - timedelta(days=3)
    assert look(page(1, "Packing", BODY, stored=stored), page(2, "Packing", BODY, stored=stored)) == []


def test_an_old_page_that_is_asked_about_is_stale_and_a_young_one_is_not() -> None:
    asks = in_order([said("How does the holiday approval work again?", ago(days=d)) for d in (9, 5, 1)])
    (found,) = look(page(1, "Holiday approval process", "Ask Maria."), messages=asks)
    assert found.title == '"Holiday approval process" is 300 days old and was asked about on 3 days'
    assert look(page(1, "Holiday approval process", "Ask Maria.", edited=ago(days=20)), messages=asks) == []
