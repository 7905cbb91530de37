"""One service's JSON, asked for as every source asks: metered, bounded, tried again, checked by shape.

Import it late: it brings httpx and tenacity.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import msgspec

from godmode.lib import backoff, http
from godmode.lib.calls import metered
from godmode.lib.errors import BadData, GodmodeError, Unknown
from godmode.lib.ports import Meter, Site

T = TypeVar("T")
WHOLE_ANSWER = 60.0  # seconds, however it drips
ANSWERED = 10.0  # seconds in which what changes something has to answer: it is asked about afterwards
GATEWAY = (502, 504)
WORDS = 200  # characters of what a service says of its error


@contextmanager
def asking(service: str, site: Site, meter: Meter) -> Iterator[None]:
    """Around one request by httpx, whoever makes it: metered, bounded, its errors in godmode's words."""
    with metered(meter), site.wire.within(WHOLE_ANSWER), http.translated(service):
        yield


@dataclass(frozen=True)
class Caller:
    """Reads one service. Every method raises errors of errors.py, after the tries that the policy allows.

    `meaning` is for a service whose answer says more of an error than its status does: it gives the error to raise.
    """

    service: str
    client: httpx.Client
    meter: Meter
    site: Site
    meaning: Callable[[httpx.Response, GodmodeError], GodmodeError] = lambda response, error: error

    def get_json(self, path: str, params: Mapping[str, Any] | None = None, shape: type[T] = Any) -> T:  # type: ignore[assignment]
        """The answer to a GET, checked against `shape`. Raises BadData when it is something else."""
        return self._json(self._again("GET", path, params=params), shape)

    def find_json(self, path: str, params: Mapping[str, Any] | None = None, shape: type[T] = Any) -> T | None:  # type: ignore[assignment]
        """As `get_json`; None when there is no such thing (404)."""
        response = self._again("GET", path, missing=True, params=params)
        return None if response.status_code == 404 else self._json(response, shape)

    def post_json(self, path: str, body: Any, shape: type[T] = Any) -> T:  # type: ignore[assignment]
        """The answer to a POST that only reads, as a query is: it is tried again as a GET is."""
        return self._json(self._again("POST", path, json=body), shape)

    def act(self, path: str, shape: type[T] = Any) -> T:  # type: ignore[assignment]
        """The answer to a POST that changes something: sent once, since nobody may do it twice.

        Raises Unknown where no answer came, or only a gateway's that gave up waiting for one.
        """
        with metered(self.meter), http.translated(self.service, sends=True), self.site.wire.within(WHOLE_ANSWER):
            response = self.client.post(path, timeout=ANSWERED)
            if response.status_code in GATEWAY:
                raise Unknown(f"{self.service} answered {response.status_code}, so it may have been done")
            if not response.is_success:
                raise self.meaning(response, self._failure(response))
        try:
            return msgspec.json.decode(response.content, type=shape)
        except msgspec.DecodeError:
            raise Unknown(f"{self.service} took it, and answered something else than it promises") from None

    def _again(self, method: str, path: str, *, missing: bool = False, **request: Any) -> httpx.Response:
        return backoff.again(self.site, lambda: self._once(method, path, missing, request))

    def _once(self, method: str, path: str, missing: bool, request: Mapping[str, Any]) -> httpx.Response:
        with asking(self.service, self.site, self.meter):
            response = self.client.request(method, path, **request)
            if not response.is_success and not (missing and response.status_code == 404):
                raise self.meaning(response, self._failure(response))
        return response

    def _failure(self, response: httpx.Response) -> GodmodeError:
        now = self.site.clock.now()
        return http.failure(self.service, response.status_code, response.headers, now, _said(response))

    def _json(self, response: httpx.Response, shape: type[T]) -> T:
        try:
            return self._decoded(response.content, shape)
        except msgspec.DecodeError:
            said = http.json_of(self.service, response)
        try:  # halves of surrogate pairs, which the escapes of JSON can hold, become question marks
            return self._decoded(json.dumps(said, ensure_ascii=False).encode("utf-8", "replace"), shape)
        except msgspec.DecodeError:
            raise BadData(f"{self.service} answered JSON that cannot be read") from None

    def _decoded(self, content: bytes, shape: type[T]) -> T:
        try:
            return msgspec.json.decode(content, type=shape)
        except msgspec.ValidationError as e:
            raise BadData(f"{self.service} answered something else than it promises: {e}") from None


def _said(response: httpx.Response) -> str:
    """The service's own word for an error: the `message` of its JSON, in one line."""
    try:
        message = response.json()["message"]
    except (ValueError, KeyError, TypeError):
        return ""
    return " ".join(str(message).split())[:WORDS]
