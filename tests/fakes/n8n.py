"""n8n's public API v1 on a port of this machine: executions, newest first, and workflows.

It behaves as the real one at its edges: 250 rows a page and a 400 beyond, cursors that carry the last id, a 400 for a
status or a parameter that it does not know, executions that are hidden while they wait, old ones pruned, a failed one
that names its successful retry. Where `takes_orders`, an execution can be retried and a workflow switched on and off.
`fail` makes coming requests fail in one of the ways of FAULTS. Whatever is not a
reading request stands in `problems`.
"""

from __future__ import annotations

import threading
from base64 import b64decode, b64encode
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import msgspec

KEY = "n8n-fake-key"
MOST = 250
STATUSES = ("canceled", "error", "running", "success", "waiting")
KNOWN = {
    "/executions": {"status", "workflowId", "projectId", "includeData", "limit", "cursor"},
    "/workflows": {"active", "tags", "name", "projectId", "excludePinnedData", "limit", "cursor"},
}
START = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)

Answer = tuple[int, Any]


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


@dataclass(frozen=True)
class Call:
    """A request as it came."""

    method: str
    path: str
    query: Mapping[str, str]


class N8n:
    """The fake; use it as a context manager. `statuses` are those that its filter takes (older servers take three)."""

    def __init__(self) -> None:
        self.runs: dict[int, Run] = {}
        self.workflows: dict[str, str] = {}
        self.statuses: tuple[str, ...] = STATUSES
        self.calls: list[Call] = []
        self.problems: list[str] = []
        self.takes_orders = False
        self.inactive: set[str] = set()
        self.ends_as = "success"  # what becomes of a retry
        self.retry_after: str | None = "1"
        self.drip_every = 0.05  # seconds
        self.closing = threading.Event()
        self._faults: dict[int, str] = {}
        self._order: list[int] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.fake = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

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

    def fail(self, fault: str, at: int = 1, times: int = 1) -> None:
        """The `at`-th request from now on, and `times` in all, end in `fault`, one of FAULTS."""
        assert fault in FAULTS, fault
        self._faults |= {len(self.calls) + at - 1 + n: fault for n in range(times)}

    def paths(self) -> list[str]:
        """What was asked for, in words: list, waiting, running, one, workflows."""
        return [_way(call) for call in self.calls]

    def forget(self) -> None:
        """Count requests anew."""
        self.calls.clear()
        self._faults.clear()

    # -- answering -----------------------------------------------------------------------------------------

    def answer(self, call: Call, key: str | None) -> tuple[Answer, str | None]:
        """The answer to a request, and the fault it is to be spoilt by."""
        with self._lock:
            fault = self._faults.pop(len(self.calls), None)
            self.calls.append(call)
            if fault in REFUSALS:
                return REFUSALS[str(fault)], None
            try:
                return (200, self._right(call, key)), fault
            except _No as no:
                return (no.status, {"message": no.message}), fault

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


REFUSALS: Mapping[str, Answer] = {
    "unauthorized": (401, {"message": "unauthorized"}),
    "forbidden": (403, {"message": "Forbidden"}),
    "internal error": (500, {"message": "Internal server error"}),
    "rate limit": (429, {"message": "Too many requests"}),
}
SPOILT = frozenset({
    "half answer",     # the connection ends in the middle of the body
    "hang up",         # it ends before the first byte
    "wrong json",      # JSON, but not what was promised
    "broken json",
    "login page",      # HTML with status 200
    "redirect",
    "bad gateway",     # HTML with status 502
    "drip",            # a byte at a time
    "bad record",      # one record of the page is none
})  # fmt: skip
FAULTS = SPOILT | REFUSALS.keys()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    fake: N8n

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no trouble of the server's."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        url, fake = urlsplit(self.path), self.server.fake
        call = Call(self.command, url.path, dict(parse_qsl(url.query)))
        (status, body), fault = fake.answer(call, self.headers.get("X-N8N-API-KEY"))
        if fault == "bad record":
            body["data"][len(body["data"]) // 2] = {"id": "17x", "status": 3}
        if fault in (None, "bad record"):
            wait = {"Retry-After": fake.retry_after} if status == 429 and fake.retry_after else {}
            self._say(status, "application/json; charset=utf-8", msgspec.json.encode(body), wait)
        else:
            self._spoil(str(fault), msgspec.json.encode(body))

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

    def _spoil(self, fault: str, whole: bytes) -> None:
        json, html = "application/json; charset=utf-8", "text/html; charset=utf-8"
        match fault:
            case "wrong json":
                self._say(200, json, b'{"data": "soon"}')
            case "broken json":
                self._say(200, json, b'{"data": [{"id": "1", ')
            case "login page":
                self._say(200, html, b"<!doctype html><title>n8n - Sign in</title>")
            case "bad gateway":
                self._say(502, html, b"<html><h1>502 Bad Gateway</h1></html>")
            case "redirect":
                self._say(302, html, b"", {"Location": f"{self.server.fake.url}/signin"})
            case "half answer":
                self._say(200, json, whole, shown=len(whole) // 2)
            case "drip":
                self._say(200, json, whole, shown=0)
                for byte in whole:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    if self.server.fake.closing.wait(self.server.fake.drip_every):
                        break
        # A server that closes without a word races with the next request; only these faults are about that.
        self.close_connection = fault in ("half answer", "hang up", "drip")

    def _say(
        self, status: int, kind: str, body: bytes, headers: Mapping[str, str] | None = None, shown: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": kind, "Content-Length": str(len(body))} | dict(headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body if shown is None else body[:shown])
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None: ...
