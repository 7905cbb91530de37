"""JSON read value by value, whatever the piece in which it comes: every value, or the reason why not."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from godmode.lib.sources.chat_formats import stream as module
from godmode.lib.sources.chat_formats import text as text_module
from godmode.lib.sources.chat_formats.stream import Ended, NotJson, Stream, Unreadable
from godmode.lib.sources.chat_formats.text import Text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


class Drops(io.BytesIO):
    """A file that gives a few bytes at a time, but for the three that tell the encoding."""

    size = 3

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self.size if self.tell() else 3)


def stream(content: str | bytes, drop: int = 3) -> Stream:
    file = Drops(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
    file.size = drop
    return Stream(Text(file))


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 1)


@given(st.lists(VALUES), st.booleans(), st.integers(1, 9))
def test_values_are_those_of_the_standard_library_wherever_the_pieces_are_cut(
    values: list[Any], plain: bool, drop: int
) -> None:
    reading = stream(json.dumps(values, ensure_ascii=plain, indent=1), drop)
    assert list(reading.values()) == values
    reading.end()


@given(st.dictionaries(st.text(), VALUES), st.data())
def test_whatever_is_skipped_the_other_values_are_right(value: dict[str, Any], data: st.DataObject) -> None:
    reading, found = stream(json.dumps(value)), {}
    for key in reading.fields():
        if data.draw(st.booleans()):
            found[key] = reading.value()
        else:
            reading.skip()
            found[key] = value[key]
    assert found == value


@given(st.lists(VALUES, min_size=1), st.data())
def test_a_text_that_was_cut_off_anywhere_is_known_as_one(values: list[Any], data: st.DataObject) -> None:
    whole = json.dumps(values, ensure_ascii=data.draw(st.booleans())).encode()
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(Ended):
        list(stream(whole[:cut]).values())
    with pytest.raises(Ended):
        stream(whole[:cut]).skip()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("[1, x]", "expecting value, at character 5"),
        ("[1 2]", "no , or ], at character 4"),
        ('[{"a" 1}]', "expecting ':' delimiter, at character 7"),
        ("[1]]", "more after the end, at character 4"),
        ("{}", "no [, at character 1"),
        ("hello world, this is no JSON", "no [, at character 1"),
    ],
)
@pytest.mark.parametrize("drop", [3, 100])
def test_what_is_not_json_is_named_with_its_place(content: str, why: str, drop: int) -> None:
    reading = stream(content, drop)
    with pytest.raises(NotJson) as raised:
        list(reading.values())
        reading.end()
    assert str(raised.value) == why


@pytest.mark.parametrize("content", ["{1: 2}", '{"a" 1}', '{"a": 1 "b"}', "{,}"])
def test_an_object_that_is_none_is_refused(content: str) -> None:
    reading = stream(content)
    with pytest.raises(NotJson):
        for _ in reading.fields():
            reading.skip()


@pytest.mark.parametrize("depth", [2_000, 100_000])
def test_a_value_of_any_depth_is_passed_over_and_the_next_one_read(depth: int) -> None:
    first, odd, last = stream(f'["a", {"[" * depth}{"]" * depth}, {{"b": 1}}]', 5000).values()
    assert (first, last) == ("a", {"b": 1})
    assert isinstance(odd, list) or str(odd) == "it is nested too deeply"  # how deep it may be is the interpreter's
    assert depth < 100_000 or not isinstance(odd, list)


def test_a_value_that_is_too_long_is_passed_over_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST", 1000)
    reading = stream('[{"a": "' + '\\"}]' * 5000 + '"}, 5]', 100)
    odd, last = reading.values()
    assert isinstance(odd, Unreadable)
    assert (str(odd), last) == ("it is longer than 1,000 characters", 5)


def test_a_number_of_thousands_of_digits_is_nothing_and_the_rest_of_its_object_is_kept() -> None:
    assert list(stream(f'[{{"id": {"9" * 5000}, "b": 12}}]', 400).values()) == [{"id": None, "b": 12}]


# -- text --------------------------------------------------------------------------------------------------


def read(content: bytes, drop: int = 3) -> tuple[str, int | None]:
    file = Drops(content)
    file.size = drop
    text, pieces = Text(file), []
    while piece := text.read():
        pieces.append(piece)
    return "".join(pieces), text.bad


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@given(content=st.text().filter(lambda text: not text.startswith("\ufeff")), drop=st.integers(1, 9))
def test_text_is_read_in_any_encoding_of_an_export_and_in_any_pieces(content: str, drop: int, encoding: str) -> None:
    assert read(content.encode(encoding), drop) == (content, None)


@pytest.mark.parametrize("drop", [1, 2, 3, 4, 100])
@pytest.mark.parametrize(("content", "text", "bad"), [
    (b"caf\xe9 au lait", "caf\ufffd au lait", 3),
    ("größe ".encode() + b"\xff\xfe!", "größe \ufffd\ufffd!", 8),
    (b"\xef\xbb\xbfab\xe9c", "ab\ufffdc", 5),
])  # fmt: skip
def test_bytes_that_are_no_text_are_replaced_and_the_first_is_known(
    content: bytes, text: str, bad: int, drop: int
) -> None:
    assert read(content, drop) == (text, bad)


def test_a_large_file_is_read_in_pieces_of_bounded_size() -> None:
    class Counting(io.BytesIO):
        largest = 0

        def read(self, size: int | None = -1) -> bytes:
            assert size is not None
            self.largest = max(self.largest, size)
            return super().read(size)

    file = Counting(b"x" * (3 * text_module.CHUNK))
    text = Text(file)
    while text.read():
        pass
    assert 0 < file.largest <= text_module.CHUNK
