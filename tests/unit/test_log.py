"""The log: a line an event, plain or JSON, with levels, for a terminal, a file or the journal; nothing secret."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from godmode.lib import log


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    handlers = logging.getLogger().handlers[:]
    yield
    log.set_up("plain", "info", str)
    logging.getLogger().handlers = handlers


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_a_plain_event_is_one_line_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    log.event("info", "daily_digest: succeeded\nand more", slot="2026-03-10", run="r 1", none=None, empty="")
    assert lines(capsys) == ['daily_digest: succeeded and more slot=2026-03-10 run="r 1" empty=""']


def test_a_json_event_is_one_line_that_a_parser_takes(capsys: pytest.CaptureFixture[str]) -> None:
    log.set_up("json", "info", str)
    log.event("error", 'no "room"\nleft', slot=None, ms=3)
    (line,) = lines(capsys)
    event = json.loads(line)
    assert event.pop("ts").endswith("+00:00")
    assert event == {"level": "error", "message": 'no "room"\nleft', "ms": 3}


def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    log.set_up("plain", "warning", str)
    for level in ("debug", "info", "warning", "error"):
        log.event(level, level)
    assert lines(capsys) == ["warning", "error"]


def test_the_journal_gets_priorities_and_whoever_inherits_its_variable_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "stream").open("w+") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        seen = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{seen.st_dev}:{seen.st_ino}")
        log.event("error", "x")
        log.event("warning", "y")
        monkeypatch.setenv("JOURNAL_STREAM", f"{seen.st_dev}:{seen.st_ino + 1}")
        log.event("error", "z")
        stream.seek(0)
        assert stream.read() == "<3>x\n<4>y\nz\n"


def test_what_libraries_warn_of_is_cleaned_cut_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    log.set_up("plain", "info", lambda text: text.replace("s3cret", "***"))
    logging.getLogger("urllib3").warning("retrying\nhttps://api/bot%s/x", "s3cret")
    logging.getLogger("urllib3").info("https://api/bots3cret/x")
    logging.getLogger("apprise").error("y" * 5000)
    first, second = lines(capsys)
    assert first == "urllib3: retrying https://api/bot***/x"
    assert len(second) < log.LONGEST + 20


def test_setting_it_up_twice_writes_once(capsys: pytest.CaptureFixture[str]) -> None:
    log.set_up("plain", "info", str)
    log.set_up("plain", "info", str)
    logging.getLogger("x").warning("once")
    assert lines(capsys) == ["x: once"]
