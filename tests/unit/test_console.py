"""What the console prints: as it is to a file, as wide as the terminal to a person."""

from __future__ import annotations

import io

import pytest

from godmode.lib.channels.console import Console

TEXT = "head\n1. " + "word " * 30 + "(`godmode --config /a/b/c proposals show 1`)"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_to_a_file_a_message_is_printed_as_it_is() -> None:
    stream = io.StringIO()
    Console(stream).send("", TEXT, "k")
    assert stream.getvalue() == TEXT + "\n"


def test_on_a_terminal_a_line_goes_on_set_in_and_no_word_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    stream = Terminal()
    Console(stream).send("", TEXT, "k")
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= 60
    assert lines[:2] == ["head", "1." + " word" * 11]
    assert lines[2].startswith("   word")
    assert stream.getvalue().split() == TEXT.split()
