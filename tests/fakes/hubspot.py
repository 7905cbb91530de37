"""HubSpot's contacts API on a port of this machine: search, list, batch read, account information.

It behaves as the real one at its edges: 200 rows a page and 10,000 a search, a search index that lags, 429 by policy
(five searches a second; one hundred other calls in ten seconds; so many a day), 401, 403 with the missing scope. What
would write is refused and remembered. Requests, and its own answers, are held against the published document:
`problems` has to stay empty. `fail` makes coming requests fail in one of the ways of spoilt.py.
"""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from fakes.hubspot_account import MOST_ROWS, Account
from fakes.openapi import Document, OpenApi
from fakes.spoilt import Answer, Api, Call, Manner
from jsonschema import Draft4Validator

TOKEN = "pat-na1-fake"
CONTACTS = "/crm/v3/objects/contacts"
SEARCH, BATCH = f"{CONTACTS}/search", f"{CONTACTS}/batch/read"
DETAILS, USAGE = "/account-info/v3/details", "/account-info/v3/api-usage/daily/private-apps"
SCOPE = "crm.objects.contacts.read"


def _nullable(document: Document) -> None:
    """HubSpot answers null for a property that a record does not have, though the document says string."""
    for name in ("SimplePublicObject", "SimplePublicObjectWithAssociations"):
        value = document["components"]["schemas"][name]["properties"]["properties"]["additionalProperties"]
        value["type"] = [value["type"], "null"]


DOCUMENT = OpenApi("hubspot/contacts_v3.json", Draft4Validator, "default", _nullable)


