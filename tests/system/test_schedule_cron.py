"""`godmode schedule cron`, with the installed program and a crontab program of the test's own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fakes.installation import CONFIG, GODMODE, Operator

HERS = b"MAILTO=me@example.com\n# caf\xe9\n17 3 * * * backup\n"
CRONTAB = """\
#!/bin/sh
# What Debian's crontab does, with the table in a file beside it.
table="$(dirname "$0")/table"
case "$1" in
    -l) cat "$table" 2>/dev/null || { echo "no crontab for jonah" >&2; exit 1; } ;;
    -r) rm "$table" ;;
    -) cat >"$table.new" && if [ -f "$table.refused" ]; then echo '"-":3: bad minute' >&2; exit 1; fi
       mv "$table.new" "$table" ;;
esac
"""


class Cron:
    """The user's crontab."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.table, program = folder / "table", folder / "crontab"
        program.write_text(CRONTAB)
        program.chmod(0o755)
        self.env = {"PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.fixture
def cron(tmp_path: Path) -> Cron:
    return Cron(tmp_path / "bin")


@pytest.fixture
def her(tmp_path: Path, cron: Cron, discard: Callable[[Path], None]) -> Iterator[Operator]:
    (tmp_path / "a b%c").mkdir()
    operator = Operator(tmp_path / "a b%c")
    operator.env |= cron.env
    yield operator
    discard(operator.home / "state")


def test_install_puts_the_printed_block_into_the_crontab_and_uninstall_takes_it_out(her: Operator, cron: Cron) -> None:
    cron.table.write_bytes(HERS)
    printed = her.types("schedule", "cron").stdout
    for changed in (True, False):
        said = json.loads(her.types("schedule", "cron", "--install", "--json").stdout)
        assert (said["installed"], said["changed"]) == (True, changed)
        assert cron.table.read_bytes() == HERS + printed.encode()
    assert her.types("schedule", "cron", "--uninstall").returncode == 0
    assert cron.table.read_bytes() == HERS
    again = her.types("schedule", "cron", "--uninstall")
    assert (again.returncode, "not there" in again.stdout) == (0, True)


def test_doctor_sees_lines_that_start_nothing_and_lines_of_before(
    her: Operator, db: psycopg.Connection, database_url: str
) -> None:
    def scheduled() -> list[str]:
        found = json.loads(her.types("doctor", "--json", "--offline").stdout)["found"]
        return [f"{e['state']} {e['says']}" for e in found if e["check"] == "schedule"]

    her.env["DATABASE_URL"] = database_url
    (her.home / "secrets.env").touch(0o600)
    (her.home / "secrets.env").write_text(f"DATABASE_URL={database_url}\n")
    assert "warn nothing starts the jobs" in scheduled()
    assert her.types("schedule", "cron", "--install").returncode == 0
    assert scheduled()[0] == "ok cron starts the jobs"
    assert "ok what starts the jobs agrees with the configuration" in scheduled()
    assert "warn no job has run yet: are they scheduled?" in scheduled()
    (her.home / "config.toml").write_text(CONFIG + "[jobs.periodic_scan]\ninterval_minutes = 15\n")
    assert "warn the crontab starts the jobs as they were configured before" in scheduled()


def test_a_user_without_a_crontab_has_none_again_afterwards(her: Operator, cron: Cron) -> None:
    assert her.types("schedule", "cron", "--install").returncode == 0
    assert her.types("schedule", "cron", "--uninstall").returncode == 0
    assert not cron.table.exists()


def test_the_lines_work_in_the_bare_environment_that_cron_gives(
    her: Operator, database_url: str, db: psycopg.Connection[Any]
) -> None:
    """As cron does it: a shell with next to no environment, the line's percent signs unescaped; secrets from a file."""
    (her.home / "secrets.env").write_text(f"# mine\nexport DATABASE_URL='{database_url}'\n")
    (her.home / "secrets.env").chmod(0o600)
    text = her.types("schedule", "cron", "--log", str(her.home / "50%.log")).stdout
    line = next(line for line in text.splitlines() if " run health-monitor " in line)
    command = line.split(" * * * * ", 1)[1].replace(r"\%", "%")
    bare = {"HOME": "/", "LOGNAME": "x", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}
    subprocess.run(["/bin/sh", "-c", command], env=bare, check=True, timeout=60)
    assert "health_monitor: succeeded" in (her.home / "50%.log").read_text()
    assert db.execute("SELECT count(*) FROM agent_audit_log WHERE action = 'health_monitor'").fetchone() == (1,)


def test_two_installations_of_one_user_stand_side_by_side(her: Operator, cron: Cron, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    other = Operator(tmp_path / "second")
    other.env |= cron.env
    for one in (her, other):
        assert one.types("schedule", "cron", "--install").returncode == 0
    text = cron.table.read_text()
    assert text.count("# BEGIN godmode /") == 2
    assert her.types("schedule", "cron", "--uninstall").returncode == 0
    assert cron.table.read_text() == other.types("schedule", "cron").stdout


@pytest.mark.parametrize("words", [("--install",), ("--uninstall",)])
def test_a_damaged_block_is_left_as_it_is(her: Operator, cron: Cron, words: tuple[str, ...]) -> None:
    her.types("schedule", "cron", "--install")
    damaged = cron.table.read_bytes().replace(b"# END godmode", b"# end godmode")
    cron.table.write_bytes(damaged)
    done = her.types("schedule", "cron", *words)
    assert done.returncode == 2
    assert done.stderr.startswith("godmode: the crontab's godmode block is damaged")
    assert cron.table.read_bytes() == damaged


def test_what_cron_refuses_is_said_in_its_own_words(her: Operator, cron: Cron) -> None:
    cron.table.write_bytes(HERS)
    cron.table.with_name("table.refused").touch()
    done = her.types("schedule", "cron", "--install")
    assert done.returncode == 2
    assert "bad minute" in done.stderr
    assert cron.table.read_bytes() == HERS


def test_a_log_that_cannot_be_written_is_refused_since_no_job_would_start(her: Operator, cron: Cron) -> None:
    done = her.types("schedule", "cron", "--install", "--log", str(her.home / "nowhere" / "log"))
    assert (done.returncode, "No such file or directory" in done.stderr) == (2, True)
    assert not cron.table.exists()


def test_a_secret_of_the_shell_alone_is_named_and_never_written(her: Operator, cron: Cron) -> None:
    done = her.types("schedule", "cron", "--install", NOTION_TOKEN="ntn_hush", N8N_API_KEY_FILE="/etc/n8n")
    assert "NOTION_TOKEN" in done.stderr
    assert "secrets.env" in done.stderr
    text = cron.table.read_text()
    assert "ntn_hush" not in text
    assert "N8N_API_KEY_FILE=/etc/n8n " in text


def test_secrets_env_beside_the_configuration_is_what_every_command_reads(her: Operator) -> None:
    secrets = her.home / "secrets.env"
    secrets.write_text("NOTION_TOKEN=ntn_hush\n")
    secrets.chmod(0o600)
    shown = json.loads(her.types("config", "show", "--json").stdout)
    assert shown["secrets"]["NOTION_TOKEN"] == f"from {secrets}"
    secrets.chmod(0o644)
    for words in (("config", "check"), ("run", "health-monitor", "--scheduled")):
        done = her.types(*words)
        assert (done.returncode, "chmod 600" in done.stderr) == (2, True)


def test_config_check_says_when_the_crontab_is_of_former_settings(her: Operator) -> None:
    her.types("schedule", "cron", "--install", "--log", str(her.home / "log"))
    assert "crontab" not in her.types("config", "check").stdout
    with (her.home / "config.toml").open("a") as file:
        file.write("[watchers]\ncheckIntervalMinutes = 15\n")
    assert "schedule cron --install" in her.types("config", "check").stdout


def test_a_crontab_of_another_kind_of_shell_is_right_as_long_as_its_block_is(her: Operator, cron: Cron) -> None:
    cron.table.write_bytes(b"SHELL=/bin/csh\n" + HERS)
    her.types("schedule", "cron", "--install")
    assert cron.table.read_bytes().count(b"SHELL=/bin/csh\n") == 2
    assert "the crontab starts" not in her.types("config", "check").stdout
    cron.table.write_bytes(cron.table.read_bytes().replace(b"SHELL=/bin/sh\n", b""))
    assert "schedule cron --install" in her.types("config", "check").stdout


def test_install_and_uninstall_do_not_go_together(her: Operator) -> None:
    assert her.types("schedule", "cron", "--install", "--uninstall").returncode == 2


def test_systemd_is_not_installed_where_it_does_not_run(her: Operator) -> None:
    if Path("/run/systemd/system").is_dir():
        pytest.fail("this test is for a machine that systemd does not run")
    done = her.types("schedule", "systemd", "--install")
    assert (done.returncode, "systemd does not run this machine" in done.stderr) == (2, True)


def test_the_program_is_called_by_the_path_it_was_called_by(her: Operator) -> None:
    assert f" {GODMODE} run daily-digest " in her.types("schedule", "cron").stdout


def test_a_look_in_quiet_hours_at_what_is_not_due_says_nothing(her: Operator, database_url: str) -> None:
    noon = f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"  # where it is about that now
    for hour, lines in (("23:59", 0), ("02:00", 1)):
        config = f'timezone = "{noon}"\nquiet_hours = {{ start = "00:00", end = "24:00" }}\n'
        (her.home / "config.toml").write_text(f'{config}[jobs.daily_digest]\ntime = "{hour}"\n')
        done = her.types("run", "daily-digest", "--scheduled")
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (0, "", lines)
