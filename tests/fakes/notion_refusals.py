"""What the fake Notion says no with, and its limit of requests a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

STATUS = {
    "unauthorized": 401, "restricted_resource": 403, "object_not_found": 404, "rate_limited": 429,
    "validation_error": 400, "invalid_request_url": 400, "missing_version": 400, "conflict_error": 409,
    "internal_server_error": 500, "service_unavailable": 503, "gateway_timeout": 504,
}  # fmt: skip


class Answer(Exception):
    """An answer in place of the usual one."""

    def __init__(self, code: str, message: str, retry_after: str | None = None) -> None:
        super().__init__(message)
        self.status = STATUS[code]
        self.body = {"object": "error", "status": self.status, "code": code, "message": message}
        self.headers = {} if retry_after is None else {"Retry-After": retry_after}


@dataclass
class Limit:
    """So many requests a second on average, `burst` of them at once; what comes too early gets 429."""

    per_second: float = 3.0
    burst: int = 6
    seconds: Callable[[], float] = time.monotonic
    refused: int = 0
    _room: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self._room, self._at = self.burst, self.seconds()

    def pass_or_raise(self) -> None:
        now = self.seconds()
        self._room = min(self.burst, self._room + (now - self._at) * self.per_second)
        self._at = now
        if self._room < 1:
            self.refused += 1
            wait = max(1, round((1 - self._room) / self.per_second + 0.5))
            raise Answer("rate_limited", "You have been rate limited. Please try again later.", str(wait))
        self._room -= 1
