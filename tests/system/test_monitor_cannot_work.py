"""The health check itself cannot work: she hears of it at once, once an hour, and only where that may be."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fakes.monitored import DEAD, GODMODE, Monitored
from fakes.telegram import CHAT, TOKEN, Telegram

from godmode.lib.health import slab


@pytest.fixture
def her(tmp_path: Path, telegram: Telegram, discard: Callable[[Path], None]) -> Iterator[Monitored]:
    """An installation that was healthy a moment ago."""
    tmp_path.chmod(0o755)
    made = Monitored(tmp_path / "home", telegram)
    made.lets_in()
    made.looks()
    yield made
    discard(made.state)


def test_a_database_that_is_away_is_told_of_at_once_and_not_again_within_the_hour(
    her: Monitored, telegram: Telegram
) -> None:
    first, second = her.ticks(DATABASE_URL=DEAD), her.ticks(DATABASE_URL=DEAD)
    assert (first.returncode, second.returncode) == (1, 1)
    (text,) = telegram.texts
    assert text.startswith("SEV1: System Health Degraded\n")
    assert "connection refused" in text and "check DATABASE_URL" in text and "s3cret-word" not in text
    assert "alert sent: message by telegram" in first.stderr
    assert "within the last hour" in second.stderr
    her.an_hour_passes()
    her.ticks(DATABASE_URL=DEAD)
    assert len(telegram.texts) == 2


def test_two_monitors_at_once_send_one_alert(her: Monitored, telegram: Telegram) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: her.ticks(DATABASE_URL=DEAD), range(6)))
    assert len(telegram.texts) == 1


def test_the_next_healthy_run_takes_the_spool_over_once_and_says_that_all_is_well(
    her: Monitored, telegram: Telegram
) -> None:
    her.ticks(DATABASE_URL=DEAD)
    her.ticks(DATABASE_URL=DEAD)
    spool = (her.state / "fallback" / "spool.jsonl").read_text()
    assert len(spool.splitlines()) == 3  # two runs, one message
    her.looks()
    (her.state / "fallback" / "spool.jsonl").write_text(spool)  # as if it had died before it removed them
    her.looks()
    rows = her.rows("SELECT action, success FROM agent_audit_log WHERE action_type = 'fallback' ORDER BY ts")
    assert rows == [("health_monitor", False), ("fallback_alert", True), ("health_monitor", False)]
    told = her.rows("SELECT type, status, channel FROM notifications ORDER BY id")
    assert told == [("health_alert", "sent", "telegram"), ("health_recovered", "sent", "telegram")]
    assert not (her.state / "fallback" / "spool.jsonl").exists()
    assert telegram.texts[1].startswith("INFO: System Health Recovered\n")
    assert "connection refused" in telegram.texts[1]
    assert len(telegram.texts) == 2


def test_an_outage_is_told_of_at_once_whatever_was_told_before_and_lesser_trouble_waits_an_hour_after_it(
    her: Monitored, telegram: Telegram
) -> None:
    her.does("INSERT INTO job_state (job, consecutive_failures, last_error) VALUES ('sync_n8n', 3, 'no')")
    her.looks()
    assert len(telegram.texts) == 1 and "Sync-n8n failed 3 times in a row" in telegram.texts[0]
    her.ticks(DATABASE_URL=DEAD)
    assert len(telegram.texts) == 2 and telegram.texts[1].startswith("SEV1: System Health Degraded\n")
    her.ticks(DATABASE_URL=DEAD)
    her.does("UPDATE notifications SET sent_at = sent_at - interval '2 hours'")
    her.looks()
    her.does("INSERT INTO job_state (job, consecutive_failures, last_error) VALUES ('sync_notion', 3, 'x')")
    her.looks()
    assert len(telegram.texts) == 2


def test_with_the_switch_on_not_a_byte_leaves(her: Monitored, telegram: Telegram) -> None:
    assert her.types("killswitch", "on").returncode == 0
    before = len(telegram.requests)
    her.ticks(DATABASE_URL=DEAD)
    (her.folder / "config.toml").write_text("broken = [")
    her.ticks()
    for _ in range(4):
        her.types("fallback", "daily-digest")
    assert len(telegram.requests) == before


def test_the_switch_waits_for_an_alert_that_is_on_its_way(her: Monitored, telegram: Telegram) -> None:
    telegram.mood = "slow"
    tick = [str(GODMODE), "run", "health-monitor", "--scheduled"]
    with subprocess.Popen(tick, env=her.env | {"DATABASE_URL": DEAD}, stderr=subprocess.DEVNULL) as process:
        while not telegram.delivered:
            assert process.poll() is None
        waited = her.types("killswitch", "on", "--wait", "0.2")
        assert waited.returncode == 1
        assert "fallback" in waited.stderr + waited.stdout
        telegram.go_on.set()
    assert her.types("killswitch", "on").returncode == 0


@pytest.mark.parametrize("mirror", ["", "{", '{"on": "?"', None])
def test_a_switch_that_cannot_be_read_counts_as_on(her: Monitored, telegram: Telegram, mirror: str | None) -> None:
    path = her.state / "kill-switch.json"
    path.unlink() if mirror is None else path.write_text(mirror)
    assert "ill switch" in her.ticks(DATABASE_URL=DEAD).stderr
    assert telegram.requests == []


def test_who_was_taken_off_the_allowlist_a_moment_ago_is_not_reached(her: Monitored, telegram: Telegram) -> None:
    her.types("allowlist", "remove", CHAT)
    assert "not on the allowlist" in her.ticks(DATABASE_URL=DEAD).stderr
    assert telegram.requests == []


def test_with_comms_off_nothing_leaves(her: Monitored, telegram: Telegram) -> None:
    her.types("controls", "set", "comms_enabled", "off")
    assert "comms_enabled is off" in her.ticks(DATABASE_URL=DEAD).stderr
    assert telegram.requests == []


def test_a_broken_configuration_is_told_of_by_what_the_last_healthy_run_kept_of_it(
    her: Monitored, telegram: Telegram
) -> None:
    (her.folder / "config.toml").write_text(her.config + "[jobs.dayly_digest]\n")
    done = her.ticks()
    assert done.returncode == 2
    assert 'did you mean "daily_digest"' in done.stderr
    assert 'did you mean "daily_digest"' in telegram.texts[0]


def test_a_broken_configuration_before_any_healthy_run_says_on_stderr_what_could_not_be_done(
    tmp_path: Path, telegram: Telegram
) -> None:
    fresh = Monitored(tmp_path / "fresh", telegram, "[nonsense]\n")
    done = fresh.ticks()
    assert done.returncode == 2
    assert "alert kept:" in done.stderr
    assert telegram.requests == []


def test_the_mirror_holds_neither_secrets_nor_addresses(tmp_path: Path, her: Monitored) -> None:
    (her.folder / "config.toml").write_text(
        her.config + '[channels.apprise]\nurls = ["json://user:s3cret-word@127.0.0.1:9/x"]\n'
    )
    her.types("allowlist", "add", "--channel", "apprise", "--for", "message")
    her.looks()
    kept = (her.state / "fallback" / "mirror.json").read_text()
    assert "s3cret-word" not in kept and TOKEN not in kept
    assert len(json.loads(kept)["allowed"]) == 2
    assert (her.state / "fallback" / "mirror.json").stat().st_mode & 0o777 == 0o600


def killed(her: Monitored) -> Path:
    """A tick that is killed while it waits for a database that does not answer; the file that it marked."""
    path = her.state / "fallback" / "attempts"
    before = path.read_bytes() if path.exists() else b""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env = her.env | {"DATABASE_URL": f"postgresql://her@127.0.0.1:{silent.getsockname()[1]}/db"}
        with subprocess.Popen([GODMODE, "run", "health-monitor", "--scheduled"], env=env) as process:
            while not path.exists() or path.read_bytes() == before or b'"begun":true' not in path.read_bytes():
                assert process.poll() is None
            process.send_signal(signal.SIGKILL)
    return path


def test_a_run_killed_three_times_in_a_row_is_told_of(her: Monitored, telegram: Telegram) -> None:
    for _ in range(3):
        killed(her)
    her.ticks()
    (text,) = telegram.texts
    assert "SEV1" in text and "its last 3 runs did not end" in text


def test_a_monitor_that_is_killed_leaves_a_mark_which_a_good_end_takes_away(her: Monitored) -> None:
    her.a_slot_passes()
    path = killed(her)
    assert json.loads(path.read_text())["begun"] is True
    her.ticks()
    assert json.loads(path.read_text()) | {"n": 0} == {"bad": 0, "begun": False, "n": 0}


def test_the_third_crash_of_a_unit_within_an_hour_is_told_of_and_an_end_of_its_own_is_none(
    her: Monitored, telegram: Telegram
) -> None:
    own = {"MONITOR_EXIT_CODE": "exited", "MONITOR_EXIT_STATUS": "1", "MONITOR_SERVICE_RESULT": "exit-code"}
    killed = {"MONITOR_EXIT_CODE": "killed", "MONITOR_EXIT_STATUS": "KILL", "MONITOR_SERVICE_RESULT": "oom-kill"}
    for _ in range(4):
        assert her.types("fallback", "godmode@daily-digest.service", **own).returncode == 0
    assert telegram.texts == []
    for _ in range(3):
        assert her.types("fallback", "godmode@daily-digest.service", **killed).returncode == 0
    (text,) = telegram.texts
    assert "daily digest" in text and "3 times within an hour (oom-kill)" in text
    assert "fallback" not in her.types("--help").stdout


def test_an_embedded_server_that_was_killed_comes_back_without_an_alert(her: Monitored, telegram: Telegram) -> None:
    pid = int((her.state / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    assert her.looks()["data"]["degraded"] == []
    assert telegram.texts == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own that is soon full: a tmpfs, which only root may mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m,mode=0755", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(path: Path) -> None:
    """Write until nothing more fits."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


