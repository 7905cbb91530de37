"""What the fake services stand on: a real HTTP server on loopback that keeps every request it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from fakes.listening import Listening


@dataclass(frozen=True)
class Request:
    """One request as it came. `form` holds a body's fields: of JSON, of a form, or of a multipart form."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What a service says; `hang_up` closes the connection without a word in its place."""

    status: int = 200
    document: Any = None
    page: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False


class Served:
    """A service at `url`, between `with` and its end. `answer` is called for each request, in its own thread."""

    def __init__(self, answer: Callable[[Request], Answer]) -> None:
        self.requests: list[Request] = []
        self._answer, self._lock = answer, threading.Lock()
        self._server = Listening(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
        return self._answer(request)


def _handler(service: Served) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None: ...

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            address = urlsplit(self.path)
            query = {k: v[0] for k, v in parse_qs(address.query, keep_blank_values=True).items()}
            headers = {k.lower(): v for k, v in self.headers.items()}
            answer = service.take(Request(self.command, address.path, query, headers, _form(headers, body)))
            if answer.hang_up:
                self.close_connection = True
                self.connection.close()
                return
            page = json.dumps(answer.document) if answer.page is None else answer.page
            kind = "application/json" if answer.page is None else "text/html"
            self.send_response(answer.status)
            for name, value in {"Content-Type": kind, **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(page.encode())))
            self.end_headers()
            self.wfile.write(page.encode())

        do_GET = do_POST = _serve

    return Handler


def _form(headers: dict[str, str], body: bytes) -> dict[str, Any]:
    kind = headers.get("content-type", "")
    if not body:
        return {}
    if kind.startswith("application/json"):
        found = json.loads(body)
        return found if isinstance(found, dict) else {"": found}
    if kind.startswith("multipart/"):
        whole = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
        return {name: value for part in whole.walk() if not part.is_multipart() for name, value in [_field(part)]}
    return {k: v[0] for k, v in parse_qs(body.decode(), keep_blank_values=True).items()}


def _field(part: Message) -> tuple[str, str | bytes]:
    """A field of a multipart form: a file's bytes, or text."""
    value = part.get_payload(decode=True)
    assert isinstance(value, bytes)
    name = str(part.get_param("name", header="content-disposition"))
    return name, value if part.get_filename() else value.decode()
