"""`godmode doctor`: what is wrong is found and named with its remedy, what is safe is mended, no more is touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fakes.installation import Operator
from fakes.n8n import KEY, N8n
from fakes.telegram import CHAT, TOKEN, Telegram

from godmode.lib.store import migrate


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    (tmp_path / "operator").mkdir()
    return Operator(tmp_path / "operator")


@pytest.fixture(autouse=True)
def _in_use(operator: Operator, request: pytest.FixtureRequest) -> None:
    """Her environment has the test's database, whichever fixture came first."""
    for name in ("database_url", "empty_database_url"):
        if name in request.fixturenames:
            operator.env["DATABASE_URL"] = request.getfixturevalue(name)


def found(operator: Operator, *words: str, **env: str) -> tuple[int, list[dict[str, Any]]]:
    done = operator.types("doctor", "--json", *words, **env)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)["found"]


def bad(entries: list[dict[str, Any]]) -> list[str]:
    return [f"{entry['check']}: {entry['says']}" for entry in entries if entry["state"] == "bad"]


def test_a_sound_installation_has_nothing_to_mend(operator: Operator, database_url: str) -> None:
    code, entries = found(operator)
    assert (code, bad(entries)) == (0, [])
    checks = {entry["check"] for entry in entries}
    assert checks >= {"python", "wheel", "clock", "disk", "configuration", "secrets", "state", "database", "channels"}
    assert "owns the tables" in next(e["says"] for e in entries if e["state"] == "warn" and e["check"] == "database")


def test_what_others_may_write_or_read_is_named_and_mended_when_asked(
    operator: Operator, database_url: str, tmp_path: Path
) -> None:
    config, token = operator.home / "config.toml", tmp_path / "token"
    token.write_text("a-secret-of-hers")
    config.chmod(0o666)
    token.chmod(0o644)
    files = {"NOTION_TOKEN_FILE": str(token)}

    code, entries = found(operator, "--offline", **files)
    assert (code, {line.split(" (")[0] for line in bad(entries)}) == (
        1,
        {f"configuration: others may write {config}", f"secrets: others may read {token}"},
    )
    assert config.stat().st_mode & 0o777 == 0o666, "it was only asked to look"

    code, entries = found(operator, "--offline", "--fix", **files)
    assert (code, [e["says"] for e in entries if e["mended"]] != []) == (0, True)
    assert (config.stat().st_mode & 0o777, token.stat().st_mode & 0o777) == (0o644, 0o600)


def test_the_file_of_the_secrets_is_looked_at_and_made_hers_alone(operator: Operator, database_url: str) -> None:
    secrets = operator.home / "secrets.env"
    secrets.write_text("NOTION_TOKEN=her-own-token-of-notion\n")
    secrets.chmod(0o644)

    code, entries = found(operator, "--offline")
    assert (code, bad(entries)) == (2, [f"secrets: others can read the secrets in {secrets}"])
    assert any(entry["check"] == "database" for entry in entries), "the rest is examined all the same"

    assert found(operator, "--offline", "--fix")[0] == 0
    assert secrets.stat().st_mode & 0o777 == 0o600
    code, entries = found(operator, "--offline")
    assert (code, bad(entries)) == (0, [])
    assert next(e["says"] for e in entries if e["check"] == "secrets").startswith(f"NOTION_TOKEN in {secrets}")


def test_of_the_state_folder_only_what_holds_a_token_has_to_be_hers_alone(
    operator: Operator, database_url: str
) -> None:
    state = operator.home / "state"
    state.mkdir(mode=0o700)
    for name in ("salesmsg_token.lock", "salesmsg_token.json"):
        (state / name).touch(0o644)
    assert bad(found(operator)[1]) == [f"state: others may read {state / 'salesmsg_token.json'}"]


def test_with_a_configuration_that_cannot_be_used_all_else_is_examined(operator: Operator, database_url: str) -> None:
    config = operator.home / "config.toml"
    config.write_text("timezone = = 3\n")
    code, entries = found(operator)
    assert (code, len(bad(entries))) == (2, 1)
    assert bad(entries)[0].startswith(f"configuration: {config}: not TOML")
    assert {entry["check"] for entry in entries} >= {"python", "wheel", "disk", "state", "database", "schedule", "mail"}


def test_of_an_empty_database_nothing_is_called_well(operator: Operator, empty_database_url: str) -> None:
    entries = [entry for entry in found(operator, "--offline")[1] if entry["check"] == "database"]
    assert [entry["state"] for entry in entries] == ["ok", "bad"]


def test_nothing_is_said_twice(operator: Operator, database_url: str) -> None:
    (operator.home / "config.toml").write_text('[channels.telegram]\nchat_id = "123456789"\n')
    _, entries = found(operator, "--offline", TELEGRAM_BOT_TOKEN="123456:AA-fake_bot-token")
    assert sum("allowlist" in entry["says"] for entry in entries) == 1


def test_a_dead_database_is_one_finding_among_others(operator: Operator) -> None:
    dead = {"DATABASE_URL": "postgresql://u:hunter2hunter2@127.0.0.1:1/x", "NOTION_TOKEN": "her-own-token-of-notion"}
    code, entries = found(operator, **dead)
    assert code == 1
    assert bad(entries) == ["database: cannot use the database at 127.0.0.1:1: connection refused"]
    assert any(entry["says"].startswith("sources and channels were not tried") for entry in entries)
    assert "hunter2" not in json.dumps(entries)
    assert any(entry["check"] == "python" for entry in entries)


