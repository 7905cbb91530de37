"""Notion's API, read only: metered, tried again, its errors in godmode's words.

Import it late: notion_client and httpx cost a scheduled run 150 ms.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
import notion_client
from msgspec import Struct
from notion_client.errors import APIResponseError, HTTPResponseError, RequestTimeoutError

from godmode.lib import backoff, http
from godmode.lib.caller import asking
from godmode.lib.errors import Auth, BadData, GodmodeError, Refused, Transient
from godmode.lib.ports import Site
from godmode.lib.sources.notion_pages import LIMIT, Filter, an_id, shaped

AT_ONCE = 100  # rows in one answer, the most that Notion gives
MARKDOWN_VERSION = "2026-03-11"  # the API version from which the endpoint exists, says the published document
WORDS = 200  # characters of what Notion says of an error

_LOG = logging.getLogger("godmode.notion")
_LOG.addHandler(logging.NullHandler())
_LOG.propagate = False


class Missing(Refused):
    """404: there is no such thing, or it is not shared with godmode's integration."""


class Invalid(Refused):
    """400: Notion does not take the request, as a filter on a property that is no more."""


class Forbidden(Auth):
    """403: the integration may not do this, whatever else it may."""


class Failing(Transient):
    """Notion answered with an error of its own (5xx)."""


class Markdown(Struct):
    """The answer of the Markdown endpoint."""

    markdown: str
    unknown_block_ids: list[str] = []


class Rows(Struct):
    """One answer of a list. `capped` says that the list ends before its end (guide "Query large data sources")."""

    results: list[Any]
    has_more: bool
    next_cursor: str | None
    request_status: dict[str, Any] | None = None

    @property
    def capped(self) -> bool:
        return (self.request_status or {}).get("type") == "incomplete"

    def are(self, kind: str) -> list[Any]:
        """The rows without those that say they are something else."""
        return [raw for raw in self.results if not isinstance(raw, dict) or raw.get("object", kind) == kind]


class Api:
    """What godmode asks Notion for. Every method raises errors of errors.py, the four above among them."""

    def __init__(self, base_url: str, token: str, site: Site) -> None:
        self._site = site
        self._meter = site.meter("notion", LIMIT)
        self._version: str | None = MARKDOWN_VERSION
        self._http = http.client(base_url, wire=site.wire)
        hooks = self._http.event_hooks
        self._http.event_hooks = hooks | {"request": [*hooks["request"], self._dated]}
        self._notion = notion_client.Client(
            auth=token,
            base_url=base_url.rstrip("/"),
            client=self._http,
            timeout_ms=round(http.TIMEOUT * 1000),
            retry=False,  # one policy rules, in backoff.py
            logger=_LOG,
        )

    def close(self) -> None:
        self._http.close()

    def me(self) -> Any:
        """The integration that the token belongs to."""
        return self._call(self._notion.users.me)

    def tables(self) -> Iterator[Any]:
        """The data sources that are shared with the integration, with their schemas."""
        asked = {"filter": {"property": "object", "value": "data_source"}}
        for rows in self._rows(partial(self._notion.search, **asked)):
            yield from rows.are("data_source")

    def query(self, table: str, asked: Filter, **more: Any) -> Iterator[Rows]:
        """The pages of a data source that pass a filter, 10,000 at most: `notion_query.rows` gives them all."""
        return self._rows(partial(self._notion.data_sources.query, table, filter=asked, **more))

    def page(self, id: str) -> Any:
        """A page by itself."""
        return self._call(partial(self._notion.pages.retrieve, an_id(id)))

    def markdown(self, id: str) -> Markdown:
        """A page, or one block with what is below it, as Markdown."""
        try:
            return self._markdown(id)
        except Invalid:
            if self._version is None:
                raise
            self._version = None  # a server that does not know that version: in the client's own from now on
            return self._markdown(id)

    def _markdown(self, id: str) -> Markdown:
        ask = partial(self._notion.pages.retrieve_markdown, an_id(id))
        return shaped(self._call(ask, tries=2), Markdown, "Markdown")

    def children(self, id: str) -> Iterator[Any]:
        """The blocks directly below a page or a block."""
        for rows in self._rows(partial(self._notion.blocks.children.list, an_id(id)), tries=2):
            yield from rows.results

    def _dated(self, request: httpx.Request) -> None:
        if self._version and request.url.path.endswith("/markdown"):
            request.headers["Notion-Version"] = self._version

    def _rows(self, ask: Callable[..., Any], tries: int | None = None) -> Iterator[Rows]:
        """All answers of a list, one for each request."""
        seen: set[str] = set()
        page: dict[str, Any] = {"page_size": AT_ONCE}
        while True:
            answer = shaped(self._call(partial(ask, **page), tries), Rows, "a list")
            yield answer
            if not answer.has_more:
                return
            if not answer.next_cursor or answer.next_cursor in seen:
                raise BadData("Notion promised more rows and did not say where they begin")
            seen.add(answer.next_cursor)
            page["start_cursor"] = answer.next_cursor

    def _call(self, ask: Callable[[], Any], tries: int | None = None) -> Any:
        return backoff.again(self._site, lambda: self._once(ask, tries))

    def _once(self, ask: Callable[[], Any], tries: int | None) -> Any:
        """One request. `tries` is for what concerns one page: then the next page matters more than a long wait."""
        try:
            with asking("Notion", self._site, self._meter):
                try:
                    return ask()
                except HTTPResponseError as e:
                    raise self._failure(e) from None
                except RequestTimeoutError:
                    raise Transient("Notion broke off: no answer in time") from None
                except ValueError:  # not JSON
                    raise BadData(
                        "Notion answered with something else than JSON", "check sources.notion.base_url"
                    ) from None
        except Transient as e:
            e.tries = tries
            raise

    def _failure(self, e: HTTPResponseError) -> GodmodeError:
        code, words = getattr(e.code, "value", e.code), " ".join(str(e).split())
        said = f"{code}: {words}"[:WORDS] if isinstance(e, APIResponseError) else ""
        error = http.failure("Notion", e.status, e.headers, self._site.clock.now(), said)
        kind = {400: Invalid, 403: Forbidden, 404: Missing, 409: Failing}.get(e.status)
        if kind is None and e.status >= 500:
            kind = Failing
        if kind is not None:
            error = kind(error.message, error.fix)
        if e.status == 401:
            error.fix = "is NOTION_TOKEN whole, and its integration still there?"
        if e.status == 403:
            error.fix = "in Notion, allow the integration to read content"
        return error
