"""JSON lines: what a line becomes, and a file of them that grows."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fakes import chat_exports as exports
from fakes.chat_exports import BEGIN
from fakes.chat_readings import said, unread

from godmode.lib.sources.chat_formats import jsonl
from godmode.lib.sources.chat_formats.lines import Lines
from godmode.lib.sources.chat_formats.message import Said, Unread
from godmode.lib.sources.chat_formats.text import CHUNK

CHICAGO = ZoneInfo("America/Chicago")
AT = datetime.fromtimestamp(BEGIN, UTC)


# -- JSON lines --------------------------------------------------------------------------------------------


def read_line(value: Any) -> list[Said | Unread]:
    return list(jsonl.parse(exports.text_of(value).encode(), 3, "file", CHICAGO))


def test_jsonl_a_message_is_titled_by_its_conversation_else_by_its_file() -> None:
    alone, grouped = (
        said(read_line(exports.line(0, "Hi") | more))[0] for more in ({}, {"conversation": "ops", "thread": 4})
    )
    assert (alone.conversation, alone.title, alone.names, alone.at) == ("", "file", ("Ana",), AT)
    assert (grouped.conversation, grouped.title, grouped.thread) == ("ops", "ops", "4")


def test_jsonl_an_id_keeps_a_message_the_same_when_its_text_changes() -> None:
    one, other = (said(read_line(exports.line(0, text, id=7)))[0].id for text in ("helo", "hello"))
    assert one == other
    one, other = (said(read_line(exports.line(0, text)))[0].id for text in ("helo", "hello"))
    assert one != other


@pytest.mark.parametrize(
    "stamp",
    [BEGIN, float(BEGIN), str(BEGIN), BEGIN * 1000, BEGIN * 1000_000, "2025-10-09T08:53:20Z",
     "2025-10-09T10:53:20+02:00", "2025-10-09 03:53:20"],
)  # fmt: skip
def test_jsonl_stamps_may_be_seconds_milliseconds_microseconds_or_iso(stamp: Any) -> None:
    assert [m.at for m in said(read_line(exports.line(0, "x") | {"ts": stamp}))] == [AT]


@pytest.mark.parametrize(
    "stamp",
    [None, True, [], {}, "yesterday", "", 0, -5, 1e300, 10**300, "nan", "inf", "1" * 400, "0001-01-01",
     "9999-12-31T23:59:59-12:00", "1969-12-31T00:00:00Z"],
)  # fmt: skip
def test_jsonl_a_message_with_an_absurd_stamp_is_kept_without_a_time(stamp: Any) -> None:
    assert [(m.text, m.at) for m in said(read_line(exports.line(0, "x") | {"ts": stamp}))] == [("x", None)]


@pytest.mark.parametrize("value", [5, None, [], "x", {"ts": 1}, {"text": "x"}])
def test_jsonl_a_line_that_is_no_message_is_named_by_its_number(value: Any) -> None:
    assert [where for where, _ in unread(iter(read_line(value)))] == ["line 3"]


@pytest.mark.parametrize(
    "line", [b"{", b"\xff\xfe", b'{"ts":1,"text":' + b"[" * 100_000, b'{"ts":' + b"9" * 5000 + b',"text":"x"}']
)
def test_jsonl_no_line_whatever_breaks_the_reading(line: bytes) -> None:
    assert len([item for item in jsonl.parse(line, 3, "file", CHICAGO) if item.__class__ is Unread]) in (0, 1)


def test_jsonl_a_line_without_text_is_no_message() -> None:
    assert read_line(exports.line(0, " ")) == []


def test_jsonl_stray_bytes_become_replacement_characters_and_are_noted() -> None:
    mended, message = jsonl.parse(b'{"ts": 1, "text": "caf\xe9"}', 1, "file", CHICAGO)
    assert mended == Unread("line 1", jsonl.NOT_UTF8, records=0)
    assert isinstance(message, Said)
    assert message.text == "caf\ufffd"


def test_jsonl_half_a_surrogate_pair_is_no_reason_to_lose_the_message() -> None:
    (message,) = said(jsonl.parse(b'{"ts": 1, "text": "a\\ud800b"}', 1, "file", CHICAGO))
    assert message.text == "a\ud800b"


# -- a file of lines ---------------------------------------------------------------------------------------


def read(content: bytes, known: dict[str, Any] | None = None, longest: int = 100) -> tuple[list[Any], Lines]:
    reading = Lines(io.BytesIO(content), known or {}, longest)
    return list(reading), reading


def test_lines_that_were_read_are_not_given_again_when_the_file_grew() -> None:
    _, first = read(b"one\ntwo\nthr")
    assert (first.rest, first.state()["offset"]) == (b"thr", 8)
    assert read(b"one\ntwo\nthree\n", first.state())[0] == [(3, b"three")]


@pytest.mark.parametrize("content", [b"One\ntwo\nthree\n", b"one\ntwo", b"one\n", b"", b"one\ntwo\r\nthree\n"])
def test_lines_are_read_from_the_beginning_when_what_lies_before_is_not_as_it_was(content: bytes) -> None:
    _, first = read(b"one\ntwo\n")
    again, _ = read(content, first.state())
    assert again == read(content)[0]


@pytest.mark.parametrize("known", [{"offset": "4", "lines": 1}, {"offset": 4}, {"offset": 4, "lines": 1, "hash": 5}])
def test_lines_are_read_from_the_beginning_with_a_state_that_is_none(known: dict[str, Any]) -> None:
    assert read(b"one\ntwo\n", known)[0] == [(1, b"one"), (2, b"two")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_lines_with_a_byte_order_mark_are_read_on_too(encoding: str) -> None:
    _, first = read("Größe\n".encode(encoding))
    content = "Größe\nzwei\n".encode(encoding)
    assert read(content)[0] == [(1, "Größe".encode()), (2, b"zwei")]
    assert read(content, first.state())[0] == [(2, b"zwei")]


def test_a_line_that_is_too_long_is_given_up_and_the_next_ones_go_on() -> None:
    content = b"one\n" + b"x" * (2 * CHUNK) + b"\n" + b"y" * 101 + b"\nfour\n"  # few bytes are in its last piece
    lines, reading = read(content)
    assert lines == [(1, b"one"), (2, None), (3, None), (4, b"four")]
    assert read(content + b"five\n", reading.state())[0] == [(5, b"five")]


def test_a_file_that_ends_within_a_line_that_is_too_long_is_read_again_whole() -> None:
    lines, reading = read(b"one\n" + b"x" * 600_000)
    assert (lines, reading.is_cut, reading.state()) == ([(1, b"one")], True, {})
