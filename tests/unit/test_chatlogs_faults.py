"""Chat exports at their worst: half-written, changing, vanishing, in odd places and encodings. Nothing is lost."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import chat_exports as exports
from fakes.chat_exports import FORMATS, export, line, lines, talk
from fakes.chat_folder import Seen, changes, put, read

from godmode.lib.errors import Transient
from godmode.lib.kernel import Record
from godmode.lib.sources.chat_formats import walk

LARGE = talk(1500, words=100)  # more than any buffer holds


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "chats"
    path.mkdir()
    return path


# -- files in the middle of something ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", FORMATS)
def test_a_half_written_file_is_left_named_at_every_run_and_read_when_it_is_whole(folder: Path, kind: str) -> None:
    name, content = export(kind, talk(5))
    put(folder, name, content[:-20])
    half = read(folder)
    assert half.later == [name]
    assert read(folder, half.cursor).later == [name]
    put(folder, name, content)
    whole = read(folder, half.cursor)
    assert whole.skipped == []
    assert half.by_id | whole.by_id == read(folder).by_id
    assert read(folder, whole.cursor).skipped == []


def test_an_empty_file_is_left_until_it_has_something(folder: Path) -> None:
    put(folder, "result.json", "")
    assert read(folder).later == ["result.json"]


def test_a_last_line_without_its_line_break_is_read_and_continued(folder: Path) -> None:
    put(folder, "chat.jsonl", lines(line(0, "a"), line(1, "b")).rstrip())
    first = read(folder)
    assert (first.texts, first.skipped) == (["a", "b"], [])
    put(folder, "chat.jsonl", lines(line(0, "a"), line(1, "b"), line(2, "c")))
    again = read(folder, first.cursor)
    assert first.by_id | again.by_id == read(folder).by_id
    assert "a" not in again.texts


def under_the_reader(folder: Path, name: str, change: Callable[[Path], object]) -> Seen:
    """Read until the first message, change the file, and read on."""
    reading, seen = changes(folder), Seen()
    first = next(reading)
    assert isinstance(first, Record)
    seen.records.append(first)
    change(folder / name)
    return seen.take(reading)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_that_is_cut_off_under_the_reader_is_left_and_read_when_it_is_whole(folder: Path, kind: str) -> None:
    name, content = export(kind, LARGE)
    put(folder, name, content)
    seen = under_the_reader(folder, name, lambda path: os.truncate(path, len(content) // 2))
    assert seen.later == [name]
    assert read(folder, seen.cursor).later == [name]
    put(folder, name, content)
    assert seen.by_id | read(folder, seen.cursor).by_id == read(folder).by_id


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_that_is_replaced_under_the_reader_is_read_again(folder: Path, kind: str) -> None:
    name, content = export(kind, LARGE)
    _, longer = export(kind, [*LARGE, "more"])
    put(folder, name, content)

    def replace(path: Path) -> None:
        put(folder, "new", longer).rename(path)

    seen = under_the_reader(folder, name, replace)
    assert [(s.where, s.why) for s in seen.skipped] == [(name, "it changed while it was read")]
    assert seen.by_id | read(folder, seen.cursor).by_id == read(folder).by_id


def test_json_lines_that_grow_all_the_time_are_read_on_and_not_begun_again(folder: Path) -> None:
    put(folder, *export("jsonl", LARGE))

    def grow(path: Path) -> None:
        with path.open("a") as file:
            file.write(lines(line(-1, "while it was read")))

    seen = under_the_reader(folder, "chat.jsonl", grow)
    assert (seen.later, len(seen.records)) == (["chat.jsonl"], len(LARGE) + 1)
    again = read(folder, seen.cursor)
    assert (again.records, again.skipped) == ([], [])


@pytest.mark.parametrize("rewritten", ["first", "last", "all"])
def test_json_lines_that_grew_but_were_rewritten_before_are_read_whole(folder: Path, rewritten: str) -> None:
    said = [line(n, text) for n, text in enumerate(talk(3000))]
    put(folder, "chat.jsonl", lines(*said))
    first = read(folder)
    for n in {"first": [0], "last": [2999], "all": range(3000)}[rewritten]:
        said[n] = said[n] | {"text": said[n]["text"].replace("so", "So")}
    put(folder, "chat.jsonl", lines(*said, line(3000, "new")))
    again = read(folder, first.cursor)
    assert again.by_id == read(folder).by_id


def test_json_lines_that_shrank_are_read_whole(folder: Path) -> None:
    put(folder, "chat.jsonl", lines(line(0, "a"), line(1, "b")))
    first = read(folder)
    put(folder, "chat.jsonl", lines(line(0, "a")))
    assert read(folder, first.cursor).texts == ["a"]


def test_a_file_that_vanishes_before_its_turn_is_named_and_the_others_are_read(folder: Path) -> None:
    for number, name in enumerate("abc"):
        path = put(folder, f"{name}.jsonl", lines(line(0, name)))
        os.utime(path, (number, number))
    seen = under_the_reader(folder, "b.jsonl", Path.unlink)
    assert (seen.texts, seen.later) == (["a", "c"], ["b.jsonl"])
    assert set(seen.cursor["files"]) == {"a.jsonl", "c.jsonl"}


def test_a_file_that_vanishes_under_the_reader_is_named(folder: Path) -> None:
    put(folder, *export("telegram", LARGE))
    seen = under_the_reader(folder, "result.json", Path.unlink)
    assert (len(seen.records), seen.later) == (len(LARGE), ["result.json"])


# -- the folder --------------------------------------------------------------------------------------------


def test_a_missing_folder_is_one_line_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Transient) as raised:
        read(tmp_path / "nowhere")
    assert raised.value.message == f"cannot read the folder {tmp_path / 'nowhere'}: No such file or directory"
    assert raised.value.fix == "create it, or set sources.chatlogs.path"


def test_a_file_in_the_folders_place_is_one_line(tmp_path: Path) -> None:
    put(tmp_path, "chats", "x")
    with pytest.raises(Transient, match="chats: Not a directory"):
        read(tmp_path / "chats")


def test_a_folder_that_vanishes_half_way_ends_the_reading_and_loses_nothing(folder: Path, tmp_path: Path) -> None:
    for name in "abc":
        put(folder, f"{name}.jsonl", lines(line(0, name)))
    reading, seen = changes(folder), Seen()
    seen.take(iter([next(reading)]))
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(Transient):
        seen.take(reading)
    (tmp_path / "elsewhere").rename(folder)
    assert sorted({*seen.texts, *read(folder, seen.cursor).texts}) == ["a", "b", "c"]


# -- links, pipes and names --------------------------------------------------------------------------------


def test_links_are_followed_loops_are_named_and_links_to_nothing_too(folder: Path, tmp_path: Path) -> None:
    put(tmp_path / "far", "x.jsonl", lines(line(0, "a")))
    put(tmp_path / "near", "y.jsonl", lines(line(0, "b")))
    (folder / "far").symlink_to(tmp_path / "far")
    (folder / "y.jsonl").symlink_to(tmp_path / "near" / "y.jsonl")
    (folder / "loop").symlink_to(folder)
    (folder / "nothing.json").symlink_to(tmp_path / "missing")
    seen = read(folder)
    assert sorted(seen.texts) == ["a", "b"]
    assert [(s.where, s.later, s.records) for s in seen.skipped] == [("loop", False, 0), ("nothing.json", True, 1)]


def test_folders_that_link_to_one_another_do_not_multiply(folder: Path) -> None:
    for number in range(25):
        for link in "ab":
            (folder / f"d{number}").mkdir(exist_ok=True)
            (folder / f"d{number}" / link).symlink_to(folder / f"d{number + 1}")
    put(folder, "d25/x.jsonl", lines(line(0, "a")))
    assert read(folder).texts == ["a"]


def test_a_folder_of_any_depth_is_read(folder: Path) -> None:
    put(folder, "d/" * 600 + "x.jsonl", lines(line(0, "a")))
    assert read(folder).texts == ["a"]


def test_a_pipe_is_never_opened(folder: Path) -> None:
    os.mkfifo(folder / "pipe.json")
    os.mkfifo(folder / "users.json")
    put(folder, "general/2025-10-09.json", exports.text_of([exports.slack(0, "a")]))
    seen = read(folder)
    assert (seen.texts, seen.given_up) == (["a"], ["pipe.json", "users.json"])


def test_a_pipe_that_takes_the_place_of_a_file_does_not_hold_the_reading_up(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with walk.open_file(folder / "pipe") as file:
        assert file.read() == b""


def test_a_name_that_is_not_utf8_is_kept_in_a_cursor_and_a_record_of_json(folder: Path) -> None:
    put(folder, os.fsdecode(b"caf\xe9/2025-10-09.json"), exports.text_of([exports.slack(0, "a")]))
    seen = read(folder)
    assert seen.records[0].fields["title"] == "#caf\\xe9"
    json.dumps([seen.cursor, dict(seen.records[0].fields)], ensure_ascii=False).encode()
    assert read(folder, seen.cursor).records == []


# -- encodings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("kind", FORMATS)
def test_a_byte_order_mark_and_utf16_are_read(folder: Path, kind: str, encoding: str) -> None:
    name, content = export(kind, ["Größe ☕"])
    put(folder, name, content.encode(encoding))
    seen = read(folder)
    assert (seen.texts, seen.skipped) == (["Größe ☕"], [])


@pytest.mark.parametrize("kind", FORMATS)
def test_bytes_that_are_not_utf8_are_replaced_and_noted_once_for_a_file(folder: Path, kind: str) -> None:
    name, content = export(kind, ["before", "a X b", "c X d"])
    put(folder, name, content.encode().replace(b" X ", b" \xff "))
    seen = read(folder)
    assert seen.texts == ["before", "a \ufffd b", "c \ufffd d"]
    assert [(s.where, s.later, s.records) for s in seen.skipped] == [(name, False, 0)]
    assert "not UTF-8" in seen.skipped[0].why


def test_json_lines_are_known_by_their_content_and_their_stray_bytes_noted_once(folder: Path) -> None:
    put(folder, "chat.json", lines(line(0, "a X"), line(1, "b X")).encode().replace(b" X", b" \xff"))
    seen = read(folder)
    assert (seen.texts, len(seen.skipped)) == (["a \ufffd", "b \ufffd"], 1)


@pytest.mark.parametrize("text", ["a\0b", "half \ud83d", "\ude00 half", "\ud83d\ude00 whole"])
@pytest.mark.parametrize("kind", FORMATS)
def test_all_that_a_record_holds_can_be_kept_by_postgresql(folder: Path, kind: str, text: str) -> None:
    name, content = export(kind, ["X"])
    for known in ("X", "Ana", "About c", "general"):
        content = content.replace(f'"{known}"', json.dumps(text))
    put(folder, name, content)
    (record,) = read(folder).records
    kept = record.text + record.id + json.dumps(record.fields, ensure_ascii=False)
    kept.encode()
    assert "\0" not in kept
    assert "\\u0000" not in kept


def test_ids_and_threads_can_be_kept_by_postgresql_too(folder: Path) -> None:
    odd = dict.fromkeys(("author", "conversation", "id", "thread"), "x\0\ud800")
    put(folder, "chat.jsonl", json.dumps(line(0, "a") | odd))
    (record,) = read(folder).records
    assert record.fields["thread"] == "x\ufffd\ufffd"
    (record.id + json.dumps(record.fields, ensure_ascii=False)).encode()


def test_a_remark_can_be_kept_by_postgresql_too(folder: Path) -> None:
    circle = {"a": exports.chatgpt_node("a", "a", "x")}
    put(folder, "c.json", json.dumps([{"title": "T\0\ud800", "id": "c", "mapping": circle}]))
    assert [s.why for s in read(folder).skipped] == ["conversation 1 (T\ufffd\ufffd): its messages form no branch"]
