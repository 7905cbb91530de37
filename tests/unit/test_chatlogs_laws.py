"""What holds for every export: cut anywhere, grown anyhow, spoiled in any place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fakes.chat_exports import FORMATS, export, talk
from fakes.chat_folder import put, read
from hypothesis import given, settings
from hypothesis import strategies as st

TEXTS = st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=6, unique=True)
SPOILERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture
def new_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield lambda: tmp_path_factory.mktemp("law")


@pytest.mark.parametrize("kind", FORMATS)
def test_growing_exports_give_over_all_runs_exactly_the_messages_of_the_whole(kind: str, new_folder: Any) -> None:
    @settings(max_examples=25)
    @given(texts=TEXTS, data=st.data())
    def law(texts: list[str], data: st.DataObject) -> None:
        folder: Path = new_folder()
        cursor: dict[str, Any] = {}
        found: dict[str, str] = {}
        sizes = data.draw(st.lists(st.integers(0, len(texts)), max_size=4))
        for size in [*sorted(sizes), len(texts)]:
            put(folder, *export(kind, texts[:size]))
            seen = read(folder, cursor)
            found, cursor = found | seen.by_id, dict(seen.cursor)
        whole = read(folder)
        assert found == whole.by_id
        assert len(found) == len(texts)
        assert read(folder, whole.cursor).records == []

    law()


@pytest.mark.parametrize("kind", FORMATS)
def test_an_export_that_was_cut_anywhere_is_left_and_completed_by_the_whole(kind: str, new_folder: Any) -> None:
    @settings(max_examples=50)
    @given(data=st.data())
    def law(data: st.DataObject) -> None:
        folder = new_folder()
        name, content = export(kind, [*talk(3), "Größe – ünïcode ☕"])
        raw = content.encode()
        cut = data.draw(st.integers(0, len(raw.rstrip()) - 1))
        put(folder, name, raw[:cut])
        half = read(folder)
        at_the_end_of_a_line = kind == "jsonl" and (not cut or raw[cut - 1 : cut] in (b"}", b"\n"))
        assert half.later == ([] if at_the_end_of_a_line else [name])
        assert read(folder, half.cursor).later == half.later
        put(folder, name, raw)
        rest = read(folder, half.cursor)
        assert rest.skipped == []
        assert half.by_id | rest.by_id == read(folder).by_id

    law()


@pytest.mark.parametrize("kind", FORMATS)
def test_any_value_in_any_place_spoils_no_other_message(kind: str, new_folder: Any) -> None:
    @settings(max_examples=60)
    @given(data=st.data())
    def law(data: st.DataObject) -> None:
        folder = new_folder()
        name, content = export(kind, talk(2))
        first, *others = content.splitlines() if kind == "jsonl" else [content]
        tree = json.loads(first)
        _replace(tree, data.draw(st.sampled_from(list(_places(tree)))), data.draw(SPOILERS))
        put(folder, name, "\n".join([json.dumps(tree), *others]) + "\n")
        seen = read(folder)
        assert seen.later == []
        assert kind != "jsonl" or talk(2)[1] in seen.texts
        json.dumps([dict(r.fields) for r in seen.records], ensure_ascii=False).encode()

    law()


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "general/users.json"])
def test_no_bytes_whatever_bring_the_reading_down(name: str, new_folder: Any) -> None:
    @settings(max_examples=100)
    @given(raw=st.binary(max_size=200) | st.text('[]{}",:\\u0 ntf1e-', max_size=60).map(str.encode))
    def law(raw: bytes) -> None:
        folder: Path = new_folder()
        put(folder, name, raw)
        seen = read(folder)
        assert read(folder, seen.cursor).records == []

    law()


def _places(tree: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    children: Mapping[Any, Any] = {}
    if isinstance(tree, dict | list):
        children = tree if isinstance(tree, dict) else dict(enumerate(tree))
    for key, value in children.items():
        yield (*above, key)
        yield from _places(value, (*above, key))


def _replace(tree: Any, place: tuple[Any, ...], value: Any) -> None:
    for key in place[:-1]:
        tree = tree[key]
    tree[place[-1]] = value
