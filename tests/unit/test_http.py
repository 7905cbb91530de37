"""HTTP at the adapters' border: asked before each request, and every failure in godmode's own words."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from pytest_httpserver import HTTPServer

from godmode.lib import http
from godmode.lib.errors import (
    Auth,
    BadData,
    ExternalApi,
    GodmodeError,
    KillSwitchOn,
    Refused,
    Transient,
    Unknown,
    Usage,
)

NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)


def nothing() -> None: ...


def get(url: str, *, sends: bool = False, timeout: float = 5.0) -> httpx.Response:
    with http.client(url, before=nothing, timeout=timeout) as client, http.translated("feed", sends=sends):
        return client.get("/x")


@pytest.fixture
def mute() -> Iterator[str]:
    """A server that takes a request and hangs up without a word."""
    listener = socket.create_server(("127.0.0.1", 0))

    def hang_up() -> None:
        while True:
            try:
                conn, _ = listener.accept()
            except OSError:
                return
            conn.recv(65536)
            conn.close()

    thread = threading.Thread(target=hang_up, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def test_nothing_is_requested_once_the_switch_is_on(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/x").respond_with_data("ok")
    asked = []

    def before() -> None:
        asked.append(1)
        if len(asked) > 2:
            raise KillSwitchOn("Kill switch is active")

    with http.client(httpserver.url_for("/"), before=before) as client, http.translated("feed"):
        client.get("/x")
        client.get("/x")
        with pytest.raises(KillSwitchOn):
            client.get("/x")
    assert len(httpserver.log) == 2


def test_a_service_that_cannot_be_reached_is_transient_even_where_something_was_to_be_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Transient, match="feed cannot be reached") as raised:
        get(f"http://127.0.0.1:{port}/secret-token", sends=True)
    assert not isinstance(raised.value, Unknown)
    assert "secret-token" not in str(raised.value)


@pytest.mark.parametrize("address", ["n8n.example.com", "ftp://n8n.example.com", ""])
def test_an_address_that_is_none_of_http_is_refused_at_once_with_what_to_mend(address: str) -> None:
    with pytest.raises(Refused, match=r"feed cannot be reached: .*; check base_url"):
        get(address)


def test_a_secret_that_no_header_can_hold_is_refused_at_once_and_not_shown(httpserver: HTTPServer) -> None:
    client = http.client(httpserver.url_for("/"), headers={"Authorization": "secret\ntoken"})
    with (
        pytest.raises(Refused, match=r"feed was not asked: .*; is its secret whole") as raised,
        http.translated("feed"),
    ):
        client.get("/x")
    assert "token" not in str(raised.value)


def test_an_address_that_cannot_be_read_is_a_mistake_in_the_configuration() -> None:
    with pytest.raises(Usage, match=r"a base_url is no address: Invalid port: ':1'"):
        http.client("http://[::1")


def test_a_broken_off_request_is_transient_and_unknown_where_it_was_to_send(mute: str) -> None:
    with pytest.raises(Transient, match="broke off") as raised:
        get(mute)
    assert not isinstance(raised.value, Unknown)
    with pytest.raises(Unknown, match="may have been sent"):
        get(mute, sends=True)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Auth), (403, Auth), (408, Transient), (429, ExternalApi), (500, Transient), (503, Transient),
     (302, Refused), (400, Refused), (404, Refused)],
)  # fmt: skip
def test_each_status_has_its_category(status: int, kind: type[GodmodeError]) -> None:
    error = http.failure("feed", status, {}, NOW, "no")
    assert type(error) is kind
    assert str(error).startswith(f"feed answered {status}: no")
    assert error.retried is (kind in (Transient, ExternalApi))


@pytest.mark.parametrize(
    ("value", "wait"),
    [("7", 7), ("0.5", 0.5), ("-3", 0), ("Tue, 10 Mar 2026 17:01:00 GMT", 60), ("Tue, 10 Mar 2026 16:00:00 GMT", 0),
     ("soon", None), ("", None), ("1e999", None)],
)  # fmt: skip
def test_retry_after_is_read_in_both_its_forms(value: str, wait: float | None) -> None:
    found = http.retry_after({"Retry-After": value}, NOW)
    assert found == (None if wait is None else timedelta(seconds=wait))


@pytest.mark.parametrize(
    ("headers", "wait"),
    [({"X-RateLimit-Reset": "12"}, 12), ({"x-ratelimit-reset": str(NOW.timestamp() + 30)}, 30),
     ({"X-RateLimit-Reset": "12", "Retry-After": "3"}, 3), ({"X-RateLimit-Reset": "noon"}, None)],
)  # fmt: skip
def test_a_reset_says_how_long_to_wait_where_there_is_no_retry_after(
    headers: dict[str, str], wait: float | None
) -> None:
    assert http.retry_after(headers, NOW) == (None if wait is None else timedelta(seconds=wait))


def test_a_login_page_with_status_200_is_no_json(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/x").respond_with_data("<html>Sign in</html>", content_type="text/html; charset=utf-8")
    with pytest.raises(BadData, match="answered with text/html in place of JSON"):
        http.json_of("feed", get(httpserver.url_for("/")))
    httpserver.clear()
    httpserver.expect_request("/x").respond_with_data('{"data": [', content_type="application/json")
    with pytest.raises(BadData, match="answered with JSON that does not parse"):
        http.json_of("feed", get(httpserver.url_for("/")))


def test_a_redirect_is_not_followed(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/x").respond_with_data("", status=302, headers={"Location": "/login"})
    response = get(httpserver.url_for("/"))
    with pytest.raises(Refused, match="answered 302"):
        http.check("feed", response, NOW)
