"""Whatever dies when: no message twice, none silently missing, no row lost or doubled, no slot run twice.

Each kill is a real SIGKILL of the installed program, right before or right after one statement, transaction or
request, or at a moment of chance; then the next runs have to mend it. A sample is tried, each moment by its name on
one of its sides; GODMODE_FAULTS=all tries every moment on both, and five hundred by chance.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Protocol

import psycopg
import pytest
from fakes.telegram import TOKEN, Telegram

MORTAL = Path(__file__).parents[1] / "fakes" / "mortal.py"
ALL = os.environ.get("GODMODE_FAULTS") == "all"
BY_CHANCE = 500 if ALL else 9
CHAT = "123456789"
QUIET = 'quiet_hours = { start = "00:00", end = "00:00" }\n'
NEVER_ENDS = 8  # runs after which nothing may be left to do


class Home:
    """An installation whose runs can be killed, with a receiver that counts."""

    def __init__(self, folder: Path, url: str, telegram: Telegram) -> None:
        self.telegram, self.log = telegram, folder / "moments"
        self.db = psycopg.connect(url, autocommit=True)
        (folder / "chats").mkdir(parents=True)
        (folder / "config.toml").write_text(
            f'{QUIET}[sources.chatlogs]\npath = "chats"\n'
            f'[channels.telegram]\nchat_id = "{CHAT}"\nbase_url = "{telegram.url}"\n'
        )
        self.chats = folder / "chats"
        self.env = {
            **os.environ,
            "GODMODE_HOME": str(folder),
            "DATABASE_URL": url,
            "TELEGRAM_BOT_TOKEN": TOKEN,
        }
        self.db.execute("INSERT INTO communication_allowlist (address, name) VALUES (%s, 'Jonah')", (CHAT,))

    def start(self, *words: str, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, MORTAL, *words],
            env=self.env | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, **env: str) -> int:
        """The exit code; a traceback is never allowed."""
        process = self.start(*words, **env)
        out, err = process.communicate(timeout=120)
        assert "Traceback" not in err, err
        assert process.returncode in (0, 1, -signal.SIGKILL), out + err
        return process.returncode

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.db.execute(query.encode()).fetchall()

    def one(self, query: str) -> Any:
        return self.rows(query)[0][0]


class Scenario(ABC):
    """Work that is killed half way, and what has to hold once it was done again."""

    words: ClassVar[tuple[str, ...]]

    @abstractmethod
    def prepare(self, home: Home) -> None: ...

    @abstractmethod
    def left(self, home: Home) -> int:
        """How much there is still to do."""

    @abstractmethod
    def check(self, home: Home) -> None: ...

    def finish(self, home: Home) -> None:
        """Run until nothing is left to do."""
        for _ in range(NEVER_ENDS):
            assert home.run(*self.words) == 0
            if not self.left(home):
                return
        raise AssertionError(f"after {NEVER_ENDS} runs, {self.left(home)} are left")


class Digest(Scenario):
    """Two warnings wait; the digest carries them by Telegram."""

    words = ("run", "daily-digest")

    def prepare(self, home: Home) -> None:
        for name in ("north", "south"):
            home.db.execute(
                "INSERT INTO notifications (type, severity, title, dedup_key) VALUES ('trouble', 'WARN', %s, %s)",
                (f"trouble in the {name}", name),
            )

    def left(self, home: Home) -> int:
        return int(home.one("SELECT count(*) FROM job_state WHERE job = 'daily_digest' AND state <> 'succeeded'"))

    def check(self, home: Home) -> None:
        digests = [text for text in home.telegram.texts if text.startswith("godmode digest")]
        (status,) = home.rows("SELECT status FROM notifications WHERE type = 'daily_digest'")[0]
        assert len(digests) <= 1, "the digest came twice"
        assert status in (("sent", "uncertain") if digests else ("uncertain",)), "it is silently missing"
        for carried in ("north", "south"):
            state, told = home.rows(
                "SELECT w.status, w.id = ANY (d.carries) FROM notifications w, notifications d"
                f" WHERE w.dedup_key = '{carried}' AND d.type = 'daily_digest'"
            )[0]
            assert state == ("digested" if told else "pending"), f"the {carried} is {state}"
        done = "SELECT count(*) FROM agent_audit_log WHERE action = 'daily_digest' AND action_type = 'job' AND success"
        assert home.one(done) == 1
        home.run("run", "daily-digest")
        assert [text for text in home.telegram.texts if text.startswith("godmode digest")] == digests


class Queue(Scenario):
    """Six messages wait in the retry queue, and one row that nobody can read."""

    words = ("run", "process-retry-queue", "--again")

    def prepare(self, home: Home) -> None:
        for n in range(6):
            home.db.execute(
                "INSERT INTO retry_jobs (type, payload, run_at) VALUES ('custom', %s, now() - interval '1 hour')",
                (json.dumps({"do": "notify", "title": f"message {n}", "body": "b", "severity": "SEV1"}),),
            )
        home.db.execute("INSERT INTO retry_jobs (type, payload, max_attempts) VALUES ('custom', '[1]', 1)")

    def left(self, home: Home) -> int:
        home.db.execute("UPDATE retry_jobs SET run_at = now() - interval '1 hour' WHERE status = 'pending'")
        return int(home.one("SELECT count(*) FROM retry_jobs WHERE status IN ('pending', 'running')"))

    def check(self, home: Home) -> None:
        assert home.rows("SELECT status, count(*) FROM retry_jobs GROUP BY 1 ORDER BY 1") == [
            ("completed", 6), ("dead", 1),
        ]  # fmt: skip
        assert home.one("SELECT count(*) FROM dead_letter_jobs") == 1
        for n in range(6):
            came = sum(f"message {n}" in text for text in home.telegram.texts)
            states = [row[0] for row in home.rows(f"SELECT status FROM notifications WHERE title = 'message {n}'")]
            assert came <= 1, f"message {n} came {came} times"
            assert len(states) == 1
            assert states[0] in (("sent", "uncertain") if came else ("uncertain",)), f"message {n} is {states[0]}"


class Scan(Scenario):
    """A chat of two and a half thousand messages, read in batches."""

    words = ("run", "periodic-scan", "--again")
    count = 2500

    def prepare(self, home: Home) -> None:
        lines = (
            json.dumps({"ts": 1_700_000_000 + n, "author": "Ana", "text": f"message {n}", "id": str(n)})
            for n in range(self.count)
        )
        (home.chats / "chat.jsonl").write_text("\n".join(lines) + "\n")

    def left(self, home: Home) -> int:
        return self.count - int(home.one("SELECT count(*) FROM memory_items"))

    def check(self, home: Home) -> None:
        rows = home.rows("SELECT count(*), count(DISTINCT key), count(superseded_at) FROM memory_items")
        assert rows == [(self.count, self.count, 0)]
        assert home.one("SELECT last_sync_success FROM data_source_sync") is True


SCENARIOS = [Digest(), Queue(), Scan()]


class Build(Protocol):
    """Makes an installation for a scenario, with a database of its own, behind a pooler where its port is given."""

    def __call__(self, scenario: Scenario, pooler: int | None = None) -> Home: ...


@pytest.fixture
def build(server: Path, template: str, tmp_path: Path) -> Iterator[Build]:
    """Makes installations, each with a database of its own, and takes the one before away."""
    from godmode.lib.store import embedded
    from godmode.lib.store.connect import open_socket

    made: list[tuple[Home, str]] = []
    with open_socket(server, "tests", "postgres") as admin, Telegram(CHAT) as telegram:

        def drop() -> None:
            while made:
                home, name = made.pop()
                home.db.close()
                admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

        def fresh(scenario: Scenario, pooler: int | None = None) -> Home:
            drop()
            number = len(list(tmp_path.iterdir()))
            name = f"fault_{os.getpid()}_{number}"
            admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log".encode())
            telegram.delivered.clear()
            url = embedded.url(server).replace("@/godmode?", f"@/{name}?")
            if pooler:
                url = f"postgresql://godmode@127.0.0.1:{pooler}/{name}"
            home = Home(tmp_path / str(number), url, telegram)
            made.append((home, name))
            scenario.prepare(home)
            return home

        yield fresh
        drop()


def moments(build: Build, scenario: Scenario) -> list[str]:
    """The names of all moments of a run, in order."""
    home = build(scenario)
    assert home.run(*scenario.words, MORTAL_LOG=str(home.log)) == 0
    return home.log.read_text().splitlines()


def tried(names: list[str]) -> list[tuple[int, str]]:
    """The moments to die at, by number from 1, and the side of each."""
    if ALL:
        return [(number, side) for number in range(1, len(names) + 1) for side in ("before", "after")]
    first: dict[str, int] = {}
    for line in names:
        number, _, name = line.partition(" ")
        first.setdefault(name, int(number))
    return [(number, ("before", "after")[turn % 2]) for turn, number in enumerate(first.values())]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: type(s).__name__.lower())
def test_a_run_killed_at_any_moment_is_mended_by_the_next(build: Build, scenario: Scenario) -> None:
    names, died = moments(build, scenario), 0
    for number, side in tried(names):
        home = build(scenario)
        code = home.run(*scenario.words, MORTAL_DIES=f"{side}:{number}")
        died += code == -signal.SIGKILL
        try:
            scenario.finish(home)
            scenario.check(home)
        except AssertionError as e:
            raise AssertionError(f"killed {side} {names[number - 1]}: {e}") from e
    print(f"{type(scenario).__name__}: {died} kills at {len(names)} moments")
    assert died == len(tried(names))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: type(s).__name__.lower())
def test_a_run_killed_by_chance_again_and_again_is_mended_by_the_next(build: Build, scenario: Scenario) -> None:
    killed_by_chance(build, scenario, BY_CHANCE // len(SCENARIOS))


@pytest.mark.parametrize("scenario", SCENARIOS[:2], ids=lambda s: type(s).__name__.lower())
def test_behind_a_pooler_too(build: Build, scenario: Scenario, pooler_port: int) -> None:
    killed_by_chance(build, scenario, BY_CHANCE // len(SCENARIOS), pooler_port)


def killed_by_chance(build: Build, scenario: Scenario, wanted: int, pooler: int | None = None) -> None:
    chance = random.Random(20261124)
    home = build(scenario, pooler)
    begun = time.monotonic()
    home.run(*scenario.words)
    whole = time.monotonic() - begun
    kills = 0
    while kills < wanted:
        home = build(scenario, pooler)
        for _ in range(3):
            process = home.start(*scenario.words)
            try:
                process.wait(chance.uniform(0.1, 1.2) * whole)
            except subprocess.TimeoutExpired:
                process.kill()
                kills += 1
            process.communicate()
        scenario.finish(home)
        scenario.check(home)
