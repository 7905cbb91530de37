"""Chat exports in a folder: what is read of them, once, and what is remembered."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fakes import chat_exports as exports
from fakes.chat_exports import BEGIN, FORMATS, export, line, lines, talk
from fakes.chat_folder import changes, put, read

from godmode.lib.kernel import Checkpoint, Record
from godmode.lib.sources import chatlogs
from godmode.lib.sources.chat_formats import export as export_module
from godmode.lib.sources.chat_formats import jsonl


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "chats"
    path.mkdir()
    return path


def at(path: Path, seconds: int) -> None:
    """Set the time of a file."""
    os.utime(path, (seconds, seconds))


# -- what is read ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FORMATS)
def test_every_message_of_every_format_is_read_once_and_then_never_again(folder: Path, kind: str) -> None:
    put(folder, *export(kind, talk(5)))
    first = read(folder)
    assert (first.texts, len(first.by_id), first.skipped) == (talk(5), 5, [])
    assert [int(r.changed_at.timestamp()) - BEGIN for r in first.records if r.changed_at] == [0, 60, 120, 180, 240]
    again = read(folder, first.cursor)
    assert (again.records, again.skipped, again.cursor) == ([], [], first.cursor)


def test_a_record_says_who_said_it_where_and_in_which_file(folder: Path) -> None:
    put(folder, "export/users.json", exports.text_of(exports.slack_users(U1="Ana")))
    put(folder, "export/general/2025-10-09.json", exports.text_of([exports.slack(0, "Hi", thread_ts="1.2")]))
    (record,) = read(folder).records
    assert (record.source, record.id) == ("chatlogs", f"slack.general.{BEGIN}.000100")
    assert record.fields == {
        "conversation": "slack.general", "title": "#general", "author": "Ana", "role": "person", "thread": "1.2",
        "file": "export/general/2025-10-09.json",
    }  # fmt: skip


def test_a_channel_dropped_without_its_export_is_named_by_the_folder(folder: Path) -> None:
    put(folder, "2025-10-09.json", exports.text_of([exports.slack(0, "Hi")]))
    assert read(folder).records[0].fields["title"] == "#chats"


@pytest.mark.parametrize("me", [("ana",), ("userAna",), ("ANA", "x")])
def test_the_operator_is_known_by_her_names_and_ids(folder: Path, me: tuple[str, ...]) -> None:
    put(folder, "result.json", exports.text_of(exports.telegram("x", [exports.telegram_message(1, "a")])))
    assert [r.fields["role"] for r in read(folder, me=me).records] == ["operator"]
    assert [r.fields["role"] for r in read(folder).records] == ["person"]


def test_in_a_chat_with_an_assistant_the_person_is_the_operator_by_name(folder: Path) -> None:
    put(folder, *export("chatgpt", ["a", "b"]))
    assert [(r.fields["author"], r.fields["role"]) for r in read(folder).records] == [
        ("Jonah", "operator"), ("ChatGPT", "assistant"),
    ]  # fmt: skip


def test_the_format_is_told_from_the_content_not_from_the_name(folder: Path) -> None:
    for kind in FORMATS:
        put(folder, f"{kind}/whatever.json", export(kind, talk(2))[1])
    assert {r.id.partition(".")[0] for r in read(folder).records} == {"chatgpt", "claude", "telegram", "slack", "jsonl"}


def test_the_same_messages_in_two_files_have_the_same_ids(folder: Path) -> None:
    for kind in FORMATS:
        put(folder, f"old {kind}/{export(kind, [])[0]}", export(kind, talk(2))[1])
        put(folder, f"new {kind}/{export(kind, [])[0]}", export(kind, talk(3))[1])
    seen = read(folder)
    assert (len(seen.records), len(seen.by_id)) == (6 * 5, 5 * 3)  # an account has the same chat as the single one


def test_files_of_json_lines_are_conversations_of_their_own_with_ids_that_do_not_depend_on_the_file(
    folder: Path,
) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        put(folder, name, lines(line(0, "Hi")))
    one, other = read(folder).records
    assert one.id == other.id
    assert (one.fields["conversation"], other.fields["conversation"]) == ("jsonl.a", "jsonl.b")


def test_of_a_message_that_was_edited_the_newest_export_comes_last(folder: Path) -> None:
    at(put(folder, "a (1).json", export("telegram", ["hello"])[1]), 2000)
    at(put(folder, "a.json", export("telegram", ["helo"])[1]), 1000)
    assert read(folder).texts == ["helo", "hello"]


def test_files_come_in_the_same_order_every_time(folder: Path) -> None:
    for name in ("z.jsonl", "a/x.jsonl", "b.jsonl", "a/a.jsonl"):
        at(put(folder, name, lines(line(0, name))), 1000)
    assert read(folder).texts == read(folder).texts == ["a/a.jsonl", "a/x.jsonl", "b.jsonl", "z.jsonl"]


def test_an_id_that_is_too_long_is_shortened_to_one_of_its_own(folder: Path) -> None:
    long = [line(0, "Hi", conversation="c" * 5000 + end) for end in "ab"] + [line(0, "Hi", conversation="short")]
    put(folder, "chat.jsonl", lines(*long))
    ids = [r.id for r in read(folder).records]
    assert ids == [r.id for r in read(folder).records]
    assert len(set(ids)) == 3
    assert max(map(len, ids)) <= chatlogs.LONGEST_ID
    assert ids[2].startswith("jsonl.short.")


# -- what is passed over or named --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["users.json", "channels.json", "projects.json", "x/integration_logs.json"])
@pytest.mark.parametrize("content", ["[]", '{"a": 1}', "nonsense", ""])
def test_the_companions_of_an_export_are_passed_over_in_silence(folder: Path, name: str, content: str) -> None:
    put(folder, name, content)
    assert read(folder).skipped == []


@pytest.mark.parametrize("name", ["photo.jpg", "chat.html", ".hidden.json", "~$lock.json", "half.json.part"])
def test_other_files_are_passed_over_in_silence(folder: Path, name: str) -> None:
    put(folder, name, "x")
    seen = read(folder)
    assert (seen.skipped, seen.cursor) == ([], {})


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("package.json", '{"name": "x", "version": "1"}', "JSON, but no chat export of a kind that is known"),
        ("numbers.json", "[1, 2, [3]]", "JSON, but no chat export of a kind that is known"),
        ("export.zip", "PK", "an archive is not read: unpack it here"),
        ("page.json", "<html>no JSON at all</html>", "not read from here on: expecting value, at character 1"),
    ],
)
def test_what_is_no_export_is_named_once(folder: Path, name: str, content: str, why: str) -> None:
    put(folder, name, content)
    seen = read(folder)
    assert [(s.where, s.why, s.later) for s in seen.skipped] == [(name, why, False)]
    assert read(folder, seen.cursor).skipped == []


def test_a_message_that_cannot_be_read_is_counted_and_the_others_go_on(folder: Path) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    number = "9" * 5000
    whole = exports.text_of([exports.chatgpt("a", ["x"]), {"mapping": 5}, exports.chatgpt("b", ["y"])])
    put(folder, "c.json", whole.replace('"mapping": 5', f'"mapping": {deep}'))
    put(folder, "s.json", exports.text_of([exports.slack(0, "z"), {"ts": 5}]).replace(": 5", f": {number}"))
    seen = read(folder)
    assert sorted(seen.texts) == ["x", "y", "z"]
    assert [(s.where, s.why, s.records) for s in seen.skipped] == [
        ("c.json", "conversation 2: it is nested too deeply", 1), ("s.json", "message 2: it has no ts", 1),
    ]  # fmt: skip


def test_what_stands_before_the_fault_of_a_broken_file_is_kept(folder: Path) -> None:
    put(folder, "a.json", exports.text_of([exports.slack(0, "x"), exports.slack(1, "y")])[:-1] + " oops, no JSON]")
    seen = read(folder)
    assert (seen.texts, seen.given_up) == (["x", "y"], ["a.json"])
    assert read(folder, seen.cursor).skipped == []


@pytest.mark.parametrize("kind", ["chatgpt", "claude", "telegram", "slack"])
def test_what_follows_after_the_end_of_an_export_is_named(folder: Path, kind: str) -> None:
    name, content = export(kind, talk(2))
    put(folder, name, content + " []")
    seen = read(folder)
    assert seen.texts == talk(2)
    assert [s.why.partition(",")[0] for s in seen.skipped] == ["not read from here on: more after the end"]


def test_a_line_that_is_too_long_is_named_and_the_next_ones_are_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("godmode.lib.sources.chat_formats.lines.LONGEST_LINE", 1000)
    put(folder, "chat.jsonl", lines(line(0, "a"), line(1, "b" * 300_000), line(2, "c")))
    seen = read(folder)
    assert seen.texts == ["a", "c"]
    assert [s.why for s in seen.skipped] == ["line 2: it is longer than 1,000 bytes"]


# -- what is remembered ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_that_did_not_change_is_not_opened_again(
    folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, *export(kind, talk(3)))
    seen = read(folder)
    opened: list[Path] = []
    monkeypatch.setattr("godmode.lib.sources.chat_formats.walk.open_file", opened.append)
    assert (read(folder, seen.cursor).records, opened) == ([], [])


def test_json_lines_that_grew_are_parsed_from_their_old_end_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(folder, "chat.jsonl", lines(*(line(n, text) for n, text in enumerate(talk(50)))))
    seen = read(folder)
    with path.open("a") as file:
        file.write(lines(line(50, "new")))
    parsed: list[int] = []

    def parse(text: bytes, number: int, *about: Any) -> Any:
        parsed.append(number)
        return jsonl.parse(text, number, *about)

    monkeypatch.setattr(export_module, "jsonl", SimpleNamespace(parse=parse, decoded=jsonl.decoded))
    assert (read(folder, seen.cursor).texts, parsed) == (["new"], [51])


def test_a_file_that_is_gone_leaves_the_cursor(folder: Path) -> None:
    path = put(folder, "chat.jsonl", lines(line(0, "a")))
    put(folder, "other.jsonl", lines(line(0, "b")))
    seen = read(folder)
    path.unlink()
    assert list(read(folder, seen.cursor).cursor["files"]) == ["other.jsonl"]


def test_every_checkpoint_lies_behind_the_messages_of_the_files_that_it_names(folder: Path) -> None:
    for number in range(20):
        put(folder, f"{number:02}.jsonl", lines(*(line(n, f"{number}.{n}") for n in range(3))))
    so_far: dict[Any, int] = {}
    kept: list[Any] = []
    for item in changes(folder):
        if isinstance(item, Record):
            so_far[item.fields["file"]] = so_far.get(item.fields["file"], 0) + 1
        elif isinstance(item, Checkpoint):
            kept.append(item.cursor)
            assert all(so_far[name] == 3 for name in item.cursor["files"])
    assert len(kept[-1]["files"]) == 20
    assert len(kept[0]["files"]) < 20, "a cursor that was given is not changed afterwards"


def test_many_files_do_not_make_as_many_cursors_of_them_all(folder: Path) -> None:
    for number in range(300):
        put(folder, f"{number}.jsonl", lines(line(number, "a")))
    cursors = [item for item in changes(folder) if isinstance(item, Checkpoint)]
    assert len(cursors) < 40
    assert len(cursors[-1].cursor["files"]) == 300
