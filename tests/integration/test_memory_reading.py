"""Reading the memory: only what is current, only what the index answers, in the promised order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from godmode.lib.detectors.growing_topics import GrowingTopics
from godmode.lib.detectors.recurring_asks import RecurringAsks
from godmode.lib.detectors.unanswered_questions import UnansweredQuestions
from godmode.lib.store import Store, memory

Db = psycopg.Connection[Any]
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
FIELDS = {"conversation": "c1", "title": "#general", "author": "Maria", "role": "person", "thread": None, "file": "x"}


def put(db: Db, key: str, text: str, at: datetime | None, source: str = "chatlogs", **fields: str) -> int:
    row = db.execute(
        """
        INSERT INTO memory_items (key, value, source_type, occurred_at, fields)
        VALUES (%s, %s, %s, %s, %s) RETURNING id
        """,
        (key, text, source, at, Jsonb(FIELDS | fields)),
    ).fetchone()
    assert row
    return int(row[0])


def supersede(db: Db, id: int) -> None:
    db.execute(
        "UPDATE memory_items SET superseded_at = %s, supersede_reason = 'canonical_update' WHERE id = %s", (NOON, id)
    )


def archive(db: Db, id: int) -> None:
    db.execute("UPDATE memory_items SET archived = true WHERE id = %s", (id,))


def read(db: Db, **limit: int) -> list[memory.Message]:
    return memory.messages(db, NOON - timedelta(days=1), NOON + timedelta(days=1), **limit)


def asked(since: datetime, limit: int) -> dict[str, object]:
    return {"since": since, "until": NOON, "limit": limit, "characters": memory.MOST_CHARACTERS}


def plan(db: Db, statement: str, parameters: Any) -> str:
    return "\n".join(row[0] for row in db.execute(f"EXPLAIN {statement}", parameters).fetchall())


def fill(db: Db, messages: int = 20_000) -> None:
    db.execute(
        """
        INSERT INTO memory_items (key, value, source_type, occurred_at)
        SELECT 'm' || i, 'text ' || i, CASE WHEN i %% 10 = 0 THEN 'notion' ELSE 'chatlogs' END,
               %s - i * interval '10 minutes'
        FROM generate_series(1, %s) AS i
        """,
        (NOON, messages),
    )
    db.execute("ANALYZE memory_items")


def test_a_message_comes_back_as_it_was_said(db: Db) -> None:
    id = put(db, "k1", "hello", NOON, role="operator", thread="t9")
    assert read(db) == [memory.Message(id, "k1", NOON, "Maria", "operator", "c1", "#general", "t9", "hello")]


def test_messages_come_in_the_order_of_time_and_the_newest_when_there_are_too_many(db: Db) -> None:
    for minute in (3, 1, 2):
        put(db, f"k{minute}", "x", NOON + timedelta(minutes=minute))
    assert [m.key for m in read(db)] == ["k1", "k2", "k3"]
    assert [m.key for m in read(db, limit=2)] == ["k2", "k3"]


def test_long_messages_are_read_as_far_back_as_they_fit_in_memory(db: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    for minute, length in enumerate((9_000, 4_000, 5_000, 10)):
        put(db, f"k{minute}", "x" * length, NOON + timedelta(minutes=minute))
    monkeypatch.setattr(memory, "MOST_CHARACTERS", 8_010)
    assert [m.key for m in read(db)] == ["k1", "k2", "k3"]


def test_both_ends_of_the_window_are_read(db: Db) -> None:
    for key, hours in (("before", -25), ("first", -24), ("last", 24), ("after", 25)):
        put(db, key, "x", NOON + timedelta(hours=hours))
    assert [m.key for m in read(db)] == ["first", "last"]


def test_what_is_superseded_archived_timeless_or_no_chat_is_left_out(db: Db) -> None:
    supersede(db, put(db, "superseded", "x", NOON))
    archive(db, put(db, "archived", "x", NOON))
    put(db, "timeless", "x", None)
    put(db, "page", "x", NOON, source="notion")
    assert read(db) == []
    assert memory.newest_message_at(db, NOON + timedelta(days=1)) is None


def test_a_row_without_fields_is_read_as_a_persons_and_a_long_text_is_cut(db: Db) -> None:
    db.execute(
        """
        INSERT INTO memory_items (key, value, source_type, occurred_at)
        VALUES ('bare', repeat('x', 1000000), 'chatlogs', %s)
        """,
        (NOON,),
    )
    (message,) = read(db)
    assert (message.role, message.author, message.conversation, len(message.text)) == ("person", "", "", 4000)


def test_the_newest_message_leaves_out_what_is_stamped_in_the_future(db: Db) -> None:
    put(db, "future", "x", NOON + timedelta(days=400))
    put(db, "real", "x", NOON)
    assert memory.newest_message_at(db, NOON + timedelta(days=1)) == NOON


@pytest.mark.parametrize(
    ("statement", "parameters"),
    [
        (memory.NEWEST_MESSAGE, (NOON,)),
        (memory.MESSAGES, asked(NOON - timedelta(days=2), 20_000)),
        (memory.MESSAGES, asked(NOON - timedelta(days=100), 50)),
    ],
    ids=["newest", "window", "newest of many"],
)
def test_recent_messages_are_read_by_the_index_that_is_for_them(db: Db, statement: str, parameters: Any) -> None:
    fill(db)
    told = plan(db, statement, parameters)
    assert "memory_recent" in told
    assert "Seq Scan" not in told


def test_a_search_finds_every_word_in_any_case_and_order_newest_first(db: Db) -> None:
    put(db, "old", "The CLAMP order, confirmed", NOON - timedelta(days=9))
    put(db, "new", "confirm the clamp", NOON)
    put(db, "other", "clamp", NOON)
    supersede(db, put(db, "was", "confirm the clamp", NOON))
    archive(db, put(db, "gone", "confirm the clamp", NOON))
    assert [i.key for i in memory.search(db, "Confirm clamp", 10)] == ["new", "old"]
    assert [i.key for i in memory.search(db, "Confirm clamp", 1)] == ["new"]


@pytest.mark.parametrize("words", ["100%", "snake_case", r"back\slash", "' OR 1=1 --"])
def test_a_search_takes_signs_literally(db: Db, words: str) -> None:
    put(db, "decoy", "1000 snakeXcase backslash", NOON)
    put(db, "meant", f"it says {words} here", NOON)
    assert [i.key for i in memory.search(db, words, 10)] == ["meant"]


@pytest.mark.parametrize("words", ["\0", "a\ud800b"])
def test_a_search_for_what_no_text_can_hold_finds_nothing_wrong(db: Db, words: str) -> None:
    put(db, "k", "plain", NOON)
    assert len(memory.search(db, words, 10)) <= 1


def test_a_history_shows_every_version_newest_first(db: Db) -> None:
    first = put(db, "k", "one", NOON)
    supersede(db, first)
    second = put(db, "k", "two", NOON)
    versions = memory.history(db, "k")
    assert [(v.id, v.value, v.superseded_at is None) for v in versions] == [
        (second, "two", True),
        (first, "one", False),
    ]
    assert versions[1].supersede_reason == "canonical_update"
    assert memory.history(db, "unknown") == []


def test_a_history_is_read_by_its_index(db: Db) -> None:
    fill(db)
    assert "memory_history" in plan(db, memory.HISTORY, ("m500",)) or "memory_current" in plan(
        db, memory.HISTORY, ("m500",)
    )


def test_detectors_count_back_from_the_newest_message_since_exports_arrive_late(db: Db) -> None:
    store, asks = (
        Store(lambda: db),
        ("export the open invoices", "send the invoice export", "please export invoices as CSV"),
    )
    for day, text in enumerate(asks):
        put(db, f"k{day}", f"Can you {text}?", NOON + timedelta(days=day))
    half_a_year_on = NOON + timedelta(days=180)
    (found,) = RecurringAsks().look(store, half_a_year_on, timedelta(days=14))
    assert found.title.startswith("Asked on 3 days: ")
    assert {m["key"] for m in found.evidence["messages"]} == {"k0", "k1", "k2"}
    words = found.evidence["follow_up"].split('"')[1]
    assert {i.key for i in memory.search(db, words, 10)} == {"k0", "k1", "k2"}


@pytest.mark.parametrize("detector", [RecurringAsks(), UnansweredQuestions(), GrowingTopics()], ids=lambda d: d.name)
def test_an_empty_memory_says_nothing(db: Db, detector: RecurringAsks) -> None:
    assert list(detector.look(Store(lambda: db), NOON, timedelta(days=14))) == []
