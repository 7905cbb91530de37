"""secrets.env: what cron's bare environment lacks, read by godmode itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from godmode.lib import secrets_file
from godmode.lib.errors import Usage


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def write(config: Path, text: str, mode: int = 0o600) -> None:
    path = secrets_file.beside(config)
    path.write_text(text)
    path.chmod(mode)


def test_lines_are_read_as_a_shell_that_sources_them_would(config: Path) -> None:
    write(
        config,
        "# mine\n\nexport A_TOKEN=abc\nB_TOKEN='d e#f'\n C_URL = \nD_URL=\"x=y%z\"  \nE_KEY=\n".replace(
            " C_URL = \n", ""
        ),
    )
    assert secrets_file.read(config) == {"A_TOKEN": "abc", "B_TOKEN": "d e#f", "D_URL": "x=y%z", "E_KEY": ""}


def test_what_is_given_otherwise_goes_first(config: Path, tmp_path: Path) -> None:
    write(config, "A_TOKEN=file\nB_TOKEN=file\nC_TOKEN=file\nD_TOKEN=file\nE_TOKEN_FILE=/of/the/file\n")
    (tmp_path / "C_TOKEN").write_text("credential")
    env = {"A_TOKEN": "shell", "B_TOKEN_FILE": "/b", "CREDENTIALS_DIRECTORY": str(tmp_path), "E_TOKEN": "shell"}
    secrets_file.take(config, env)
    assert env == {
        "A_TOKEN": "shell", "B_TOKEN_FILE": "/b", "CREDENTIALS_DIRECTORY": str(tmp_path), "D_TOKEN": "file",
        "E_TOKEN": "shell",
    }  # fmt: skip


def test_without_the_file_nothing_changes(config: Path) -> None:
    env = {"A": "b"}
    secrets_file.take(config, env)
    assert env == {"A": "b"}


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604])
def test_a_file_that_others_can_read_is_refused(config: Path, mode: int) -> None:
    write(config, "A_TOKEN=abc\n", mode)
    with pytest.raises(Usage, match="others can read") as caught:
        secrets_file.read(config)
    assert "chmod 600" in str(caught.value)


def test_a_line_that_is_none_is_named_without_what_it_says(config: Path) -> None:
    write(config, "A_TOKEN=abc\nsk-secret-1234\n")
    with pytest.raises(Usage, match="line 2") as caught:
        secrets_file.read(config)
    assert "sk-secret" not in str(caught.value)


def test_a_folder_in_its_place_is_named(config: Path) -> None:
    secrets_file.beside(config).mkdir()
    with pytest.raises(Usage, match="cannot read the secrets"):
        secrets_file.read(config)