class Window:
    """At most `most` calls in any `seconds`."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self._seconds, self._times = most, seconds, deque[float]()

    def full(self) -> bool:
        now = time.monotonic()
        while self._times and self._times[0] <= now - self._seconds:
            self._times.popleft()
        if len(self._times) >= self._most:
            return True
        self._times.append(now)
        return False


class HubSpot(Api):
    """The fake; use it as a context manager. `account` is what it knows, `calls` what it was asked.

    `checked`: hold requests and answers against the document (slow for tens of thousands of contacts).
    `limited`: enforce the limits by the second. `daily`: calls until the daily limit. `scopes`: what the token may.
    """

    manner = Manner(
        "results", {"id": None, "properties": "none"}, b'{"results": "soon", "total": "many"}',
        b'{"results": [{"id": "1", ', "Log in to HubSpot", "/login",
    )  # fmt: skip

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC), *, checked: bool = True) -> None:
        super().__init__()
        self.refusals = REFUSALS
        self.account = Account(now)
        self.limited, self.daily, self.scopes = False, 250_000, {SCOPE}
        self.page = 200  # at most so many contacts in an answer, however many are asked for
        self._checked = checked
        self._searches, self._others = Window(5, 1), Window(100, 10)

    def paths(self) -> list[str]:
        """Which way each request went, in words: search, list, archived, batch, account."""
        return [_way(call) for call in self.calls]

    # -- answering -----------------------------------------------------------------------------------------

    def check(self, call: Call, answer: Answer) -> None:
        if not self._checked or not call.path.startswith(CONTACTS):
            return
        self.problems += DOCUMENT.request(call.method, call.path, call.query, call.body)
        if answer[0] != 429:  # comes from the gateway in front of the API, in a shape of its own
            self.problems += DOCUMENT.answer(call.method, call.path, answer[0], answer[1])

    def right(self, call: Call) -> Answer:
        if (call.method, call.path) not in ANSWERS:
            self.problems.append(f"{call.method} {call.path} is not among what may only read")
            return _error(405, "METHOD_NOT_ALLOWED", "not here")
        if call.headers.get("authorization") != f"Bearer {TOKEN}":
            return self.refusal("unauthorized")
        if call.path.startswith(CONTACTS) and SCOPE not in self.scopes:
            return self.refusal("scope missing")
        if len(self.calls) > self.daily:
            return self.refusal("daily limit")
        if self.limited and (self._searches if call.path == SEARCH else self._others).full():
            return self.refusal("secondly limit" if call.path == SEARCH else "ten-secondly limit")
        return ANSWERS[call.method, call.path](self, call)

    def refusal(self, name: str) -> Answer:
        status, body, headers = super().refusal(name)
        return status, body | {"correlationId": str(uuid.uuid4())}, headers

    def _search(self, call: Call) -> Answer:
        body = call.body
        limit, after = int(body.get("limit", 10)), int(body.get("after") or 0)
        if not 1 <= limit <= 200:
            return _error(400, "VALIDATION_ERROR", f"limit must be between 1 and 200, was {limit}")
        if after + limit > MOST_ROWS:
            return _error(400, "VALIDATION_ERROR", "ApiError: paging beyond 10000 results is not supported")
        if len(body.get("filterGroups", [])) > 5 or any(len(g["filters"]) > 6 for g in body.get("filterGroups", [])):
            return _error(400, "VALIDATION_ERROR", "too many filters")
        rows, total = self.account.search(body | {"limit": min(limit, self.page)})
        answer = {"total": total, "results": [row.shown(body.get("properties", ())) for row in rows]}
        if after + len(rows) < total:
            answer["paging"] = {"next": {"after": str(after + len(rows))}}
        return 200, answer, {}

    def _list(self, call: Call) -> Answer:
        query = call.query
        limit, after = int(query.get("limit", 10)), int(query.get("after", 0))
        if not 1 <= limit <= 100:
            return _error(400, "VALIDATION_ERROR", f"limit must be between 1 and 100, was {limit}")
        rows, more = self.account.listed(after, limit, archived=query.get("archived") == "true")
        names = query["properties"].split(",") if query.get("properties") else ()
        answer: dict[str, Any] = {"results": [row.shown(names) for row in rows]}
        if more:
            token = str(rows[-1].id)
            answer["paging"] = {"next": {"after": token, "link": f"{self.url}{CONTACTS}?after={token}"}}
        return 200, answer, {}

    def _batch(self, call: Call) -> Answer:
        asked = [int(i["id"]) for i in call.body["inputs"]]
        if len(asked) > 100:
            return _error(400, "VALIDATION_ERROR", "at most 100 inputs")
        there = [c for c in map(self.account.contacts.get, dict.fromkeys(asked)) if c and c.archived is None]
        missing = [str(i) for i in asked if i not in {c.id for c in there}]
        at = "2026-03-10T17:00:00.000Z"
        answer: dict[str, Any] = {"status": "COMPLETE", "startedAt": at, "completedAt": at}
        answer["results"] = [c.shown(call.body["properties"]) for c in there]
        if not missing:
            return 200, answer, {}
        line = f"Could not get some CONTACT objects, they may be deleted or not exist: {missing}"
        error = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": line, "context": {"ids": missing}}
        return 207, answer | {"numErrors": 1, "errors": [error | {"errors": [], "links": {}}]}, {}

    def _details(self, call: Call) -> Answer:
        return 200, {"portalId": 123456, "accountType": "STANDARD", "timeZone": "US/Eastern"}, {}

    def _usage(self, call: Call) -> Answer:
        row = {"name": "private-apps-api-calls-daily", "usageLimit": self.daily, "currentUsage": len(self.calls)}
        return 200, {"results": [row | {"fetchStatus": "SUCCESS", "resetsAt": "2026-03-11T05:00:00Z"}]}, {}


ANSWERS: Mapping[tuple[str, str], Callable[[HubSpot, Call], Answer]] = {
    ("POST", SEARCH): HubSpot._search,
    ("GET", CONTACTS): HubSpot._list,
    ("POST", BATCH): HubSpot._batch,
    ("GET", DETAILS): HubSpot._details,
    ("GET", USAGE): HubSpot._usage,
}


def _policy(name: str) -> tuple[int, dict[str, Any]]:
    message = f"You have reached your {name.lower()} limit."
    return 429, {"status": "error", "message": message, "errorType": "RATE_LIMIT", "policyName": name}


REFUSALS: Mapping[str, tuple[int, dict[str, Any]]] = {
    "secondly limit": _policy("SECONDLY"),
    "ten-secondly limit": _policy("TEN_SECONDLY_ROLLING"),
    "daily limit": _policy("DAILY"),
    "unauthorized": (401, {
        "status": "error", "category": "INVALID_AUTHENTICATION",
        "message": "Authentication credentials not found. This API supports OAuth 2.0 authentication",
    }),
    "scope missing": (403, {
        "status": "error", "category": "MISSING_SCOPES",
        "message": "This app hasn't been granted all required scopes to make this call.",
        "errors": [{"message": "One or more of the following scopes are required.",
                    "context": {"requiredGranularScopes": [SCOPE]}}],
    }),
    "internal error": (500, {"status": "error", "category": "INTERNAL_ERROR", "message": "internal error"}),
    "bad request": (400, {"status": "error", "category": "VALIDATION_ERROR", "message": "There was a problem"}),
}  # fmt: skip


def _error(status: int, category: str, message: str) -> Answer:
    body = {"status": "error", "message": message, "category": category, "correlationId": str(uuid.uuid4())}
    return status, body, {}


def _way(call: Call) -> str:
    if call.path == CONTACTS:
        return "archived" if call.query.get("archived") == "true" else "list"
    return {SEARCH: "search", BATCH: "batch"}.get(call.path, "account")
