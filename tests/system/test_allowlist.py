"""`godmode allowlist` as the operator types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg

from godmode.lib.config import Config

GODMODE = str(Path(sys.executable).parent / "godmode")


def godmode(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([GODMODE, *words], capture_output=True, text=True)


def rows(db: psycopg.Connection) -> list[tuple[Any, ...]]:
    return db.execute(
        "SELECT address, name, purposes, removed_at IS NULL FROM communication_allowlist ORDER BY id"
    ).fetchall()


def test_an_address_is_added_in_its_one_form_and_removed_without_being_deleted(db: psycopg.Connection) -> None:
    assert godmode("allowlist", "add", "+1 (512) 555-0100", "--name", "Jonah", "--for", "sms,call").returncode == 0
    assert godmode("allowlist", "add", "123456789", "--json").returncode == 0
    listed = json.loads(godmode("allowlist", "--json").stdout)
    assert [(e["address"], e["name"], e["purposes"]) for e in listed] == [
        ("+15125550100", "Jonah", ["call", "sms"]),
        ("123456789", None, ["call", "sms", "message"]),
    ]
    assert godmode("allowlist", "remove", "+15125550100").stdout == "+15125550100 is no longer reached\n"
    assert rows(db)[0] == ("+15125550100", "Jonah", ["call", "sms"], False)
    assert godmode("allowlist", "add", "+15125550100").returncode == 0
    assert len(rows(db)) == 3
    audited = db.execute("SELECT count(*) FROM agent_audit_log WHERE action = 'allowlist'").fetchone()
    assert audited == (4,)


def test_what_is_no_address_or_no_purpose_is_refused_with_a_line_that_says_how(database_url: str) -> None:
    for words, said in (
        (("add", "+1512"), "is no possible phone number"),
        (("add", "Jonah"), "is no address"),
        (("add", "123", "--for", "pigeon"), "it takes call, sms and message"),
        (("remove", "42"), "42 is not on the allowlist"),
    ):
        done = godmode("allowlist", *words)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_an_apprise_address_is_shown_without_its_password(db: psycopg.Connection) -> None:
    done = godmode("allowlist", "add", "mailto://jonah:secret@example.org", "--for", "message")
    assert (done.returncode, "secret" in done.stdout) == (0, False)
    assert "secret" not in godmode("allowlist", "--json").stdout
    assert "secret" not in str(db.execute("SELECT output_data FROM agent_audit_log").fetchall())
    assert rows(db)[0][0] == "mailto://jonah:secret@example.org"


def test_a_configured_channel_lets_its_own_recipients_in_so_that_no_password_is_typed(
    db: psycopg.Connection, config: Config
) -> None:
    config.path.parent.mkdir(parents=True)
    config.path.write_text('[channels.apprise]\nurls = ["json://u:secret@localhost", "ntfy://topic"]\n')
    assert "--channel apprise" in godmode("channels").stdout
    done = godmode("allowlist", "add", "--channel", "apprise", "--for", "message")
    assert done.stdout == "json://… may be reached by message\nntfy://… may be reached by message\n"
    assert [row[0] for row in rows(db)] == ["json://u:secret@localhost", "ntfy://topic"]
    assert godmode("allowlist", "add", "--channel", "twilio").returncode == 2
    assert godmode("allowlist", "add").returncode == 2
