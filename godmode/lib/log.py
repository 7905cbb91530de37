"""The log: one line an event on stderr, plain or JSON, fit for journald.

Levels: `error` is a run that failed, or something that nobody was told of; `warning` something that a person should
look at, though the run went on; `info` what a run came to; `debug` what only who looks for a mistake wants to know.
What is handed to `event` is clean; what libraries log passes `clean` here.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from godmode.lib.clock import SystemClock

PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3}  # sd-daemon(3)
LONGEST = 500  # characters of what a library says


@dataclass(frozen=True)
class Style:
    """How it is written: `format` plain or json, `level` the least that is."""

    format: str = "plain"
    level: str = "info"


_style = Style()


def set_up(format: str, level: str, clean: Callable[[str], str]) -> None:
    """Write like this from now on; what libraries log from a warning on comes the same way, through `clean`."""
    global _style
    _style = Style(format, level)
    root = logging.getLogger()
    root.handlers = [h for h in root.handlers if not isinstance(h, _Library)] + [_Library(clean)]


def is_json() -> bool:
    """Whether a machine reads it: then fields that the words say already are there too."""
    return _style.format == "json"


def event(level: str, message: str, **fields: object) -> None:
    """Write one event. Fields that are None are left out."""
    if PRIORITIES[level] > PRIORITIES[_style.level]:
        return
    known = {name: value for name, value in fields.items() if value is not None}
    line = _json(level, message, known) if _style.format == "json" else _plain(message, known)
    prefix = f"<{PRIORITIES[level]}>" if _to_journal() else ""
    print(f"{prefix}{line}", file=sys.stderr, flush=True)


def _plain(message: str, fields: Mapping[str, object]) -> str:
    return " ".join([" ".join(message.split()), *(f"{name}={_value(value)}" for name, value in fields.items())])


def _value(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if not text or set(text) & set(' "=\n\t\r') else text


def _json(level: str, message: str, fields: Mapping[str, object]) -> str:
    at = SystemClock().now().isoformat(timespec="milliseconds")
    document: dict[str, Any] = {"ts": at, "level": level, "message": message, **fields}
    return json.dumps(document, ensure_ascii=False, default=str)


def _to_journal() -> bool:
    """Whether stderr is the journal's own stream: the variable is inherited also by what writes elsewhere."""
    stream = os.environ.get("JOURNAL_STREAM", "")
    if not stream:
        return False
    try:
        seen = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return stream == f"{seen.st_dev}:{seen.st_ino}"


class _Library(logging.Handler):
    """What libraries warn of, as an event: cut, in one line, and cleaned, since it can hold addresses with tokens."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        super().__init__(logging.WARNING)
        self._clean = clean

    def emit(self, record: logging.LogRecord) -> None:
        level = "error" if record.levelno >= logging.ERROR else "warning"
        text = " ".join(record.getMessage().split())[:LONGEST]
        event(level, self._clean(f"{record.name}: {text}"))
