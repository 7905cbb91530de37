"""The same error again and again, whatever stands in it."""

from __future__ import annotations

import random
import string

import pytest
from fakes.histories import HOUR, NOW, ago, failed, hours, sure
from hypothesis import given
from hypothesis import strategies as st

from godmode.lib.detectors.error_templates import find
from godmode.lib.detectors.templates import mined
from godmode.lib.kernel import Proposal
from godmode.lib.store.outcomes import Failure, Tally


def look(failures: list[Failure], tallies: list[Tally] | None = None) -> list[Proposal]:
    ran = tallies or hours("orders")
    today = [t for t in ran if t.hour > NOW - 24 * HOUR]
    return sure(find(sorted(failures, key=lambda f: f.at), today, min(t.hour for t in ran), NOW))


def test_an_error_that_is_new_since_today_is_found_although_its_ids_change() -> None:
    seen = [Failure("workflow", "w7", "Orders", ago(hours=h), f'Row {h * 991} of "{h}" not found: id a{h}f') for h in
            range(1, 24, 2)]  # fmt: skip
    (found,) = look(seen)
    assert found.title == 'workflow Orders: "Row <*> of <*> not found: id <*>" 12 times in 24 hours'
    assert found.confidence > 0.95
    assert found.evidence["count"] == 12
    assert found.dedup_key == "error_templates:workflow:w7:row+of+not+found"


def test_a_burst_within_three_hours_is_one_event_and_no_pattern() -> None:
    assert look(failed("orders", (ago(hours=5, minutes=m) for m in range(100)))) == []


def test_what_fails_no_more_than_it_used_to_is_not_new() -> None:
    assert look(failed("orders", (ago(days=d, hours=3) for d in range(0, 28, 3)))) == []


def test_an_error_of_most_days_is_found_by_how_likely_it_comes_tomorrow() -> None:
    (found,) = look(failed("orders", (ago(days=d, hours=3) for d in range(14) if d != 5)))
    assert found.confidence == pytest.approx(14 / 16)


def test_an_error_that_is_everybodys_and_rarely_each_ones_is_the_weather() -> None:
    assert look([f for d in range(14) for f in failed(f"w{d % 7}", [ago(days=d, hours=3)])]) == []


def test_without_a_week_of_history_nobody_knows_what_is_new() -> None:
    assert look(failed("orders", (ago(hours=h) for h in range(1, 24))), hours("orders", days=3)) == []


def test_what_was_over_yesterday_is_no_news() -> None:
    assert look(failed("orders", (ago(hours=h) for h in range(26, 60)))) == []


def test_a_workflow_that_only_fails_can_be_switched_off_and_one_that_also_works_not() -> None:
    at = [ago(hours=h) for h in range(1, 24)]
    always = hours("orders", days=28, ended=1, failing=[NOW - n * HOUR for n in range(1, 25)])
    (found,) = look(failed("orders", at), always)
    assert found.remedy == {"kind": "deactivate_workflow", "workflow": "orders", "name": "Orders"}
    (found,) = look(failed("orders", at), hours("orders"))
    assert found.remedy is None


def test_what_cannot_be_switched_off_by_its_id_is_found_all_the_same() -> None:
    always = hours("no id", days=28, ended=1, failing=[NOW - n * HOUR for n in range(1, 25)])
    (found,) = look(failed("no id", [ago(hours=h) for h in range(1, 24)]), always)
    assert found.remedy is None


def test_two_errors_of_one_length_stay_two() -> None:
    a, b = mined(["connection to the database refused", "request to the shop timed out"])
    assert a != b


@given(st.lists(st.text(max_size=60), max_size=30))
def test_any_messages_have_a_template_each(messages: list[str]) -> None:
    found = mined(messages)
    assert len(found) == len(messages)
    assert all(found)


def test_a_megabyte_and_ten_thousand_different_messages_are_taken() -> None:
    chance = random.Random(1)
    noise = ["".join(chance.choices(string.ascii_lowercase + " ", k=200)) for _ in range(2000)]
    assert len(mined(["x" * 1_000_000, "a " * 500_000, *noise])) == 2002
