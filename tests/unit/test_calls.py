"""What stands around a request, and what cuts off one that drips."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from godmode.lib import http
from godmode.lib.caller import Caller, asking
from godmode.lib.calls import metered
from godmode.lib.clock import FixedClock
from godmode.lib.errors import BadData, DailyLimit, ExternalApi, GodmodeError, Refused, Transient
from godmode.lib.ports import Site
from godmode.lib.wire import Sockets

NOW = datetime(2026, 3, 10, 17, 0, tzinfo=UTC)


class Tally:
    """A meter that writes down what it is told."""

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []

    def before(self) -> None:
        self.said.append({"before": True})

    def after(self, **told: Any) -> None:
        del told["ms"]
        self.said.append({key: value for key, value in told.items() if value})


def site(clock: FixedClock | None = None) -> Site:
    clock = clock or FixedClock(NOW)
    return Site(clock, UTC, "", Path, sleep=clock.sleep, wire=Sockets())


def caller(server: HTTPServer, meter: Tally | None = None) -> Caller:
    here = site()
    return Caller("feed", http.client(server.url_for("/"), wire=here.wire), meter or Tally(), here)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (None, {}),
        (Transient("x"), {"error": True}),
        (Refused("x"), {"error": True}),
        (ExternalApi("x", retry_after=timedelta(seconds=7)),
         {"error": True, "throttled": True, "retry_after": timedelta(seconds=7)}),
    ],
)  # fmt: skip
def test_a_request_is_announced_and_counted_whatever_becomes_of_it(
    error: GodmodeError | None, told: dict[str, Any]
) -> None:
    meter = Tally()
    try:
        with metered(meter):
            if error:
                raise error
    except GodmodeError as raised:
        assert raised is error
    assert meter.said == [{"before": True}, told]


def test_a_request_that_a_stop_breaks_off_is_counted_too() -> None:
    meter = Tally()
    with pytest.raises(KeyboardInterrupt), metered(meter):
        raise KeyboardInterrupt
    assert meter.said == [{"before": True}, {}]


def test_a_request_that_finds_no_room_is_not_made_and_not_counted(httpserver: HTTPServer) -> None:
    class Spent(Tally):
        def before(self) -> None:
            raise DailyLimit("used up")

    meter = Spent()
    with pytest.raises(DailyLimit):
        caller(httpserver, meter).get_json("/x")
    assert (meter.said, httpserver.log) == ([], [])


def test_an_answer_is_tried_for_again_and_each_try_is_metered(httpserver: HTTPServer) -> None:
    httpserver.expect_ordered_request("/x").respond_with_data("", status=503)
    httpserver.expect_ordered_request("/x").respond_with_data("", status=429, headers={"Retry-After": "30"})
    httpserver.expect_ordered_request("/x").respond_with_json({"id": 1})
    meter = Tally()
    assert caller(httpserver, meter).get_json("/x") == {"id": 1}
    retry_after = timedelta(seconds=30)
    assert meter.said[1::2] == [
        {"error": True}, {"error": True, "throttled": True, "retry_after": retry_after}, {},
    ]  # fmt: skip


def test_a_missing_thing_is_none_where_it_may_be_missing(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/x").respond_with_json({"message": "not found"}, status=404)
    assert caller(httpserver).find_json("/x") is None
    with pytest.raises(Refused, match="feed answered 404: not found"):
        caller(httpserver).get_json("/x")


def test_an_answer_of_another_shape_is_bad_data(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/x").respond_with_json({"id": "one"})
    with pytest.raises(BadData, match="something else than it promises"):
        caller(httpserver).get_json("/x", shape=dict[str, int])
    httpserver.clear()
    httpserver.expect_request("/x").respond_with_data("<html>", content_type="text/html")
    with pytest.raises(BadData, match="text/html in place of JSON"):
        caller(httpserver).get_json("/x")


@pytest.fixture
def dripping() -> Iterator[str]:
    """A server whose answer never ends: a byte of its headers each 50 ms."""
    over = threading.Event()

    def serve() -> None:
        conn, _ = listener.accept()
        with conn:
            conn.recv(10_000)
            conn.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while not over.wait(0.05):
                try:
                    conn.sendall(b"y")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        thread.join()


def test_an_answer_that_drips_is_cut_off(dripping: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("godmode.lib.caller.WHOLE_ANSWER", 0.3)
    here = site()
    with (
        http.client(dripping, wire=here.wire) as client,
        pytest.raises(Transient, match=r"not complete after 0\.3 s"),
        asking("feed", here, Tally()),
    ):
        client.get("/x")


def test_connections_can_be_cut_from_another_thread(dripping: str) -> None:
    here, wire = site(), Sockets()
    failed: list[GodmodeError] = []

    def ask() -> None:
        try:
            with http.client(dripping, wire=wire) as client, asking("feed", here, Tally()):
                began.set()
                client.get("/x")
        except GodmodeError as e:
            failed.append(e)

    began = threading.Event()
    thread = threading.Thread(target=ask)
    thread.start()
    began.wait(5)
    while thread.is_alive():
        wire.cut()
        thread.join(0.01)
    assert type(failed[0]) is Transient
