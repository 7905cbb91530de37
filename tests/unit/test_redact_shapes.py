"""Every pattern of the redactor, walked: no repetition is without a bound, and none can be entered in many ways."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from godmode.lib.notify import redact
from godmode.lib.notify.shapes import (
    START,
    Shape,
    configured,
    keys,
    named,
    numbers,
    people,
    randomness,
    requests,
    tokens,
    values,
)

MODULES = (redact, configured, keys, named, numbers, people, randomness, requests, values)
SHAPES = {
    **{f"{m.__name__.rpartition('.')[2]}.{n}": s for m in MODULES for n, s in vars(m).items() if isinstance(s, Shape)},
    **{f"{kind}: {pattern[:20]}": tokens.shape(pattern) for kind, _, pattern in tokens.TOKENS},
}
REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
ALPHABET = [chr(c) for c in range(0x180)]
Tree = Sequence[tuple[Any, Any]]


@pytest.mark.parametrize("name", SHAPES)
def test_no_repetition_is_without_a_bound_but_one_with_which_a_pattern_ends(name: str) -> None:
    tree = parser.parse(SHAPES[name].source)
    last = _last(tree)
    for node in _all(tree):
        if node[0] in REPEATS and node[1][1] is op.MAXREPEAT:
            assert node is last, f"{name}: {node}"


@pytest.mark.parametrize("name", SHAPES)
def test_a_repetition_within_one_can_be_divided_in_one_way_only(name: str) -> None:
    """What `(a+b?)*` lacks: behind the inner repetition comes something that it cannot itself take."""
    for outer in _all(parser.parse(SHAPES[name].source)):
        if outer[0] in REPEATS[:2] and outer[1][1] > 3:
            body = list(outer[1][2])
            for place, inner in enumerate(body):
                if inner[0] in REPEATS[:2] and inner[1][0] != inner[1][1]:
                    takes = _first([inner])[0]
                    then, empty = _first(body[place + 1 :])
                    follows = then | (_first(body)[0] if empty else set())
                    assert not takes & follows, f"{name}: {sorted(takes & follows)[:5]}"


def test_the_walk_finds_what_backtracks_for_ever() -> None:
    bad = list(_all(parser.parse(r"(?:[\w.-]{1,64}/?){0,20}x")))
    outer = next(node for node in bad if node[0] in REPEATS)
    body = list(outer[1][2])
    assert _first(body[1:])[1] and _first(body[:1])[0] & _first(body)[0]


@pytest.mark.parametrize("row", tokens.TOKENS, ids=lambda row: f"{row[0]} {row[2][:16]}")
@settings(max_examples=20)
@given(data=st.data())
def test_whatever_fits_a_row_of_the_table_is_found_and_has_the_mark_that_it_is_looked_for_by(
    row: tuple[str, str, str], data: st.DataObject
) -> None:
    kind, hint, pattern = row
    alone: re.Pattern[str] = re.compile(tokens.shape(pattern).source.replace(START, "", 1))
    drawn = data.draw(st.from_regex(alone, fullmatch=True))
    assert hint in drawn
    found = list(tokens.find(f"({drawn})"))
    assert any(k == kind and start <= 1 and end >= len(drawn) for start, end, k in found), (drawn, found)


def _all(tree: Tree) -> Iterator[tuple[Any, Any]]:
    for node in tree:
        yield node
        for part in _within(node):
            yield from _all(part)


def _within(node: tuple[Any, Any]) -> list[Tree]:
    kind, value = node
    if kind in REPEATS:
        return [value[2]]
    if kind is op.SUBPATTERN:
        return [value[3]]
    if kind is op.BRANCH:
        return list(value[1])
    if kind in (op.ASSERT, op.ASSERT_NOT):
        return [value[1]]
    return [value] if kind is op.ATOMIC_GROUP else []


def _last(tree: Tree) -> tuple[Any, Any] | None:
    """The node with which every way through the pattern may end."""
    if not tree:
        return None
    kind, value = tree[-1]
    if kind is op.SUBPATTERN:
        return _last(value[3])
    if kind is op.BRANCH:
        return next((last for branch in value[1] if (last := _last(branch)) and last[0] in REPEATS), None)
    return tree[-1]


def _first(tree: Tree) -> tuple[set[str], bool]:
    """The characters that a sequence may begin with, and whether it may be empty."""
    taken: set[str] = set()
    for kind, value in tree:
        if kind in (op.AT, op.ASSERT, op.ASSERT_NOT):
            continue
        if kind in REPEATS:
            chars, empty = _first(value[2])
            empty = empty or value[0] == 0
        elif kind is op.SUBPATTERN:
            chars, empty = _first(value[3])
        elif kind is op.BRANCH:
            parts = [_first(branch) for branch in value[1]]
            chars, empty = set().union(*(p[0] for p in parts)), any(p[1] for p in parts)
        elif kind is op.GROUPREF:
            chars, empty = set(ALPHABET), True
        else:
            chars, empty = {c for c in ALPHABET if _takes(kind, value, c)}, False
        taken |= chars
        if not empty:
            return taken, False
    return taken, True


def _takes(kind: Any, value: Any, char: str) -> bool:
    if kind is op.LITERAL:
        return bool(ord(char) == value)
    if kind is op.NOT_LITERAL:
        return bool(ord(char) != value)
    if kind is op.ANY:
        return char != "\n"
    assert kind is op.IN, kind
    negated = bool(value) and value[0][0] is op.NEGATE
    return any(_member(item, char) for item in value) != negated


def _member(item: tuple[Any, Any], char: str) -> bool:
    kind, value = item
    if kind is op.RANGE:
        return bool(value[0] <= ord(char) <= value[1])
    if kind is op.CATEGORY:
        name = str(value).removeprefix("CATEGORY_").replace("UNI_", "")
        plain = {
            "DIGIT": r"\d",
            "SPACE": r"\s",
            "WORD": r"\w",
            "NOT_DIGIT": r"\D",
            "NOT_SPACE": r"\S",
            "NOT_WORD": r"\W",
        }
        return bool(re.match(plain[name], char))
    return kind is op.LITERAL and ord(char) == value
