"""n8n's public API v1 on a port of this machine: executions, newest first, and workflows.

It behaves as the real one at its edges: 250 rows a page and a 400 beyond, cursors that carry the last id, a 400 for a
status or a parameter that it does not know, executions that are hidden while they wait, old ones pruned, a failed one
that names its successful retry. Where `takes_orders`, an execution can be retried and a workflow switched on and off.
`fail` makes coming requests fail in one of the ways of spoilt.py. Whatever is not a
reading request stands in `problems`.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from fakes.spoilt import Answer, Api, Call, Manner

KEY = "n8n-fake-key"
MOST = 250
STATUSES = ("canceled", "error", "running", "success", "waiting")
KNOWN = {
    "/executions": {"status", "workflowId", "projectId", "includeData", "limit", "cursor"},
    "/workflows": {"active", "tags", "name", "projectId", "excludePinnedData", "limit", "cursor"},
}
START = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@dataclass
class Run:
    """An execution. While it is `hidden` the lists leave it out, though it can be asked for by id."""

    id: int
    workflow: str
    status: str
    started: datetime
    stopped: datetime | None
    mode: str = "trigger"
    retry_of: int | None = None
    retry_success: int | None = None
    wait_till: datetime | None = None
    error: str = ""
    hidden: bool = False

    def shown(self, *, data: bool = False) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": str(self.id),
            "finished": self.status == "success",
            "mode": self.mode,
            "retryOf": self.retry_of and str(self.retry_of),
            "retrySuccessId": self.retry_success and str(self.retry_success),
            "status": self.status,
            "startedAt": stamp(self.started),
            "stoppedAt": self.stopped and stamp(self.stopped),
            "workflowId": self.workflow,
            "waitTill": self.wait_till and stamp(self.wait_till),
        }
        if data:
            error: dict[str, Any] = (
                {"error": {"message": self.error, "name": "NodeOperationError"}} if self.error else {}
            )
            result = {"runData": {}, "lastNodeExecuted": "Stop"} | error
            shown |= {"data": {"version": 1, "startData": {}, "resultData": result}, "workflowData": {}}
        return shown


class N8n(Api):
    """The fake; use it as a context manager. `statuses` are those that its filter takes (older servers take three)."""

    manner = Manner(
        "data", {"id": "17x", "status": 3}, b'{"data": "soon"}', b'{"data": [{"id": "1", ', "n8n - Sign in", "/signin"
    )

    def __init__(self) -> None:
        super().__init__()
        self.refusals = REFUSALS
        self.runs: dict[int, Run] = {}
        self.workflows: dict[str, str] = {}
        self.statuses: tuple[str, ...] = STATUSES
        self.takes_orders = False
        self.inactive: set[str] = set()
        self.ends_as = "success"  # what becomes of a retry
        self._order: list[int] | None = None

    # -- what happens in n8n -------------------------------------------------------------------------------

    def workflow(self, id: str, name: str) -> str:
        self.workflows[id] = name
        return id

    def ran(self, workflow: str = "w1", status: str = "success", **more: Any) -> Run:
        """One more execution; by default it started a second after the last and took one."""
        number = more.pop("id", max(self.runs, default=0) + 1)
        started = more.pop("started", START + timedelta(seconds=number))
        ended = None if status in ("running", "waiting", "new") else started + timedelta(seconds=1)
        self.runs[number] = Run(number, workflow, status, started, more.pop("stopped", ended), **more)
        self._order = None
        return self.runs[number]

    def many(self, count: int, workflow: str = "w1", **more: Any) -> list[Run]:
        """So many successful executions."""
        first = max(self.runs, default=0) + 1
        return [self.ran(workflow, id=number, **more) for number in range(first, first + count)]

    def end(self, run: Run, status: str = "success", **more: Any) -> None:
        """An execution that ran or waited ends."""
        run.status, run.stopped, run.hidden = status, run.started + timedelta(minutes=5), False
        for name, value in more.items():
            setattr(run, name, value)

    def retried(self, failed: Run, status: str = "success") -> Run:
        """Someone retries a failed execution."""
        again = self.ran(failed.workflow, status, mode="retry", retry_of=failed.id)
        if status == "success":
            failed.retry_success = again.id
        return again

    def prune(self, *numbers: int) -> None:
        """n8n forgets executions."""
        for number in numbers:
            del self.runs[number]
        self._order = None

    def paths(self) -> list[str]:
        """What was asked for, in words: list, waiting, running, one, workflows."""
        return [_way(call) for call in self.calls]

    # -- answering -----------------------------------------------------------------------------------------

    def right(self, call: Call) -> Answer:
        try:
            return 200, self._right(call, call.headers.get("x-n8n-api-key")), {}
        except _No as no:
            return no.status, {"message": no.message}, {}

    def _right(self, call: Call, key: str | None) -> Any:
        if call.method != "GET" and not (self.takes_orders and call.method == "POST"):
            self.problems.append(f"{call.method} {call.path}: only reading is expected")
            raise _No(405, "GET method not allowed")
        if key != KEY:
            raise _No(401, "unauthorized")
        if call.method == "POST":
            return self._obeyed(call)
        parts = call.path.removeprefix("/api/v1").strip("/").split("/")
        for name in call.query.keys() - KNOWN.get(f"/{parts[0]}", set()):
            raise _No(400, f"Unknown query parameter '{name}'")
        match parts:
            case ["executions"]:
                return self._executions(call.query)
            case ["executions", number]:
                return self._one(number, data=call.query.get("includeData") == "true")
            case ["workflows"]:
                return self._workflows(call.query)
            case ["workflows", id] if id in self.workflows:
                return self._workflow(id)
        raise _No(404, "not found")

    def _obeyed(self, call: Call) -> Any:
        match call.path.removeprefix("/api/v1").strip("/").split("/"):
            case ["executions", number, "retry"] if number.isdecimal() and int(number) in self.runs:
                again = self.retried(self.runs[int(number)], self.ends_as)
                return again.shown()
            case ["workflows", id, "activate" | "deactivate" as way] if id in self.workflows:
                (self.inactive.discard if way == "activate" else self.inactive.add)(id)
                return self._workflow(id)
        raise _No(404, "Not Found")

    def orders(self) -> list[str]:
        """What it was told to do, whether or not it answered."""
        return [call.path.removeprefix("/api/v1") for call in self.calls if call.method == "POST"]

    def _workflow(self, id: str) -> dict[str, Any]:
        return {"updatedAt": stamp(START), "createdAt": stamp(START), "id": id, "name": self.workflows[id],
                "active": id not in self.inactive, "isArchived": False, "settings": {}, "meta": None,
                "versionId": "v", "activeVersionId": "v", "triggerCount": 1, "tags": []}  # fmt: skip

    def _executions(self, query: Mapping[str, str]) -> dict[str, Any]:
        status, limit, cursor = query.get("status"), _limit(query), _cursor(query)
        if status is not None and status not in self.statuses:
            allowed = ", ".join(self.statuses)
            raise _No(400, f"request/query/status must be equal to one of the allowed values: {allowed}")
        if self._order is None:
            self._order = sorted(self.runs)
        end = bisect_left(self._order, int(cursor["lastId"])) if "lastId" in cursor else len(self._order)
        rows: list[Run] = []
        for number in reversed(self._order[:end]) if status or limit > 1 else reversed(self._order[end - 1 : end]):
            run = self.runs[number]
            if not run.hidden and status in (None, run.status):
                rows.append(run)
                if len(rows) > limit:
                    break
        more = len(rows) > limit
        last = _token({"lastId": str(rows[limit - 1].id), "limit": limit}) if more else None
        return {"data": [run.shown() for run in rows[:limit]], "nextCursor": last}

    def _one(self, number: str, *, data: bool) -> dict[str, Any]:
        run = self.runs.get(int(number)) if number.isdecimal() else None
        if run is None:
            raise _No(404, "Not Found")
        return run.shown(data=data)

    def _workflows(self, query: Mapping[str, str]) -> dict[str, Any]:
        limit, begin = _limit(query), int(_cursor(query).get("offset", 0))
        rows = list(self.workflows.items())
        shown = [self._workflow(id) for id, _ in rows[begin : begin + limit]]
        more = begin + limit < len(rows)
        return {"data": shown, "nextCursor": _token({"limit": limit, "offset": begin + limit}) if more else None}


@contextmanager
def taking_orders(*, failed: bool = False) -> Iterator[N8n]:
    """An n8n with the workflow "Orders", which may be told what to do; `failed`: its one run so far did."""
    with N8n() as made:
        made.takes_orders = True
        made.workflow("w1", "Orders")
        if failed:
            made.ran("w1", "error")
        yield made
    assert made.problems == []


class _No(Exception):
    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message


def stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


def _limit(query: Mapping[str, str]) -> int:
    limit = query.get("limit", "100")
    if not limit.isdecimal():
        raise _No(400, "request/query/limit must be number")
    if int(limit) > MOST:
        raise _No(400, f"request/query/limit must be <= {MOST}")
    return int(limit)


def _cursor(query: Mapping[str, str]) -> dict[str, Any]:
    if "cursor" not in query:
        return {}
    try:
        found: dict[str, Any] = msgspec.json.decode(b64decode(query["cursor"], validate=True))
    except ValueError:
        raise _No(400, "An invalid cursor was provided") from None
    return found


def _token(cursor: dict[str, Any]) -> str:
    return b64encode(msgspec.json.encode(cursor)).decode()


def _way(call: Call) -> str:
    parts = call.path.removeprefix("/api/v1").strip("/").split("/")
    if parts[0] == "workflows":
        return "workflows"
    return "one" if len(parts) > 1 else call.query.get("status", "list")


REFUSALS: Mapping[str, tuple[int, dict[str, Any]]] = {
    "unauthorized": (401, {"message": "unauthorized"}),
    "forbidden": (403, {"message": "Forbidden"}),
    "internal error": (500, {"message": "Internal server error"}),
    "rate limit": (429, {"message": "Too many requests"}),
}
