"""HubSpot's contacts, as facts. Nothing is ever written there.

1. One page of the recycling bin, in turn. 2. The window that a broken-off run left. 3. What changed since, by the
search, which lags; so each window overlaps the last. Once a day the engine compares all ids with the list, which
does not lag (see `everything`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from godmode.lib import config
from godmode.lib.errors import Auth, BadData, Refused
from godmode.lib.kernel import Checkpoint, Every, Gone, Record, Sight, Skipped
from godmode.lib.ports import Probe, Site
from godmode.lib.sections import Address, Minutes, Remote
from godmode.lib.sources import hubspot_contacts as contacts
from godmode.lib.sources.hubspot_contacts import CALLS, CONTACTS, PROPERTIES, Row, record_id
from godmode.lib.sources.hubspot_window import Progress, Window, following

if TYPE_CHECKING:
    from godmode.lib.sources.hubspot_api import Api, Batch

BASE_URL = "https://api.hubapi.com"
Item = Record | Skipped | Gone | Checkpoint


class HubSpotSettings(Remote, frozen=True):
    """`properties` are those of the contacts to keep.

    `overlap_minutes`: how far each sync goes back behind the last, since HubSpot's search learns late of changes;
    `daily_overlap_hours`: how far the first one of a day does.
    """

    base_url: Address = BASE_URL
    poll_interval_minutes: Minutes = 30
    overlap_minutes: Annotated[int, Meta(ge=1, le=1440)] = 15
    daily_overlap_hours: Annotated[int, Meta(ge=0, le=720)] = 48
    properties: list[str] = msgspec.field(default_factory=lambda: list(PROPERTIES))


@dataclass
class _Pass:
    """One pass over what changed. `absent` are records known to be gone, which the search may still find."""

    api: Api
    progress: Progress
    properties: Sequence[str]
    absent: set[str] = field(default_factory=set)

    def without(self, *gone: Gone) -> Sequence[Gone]:
        """These are gone, and are not to come back by the search in this pass."""
        self.absent.update(each.id for each in gone)
        return gone


class HubSpot:
    """Reads the contacts of one account."""

    name, every, authority = "hubspot", Every(minutes=30), "inferred"
    Settings = HubSpotSettings

    def __init__(self, settings: HubSpotSettings, site: Site) -> None:
        token = config.token("HUBSPOT_ACCESS_TOKEN", "set it to the token of a HubSpot private app")
        self._settings, self._site, self._token = settings, site, token
        self._properties = contacts.asked_for(settings.properties)

    @cached_property
    def _api(self) -> Api:
        from godmode.lib.sources.hubspot_api import Api

        return Api(self._settings.base_url, self._token, self._site)

    def close(self) -> None:
        """End the connections."""
        if "_api" in self.__dict__:
            self._api.close()

    def changes(self, cursor: Mapping[str, Any]) -> Iterator[Item]:
        """What changed since the cursor. Interrupted anywhere, the next call goes on behind the last Checkpoint."""
        now = self._site.clock.now()
        reading = _Pass(self._api, Progress.of(cursor, self._properties), self._properties)
        yield from _bin(reading)
        if reading.progress.window is not None:
            yield from _window(reading, reading.progress.window)
        overlap = timedelta(minutes=self._settings.overlap_minutes)
        far = timedelta(hours=self._settings.daily_overlap_hours)
        yield from _window(reading, following(reading.progress, now, overlap, far))

    def test(self) -> Sight:
        """Which account the token is for, and how many contacts it may see."""
        total = self._api.count()
        try:
            account = f" of account {self._api.portal()}"
        except (Auth, Refused):  # a token may see contacts and not its account
            account = ""
        return Sight(f"the token may read {total:,} contacts{account}", total)

    def probe(self) -> Probe:
        """One contact of the list, which is cheaper than a search."""
        headers = {"Authorization": f"Bearer {self._token}"}
        meter = self._site.meter("hubspot", CALLS)
        return Probe(self._settings.base_url, f"{CONTACTS}?limit=1", headers, meter, self._site.wire)

    def everything(self) -> Iterator[str]:
        """The ids of all contacts that are not archived. Raises BadData when one cannot be read: all, or nothing."""
        for page in self._api.everything():
            for row in map(contacts.row_of, page.results):
                if isinstance(row, Skipped):
                    raise BadData(f"HubSpot's list of contacts: {row.where} is {row.why}")
                yield record_id(row.id)

    def again(self, ids: Sequence[str]) -> Iterator[Record | Skipped | Gone]:
        """These records as they are now; one that HubSpot does not answer with is gone."""
        from godmode.lib.sources.hubspot_api import LISTED

        for start in range(0, len(ids), LISTED):
            asked = ids[start : start + LISTED]
            yield from _answers(asked, self._api.batch([contacts.contact_id(i) for i in asked], self._properties))


def _bin(reading: _Pass) -> Iterator[Gone]:
    """One page of the archived contacts: all of them in turn, in so many syncs as there are pages."""
    page = reading.api.archived(reading.progress.bin)
    for row in map(contacts.row_of, page.results):
        if isinstance(row, Row):
            yield from reading.without(Gone(record_id(row.id), "archived in HubSpot"), *contacts.merged_into(row))
    reading.progress = msgspec.structs.replace(reading.progress, bin=page.after)


def _window(reading: _Pass, window: Window) -> Iterator[Item]:
    """The contacts of a window in the order of their ids; each page is closed by a Checkpoint."""
    from godmode.lib.sources.hubspot_api import place

    more = True
    while more:
        found = reading.api.changed(window, reading.properties)
        rows = [contacts.row_of(raw) for raw in found.results]
        more = bool(rows) and found.total > len(rows)
        window = msgspec.structs.replace(window, last=place(rows, window.last, more=more))
        yield from _facts(reading, rows)
        progress = reading.progress
        reading.progress = progress.within(window) if more else progress.behind(window)
        yield Checkpoint(reading.progress.cursor(), found.total - len(rows) if more else 0)


def _facts(reading: _Pass, rows: Sequence[Row | Skipped]) -> Iterator[Item]:
    for row in rows:
        if isinstance(row, Skipped):
            yield row
        elif record_id(row.id) not in reading.absent:
            yield contacts.record_of(row)
            yield from reading.without(*contacts.merged_into(row))


def _answers(asked: Sequence[str], batch: Batch) -> Iterator[Record | Skipped | Gone]:
    """An answer for each id that was asked for. What is missing is gone only when nothing else explains it."""
    rows = [contacts.row_of(raw) for raw in batch.results]
    there = {record_id(row.id): row for row in rows if isinstance(row, Row)}
    merged = {gone.id: gone for row in there.values() for gone in contacts.merged_into(row)}
    unclear = next((row.why for row in rows if isinstance(row, Skipped)), batch.trouble)
    for id in asked:
        if id in there:
            yield contacts.record_of(there[id])
        elif id in merged:
            yield merged[id]
        elif unclear:
            yield Skipped(id, unclear)
        else:
            yield Gone(id, "no longer in HubSpot")
