"""The fake Notion's HTTP: one thread a connection, kept alive, and faults that strike in place of an answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from fakes.listening import Listening
from fakes.notion_refusals import Answer

if TYPE_CHECKING:
    from fakes.notion import Notion

HOWS = frozenset({"half", "cut", "shape", "bad record", "bad gateway", "login", "redirect", "hangup", "drip"})
LOGIN = b"<!DOCTYPE html><html><title>Log in</title><body>Please log in</body></html>"


def _json(answer: Any) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode()


@dataclass
class Fault:
    """What happens to the requests whose "METHOD /path" contains `on`: the first `after` pass, the next `times` do not.

    `how` is an error code of Notion, or one of `half` (cut off), `cut` (JSON cut off), `shape` (`answer` in place of
    what was promised), `bad record` (the first row), `bad gateway`, `login`, `redirect`, `hangup`, `drip` (`pause`
    seconds between two bytes).
    """

    how: str
    on: str = "/"
    after: int = 0
    times: int = 10**9
    retry_after: str | None = None
    answer: Any = None
    pause: float = 0.05
    met: int = 0

    def strikes(self, request: str) -> bool:
        if self.on not in request:
            return False
        self.met += 1
        return self.after < self.met <= self.after + self.times


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        self._serve(None)

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._serve(json.loads(text) if text else None)

    def _serve(self, body: Any) -> None:
        notion = self.server.notion
        fault = next((f for f in notion.faults if f.strikes(f"{self.command} {self.path}")), None)
        given = {name.title(): value for name, value in self.headers.items()}
        status, headers, answer = notion.answer(self.command, self.path, given, body)
        if fault is None:
            self._send(status, _json(answer), headers)
        else:
            self._fail(fault, _json(answer))

    def _fail(self, fault: Fault, text: bytes) -> None:
        match fault.how:
            case "half":
                self._send(200, text[: len(text) // 2], {"Content-Length": str(len(text))})
                self.close_connection = True
            case "cut":
                self._send(200, text[: len(text) // 2], {})
            case "shape":
                self._send(200, _json(fault.answer), {})
            case "login":
                self._send(200, LOGIN, {"Content-Type": "text/html; charset=utf-8"})
            case "redirect":
                self._send(302, b"", {"Location": "/login"})
            case "hangup":
                self.close_connection = True
            case "bad gateway":
                self._send(502, b"<html>502 Bad Gateway</html>", {"Content-Type": "text/html"})
            case "bad record":
                answer = json.loads(text)
                answer["results"][0] = {"object": answer["results"][0]["object"], "id": None}
                self._send(200, _json(answer), {})
            case "drip":
                self._drip(text, fault.pause)
            case code:
                wrong = Answer(code, f"This is {code}.", fault.retry_after)
                self._send(wrong.status, _json(wrong.body), wrong.headers)

    def _send(self, status: int, text: bytes, headers: Mapping[str, str]) -> None:
        usual = {"Content-Type": "application/json; charset=utf-8", "Content-Length": str(len(text))}
        lines = [f"HTTP/1.1 {status} {self.responses[status][0]}"] + [
            f"{k}: {v}" for k, v in (usual | dict(headers)).items()
        ]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + text)

    def _drip(self, text: bytes, pause: float) -> None:
        self._send(200, b"", {"Content-Length": str(len(text))})
        self.close_connection = True
        for byte in text:
            if self.server.stopping.wait(pause):
                return
            try:
                self.wfile.write(bytes([byte]))
            except OSError:
                return

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""


class Server(Listening):
    def __init__(self, notion: Notion) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.notion = notion
        self.stopping = threading.Event()
