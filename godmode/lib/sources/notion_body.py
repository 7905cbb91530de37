"""What stands on a Notion page, as Markdown: in one request, or block by block where that one fails."""

from __future__ import annotations

import re
from typing import Any

from godmode.lib.errors import BadData, Refused
from godmode.lib.sources import notion_blocks
from godmode.lib.sources.notion_api import Api, Failing, Forbidden, Markdown, Missing

MOST_PARTS = 100  # of a page that does not fit in one answer (about 20,000 blocks each)
GIVEN_UP = 3  # pages in a row whose Markdown was refused: then the endpoint is not asked any more

# Blocks that are <unknown> for another reason than the size of the page: asking for them gives nothing.
_NEVER_GIVEN = {"bookmark", "embed", "link_preview", "breadcrumb", "template", "child_page", "child_database"}


class Bodies:
    """Reads the bodies of pages."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._refused = 0

    def of(self, page: str) -> str:
        """The page's text. Raises what errors.py has: Missing when the page is not there any more."""
        if self._refused >= GIVEN_UP:
            return self._by_block(page)
        try:
            body = self._whole(page)
        except (Failing, Forbidden, BadData, Refused) as e:
            body = self._by_block(page)
            self._refused += isinstance(e, Refused | Forbidden)
            return body
        self._refused = 0
        return body

    def _by_block(self, page: str) -> str:
        return notion_blocks.markdown(self._api.children(page), self._below)

    def _below(self, block: str) -> list[Any]:
        try:
            return list(self._api.children(block))
        except Missing:  # a copy of a block on a page that is not shared
            return []

    def _whole(self, page: str) -> str:
        """The page's Markdown; of one that is too large also the parts that were left out of the first answer."""
        answer = self._api.markdown(page)
        text, parts = answer.markdown, _left_out(answer)
        for _ in range(MOST_PARTS):
            if not parts:
                break
            block = parts.pop(0)
            try:
                part = self._api.markdown(block)
            except Missing:  # not shared with us
                continue
            text = _put(text, block, part.markdown)
            parts += _left_out(part)
        return notion_blocks.unsigned(text)


def _place(block: str) -> str:
    return rf"<unknown [^>]*{re.escape(block.replace('-', ''))}[^>]*>"


def _left_out(answer: Markdown) -> list[str]:
    """The blocks that can be had by another request."""
    found = []
    for block in answer.unknown_block_ids:
        tag = re.search(_place(block), answer.markdown)
        kind = re.search(r'\balt="([^"]*)"', tag[0]) if tag else None
        if kind is None or kind[1] not in _NEVER_GIVEN:
            found.append(block)
    return found


def _put(text: str, block: str, part: str) -> str:
    """The part in the place that was kept for it, as deep as that is; at the end where there is none."""
    place = re.search(rf"^(\t*){_place(block)}$", text, re.MULTILINE)
    if place is None:
        return f"{text}\n{part}"
    return text[: place.start()] + re.sub(r"^", place[1], part, flags=re.MULTILINE) + text[place.end() :]
