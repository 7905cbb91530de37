"""Two runs at one message: the one that is slow, and the 30-second job that finds it half way. It arrives once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from fakes.company import BY_CRON
from fakes.reached import Reached, note, status
from fakes.telegram import Telegram
from fakes.twilio import Twilio

from godmode.lib.channels.twilio import Twilio as Channel
from godmode.lib.kernel import Receipt
from godmode.lib.kernel import Severity as S
from godmode.lib.store import actions, deliveries, retry_jobs
from godmode.wiring import App

Job30 = Callable[[], Any]


@pytest.fixture
def queue(desk: Reached) -> Iterator[Job30]:
    """Lets half a minute go by, and the 30-second job of another process work."""
    other = App(desk.config, clock=desk.at)

    def tick() -> Any:
        desk.later(seconds=30)
        return other.runner.run("process_retry_queue", BY_CRON).result.data.get("released")

    yield tick
    other.store.close()


def test_who_waits_long_for_an_answer_keeps_the_message_and_goes_its_next_way_alone(
    desk: Reached, twilio: Twilio, telegram: Telegram, queue: Job30, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*args: Any) -> Receipt:
        released.append(queue())
        return send(*args)

    send, released = Channel.send, list[Any]()
    monkeypatch.setattr(Channel, "send", slow)
    twilio.mood = "down"
    assert desk.tell(note(S.SEV1)).status == "sent"
    assert (released, len(telegram.texts)) == ([{"sending": 1}], 1)
    twilio.mood = "well"
    assert (queue(), twilio.messages, len(telegram.texts)) == (None, [], 1)


@pytest.mark.parametrize(
    ("module", "step"),
    [(deliveries, "begin"), (actions, "intend"), (deliveries, "has")],
    ids=["before its next way", "before the intent", "before the effect"],
)
def test_who_slept_between_two_ways_finds_that_another_run_went_on(
    desk: Reached,
    twilio: Twilio,
    telegram: Telegram,
    queue: Job30,
    db: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    step: str,
) -> None:
    """Its SMS has failed; as it turns to Telegram, its machine sleeps."""

    def sleeps(*args: Any, **given: Any) -> Any:
        steps.append(step)
        if len(steps) == 2:
            twilio.mood = "well"
            released.append(queue())
        return goes_on(*args, **given)

    goes_on, steps, released = getattr(module, step), list[str](), list[Any]()
    monkeypatch.setattr(module, step, sleeps)
    twilio.mood = "down"
    desk.tell(note(S.SEV1))
    monkeypatch.setattr(module, step, goes_on)
    for _ in range(3):
        queue()
    assert len(twilio.messages) + len(telegram.texts) == 1
    assert (len(released), status(db)) == (1, "sent")


def test_the_same_trouble_that_another_run_tells_of_meanwhile_is_left_to_the_first(
    desk: Reached,
    twilio: Twilio,
    telegram: Telegram,
    queue: Job30,
    db: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def meanwhile(*args: Any) -> Receipt:
        work = {"do": "notify", "title": "n8n is down", "severity": "SEV1", "dedup_key": "k"}
        retry_jobs.enqueue(db, "custom", work, now=desk.at.now())
        queue()
        return send(*args)

    send = Channel.send
    monkeypatch.setattr(Channel, "send", meanwhile)
    twilio.mood = "down"
    assert desk.tell(note(S.SEV1)).status == "sent"
    assert db.execute("SELECT status FROM retry_jobs").fetchall() == [("completed",)]
    assert db.execute("SELECT status, count FROM notifications").fetchall() == [("sent", 2)]
    assert (len(telegram.texts), twilio.messages) == (1, [])
