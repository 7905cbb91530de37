"""What goes wrong around the program: each time one line that says what next, and nothing half made."""

from __future__ import annotations

import json
import os
import pty
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

GODMODE = Path(sys.executable).with_name("godmode")
ALL = (
    ("status",), ("jobs",), ("audit",), ("controls", "set", "jobs_enabled", "off"), ("proposals",),
    ("memory", "search", "x"), ("killswitch", "off", "--yes"), ("init", "--yes"), ("run", "cleanup-old-data"),
    ("run", "health-monitor", "--scheduled"), ("report",), ("metrics",),
)  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def types(*words: str, before: Callable[[], None] | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [GODMODE, *words], env=os.environ | env, capture_output=True, text=True, timeout=60, check=False,
        stdin=subprocess.DEVNULL, preexec_fn=before,
    )  # fmt: skip


def is_one_line(failed: subprocess.CompletedProcess[str], *codes: int) -> bool:
    return failed.returncode in codes and len(failed.stderr.splitlines()) == 1 and "Traceback" not in failed.stderr


def did(done: subprocess.CompletedProcess[str]) -> bool:
    """Whether the command did what it is for; `status` exits with 1 where it says that not all is well."""
    return done.returncode == 0 or ("not looked at" in done.stdout and (done.returncode, done.stderr) == (1, ""))


def no_room() -> None:
    """The process, and all that it starts, can make files but write nothing into them, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_a_database_that_takes_no_writes_is_one_line(
    home: Path, db: psycopg.Connection, words: tuple[str, ...]
) -> None:
    db.execute(f"ALTER DATABASE {db.info.dbname} SET default_transaction_read_only = on")
    done = types(*words)
    assert did(done) or is_one_line(done, 1), done.stderr
    assert did(done) or "primary" in done.stderr


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_a_database_that_someone_damaged_is_one_line(
    home: Path, db: psycopg.Connection, words: tuple[str, ...]
) -> None:
    db.execute("ALTER TABLE agent_audit_log RENAME TO somewhere_else")
    db.execute("ALTER TABLE memory_items RENAME TO somewhere_else_too")
    done = types(*words)
    assert did(done) or is_one_line(done, 1), done.stderr


def test_a_bug_is_one_line_and_a_traceback_only_with_debug() -> None:
    program = "from godmode import cli; cli._run = lambda argv: 1 / 0; cli.main()"
    plain, debug = (
        subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=False)
        for words in ((), ("--debug",))
    )
    assert is_one_line(plain, 1)
    assert "ZeroDivisionError" in plain.stderr
    assert "Traceback" in debug.stderr


@pytest.mark.parametrize(
    ("word", "others"),
    [("killswitch", "on, off"), ("db", "start, stop"), ("config", "show, check"), ("memory", "search")],
)
def test_a_word_that_wants_another_names_the_ones_it_takes(home: Path, word: str, others: str) -> None:
    for words in ((word,), (word, "nonsense")):
        refused = types(*words)
        assert is_one_line(refused, 2), refused.stderr
        assert others in refused.stderr


def test_a_full_disk_leaves_no_half_a_configuration(home: Path, database_url: str) -> None:
    failed = types("init", "--yes", before=no_room)
    assert is_one_line(failed, 2), failed.stderr
    assert "free space" in failed.stderr
    assert list(home.iterdir()) == []
    assert types("init", "--yes").returncode == 0


def test_a_full_disk_leaves_no_half_a_database_and_the_next_start_makes_it(
    home: Path, discard: Callable[[Path], None]
) -> None:
    try:
        failed = types("db", "start", before=no_room)
        assert is_one_line(failed, 1, 2), failed.stderr
        done = types("db", "start")
        assert done.returncode == 0, done.stderr
        assert types("jobs").returncode == 0
    finally:
        discard(home / "state")


@pytest.fixture
def blocked(home: Path) -> Path:
    """A state folder that nothing can be written into, by whoever it is: there is a file in its place."""
    (home / "state").write_text("in the way")
    return home / "state"


def test_with_a_state_folder_that_cannot_be_used_every_command_says_so_in_a_line(
    blocked: Path, db: psycopg.Connection
) -> None:
    for words in (("run", "health-monitor"), ("run", "health-monitor", "--scheduled"), ("init", "--yes")):
        done = types(*words)
        assert done.returncode == 0 or is_one_line(done, 1, 2), done.stderr


def test_the_switch_is_set_in_the_database_when_its_file_cannot_be_written(
    blocked: Path, db: psycopg.Connection
) -> None:
    done = types("killswitch", "on", "--yes", "--reason", "smoke")
    assert "Traceback" not in done.stderr
    assert db.execute("SELECT kill_switch FROM agent_controls").fetchone() == (True,)


def waits(process: subprocess.Popen[bytes]) -> bool:
    """Whether a process sleeps, as one does that reads from a terminal (proc(5), the state in stat)."""
    return Path(f"/proc/{process.pid}/stat").read_bytes().rpartition(b") ")[2].startswith(b"S")


def test_ctrl_c_in_the_questions_of_init_leaves_nothing_behind(home: Path, database_url: str) -> None:
    ours, its = pty.openpty()
    with subprocess.Popen([GODMODE, "init"], stdin=its, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        os.write(ours, b"Europe/London\n")
        asked = b""
        while b"name" not in asked:
            asked += os.read(process.stdout.fileno(), 1000)
        while not waits(process):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 1
        assert process.stderr.read() == b"godmode: interrupted\n"
    os.close(ours)
    os.close(its)
    assert list(home.iterdir()) == []


@pytest.fixture
def starting(home: Path, discard: Callable[[Path], None]) -> Iterator[subprocess.Popen[str]]:
    """A first run that is about to make its database."""
    (home / "config.toml").write_text('quiet_hours = { start = "00:00", end = "00:00" }\n')
    process = subprocess.Popen(
        [GODMODE, "run", "daily-digest"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not (home / "state" / "locks" / "postgres.lock").exists():
        assert process.poll() is None
    yield process
    process.kill()
    process.communicate()
    discard(home / "state")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_first_run_that_is_broken_off_is_made_good_by_the_next(
    starting: subprocess.Popen[str], number: signal.Signals
) -> None:
    starting.send_signal(number)
    _, err = starting.communicate(timeout=30)
    assert "Traceback" not in err
    done = types("run", "daily-digest", "--json")
    assert json.loads(done.stdout)["outcome"] == "succeeded"