def test_an_alert_needs_no_room_on_the_disk_and_is_one_all_the_same(
    small_disk: Path, telegram: Telegram, discard: Callable[[Path], None]
) -> None:
    her = Monitored(small_disk / "home", telegram)
    her.lets_in()
    her.looks()
    try:
        fill(small_disk / "filler")
        done = [her.ticks(DATABASE_URL=DEAD) for _ in range(3)]
        assert len(telegram.texts) == 1, [each.stderr for each in done]
        assert "no audit row could be spooled" in done[0].stderr
    finally:
        (small_disk / "filler").unlink()
        discard(her.state)


def test_a_disk_that_takes_no_writes_at_all_is_told_of_once(
    small_disk: Path, telegram: Telegram, discard: Callable[[Path], None]
) -> None:
    her = Monitored(small_disk / "home", telegram)
    her.lets_in()
    her.looks()
    her.types("db", "stop")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    try:
        for _ in range(3):
            her.ticks()
        (text,) = telegram.texts
        assert "Read-only file system" in text
    finally:
        subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
        for name in ("alert", "attempts"):
            slab.spare(her.state / "fallback" / name).unlink(missing_ok=True)
        discard(her.state)


def test_a_full_disk_is_told_of_once_and_so_is_its_end(
    small_disk: Path, telegram: Telegram, discard: Callable[[Path], None]
) -> None:
    her = Monitored(small_disk / "home", telegram)
    her.lets_in()
    her.looks()
    her.a_slot_passes()
    filler = small_disk / "filler"
    try:
        fill(filler)
        for _ in range(3):
            her.ticks()
        assert len(telegram.texts) == 1, telegram.texts
        filler.unlink()
        her.looks()
        assert telegram.texts[1].startswith("INFO: System Health Recovered")
    finally:
        discard(her.state)
