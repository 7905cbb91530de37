"""A dead man's switch hears of every run, and of nothing while the kill switch is on."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest
from fakes.company import Company, configured
from fakes.served import Answer, Served

from godmode import standby
from godmode.lib.config import Config
from godmode.lib.engine import killswitch
from godmode.lib.engine.killswitch import Mirror
from godmode.lib.errors import Transient
from godmode.lib.health import pings
from godmode.lib.health.fallback import Trouble
from godmode.lib.kernel import JobContext, JobResult, Outcome


@pytest.fixture
def service() -> Iterator[Served]:
    with Served(lambda request: Answer(page="OK")) as made:
        yield made


@pytest.fixture
def with_pings(config: Config, service: Served) -> Iterator[Callable[..., Company]]:
    made: list[Company] = []

    def make(job: str = "work", url: str = "") -> Company:
        text = (
            f'[health]\nping_url = "{url or service.url}/monitor"\n[health.pings]\n{job} = "{url or service.url}/w"\n'
        )
        made.append(Company(configured(config, text)))
        return made[-1]

    yield make
    for company in made:
        company.store.close()


def heard(service: Served) -> list[str]:
    return [request.path for request in service.requests]


def test_a_run_is_told_of_when_it_starts_and_when_it_ends(with_pings: Callable[..., Company], service: Served) -> None:
    company = with_pings()
    company.add("work")
    assert company.outcome() == ("succeeded", None)
    assert heard(service) == ["/w/start", "/w"]
    assert service.requests[0].query == service.requests[1].query != {}


def test_a_failure_is_told_with_its_error_cleaned(
    with_pings: Callable[..., Company], service: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("N8N_API_KEY", "s3cret-key-of-n8n")
    bodies: list[bytes] = []
    monkeypatch.setattr(pings, "send", lambda wanted, check, wire: bodies.append(wanted.body or b""))
    company = with_pings()

    def body(ctx: JobContext) -> JobResult:
        raise Transient("no answer to s3cret-key-of-n8n")

    company.add("work", body)
    company.run()
    assert b"no answer" in bodies[-1] and b"s3cret-key" not in bodies[-1]


def test_a_job_without_one_and_a_run_that_is_not_due_tell_nothing(
    with_pings: Callable[..., Company], service: Served
) -> None:
    company = with_pings("work")
    company.add("other")
    company.run("other")
    company.add("work")
    company.run()
    company.run()
    assert heard(service) == ["/w/start", "/w"]


def test_the_monitor_that_finds_something_logs_it_and_has_worked_all_the_same(
    with_pings: Callable[..., Company], service: Served, db: psycopg.Connection
) -> None:
    db.execute("INSERT INTO job_state (job, consecutive_failures) VALUES ('sync_n8n', 3)")
    assert with_pings().outcome("health_monitor") == ("succeeded", None)
    assert heard(service) == ["/monitor/start", "/monitor/log", "/monitor"]


def test_with_the_switch_on_not_a_byte_leaves(with_pings: Callable[..., Company], service: Served) -> None:
    company = with_pings()

    def stops(ctx: JobContext) -> JobResult:
        killswitch.turn_on(company.store.conn, "smoke", "her", company.at.now())
        return JobResult(Outcome.SUCCEEDED)

    company.add("work", stops)
    company.run()
    assert heard(service) == ["/w/start"]
    company.outcome()
    company.outcome("health_monitor")
    assert heard(service) == ["/w/start"]


def test_a_service_that_is_away_or_angry_fails_no_run(with_pings: Callable[..., Company], service: Served) -> None:
    service._answer = lambda request: Answer(503, page="no")
    company = with_pings()
    company.add("work")
    assert company.outcome() == ("succeeded", None)
    gone = with_pings("other", url="http://127.0.0.1:9")
    gone.add("other")
    assert gone.outcome("other") == ("succeeded", None)


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999", "http://\u200b/x"])
def test_an_address_that_is_none_fails_no_run(with_pings: Callable[..., Company], url: str) -> None:
    company = with_pings(url=url)
    company.add("work")
    assert company.outcome() == ("succeeded", None)


@contextmanager
def dripping() -> Iterator[str]:
    """A server that sends a byte now and then, and never an end."""
    listener, over = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def drip(conn: socket.socket) -> None:
        with suppress(OSError), conn:
            conn.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not over.wait(0.05):
                conn.sendall(b"x")

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=drip, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    over.set()
    listener.close()


def test_a_service_that_drips_holds_no_run_up(
    with_pings: Callable[..., Company], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pings, "PATIENCE", 0.3)
    with dripping() as url:
        company = with_pings(url=url)
        company.add("work")
        assert company.outcome() == ("succeeded", None)


def test_a_monitor_that_cannot_work_tells_its_switch_only_where_the_mirror_says_off(
    with_pings: Callable[..., Company], service: Served
) -> None:
    left = standby.left(None, with_pings().config)
    standby.ping_failure(left, Trouble("database", "it is away"))
    assert heard(service) == []
    killswitch.write(left.config.state, Mirror(False, 1))
    standby.ping_failure(left, Trouble("database", "it is away"))
    assert heard(service) == ["/monitor/fail"]
    killswitch.write(left.config.state, Mirror(True, 2))
    standby.ping_failure(left, Trouble("database", "it is away"))
    assert heard(service) == ["/monitor/fail"]


def test_who_is_pinged_is_a_secret(with_pings: Callable[..., Company], service: Served) -> None:
    company = with_pings()
    assert service.url not in company.clean(f"see {service.url}/monitor")
