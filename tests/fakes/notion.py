"""A Notion over HTTP, as the real one is: pages of 100, limits, times rounded to the minute, and every kind of fault.

Every request is held against the published document, and so is every answer; what is wrong stands in `wrong`.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fakes.notion_filter import Invalid, compiled
from fakes.notion_pages import Block, DataSource, Page, paragraphs, stamp
from fakes.notion_refusals import STATUS, Answer, Limit
from fakes.notion_server import HOWS, Fault, Server
from fakes.openapi import Document, OpenApi
from jsonschema import Draft202012Validator

TOKEN = "ntn_test"


def _sorted_by_time(document: Document) -> None:
    """The document leaves out that entries are also sorted by a timestamp, as reference and clients have it."""
    sort = document["components"]["schemas"]["sortObject"]
    del sort["required"]
    sort["anyOf"] = [{"required": ["property", "direction"]}, {"required": ["timestamp", "direction"]}]


# An error that the document does not list has the shape of its 400.
DOCUMENT = OpenApi("notion/openapi.json", Draft202012Validator, "400", _sorted_by_time)


class Notion:
    """What is in the workspace, which switches are set, and what was asked.

    `limit` None lets everything pass; `late` are ids of pages that queries do not show yet, and `unlisted` of data
    sources that the search does not, as an index that lags; `markdown_version` is the oldest API version in which the
    Markdown endpoint exists, None takes it away; `newest_version` is the newest one that is known at all. A query ends
    after `row_limit` rows, and says so in its last answer, or in all with `capped_from_the_first`. No answer is given
    while `gate` is not set.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.token = TOKEN
        self.limit: Limit | None = None
        self.late: set[str] = set()
        self.newest_version = "2026-03-11"
        self.markdown_version: str | None = "2026-03-11"
        self.block_limit = 20_000
        self.row_limit = 10_000
        self.capped_from_the_first = False
        self.unlisted: set[str] = set()
        self.faults: list[Fault] = []
        self.sources: dict[str, DataSource] = {}
        self.pages: dict[str, Page] = {}
        self.blocks: dict[str, Block] = {}
        self.requests: list[tuple[str, str, Any]] = []
        self.wrong: list[str] = []
        self.url = ""
        self.gate = threading.Event()
        self.gate.set()
        self._lock = threading.Lock()

    # -- what people do in Notion --------------------------------------------------------------------------

    def table(self, title: str = "Handbook", **more: Any) -> DataSource:
        made = DataSource(title, **more)
        self.sources[made.id] = made
        return made

    def page(self, source: DataSource, title: str, text: str = "", *, tags: Iterable[str] = ("SOP",), **m: Any) -> Page:
        blocks = m.pop("blocks", None) or paragraphs(text)
        made = Page(source, title, tuple(tags), blocks, m.pop("edited", None) or self.now(), **m)
        self.pages[made.id] = made
        return made

    def edit(self, page: Page, text: str | None = None, *, tags: Iterable[str] | None = None) -> None:
        """Someone changes the text or the tags, now."""
        if text is not None:
            page.blocks = paragraphs(text)
        page.tags = page.tags if tags is None else tuple(tags)
        page.edited = self.now()

    # -- what was asked ------------------------------------------------------------------------------------

    def fault(self, how: str, on: str = "/", **more: Any) -> Fault:
        assert how in STATUS or how in HOWS, how
        self.faults.append(Fault(how, on, **more))
        return self.faults[-1]

    def counted(self) -> dict[str, int]:
        """How many requests there were, by kind; and what they are in all is their sum."""
        return dict(Counter(_kind(path) for _, path, _ in self.requests))

    def forget(self) -> None:
        self.requests.clear()

    # -- answers -------------------------------------------------------------------------------------------

    def answer(
        self, method: str, target: str, headers: Mapping[str, str], body: Any
    ) -> tuple[int, dict[str, str], Any]:
        url = urlsplit(target)
        query = dict(parse_qsl(url.query))
        with self._lock:
            self.requests.append((method, url.path, body))
            self.wrong += DOCUMENT.request(method, url.path, query, body, headers)
            try:
                self._admit(headers)
                answer = self._route(method, url.path, query, headers, body or {})
                status, extra = 200, {}
            except Answer as e:
                status, extra, answer = e.status, e.headers, e.body
            except Invalid as e:
                status, extra, answer = 400, {}, Answer("validation_error", str(e)).body
            self.wrong += DOCUMENT.answer(method, url.path, status, answer)
        self.gate.wait()
        return status, extra, answer

    def _admit(self, headers: Mapping[str, str]) -> None:
        if self.limit:
            self.limit.pass_or_raise()
        if headers.get("Authorization") != f"Bearer {self.token}":
            raise Answer("unauthorized", "API token is invalid.")
        if headers.get("Notion-Version", "") < "2025-09-03":
            raise Answer("missing_version", "Notion-Version header should be defined")
        if headers["Notion-Version"] > self.newest_version:
            raise Invalid(f"Notion-Version header should be `{self.newest_version}`")

    def _route(self, method: str, path: str, query: Mapping[str, str], headers: Any, body: Any) -> Any:
        match [method, *path.strip("/").split("/")[1:]]:
            case ["GET", "users", "me"]:
                return self._me()
            case ["POST", "search"]:
                return self._search(body)
            case ["GET", "data_sources", id]:
                return self._source(id).object()
            case ["POST", "data_sources", id, "query"]:
                return self._query(self._source(id), body)
            case ["GET", "pages", id]:
                return self._page(id).object()
            case ["GET", "pages", id, "markdown"]:
                return self._markdown(id, headers)
            case ["GET", "blocks", id, "children"]:
                return self._page_of([b.object() for b in self._children(id)], query, "block")
        raise Answer("invalid_request_url", "Invalid request URL.")

    def _me(self) -> dict[str, Any]:
        bot = {"owner": {"type": "workspace", "workspace": True}, "workspace_name": "Acme"}
        return {"object": "user", "id": "b0", "name": "godmode", "avatar_url": None, "type": "bot", "bot": bot}

    def _search(self, body: Mapping[str, Any]) -> dict[str, Any]:
        kind = body.get("filter", {}).get("value")
        found: list[dict[str, Any]] = []
        if kind != "page":
            found += [s.object() for s in self.sources.values() if s.shared and s.id not in self.unlisted]
        if kind != "data_source":
            found += [p.object() for p in self.pages.values() if p.visible]
        return self._page_of(found, body, "page_or_data_source")

    def _query(self, source: DataSource, body: Mapping[str, Any]) -> dict[str, Any]:
        passes = compiled(source, body.get("filter"))
        found = [
            page
            for page in self.pages.values()
            if page.source is source and page.shared and not page.trashed and page.id not in self.late and passes(page)
        ]
        for sort in reversed(body.get("sorts", [])):
            key = _edited if sort.get("timestamp") == "last_edited_time" else _created
            found.sort(key=key, reverse=sort["direction"] == "descending")
        answer = self._page_of(found[: self.row_limit], body, "page_or_data_source")
        if len(found) > self.row_limit and (self.capped_from_the_first or not answer["has_more"]):
            capped = {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}
            return answer | {"request_status": capped}
        return answer

    def _page_of(self, rows: list[Any], asked: Mapping[str, Any], kind: str) -> dict[str, Any]:
        """At most 100 rows from `start_cursor` on. A cursor is a place in the list, which moves when rows vanish."""
        size = int(asked.get("page_size", 100))
        if not 1 <= size <= 100:
            raise Invalid("body failed validation: body.page_size should be ≤ `100`")
        start = str(asked.get("start_cursor", "cursor-0")).removeprefix("cursor-")
        if not start.isdecimal():
            raise Invalid(f"The start_cursor provided is invalid: {start}")
        end = int(start) + size
        more = end < len(rows)
        shown = [row.object() if isinstance(row, Page) else row for row in rows[int(start) : end]]
        after: dict[str, Any] = {
            "next_cursor": f"cursor-{end}" if more else None,
            "has_more": more,
            "type": kind,
            kind: {},
        }
        return {"object": "list", "results": shown} | after

    def _source(self, id: str) -> DataSource:
        found = self.sources.get(id)
        if found is None or not found.shared:
            raise _not_found("data source", id)
        return found

    def _page(self, id: str) -> Page:
        found = self.pages.get(id)
        if found is None or not found.visible:
            raise _not_found("page", id)
        return found

    def _markdown(self, id: str, headers: Mapping[str, str]) -> dict[str, Any]:
        if self.markdown_version is None or headers["Notion-Version"] < self.markdown_version:
            raise Answer("invalid_request_url", "Invalid request URL.")
        blocks = [self.blocks[id]] if id in self.blocks else self._page(id).blocks
        lines: list[str] = []
        unknown: list[str] = []
        for block in blocks:
            if len(lines) < self.block_limit:
                lines += block.markdown()
                continue
            self.blocks[block.id] = block
            unknown.append(block.id)
            lines.append(f'<unknown url="https://www.notion.so/{id}#{block.id.replace("-", "")}" alt="{block.type}"/>')
        text = "\n".join(lines)
        return {
            "object": "page_markdown", "id": id, "markdown": text, "truncated": bool(unknown),
            "unknown_block_ids": unknown,
        }  # fmt: skip

    def _children(self, id: str) -> list[Block]:
        if id in self.blocks:
            return self._known(self.blocks[id].children)
        return self._known(self._page(id).blocks)

    def _known(self, blocks: Iterable[Block]) -> list[Block]:
        found = list(blocks)
        self.blocks.update({block.id: block for block in found})
        return found


def _not_found(kind: str, id: str) -> Answer:
    line = f"Could not find {kind} with ID: {id}. Make sure the relevant pages and databases are shared with your"
    return Answer("object_not_found", f"{line} integration.")


def _edited(page: Page) -> str:
    return stamp(page.edited)


def _created(page: Page) -> str:
    return stamp(page.created)


def _kind(path: str) -> str:
    parts = path.strip("/").split("/")[1:]
    return parts[0] if len(parts) < 3 else f"{parts[0]}/{parts[-1]}"


@contextmanager
def serving(now: Callable[[], datetime]) -> Iterator[Notion]:
    """A Notion at `.url` until the block ends."""
    notion = Notion(now)
    server = Server(notion)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    notion.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield notion
    finally:
        notion.gate.set()
        server.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()
