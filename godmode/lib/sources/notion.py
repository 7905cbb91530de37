"""The canonical pages of Notion: those that carry one of the tags, in every data source that is shared with godmode.

What was edited is read by its time, which Notion rounds to the minute; whether it changed is told by its content.
What vanished without an edit is found by the daily comparison of ids, for which `everything` is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, field

from godmode.lib import config
from godmode.lib.kernel import Checkpoint, Every, Gone, Record, Sight, Skipped
from godmode.lib.ports import Probe, Site
from godmode.lib.sections import Address, Minutes, Remote
from godmode.lib.sources import notion_pages
from godmode.lib.sources.notion_pages import LIMIT, VERSION, Table, Wanted

if TYPE_CHECKING:
    from godmode.lib.sources.notion_api import Api


PATIENCE = 50  # failures in a row, of pages that are asked for one by one, before it is Notion that fails
TAGS = ("SOP", "Canonical", "Final")


class NotionSettings(Remote, frozen=True):
    """`property` holds the tags, one of which makes a page canonical: a multi-select, a select or a status.

    `overlap_minutes`: how far each sync goes back behind the last edit it saw. Notion rounds times to the minute.
    """

    base_url: Address = "https://api.notion.com"
    property: Annotated[str, Meta(min_length=1)] = "Tags"
    tags: Annotated[list[str], Meta(min_length=1)] = field(default_factory=lambda: list(TAGS))
    scan_interval_minutes: Minutes = 60
    overlap_minutes: Annotated[int, Meta(ge=2, le=1440)] = 5


class Notion:
    """Reads one workspace. Nothing is ever written there."""

    name, every, authority = "notion", Every(minutes=60), "canonical"
    Settings = NotionSettings

    def __init__(self, settings: NotionSettings, site: Site) -> None:
        token = config.token("NOTION_TOKEN", "set it to the secret of a Notion integration")
        self._settings, self._site, self._token = settings, site, token
        self._wanted = Wanted(settings.property, tuple(settings.tags))

    @cached_property
    def _api(self) -> Api:
        from godmode.lib.sources.notion_api import Api  # it brings httpx and notion_client

        return Api(self._settings.base_url, self._token, self._site)

    def changes(self, cursor: Mapping[str, Any]) -> Iterator[Record | Skipped | Gone | Checkpoint]:
        """What was edited since the cursor. Interrupted anywhere, the next call goes on behind the last Checkpoint."""
        from godmode.lib.sources.notion_cursor import Cursor
        from godmode.lib.sources.notion_sync import Sync

        overlap = timedelta(minutes=self._settings.overlap_minutes)
        yield from Sync(self._api, self._wanted, overlap, self._site.clock, Cursor.of(cursor)).items()

    def everything(self) -> Iterator[str]:
        """The ids of all pages with a tag. Raises BadData when a row has none: all, or nothing."""
        from godmode.lib.sources.notion_api import Missing
        from godmode.lib.sources.notion_query import rows

        for table in self._tables():
            try:
                yield from map(notion_pages.id_of, rows(self._api, table.id, table.tagged()))
            except Missing:  # not shared any more since a moment: its pages are asked for one by one
                continue

    def _tables(self) -> Iterator[Table]:
        """The data sources that have pages with a tag, or could have."""
        for raw in self._api.tables():
            table = notion_pages.table(raw, self._wanted)
            if table is not None and table.tags:
                yield table

    def again(self, ids: Sequence[str]) -> Iterator[Record | Skipped | Gone]:
        """These pages as they are now."""
        from godmode.lib.sources.notion_reader import Reader

        reader = Reader(self._api, self._wanted, patience=PATIENCE)
        yield from map(reader.by_id, ids)

    def test(self) -> Sight:
        """Which integration it is, which data sources it sees, which of them have the property, and how many pages."""
        from godmode.lib.sources.notion_sight import sight

        return sight(self._api, self._wanted)

    def probe(self) -> Probe:
        """The integration that the token belongs to."""
        headers = {"Authorization": f"Bearer {self._token}", "Notion-Version": VERSION}
        meter = self._site.meter("notion", LIMIT)
        return Probe(self._settings.base_url.rstrip("/"), "/v1/users/me", headers, meter, self._site.wire)

    def close(self) -> None:
        """End the connections, where there are any."""
        if "_api" in self.__dict__:
            self._api.close()
