"""A contact as a fact: what a person would read of it, and what becomes of rows that are none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from godmode.lib.kernel import Gone, Record, Skipped
from godmode.lib.sources import hubspot_contacts as contacts
from godmode.lib.sources.hubspot_contacts import Row


def record(**properties: str | int | None) -> Record:
    return contacts.record_of(Row("512", properties, updatedAt="2026-03-10T17:00:00.123Z"))


def row(value: Any) -> Row | Skipped:
    return contacts.row_of(msgspec.json.encode(value))


def test_a_contact_reads_as_a_person_would_write_it_down() -> None:
    told = record(
        firstname="Ada", lastname="Lovelace", jobtitle="Analyst", company="Engines Ltd", email="ada@example.com",
        phone="+1 512 555 0101", city="Austin", country="US", lifecyclestage="customer", hs_lead_status="OPEN",
        favourite_colour="blue", hubspot_owner_id="99",
    )  # fmt: skip
    assert told.text == (
        "Ada Lovelace, Analyst at Engines Ltd\n"
        "ada@example.com · +1 512 555 0101\n"
        "Austin, US\n"
        "Favourite colour: blue\n"
        "Lead status: OPEN\n"
        "Lifecycle stage: customer"
    )
    assert told.id == "contact.512"
    assert told.changed_at == datetime(2026, 3, 10, 17, 0, 0, 123000, UTC)
    assert told.fields["hubspot_owner_id"] == "99"


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({}, "Contact 512 (no name)"),
        ({"email": "x@example.com"}, "Contact 512 (no name)\nx@example.com"),
        ({"lastname": "Hopper", "firstname": None}, "Hopper"),
        ({"company": "Engines Ltd", "firstname": ""}, "Contact 512 (no name), Engines Ltd"),
        ({"firstname": " Ada\n\t", "lastname": "  "}, "Ada"),
    ],
)
def test_a_contact_without_a_name_or_an_address_still_reads_well(said: dict[str, str | None], text: str) -> None:
    assert record(**said).text == text


def test_what_changes_without_meaning_is_no_part_of_the_fact() -> None:
    first = record(firstname="Ada", lastmodifieddate="2026-03-10T17:00:00Z", hs_object_id="512")
    later = record(firstname="Ada", lastmodifieddate="2026-03-11T09:00:00Z", hs_object_id="512", email="")
    assert first.changed_at != later.changed_at
    assert (first.text, first.fields) == (later.text, later.fields) == ("Ada", {"firstname": "Ada"})


def test_a_text_is_storable_whatever_a_contact_holds() -> None:
    told = record(firstname="A\0da", lastname="half \ud83d", num_associated_deals=3)
    "".join([told.text, *told.fields.values()]).encode()
    assert "\0" not in told.text
    assert told.text.endswith("Deals: 3")


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"id": "77", "properties": "none"}, "contact 77"),
        ({"id": "77", "properties": {"x": [1]}}, "contact 77"),
        ({"id": 77, "properties": {}}, "contact 77"),
        ({"id": None, "properties": {}}, "a contact"),
        ({"id": "seventy-seven", "properties": {}}, "a contact"),
        ({"id": "٧٧", "properties": {}}, "a contact"),
        ({"properties": {}}, "a contact"),
        ([], "a contact"),
        ("text", "a contact"),
        (None, "a contact"),
    ],
)
def test_a_row_that_is_no_contact_is_skipped_and_named_where_it_can_be(value: Any, where: str) -> None:
    skipped = row(value)
    assert isinstance(skipped, Skipped)
    assert skipped.where == where
    assert "not as HubSpot promises it" in skipped.why


def test_a_time_that_cannot_be_read_costs_the_time_and_not_the_contact() -> None:
    read = row({"id": "7", "properties": {"lastmodifieddate": "yesterday"}, "updatedAt": None})
    assert isinstance(read, Row)
    assert contacts.record_of(read).changed_at is None


def test_records_that_were_merged_into_a_contact_are_gone_but_never_the_contact_itself() -> None:
    merged = Row("512", {"hs_merged_object_ids": "101; 102;512"})
    assert list(contacts.merged_into(merged)) == [
        Gone("contact.101", "merged into contact 512"),
        Gone("contact.102", "merged into contact 512"),
    ]


def test_the_properties_that_are_needed_are_asked_for_once_whatever_is_configured() -> None:
    assert contacts.asked_for(["email", "lastmodifieddate", "email"]) == [
        "email", "lastmodifieddate", "hs_merged_object_ids",
    ]  # fmt: skip
