"""A JSON API on a port of this machine, and the ways in which its answers can be spoilt. The fakes of n8n and HubSpot
are made of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import msgspec
from fakes.listening import Listening

Answer = tuple[int, Any, dict[str, str]]  # status, body, headers

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


@dataclass
class Call:
    """A request as it came, and the status it got (0 while it is being answered)."""

    method: str
    path: str
    query: dict[str, str]
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 0


@dataclass(frozen=True)
class Manner:
    """How a service words what the faults are made of. `rows` is the key of a page's records."""

    rows: str
    bad_record: Mapping[str, Any]
    wrong: bytes
    broken: bytes
    title: str
    login: str


class Api:
    """Use it as a context manager. A fake gives its `manner`, its `refusals` by name, and `right`, the right answer.

    `calls` is what it was asked, `problems` what it should not have been. `before` is called with each request ahead
    of its answer. `retry_after` goes with each 429, None with none.
    """

    manner: Manner
    refusals: Mapping[str, tuple[int, dict[str, Any]]]

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.problems: list[str] = []
        self.before: Callable[[Call], None] = lambda _: None
        self.retry_after: str | None = "1"
        self.drip_every = 0.05  # seconds
        self.closing = threading.Event()
        self._faults: dict[int, str] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.api = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def right(self, call: Call) -> Answer:
        """The answer to a request that nothing spoils."""
        raise NotImplementedError

    def check(self, call: Call, answer: Answer) -> None:
        """Note in `problems` what is wrong with a request or its answer."""

    def fail(self, fault: str, at: int = 1, times: int = 1) -> None:
        """The `at`-th request from now on, and `times` in all, end in `fault`: one of SPOILT, or of the refusals."""
        assert fault in SPOILT | self.refusals.keys(), fault
        self._faults |= {len(self.calls) + at - 1 + n: fault for n in range(times)}

    def forget(self) -> None:
        """Count requests anew."""
        self.calls.clear()
        self._faults.clear()

    def refusal(self, name: str) -> Answer:
        """One of the refusals, as it goes out."""
        status, body = self.refusals[name]
        return status, dict(body), {"Retry-After": self.retry_after} if status == 429 and self.retry_after else {}

    def take(self, call: Call) -> tuple[Answer, str | None]:
        """The answer to a request, and the fault it is to be spoilt by."""
        with self._lock:
            fault = self._faults.pop(len(self.calls), None)
            self.calls.append(call)
        self.before(call)
        with self._lock:
            if fault in self.refusals:
                fault, answer = None, self.refusal(str(fault))
                call.status = answer[0]
                return answer, None
            answer = self.right(call)
            call.status = answer[0]
            if fault is None:
                self.check(call, answer)
            return answer, fault


class _Server(Listening):
    api: Api


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        url, api = urlsplit(self.path), self.server.api
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = msgspec.json.decode(raw) if raw else None
        headers = {name.lower(): value for name, value in self.headers.items()}
        (status, answer, extra), fault = api.take(
            Call(self.command, url.path, dict(parse_qsl(url.query)), body, headers)
        )
        if fault == "bad record":
            rows = answer[api.manner.rows]
            rows[len(rows) // 2] = api.manner.bad_record
        if fault in (None, "bad record"):
            self._say(status, "application/json;charset=utf-8", msgspec.json.encode(answer), extra)
        else:
            self._spoil(str(fault), msgspec.json.encode(answer))

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

    def _spoil(self, fault: str, whole: bytes) -> None:
        json, html, manner = "application/json;charset=utf-8", "text/html;charset=utf-8", self.server.api.manner
        match fault:
            case "wrong json":
                self._say(200, json, manner.wrong)
            case "broken json":
                self._say(200, json, manner.broken)
            case "login page":
                self._say(200, html, f"<!doctype html><title>{manner.title}</title>".encode())
            case "bad gateway":
                self._say(502, html, b"<html><h1>502 Bad Gateway</h1></html>")
            case "redirect":
                self._say(302, html, b"", {"Location": f"{self.server.api.url}{manner.login}"})
            case "half answer":
                self._say(200, json, whole, shown=len(whole) // 2)
            case "drip":
                self._say(200, json, whole, shown=0)
                self._drip(whole)
        # A server that closes without a word races with the next request; only these faults are about that.
        self.close_connection = fault in ("half answer", "hang up", "drip")

    def _drip(self, whole: bytes) -> None:
        for byte in whole:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            if self.server.api.closing.wait(self.server.api.drip_every):
                return

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
