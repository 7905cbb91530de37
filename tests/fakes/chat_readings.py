"""Readings of chat exports, taken apart for the tests."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

from fakes.chat_exports import text_of

from godmode.lib.sources.chat_formats.message import Said, Unread
from godmode.lib.sources.chat_formats.stream import Stream
from godmode.lib.sources.chat_formats.text import Text


def stream(value: Any) -> Stream:
    """A value as the readers get to see it: as JSON."""
    return Stream(Text(io.BytesIO(text_of(value).encode())))


def said(items: Iterable[Said | Unread]) -> list[Said]:
    return [item for item in items if isinstance(item, Said)]


def texts(items: Iterable[Said | Unread]) -> list[str]:
    return [item.text for item in said(items)]


def unread(items: Iterable[Said | Unread]) -> list[tuple[str, str]]:
    return [(item.where, item.why) for item in items if isinstance(item, Unread)]
