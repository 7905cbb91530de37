"""What stands about the commands: the page of all --help, the shells' completion, the versions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from fakes.installation import GODMODE, Operator

from godmode import __version__
from godmode.lib.store import migrate

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def operator(tmp_path: Path, database_url: str) -> Operator:
    (tmp_path / "operator").mkdir()
    return Operator(tmp_path / "operator")


def test_the_page_of_commands_is_what_help_says() -> None:
    said = subprocess.run([sys.executable, DOCS / "reference.py"], capture_output=True, text=True, check=True).stdout
    assert said == (DOCS / "cli.md").read_text(), "write it anew: python docs/reference.py > docs/cli.md"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("godmode killsw", "killswitch"),
        ("godmode killswitch o", "off on"),
        ("godmode run daily", "daily-digest"),
        ("godmode controls set comms", "comms_enabled"),
        ("godmode controls set comms_enabled o", "off on"),
        ("godmode jobs disable health", "health-monitor"),
        ("godmode sources test hub", "hubspot"),
    ],
)
def test_bash_completes_words_and_names(typed: str, offered: str) -> None:
    script = f"""
        source <(godmode completion bash)
        COMP_WORDS=({typed}); COMP_CWORD={len(typed.split()) - 1}
        _godmode_completion godmode
        printf '%s\\n' "${{COMPREPLY[@]}}" | sort | xargs
    """
    path = f"{GODMODE.parent}:/usr/bin:/bin"
    done = subprocess.run(["bash", "-c", script], env={"PATH": path}, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == (offered, "")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_have_their_script(shell: str, operator: Operator) -> None:
    said = operator.types("completion", shell)
    assert said.returncode == 0
    assert "_GODMODE_COMPLETE" in said.stdout
    assert operator.types("completion", "tcsh").returncode == 2


def test_version_names_the_program_the_schema_and_the_server(operator: Operator, database_url: str) -> None:
    said = operator.types("--version").stdout
    newest = migrate.newest()
    assert said.startswith(f"godmode {__version__} (schema {newest})\ndatabase: schema {newest}, PostgreSQL 1")


def test_version_starts_no_server_and_is_told_without_one(operator: Operator) -> None:
    env = {name: value for name, value in operator.env.items() if name != "DATABASE_URL"}
    done = subprocess.run([GODMODE, "--version"], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("database: the embedded one does not run\n")
    assert not (operator.home / "state").exists()
    dead = operator.types("--version", DATABASE_URL="postgresql://u:hunter2hunter2@127.0.0.1:1/x")
    assert (dead.returncode, "connection refused" in dead.stdout, "hunter2" in dead.stdout) == (0, True, False)
