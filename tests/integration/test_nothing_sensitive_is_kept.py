"""Whatever a run comes to, no secret and no third party's address is in any row, or in what the run tells."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest
from fakes.company import Desk, configured

from godmode.commands.run.command import document
from godmode.lib.config import Config
from godmode.lib.engine.equipment import Report
from godmode.lib.errors import Auth, Refused, Transient, Unknown
from godmode.lib.kernel import Checkpoint, JobContext, Notification, Outcome, Receipt, Record, Severity, Skipped

OWN = "n8n-own-secret-7Kd92"
KEY = "sk_" + "live_" + "4eC39HqLyjWDarjtT1zdp7dc"
PHONE = "+15125550100"
MAIL = "maria@kunde-nord.de"
SAID = f"401 for {OWN} and {KEY}, asked by {MAIL}"


@pytest.fixture
def desk(config: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("N8N_API_KEY", OWN)
    desk = Desk(config)
    yield desk
    desk.store.close()


def everything(db: psycopg.Connection) -> str:
    """All rows of all tables, as text."""
    tables = db.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return "\n".join(str(db.execute(f'SELECT to_jsonb(t)::text FROM "{t}" t'.encode()).fetchall()) for (t,) in tables)


def hidden(text: str) -> bool:
    return not any(secret in text for secret in (OWN, KEY, MAIL))


def fails_with(error: Exception) -> Callable[[JobContext], object]:
    def body(ctx: JobContext) -> object:
        raise error

    return body


@pytest.mark.parametrize("error", [Auth(SAID), Transient(SAID, f"try {KEY}"), Refused(SAID), ValueError(SAID)])
def test_the_error_of_a_run_is_kept_and_told_without_them(desk: Desk, db: psycopg.Connection, error: Exception) -> None:
    report: Report = desk.work(fails_with(error))
    assert report.result.outcome is Outcome.FAILED
    assert "[redacted: configured secret]" in (report.result.error or "")
    assert (
        hidden(json.dumps(document(report), default=str)) and hidden(everything(db)) and hidden(desk.printed.getvalue())
    )
    kept = db.execute("SELECT last_error FROM job_state WHERE job = 'work'").fetchone()
    assert kept is not None and "401 for [redacted: configured secret] and [redacted: Stripe key]" in kept[0]


def test_what_a_run_found_is_kept_and_told_without_them(desk: Desk, db: psycopg.Connection) -> None:
    found = {"text": SAID, "notes": [{"why": SAID, "n": 3}], "count": 7}
    desk.finds = found
    desk.work(lambda ctx: None)
    (kept,) = db.execute("SELECT output_data -> 'data' FROM agent_audit_log WHERE action_type = 'job'").fetchone() or (
        {},
    )
    assert (kept["count"], kept["notes"][0]["n"]) == (7, 3) and "[redacted: Stripe key]" in kept["text"]
    assert hidden(everything(db))


@pytest.mark.parametrize("error", [Refused(SAID), Unknown(SAID)])
def test_what_became_of_an_action_is_kept_without_them(desk: Desk, db: psycopg.Connection, error: Exception) -> None:
    def effect() -> Receipt:
        raise error

    done = desk.work(lambda ctx: ctx.act("key", "send_pager", "operator", effect))
    assert hidden(done.error) and "[redacted: Stripe key]" in done.error
    assert hidden(everything(db))


def test_an_error_that_postgresql_could_not_keep_is_kept_all_the_same(desk: Desk, db: psycopg.Connection) -> None:
    report: Report = desk.work(fails_with(Auth("half \ud800 and NUL \0.")))
    kept = db.execute("SELECT state, last_error FROM job_state WHERE job = 'work'").fetchone()
    assert kept == ("failed", report.result.error) and "half " in str(kept[1])


def test_a_message_leaves_and_stands_in_the_outbox_without_them(desk: Desk, db: psycopg.Connection) -> None:
    note = Notification("incident", Severity.SEV1, f"n8n: {SAID}", f"call {PHONE} or +1 212 555 0143", "k")
    desk.work(lambda ctx: ctx.notify(note))
    assert "n8n: 401 for [redacted: configured secret] and [redacted: Stripe key]" in desk.printed.getvalue()
    assert "call [redacted: phone number] or [redacted: phone number]" in desk.printed.getvalue()
    assert hidden(desk.printed.getvalue()) and hidden(everything(db))


def test_her_own_number_may_stay_in_a_message(config: Config, db: psycopg.Connection) -> None:
    desk = Desk(configured(config, f'operator = {{ phone = "{PHONE}" }}'))
    note = Notification("incident", Severity.SEV1, "the call", f"to {PHONE} was not heard", "k")
    desk.work(lambda ctx: ctx.notify(note))
    assert f"to {PHONE} was not heard" in desk.printed.getvalue()
    desk.store.close()


@dataclass
class Leaky:
    """A source that fails after a record it could not take."""

    name: str = "n8n"

    def changes(self, cursor: object) -> Iterator[Record | Skipped | Checkpoint]:
        yield Skipped("page 3", SAID)
        raise Transient(SAID)


def test_how_a_sync_ended_is_kept_without_them(desk: Desk, db: psycopg.Connection) -> None:
    from godmode.lib.engine import sync

    def body(ctx: JobContext) -> object:
        from dataclasses import replace

        return sync.run(replace(ctx, sources={"n8n": Leaky()}), "n8n")

    desk.work(body)
    row = db.execute("SELECT last_error FROM data_source_sync WHERE source_name = 'n8n'").fetchone()
    assert row is not None and "[redacted: configured secret]" in row[0]
    assert hidden(everything(db))
