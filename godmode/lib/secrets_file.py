"""The environment of runs that have none of their own: `secrets.env` beside the configuration, `NAME=value` a line.

Cron gives its jobs nothing of a shell's environment, and a crontab is no place for secrets. So every godmode reads
this file itself, by hand as from cron; what the environment, a NAME_FILE or a systemd credential gives, goes first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, MutableMapping
from pathlib import Path

from godmode.lib.errors import Usage

NAME = "secrets.env"
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=([^\0]*?)\s*")


def beside(config: Path) -> Path:
    """Where the file of a configuration is, or would be."""
    return config.with_name(NAME)


def take(config: Path, env: MutableMapping[str, str] = os.environ) -> None:
    """Put what the file says into the environment, but for what is given already. Raises Usage."""
    for name, value in read(config).items():
        if not _is_given(name, env):
            env[name] = value


def read(config: Path) -> dict[str, str]:
    """What the file says; nothing where there is none. Raises Usage when it cannot be read, or others can read it."""
    path = beside(config)
    try:
        with path.open("rb") as file:
            mode, raw = os.fstat(file.fileno()).st_mode, file.read()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as e:
        raise Usage(f"cannot read the secrets in {path}: {e.strerror}", "check its owner and mode") from e
    if mode & 0o077:
        raise Usage(f"others can read the secrets in {path}", f"`chmod 600 {path}`")
    try:
        return dict(_pairs(raw.decode("utf-8-sig"), path))
    except UnicodeDecodeError:
        raise Usage(f"{path} is not UTF-8", "save it as UTF-8") from None


def _pairs(text: str, path: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise Usage(f"{path}, line {number}: not NAME=value", "mend that line")
        yield match[1], _unquoted(match[2])


def _unquoted(value: str) -> str:
    """The value as a shell would take it that stands in one pair of quotes, or in none. Nothing in it is replaced."""
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def _is_given(name: str, env: MutableMapping[str, str]) -> bool:
    plain = name.removesuffix("_FILE")
    folder = env.get("CREDENTIALS_DIRECTORY")
    return bool(env.get(plain) or env.get(f"{plain}_FILE")) or bool(folder and (Path(folder) / plain).is_file())