def test_a_schema_that_is_behind_is_migrated_when_asked(operator: Operator, empty_database_url: str) -> None:
    code, entries = found(operator)
    assert (code, bad(entries)[0]) == (1, f"database: the schema is at 0, this program needs {migrate.newest()}")
    assert found(operator, "--fix")[0] == 0
    with psycopg.connect(empty_database_url) as conn:
        assert migrate.version(conn) == migrate.newest()


def test_a_schema_made_with_other_migrations_is_found(operator: Operator, db: psycopg.Connection) -> None:
    db.execute("UPDATE schema_migrations SET checksum = 'another' WHERE version = 1")
    code, entries = found(operator, "--offline")
    assert (code, len(bad(entries))) == (1, 1)
    assert bad(entries)[0].startswith("database: the database was made with another 001_")


def test_a_rule_that_was_switched_off_is_found(operator: Operator, db: psycopg.Connection) -> None:
    db.execute("ALTER TABLE incidents DISABLE TRIGGER refuse_deletion")
    code, entries = found(operator)
    assert (code, bad(entries)) == (1, ["database: nothing keeps rows from being deleted in incidents"])


def test_a_role_without_a_right_is_found(operator: Operator, db: psycopg.Connection, database_url: str) -> None:
    db.execute("CREATE ROLE test_poor")
    try:
        db.execute("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO test_poor")
        db.execute("REVOKE UPDATE ON notifications FROM test_poor")
        code, entries = found(operator, DATABASE_URL=f"{database_url}&options=-c%20role%3Dtest_poor")
    finally:
        db.execute("DROP OWNED BY test_poor")
        db.execute("DROP ROLE test_poor")
    assert code == 1
    assert "may not read, add and change in notifications" in bad(entries)[0]


def test_a_run_that_died_is_named(operator: Operator, db: psycopg.Connection) -> None:
    db.execute(
        """
        INSERT INTO job_state (job, state, run_id, owner_host, owner_pid, lease_until)
        VALUES ('periodic_scan', 'running', 'r', 'elsewhere', 1, '2020-01-01Z')
        """
    )
    says = [entry["says"] for entry in found(operator)[1] if entry["state"] == "warn"]
    assert any(line.startswith("periodic_scan ended without a word") for line in says)


@pytest.mark.parametrize(("key", "code"), [(KEY, 0), ("wrong", 1)])
def test_credentials_are_tried_unless_told_otherwise(
    operator: Operator, database_url: str, key: str, code: int
) -> None:
    with N8n() as fake:
        (operator.home / "config.toml").write_text(f'[sources.n8n]\nbase_url = "{fake.url}"\n')
        assert found(operator, N8N_API_KEY=key)[0] == code
        asked = len(fake.calls)
        assert asked > 0
        assert found(operator, "--offline", N8N_API_KEY=key)[0] == 0
        assert len(fake.calls) == asked


@pytest.mark.parametrize(("token", "says"), [(TOKEN, "telegram: ready, the token is"), ("1:wrong", "does not know")])
def test_a_channels_credentials_are_tried_and_nothing_is_sent(
    operator: Operator, database_url: str, token: str, says: str
) -> None:
    with Telegram(CHAT) as fake:
        (operator.home / "config.toml").write_text(
            f'[channels.telegram]\nchat_id = "{CHAT}"\nbase_url = "{fake.url}"\n'
        )
        operator.types("allowlist", "add", CHAT, "--name", "Jonah", "--for", "message", TELEGRAM_BOT_TOKEN=token)
        code, entries = found(operator, TELEGRAM_BOT_TOKEN=token)
        assert [says in entry["says"] for entry in entries if entry["check"] == "channels"] == [True]
        assert (code, fake.delivered) == (int(token != TOKEN), [])
        asked = len(fake.requests)
        found(operator, "--offline", TELEGRAM_BOT_TOKEN=token)
        assert len(fake.requests) == asked
        operator.types("killswitch", "on", "--reason", "a trial")
        found(operator, TELEGRAM_BOT_TOKEN=token)
        assert len(fake.requests) == asked


def test_no_service_is_asked_with_the_switch_on(operator: Operator, db: psycopg.Connection) -> None:
    db.execute("UPDATE agent_controls SET kill_switch = true")
    with N8n() as fake:
        (operator.home / "config.toml").write_text(f'[sources.n8n]\nbase_url = "{fake.url}"\n')
        _, entries = found(operator, N8N_API_KEY=KEY)
        assert fake.calls == []
    assert any("Kill switch is active" in entry["says"] for entry in entries if entry["check"] == "n8n")


def test_a_person_reads_marks_and_remedies(operator: Operator, db: psycopg.Connection) -> None:
    db.execute("ALTER TABLE incidents DISABLE TRIGGER refuse_deletion")
    lines = operator.types("doctor").stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("BAD "))
    assert "incidents" in lines[at]
    assert lines[at + 1].strip().startswith("→ `ALTER TABLE")
    assert lines[-1].startswith("1 to mend")
