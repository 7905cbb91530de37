"""Nothing after "stop": real processes that act as fast as they can, and a record of it kept outside of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fakes.listening import Listening

from godmode.lib import config as configuration
from godmode.lib.engine import killswitch, standstill
from godmode.wiring import App

GODMODE = Path(sys.executable).with_name("godmode")
ACTING = Path(__file__).parents[1] / "fakes" / "acting.py"
PROCESSES = 8
# A server under load: intents that take their time between the look at the switch and the end of their transaction.
SLOW = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN PERFORM pg_sleep(random() * 0.04); RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE INSERT ON agent_actions FOR EACH ROW EXECUTE FUNCTION slow();
"""


class Witness:
    """A server that notes when each action reached it."""

    def __init__(self) -> None:
        self.begun: list[tuple[float, str]] = []
        self.hold = threading.Event()
        self.hold.set()
        witness = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                witness.begun.append((time.monotonic(), self.path))
                witness.hold.wait()
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = Listening(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def sees(self, more: int) -> None:
        """Wait until so many more actions have begun."""
        wanted, until = len(self.begun) + more, time.monotonic() + 60
        while len(self.begun) < wanted:
            assert time.monotonic() < until, f"only {len(self.begun)} of {wanted} actions began"
            time.sleep(0.001)


@pytest.fixture
def witness() -> Iterator[Witness]:
    made = Witness()
    yield made
    made.hold.set()
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def home(tmp_path: Path, database_url: str) -> Path:
    (tmp_path / "config.toml").write_text('quiet_hours = { start = "00:00", end = "00:00" }\n')
    return tmp_path


def env(home: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "GODMODE_HOME": str(home), **more}


@pytest.fixture
def elsewhere(home: Path, witness: Witness) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The same, but only two of them on the host where the switch is turned: the others see its database alone."""
    processes = []
    for n in range(PROCESSES):
        other = home if n < 2 else home / f"host-{n}"
        other.mkdir(exist_ok=True)
        processes.append(start(other, n, witness))
    yield processes
    for process in processes:
        process.kill()
        process.wait()


def start(home: Path, number: int, witness: Witness) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, ACTING, f"acting_{number}", witness.url], env=env(home))


@pytest.fixture
def acting(home: Path, witness: Witness) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Eight processes, each a run of a job of its own that acts, is stopped, and runs again."""
    processes = [start(home, n, witness) for n in range(PROCESSES)]
    yield processes
    for process in processes:
        process.kill()
        process.wait()


def types(home: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [GODMODE, *words], env=env(home, **more), capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize(("flips", "load"), [(200, "SELECT"), (25, SLOW)], ids=["a fast server", "a slow server"])
def test_not_one_action_begins_after_on_has_returned_on_this_host_or_another(
    home: Path,
    witness: Witness,
    elsewhere: list[subprocess.Popen[bytes]],
    monkeypatch: pytest.MonkeyPatch,
    db: psycopg.Connection[Any],
    flips: int,
    load: str,
) -> None:
    db.execute(load.encode())
    monkeypatch.setenv("GODMODE_HOME", str(home))
    her, late = App(configuration.load()), []
    place = standstill.Place(her.config.state, her.clock, lambda: her.store.conn)
    for flip in range(flips):
        witness.sees(PROCESSES)
        came = standstill.bring_about(place, f"flip {flip}", "her", 60, lambda still: None)
        returned = time.monotonic()
        assert (came.is_set, came.still) == (True, [])
        seen = len(witness.begun)
        if flip % 10 == 0:  # the others turn it off at once, which is harder to get right
            time.sleep(0.02)
        late += [path for at, path in witness.begun[seen:] if at > returned]
        assert all(process.poll() is None for process in elsewhere)
        killswitch.turn_off(her.store.conn, place.state, "", "her", her.clock.now())
    her.store.close()
    assert late == []
    paths = [path for _, path in witness.begun]
    assert len(paths) == len(set(paths)), "an action was done twice"


def test_on_names_what_it_waits_for_and_returns_when_that_has_ended(
    home: Path, witness: Witness, acting: list[subprocess.Popen[bytes]]
) -> None:
    witness.hold.clear()
    witness.sees(PROCESSES)
    on = subprocess.Popen([GODMODE, "killswitch", "on"], env=env(home), stderr=subprocess.PIPE, text=True)
    assert on.stderr is not None
    named = on.stderr.readline()
    assert named.startswith("waiting for "), named
    assert all(f"acting_{n}" in named for n in range(PROCESSES))
    assert on.poll() is None
    witness.hold.set()
    assert on.wait(timeout=30) == 0
    on.stderr.close()


def test_what_has_not_ended_in_time_is_named_with_exit_code_1_and_the_switch_is_on(
    home: Path, witness: Witness, acting: list[subprocess.Popen[bytes]], db: psycopg.Connection[Any]
) -> None:
    witness.hold.clear()
    witness.sees(PROCESSES)
    on = types(home, "killswitch", "on", "--wait", "0.2", "--json")
    assert on.returncode == 1
    assert {f"acting_{n}:" in " ".join(json.loads(on.stdout)["under_way"]) for n in range(PROCESSES)} == {True}
    assert db.execute("SELECT kill_switch FROM agent_controls").fetchone() == (True,)


def test_a_stopped_process_that_goes_on_later_begins_nothing(
    home: Path, witness: Witness, acting: list[subprocess.Popen[bytes]]
) -> None:
    witness.sees(PROCESSES)
    for process in acting:
        process.send_signal(signal.SIGSTOP)
    on = types(home, "killswitch", "on", "--wait", "0.2")
    assert on.returncode == 1  # asleep is not ended: nobody can say that they will not act
    for process in acting:
        process.send_signal(signal.SIGCONT)
    on = types(home, "killswitch", "on")
    assert on.returncode == 0, on.stderr
    seen = len(witness.begun)
    time.sleep(0.3)
    assert len(witness.begun) == seen


def test_with_the_database_down_on_waits_for_the_jobs_of_this_host(
    home: Path, witness: Witness, acting: list[subprocess.Popen[bytes]]
) -> None:
    dead = "postgresql://127.0.0.1:9/db"
    witness.hold.clear()
    witness.sees(PROCESSES)
    on = types(home, "killswitch", "on", "--wait", "0.2", DATABASE_URL=dead)
    assert on.returncode == 1
    assert "by its file alone" in on.stdout
    assert "have not ended: acting_0, " in on.stdout
    witness.hold.set()
    on = types(home, "killswitch", "on", DATABASE_URL=dead)
    assert on.returncode == 0, on.stdout + on.stderr
    seen = len(witness.begun)
    time.sleep(0.3)
    assert len(witness.begun) == seen


def test_the_drill_reaches_nobody_proves_the_switch_and_stands_in_status(
    home: Path, db: psycopg.Connection[Any]
) -> None:
    drill = types(home, "killswitch", "drill", "--rounds", "2", "--workers", "2", "--yes", "--json")
    assert drill.returncode == 0, drill.stderr
    result = json.loads(drill.stdout)
    assert (result["rounds"], result["after"]) == (2, 0)
    assert result["actions"] >= 40
    assert db.execute("SELECT kill_switch FROM agent_controls").fetchone() == (False,)
    assert db.execute("SELECT count(*) FROM agent_actions WHERE NOT archived").fetchone() == (0,)
    status = json.loads(types(home, "status", "--json").stdout)
    assert (status["drill"]["passed"], status["drill"]["actions"]) == (True, result["actions"])


def test_the_drill_asks_first_and_refuses_while_the_switch_is_on(home: Path) -> None:
    assert types(home, "killswitch", "drill").returncode == 2
    types(home, "killswitch", "on")
    refused = types(home, "killswitch", "drill", "--yes")
    assert refused.returncode == 2
    assert "nothing to prove" in refused.stderr
