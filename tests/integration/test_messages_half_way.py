"""A message whose process dies as it has failed, or that another run delivers first: neither lost nor sent twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from fakes.company import Desk, configured
from fakes.telegram import Telegram
from fakes.twilio import Twilio

from godmode.lib.config import Config
from godmode.lib.kernel import JobContext, Notification, Severity
from godmode.lib.notify.router import Router
from godmode.lib.store import releases

CHAT, PHONE = "123456789", "+15125550100"


@pytest.fixture
def desk(config: Config, db: psycopg.Connection, telegram: Telegram, twilio: Twilio) -> Iterator[Desk]:
    db.execute("INSERT INTO communication_allowlist (address) VALUES (%s), (%s)", (CHAT, PHONE))
    made = Desk(
        configured(
            config,
            f'operator = {{ phone = "{PHONE}" }}\n'
            f'[channels.twilio]\nbase_url = "{twilio.url}"\nfrom = "+15125550199"\n'
            f'[channels.telegram]\nbase_url = "{telegram.url}"\nchat_id = "{CHAT}"\n',
        )
    )
    yield made
    made.store.close()


def release(ctx: JobContext) -> dict[str, int]:
    return dict(ctx.notify.release())


def bury_the_process(db: psycopg.Connection) -> None:
    """Let the claim that this process holds look like one whose process is gone."""
    db.execute("UPDATE job_state SET owner_started = 'before'")


ALERT = Notification("health_alert", Severity.WARN, "the disk fills", "91 %", "k")


@pytest.mark.parametrize("step", ["deliveries.fail", "retry_jobs.enqueue"])
def test_a_process_that_dies_as_its_message_has_failed_leaves_it_to_another(
    desk: Desk, telegram: Telegram, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def dies(*args: Any, **given: Any) -> None:
        raise SystemExit

    telegram.mood = "down"
    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr(f"godmode.lib.store.{step}", dies)
        desk.tell(ALERT)
    bury_the_process(db)
    telegram.mood = "well"
    desk.later(minutes=1)
    assert desk.work(release) == {"sent": 1}
    assert len(telegram.texts) == 1


def test_what_is_to_be_told_of_a_message_given_up_on_outlives_the_process(
    desk: Desk, telegram: Telegram, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(router: Router, note: Notification) -> None:
        if note.type == "permanent_failure":
            raise SystemExit
        call(router, note)

    call = Router.__call__
    telegram.chats.clear()
    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr(Router, "__call__", dies)
        desk.tell(ALERT)
    bury_the_process(db)
    telegram.chats.add(CHAT)
    desk.later(minutes=1)
    assert desk.work(release) == {"sent": 1}
    assert 'the message "the disk fills" could not be sent' in telegram.texts[0]


def test_a_message_that_another_run_delivered_meanwhile_does_not_go_by_an_earlier_way_too(
    desk: Desk, telegram: Telegram, twilio: Twilio, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two runs see it waiting; before this one comes to it, the other's SMS failed and Telegram took it."""

    def both(ctx: JobContext) -> dict[str, int]:
        def overtaken(*args: Any) -> Any:
            seen = left(*args)
            monkeypatch.setattr(releases, "left", left)
            twilio.mood = "down"
            assert release(ctx) == {"sent": 1}
            twilio.mood = "well"
            return seen

        monkeypatch.setattr(releases, "left", overtaken)
        return release(ctx)

    left = releases.left
    db.execute(
        "INSERT INTO notifications (type, severity, title, dedup_key, created_at, updated_at)"
        " VALUES ('incident', 'SEV1', 'n8n is down', 'k', %(at)s, %(at)s)",
        {"at": desk.at.now()},
    )
    desk.later(minutes=1)
    assert desk.work(both) == {}
    assert (len(telegram.texts), twilio.messages) == (1, [])
