"""Chat exports from the folder into the database, by the scan: every message once, whatever is dropped there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fakes import chat_exports as exports
from fakes.chat_exports import FORMATS, export, line, lines, talk
from fakes.chat_folder import put

from godmode.lib import config as configuration
from godmode.lib.clock import FixedClock
from godmode.lib.engine import sync
from godmode.lib.engine.equipment import Mode
from godmode.wiring import App

NOW = datetime(2025, 10, 9, 18, 0, tzinfo=UTC)


class Operator:
    """Drops files into her folder, which is scanned every half hour."""

    def __init__(self, home: Path, db: psycopg.Connection[Any]) -> None:
        self.chats, self._db, self._clock = home / "chats", db, FixedClock(NOW)
        self.chats.mkdir(parents=True)
        (home / "config.toml").write_text('[sources.chatlogs]\npath = "chats"\n')
        self.app = App(configuration.load(), clock=self._clock)

    def scan(self, **drops: tuple[str, str]) -> dict[str, Any]:
        """Drop files into folders of these names, and scan; what came of the chats."""
        for folder, (name, content) in drops.items():
            put(self.chats / folder, name, content)
        self._clock.advance(timedelta(minutes=30))
        result = self.app.runner.run("periodic_scan", Mode(scheduled=True)).result
        assert result.error is None
        found: dict[str, Any] = result.data["sources"]["chatlogs"]
        return found

    def kept(self, columns: str = "value") -> list[Any]:
        """What stands of each message now, in the order of its coming."""
        rows = self._db.execute(
            f"SELECT {columns} FROM memory_items WHERE superseded_at IS NULL ORDER BY id".encode()
        ).fetchall()
        return [row[0] if len(row) == 1 else row for row in rows]


@pytest.fixture
def her(tmp_path: Path, db: psycopg.Connection[Any]) -> Iterator[Operator]:
    made = Operator(tmp_path / "home", db)
    yield made
    made.app.store.close()


def counts(found: dict[str, Any]) -> tuple[int, int, int]:
    return found["new"], found["changed"], found["unchanged"]


@pytest.mark.parametrize("kind", FORMATS)
def test_every_message_is_stored_once_however_often_the_export_is_repeated_and_grows(her: Operator, kind: str) -> None:
    assert counts(her.scan(first=export(kind, talk(4)))) == (4, 0, 0)
    assert counts(her.scan()) == (0, 0, 0)
    assert counts(her.scan(second=export(kind, talk(4)))) == (0, 0, 4)
    assert counts(her.scan(first=export(kind, talk(6)))) in [(2, 0, 4), (2, 0, 0)]  # JSON lines are read on
    assert her.kept() == talk(6)


def test_a_message_is_kept_with_its_time_and_all_that_is_known_of_it(her: Operator) -> None:
    her.scan(slack=("general/2025-10-09.json", exports.text_of([exports.slack(0, "Hi “you” {1,2} \\ \\N", user="U1")])))
    ((key, text, at, authority, fields),) = her.kept("key, value, occurred_at, authority, fields")
    assert (key, text) == (f"chatlogs.slack.general.{exports.BEGIN}.000100", "Hi “you” {1,2} \\ \\N")
    assert at.astimezone(UTC) == datetime(2025, 10, 9, 8, 53, 20, 100, tzinfo=UTC)
    assert authority == "observed"
    assert fields == {
        "conversation": "slack.general", "title": "#general", "author": "U1", "role": "person", "thread": None,
        "file": "slack/general/2025-10-09.json",
    }  # fmt: skip


def test_messages_without_a_time_are_stored_too(her: Operator) -> None:
    her.scan(a=("chat.jsonl", lines(*({"ts": "unknown", "text": text} for text in talk(3)))))
    assert her.kept("value, occurred_at") == [(text, None) for text in talk(3)]


def test_an_edited_message_supersedes_the_old_one_whose_text_stays(her: Operator, db: psycopg.Connection[Any]) -> None:
    her.scan(old=export("telegram", ["helo", "b"]))
    assert counts(her.scan(new=export("telegram", ["hello", "b"]))) == (0, 1, 1)
    assert sorted(her.kept()) == ["b", "hello"]
    assert db.execute(
        "SELECT value, supersede_reason FROM memory_items WHERE superseded_at IS NOT NULL"
    ).fetchall() == [("helo", "changed")]


def test_of_two_exports_dropped_at_once_the_newer_one_has_the_last_word(her: Operator) -> None:
    for age, (name, text) in enumerate({"a": "hello", "b": "helo"}.items()):
        path = put(her.chats / name, *export("telegram", [text]))
        os.utime(path, (2_000_000_000 - age, 2_000_000_000 - age))
    her.scan()
    assert her.kept() == ["hello"]


def test_what_cannot_be_read_is_counted_and_named_and_the_rest_is_stored(
    her: Operator, db: psycopg.Connection[Any]
) -> None:
    content = export("claude", talk(3))[1]
    found = her.scan(
        a=("s.json", exports.text_of([{"ts": None}, exports.slack(0, "fine"), {"no": "ts"}])),
        b=("half.json", content[:-30]),
        c=("odd.json", json.dumps([{"title": "T\0\ud800", "mapping": {"a": {"parent": "a"}}}])),
    )
    assert (found["skipped"], found["left_for_later"]) == (3, 1)
    assert "b/half.json" in [note["where"] for note in found["notes"] if note["later"]]
    assert "fine" in her.kept()
    assert her.scan()["left_for_later"] == 1
    assert her.scan(b=("half.json", content))["left_for_later"] == 0
    assert set(talk(3)) < set(her.kept())
    assert db.execute("SELECT last_sync_success, last_skipped FROM data_source_sync").fetchone() == (True, [])


def test_a_file_of_many_batches_is_stored_whole_and_read_on_where_it_ended(her: Operator) -> None:
    many = [line(n, text) for n, text in enumerate(talk(2 * sync.BATCH_RECORDS + 5))]
    assert counts(her.scan(a=("chat.jsonl", lines(*many)))) == (len(many), 0, 0)
    assert counts(her.scan(a=("chat.jsonl", lines(*many, line(-1, "new"))))) == (1, 0, 0)


def test_a_folder_that_is_gone_fails_the_sync_keeps_what_was_stored_and_says_what_to_do(her: Operator) -> None:
    her.scan(a=export("slack", talk(2)))
    her.chats.rename(her.chats.with_name("elsewhere"))
    result = her.app.runner.run("sync_chatlogs", Mode(again=True)).result
    assert (result.outcome, result.error_category) == ("failed", "transient")
    assert result.error is not None
    assert result.error.startswith(f"cannot read the folder {her.chats}: ")
    her.chats.with_name("elsewhere").rename(her.chats)
    assert counts(her.scan()) == (0, 0, 0)
    assert her.kept() == talk(2)
