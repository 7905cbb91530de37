"""`godmode status` as she sees it: on a terminal of 80 × 24, again and again, and in a pipe."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
from fakes import quarter, terminals
from fakes.installation import GODMODE, Operator
from fakes.terminals import Terminal

EVERYTHING = """
[sources.chatlogs]
path = "chats"
[sources.notion]
[sources.n8n]
base_url = "http://127.0.0.1:9"
[sources.hubspot]
[channels.telegram]
chat_id = "123456789"
[channels.callmebot]
user = "@jonah"
[channels.salesmsg]
team_id = 7
[channels.twilio]
from = "+15125550199"
[channels.apprise]
urls = ["ntfy://127.0.0.1:9/x"]
"""
SECRETS = {
    name: f"secret-number-{number}-of-{name.lower()}"
    for number, name in enumerate(
        (
            "NOTION_TOKEN", "N8N_API_KEY", "HUBSPOT_ACCESS_TOKEN", "TELEGRAM_BOT_TOKEN", "SALESMSG_API_TOKEN",
            "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN",
        )
    )
}  # fmt: skip


@pytest.fixture
def her(tmp_path: Path, db: psycopg.Connection) -> Operator:
    made = Operator(tmp_path)
    (tmp_path / "config.toml").write_text('operator = { name = "Jonah", phone = "+15125550100" }\n' + EVERYTHING)
    made.env |= SECRETS
    quarter.fill(db, datetime.now(UTC), days=7)
    db.execute("UPDATE job_state SET consecutive_failures = 3, last_error = repeat('no answer ', 40), state = 'failed'")
    return made


def test_with_everything_configured_and_much_wrong_it_fits_a_screen_of_80_by_24(her: Operator) -> None:
    code, seen = Terminal([GODMODE, "status"], her.env).ends()
    shown = terminals.lines(seen)
    assert code == 1
    assert len(shown) <= 23, seen
    assert max(map(len, shown)) <= 80
    for word in (
        "process-retry-queue",
        "things are wrong",
        "and ",
        "kill switch off",
        "chatlogs",
        "apprise",
        "reached",
    ):
        assert word in seen, seen


@pytest.mark.parametrize("rows", [19, 15, 10, 5, 3, 2, 1])
def test_a_low_terminal_shows_the_verdict_and_the_worst_and_is_never_overrun(her: Operator, rows: int) -> None:
    in_full = her.types("status").stdout.splitlines()
    code, seen = Terminal([GODMODE, "status"], her.env, rows=rows).ends()
    shown = terminals.lines(seen)
    assert (code, len(shown)) == (1, max(rows - 1, 1)), seen
    assert "things are wrong" in shown[0]
    assert [line[:30] for line in shown[1:2]] == [line[:30] for line in in_full[1:2] if rows > 2]
    if rows > 5:
        assert "more lines  godmode status | less" in shown[-1]


def test_where_not_all_jobs_fit_those_that_fail_come_first(her: Operator, db: psycopg.Connection) -> None:
    failed = '{"outcome": "failed", "ms": 5}'
    db.execute("UPDATE job_state SET recent = recent || %s::jsonb WHERE job = 'sync_hubspot'", (failed,))
    shown = terminals.lines(Terminal([GODMODE, "status"], her.env, rows=8).ends()[1])
    assert next(after for line, after in pairwise(shown) if line.startswith("JOB ")).startswith("sync-hubspot ")


def test_in_a_pipe_nothing_is_cut_or_coloured(her: Operator) -> None:
    shown = her.types("status")
    assert (shown.returncode, shown.stderr) == (1, "")
    assert "\x1b" not in shown.stdout
    assert shown.stdout.count("failed 3 times in a row: no answer no answer") == 10
    assert len(json.loads(her.types("status", "--json").stdout)["troubles"]) > 10


def test_a_fresh_installation_is_well_once_every_job_that_looks_has_run(tmp_path: Path, database_url: str) -> None:
    new = Operator(tmp_path)
    fresh = new.types("status")
    assert (fresh.returncode, "all is well" in fresh.stdout, "no job has run yet" in fresh.stdout) == (0, False, True)
    for job in json.loads(new.types("jobs", "--json").stdout):
        if job["implemented"] and not job["lacks"] and job["period_seconds"] < 86_400:
            assert new.types("run", job["job"]).returncode == 0
    shown = new.types("status")
    assert (shown.returncode, shown.stdout.partition("  ")[0]) == (0, "✓ all is well"), shown.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_watching_shows_it_anew_and_leaves_the_terminal_as_it_was(
    her: Operator, db: psycopg.Connection, number: signal.Signals
) -> None:
    watching = Terminal([GODMODE, "status", "--watch", "0.2"], her.env)
    watching.until(lambda seen: "kill switch off" in seen)
    db.execute("UPDATE agent_controls SET kill_switch = true")
    watching.until(lambda seen: "kill switch ON" in seen)
    if number is signal.SIGINT:
        watching.types("\x03")
    else:
        watching.process.send_signal(number)
    code, seen = watching.ends()
    assert code == 1
    assert seen.count(terminals.ENTER) == seen.count(terminals.LEAVE) == 1
    assert seen.rindex(terminals.SHOW) > seen.rindex(terminals.HIDE)
    assert "Traceback" not in seen
    left = terminals.CONTROL.sub("", seen.rpartition(terminals.LEAVE)[2])
    assert left.strip() in ("", "^C")


def test_watching_says_that_nothing_can_be_seen_while_the_database_is_away(her: Operator) -> None:
    watching = Terminal([GODMODE, "status", "--watch"], her.env | {"DATABASE_URL": "postgresql://127.0.0.1:9/db"})
    watching.until(lambda seen: "nothing can be seen" in seen)
    watching.types("\x03")
    code, seen = watching.ends()
    assert (code, "Traceback" in seen) == (1, False)
    assert "127.0.0.1:9" in seen


@pytest.mark.parametrize(
    ("words", "says"),
    [(("--watch",), "needs a terminal"), (("--watch", "--json"), "needs a terminal"), (("5",), "--watch 5"),
     (("--watch", "0"), "range"), (("--watch", "often"), "valid float")],
)  # fmt: skip
def test_words_that_do_not_go_together_are_one_line(her: Operator, words: tuple[str, ...], says: str) -> None:
    refused = her.types("status", *words)
    assert (refused.returncode, refused.stdout, len(refused.stderr.splitlines())) == (2, "", 1)
    assert says in refused.stderr
