"""Reading Notion's pages with their bodies: one that cannot be read is skipped, and the next one is read.

Import it late: it brings the API's client.
"""

from __future__ import annotations

from godmode.lib.errors import BadData, GodmodeError, Refused, Transient
from godmode.lib.kernel import Gone, Record, Skipped
from godmode.lib.sources import notion_pages
from godmode.lib.sources.chat_formats.message import clean
from godmode.lib.sources.notion_api import Api, Forbidden, Missing
from godmode.lib.sources.notion_body import Bodies
from godmode.lib.sources.notion_pages import Page, Wanted

LOST = 5  # pages in a row that could not be read: then it is not the pages
_OF_ONE_PAGE = (Transient, Refused, BadData, Forbidden)
NOT_SHARED = "deleted, or no longer shared with godmode's integration"


class Reader:
    """Reads single pages. After `patience` failures in a row it is Notion that fails, and its error is raised."""

    def __init__(self, api: Api, wanted: Wanted, patience: int = LOST) -> None:
        self._api, self._wanted, self._patience = api, wanted, patience
        self._bodies = Bodies(api)
        self._lost = 0

    def by_id(self, id: str) -> Record | Skipped | Gone:
        """A page of which only the id is known."""
        try:
            page = notion_pages.page(self._api.page(id), self._wanted)
        except Missing:
            return Gone(id, NOT_SHARED)
        except _OF_ONE_PAGE as e:
            return self._skipped(f"page {id}", e)
        return self.gone(page) or self.record(page)

    def gone(self, page: Page) -> Gone | None:
        """Why a page is not canonical any more, None while it is."""
        if page.trashed:
            return Gone(page.id, "in the trash")
        if page.tags is None:
            return Gone(page.id, notion_pages.without(self._wanted))
        if not page.tags:
            return Gone(page.id, f"no longer tagged {' or '.join(self._wanted.tags)}")
        return None

    def record(self, page: Page) -> Record | Skipped | Gone:
        """A page with its body."""
        try:
            body = self._bodies.of(page.id)
        except Missing:
            return Gone(page.id, NOT_SHARED)
        except _OF_ONE_PAGE as e:
            return self._skipped(f'page "{page.title}" ({page.id})', e)
        self._lost = 0
        text = clean(f"# {page.title or 'Untitled'}\n\n{body}".strip())
        fields = {"title": page.title, "tags": list(page.tags or ()), "url": page.url, "data_source": page.table}
        return Record("notion", page.id, page.edited, text, fields)

    def _skipped(self, where: str, error: GodmodeError) -> Skipped:
        self._lost += 1
        if self._lost >= self._patience:
            raise error
        return Skipped(where, str(error), later=True)
