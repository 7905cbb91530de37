"""HubSpot's contacts over HTTP: four requests, all of which only read. Import it late: it brings httpx.

The vendor's own client is not used. It reads a login page, and JSON that breaks off, as an empty success; one contact
that is not as promised costs its whole page; an answer that drips is waited for as long as it drips.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import httpx
import msgspec

from godmode.lib import http
from godmode.lib.caller import Caller
from godmode.lib.errors import Auth, BadData, DailyLimit, ExternalApi, GodmodeError, Refused
from godmode.lib.kernel import Rate, Skipped
from godmode.lib.ports import Site
from godmode.lib.sources.hubspot_contacts import CALLS, CHANGED, CONTACTS, MERGED, Row
from godmode.lib.sources.hubspot_window import Window

SCOPE = "crm.objects.contacts.read"
PAGE = 200  # contacts, the most of a search
LISTED = 100  # contacts, the most of a list and of a batch

SEARCHES = Rate(5, timedelta(seconds=1))  # of an account, whatever its other limits are
PAUSES = {"SECONDLY": timedelta(seconds=1), "TEN_SECONDLY_ROLLING": timedelta(seconds=10)}  # without Retry-After


class Next(msgspec.Struct, frozen=True):
    after: str


class Paging(msgspec.Struct, frozen=True):
    next: Next | None = None


class Found(msgspec.Struct, frozen=True):
    """A page of a search; `total` counts all that match, those before this page not among them."""

    results: list[msgspec.Raw]
    total: int


class Listed(msgspec.Struct, frozen=True):
    """A page of the list; `after` is the place of the next one, "" at the end."""

    results: list[msgspec.Raw]
    paging: Paging | None = None

    @property
    def after(self) -> str:
        return self.paging.next.after if self.paging and self.paging.next else ""


class Trouble(msgspec.Struct, frozen=True):
    category: str = ""
    message: str = ""


class Batch(msgspec.Struct, frozen=True):
    """What was found of a batch; that some are not there is told among the `errors`."""

    results: list[msgspec.Raw]
    status: str = "COMPLETE"
    errors: list[Trouble] = []

    @property
    def trouble(self) -> str:
        """Why the batch is not whole, "" when it is: then what it has not is not there."""
        other = [e.message or e.category for e in self.errors if e.category != "OBJECT_NOT_FOUND"]
        return other[0] if other else "" if self.status == "COMPLETE" else f"the batch is {self.status}"


class Account(msgspec.Struct, frozen=True):
    portalId: int


class Api:
    """HubSpot as one token sees it. Its methods raise errors of errors.py."""

    def __init__(self, base_url: str, token: str, site: Site) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._client = http.client(base_url, headers=headers, wire=site.wire)
        self._searches = Caller("HubSpot", self._client, site.meter("hubspot.search", SEARCHES), site, meaning)
        self._calls = Caller("HubSpot", self._client, site.meter("hubspot", CALLS), site, meaning)

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def changed(self, window: Window, properties: Sequence[str]) -> Found:
        """The next contacts of a window, by their ids."""
        filters = [
            {"propertyName": CHANGED, "operator": "GTE", "value": str(window.since)},
            {"propertyName": CHANGED, "operator": "LTE", "value": str(window.until)},
            {"propertyName": "hs_object_id", "operator": "GT", "value": str(window.last)},
        ]
        return self._search(filters, properties, PAGE)

    def count(self) -> int:
        """How many contacts the token may see."""
        return self._search([], [], 1).total

    def _search(self, filters: list[dict[str, str]], properties: Sequence[str], limit: int) -> Found:
        body: dict[str, Any] = {
            "filterGroups": [{"filters": filters}] if filters else [],
            "sorts": ["hs_object_id"],
            "properties": list(properties),
            "limit": limit,
            "after": "0",
        }
        return self._searches.post_json(f"{CONTACTS}/search", body, Found)

    def archived(self, after: str) -> Listed:
        """A page of the recycling bin, in the order of ids; the first, where HubSpot no longer knows `after`."""
        try:
            return self._list(after, MERGED, archived="true")
        except Refused:
            if not after:
                raise
        return self._list("", MERGED, archived="true")

    def everything(self) -> Iterator[Listed]:
        """Every page of the list, which unlike the search is never behind. Raises BadData when it goes in circles."""
        after = ""
        seen = set[str]()
        while after not in seen:
            seen.add(after)
            page = self._list(after, "hs_object_id")
            yield page
            after = page.after
            if not after:
                return
        raise BadData("HubSpot gave the same page of contacts twice")

    def _list(self, after: str, properties: str, **more: str) -> Listed:
        params = {"limit": str(LISTED), "properties": properties, **more} | ({"after": after} if after else {})
        return self._calls.get_json(CONTACTS, params, Listed)

    def batch(self, contacts: Sequence[str], properties: Sequence[str]) -> Batch:
        """These contacts, at most LISTED, as far as they are there."""
        body = {
            "inputs": [{"id": contact} for contact in contacts],
            "properties": list(properties),
            "propertiesWithHistory": [],
        }
        return self._calls.post_json(f"{CONTACTS}/batch/read", body, Batch)

    def portal(self) -> int:
        """The number of the account, as it stands in HubSpot's own addresses."""
        return self._calls.get_json("/account-info/v3/details", None, Account).portalId


def meaning(response: httpx.Response, error: GodmodeError) -> GodmodeError:
    """The error behind an answer, where HubSpot's body says more than its status does."""
    if isinstance(error, Auth):
        if response.status_code == 403:
            return Auth(error.message, f"give the private app the scope {SCOPE}")
        return Auth(error.message, "set HUBSPOT_ACCESS_TOKEN to the token of a private app")
    if response.status_code != 429 or not isinstance(error, ExternalApi):
        return error
    policy = _policy(response)
    if policy == "DAILY":
        return DailyLimit("HubSpot's calls of today are used up", "it goes on when the account's day is over")
    return ExternalApi(error.message, error.fix, error.retry_after or PAUSES.get(policy))


def _policy(response: httpx.Response) -> str:
    try:
        return str(response.json()["policyName"])
    except (ValueError, KeyError, TypeError):
        return ""


def place(rows: Sequence[Row | Skipped], last: int, *, more: bool) -> int:
    """The highest id of a page that begins behind `last`: the next page begins behind it.

    Raises BadData when it cannot be gone on from: the page not in the order of ids, or nothing in it behind `last`.
    """
    numbers = [row.number for row in rows if isinstance(row, Row)]
    highest = max(numbers, default=last)
    if more and (highest <= last or numbers != sorted(numbers)):
        raise BadData(f"HubSpot did not answer with the contacts behind {last} in the order of their ids")
    return max(highest, last)
