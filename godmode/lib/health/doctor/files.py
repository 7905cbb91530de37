"""Files: who may read and write them, and what killed processes left behind."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from godmode.lib import secrets_file
from godmode.lib.config import Config
from godmode.lib.errors import Usage
from godmode.lib.health.doctor.symptom import BAD, OK, WARN, Symptom

_GROUP_OR_OTHERS_WRITE, _OTHERS_READ = 0o022, 0o044


def configuration(config: Config) -> Iterator[Symptom]:
    """The configuration file: there, and nobody else's to change; to read, neither where secrets stand in it."""
    path = config.path
    if not path.exists():
        yield Symptom(OK, f"there is no {path}: all is default")
        return
    mode = path.stat().st_mode
    if mode & _GROUP_OR_OTHERS_WRITE:
        yield Symptom(BAD, f"others may write {path} ({_shown(mode)})", f"`chmod go-w {path}`", _without(path, 0o022))
    elif mode & _OTHERS_READ and config.settings.channels.get("apprise"):
        fix = f"`chmod 600 {path}`"
        yield Symptom(WARN, f"others may read {path}, where apprise's addresses stand", fix, _without(path, 0o077))
    else:
        yield Symptom(OK, f"{path} ({_shown(mode)})")


def state(config: Config) -> Iterator[Symptom]:
    """The state folder: there, writable, and nobody else's to write."""
    folder = config.state
    if not folder.exists():
        yield Symptom(WARN, f"there is no {folder} yet", "the first run makes it, or `godmode init`")
        return
    mode = folder.stat().st_mode
    if not os.access(folder, os.W_OK | os.X_OK):
        yield Symptom(BAD, f"{folder} cannot be written by this user", "see who owns it")
    elif mode & _GROUP_OR_OTHERS_WRITE:
        fix = f"`chmod go-w {folder}`"
        yield Symptom(BAD, f"others may write {folder} ({_shown(mode)})", fix, _without(folder, 0o022))
    else:
        yield Symptom(OK, f"{folder} ({_shown(mode)})")
    for path in sorted(folder.glob("*token.json")):
        if path.is_file() and path.stat().st_mode & 0o077:
            yield Symptom(BAD, f"others may read {path}", f"`chmod 600 {path}`", _without(path, 0o077))


def secrets(names: Sequence[str], config: Path) -> Iterator[Symptom]:
    """The files that hold secrets (secrets.env beside the configuration, NAME_FILE): nobody else's to read."""
    named = [(name, Path(file)) for name in names if (file := os.environ.get(f"{name}_FILE"))]
    yield from _environment(config)
    for name, path in named:
        yield from _secret(name, path)
    if not named and not secrets_file.beside(config).exists():
        yield Symptom(OK, "no secret is read from a file")


def _environment(config: Path) -> Iterator[Symptom]:
    """The file that cron's runs have their secrets from."""
    path = secrets_file.beside(config)
    try:
        given = secrets_file.read(config)
    except Usage as e:
        mode = path.stat().st_mode if path.exists() else 0
        yield Symptom(BAD, e.message, e.fix, _without(path, 0o077) if mode & 0o077 else None)
        return
    if given:
        yield Symptom(OK, f"{', '.join(sorted(given))} in {path}, which is yours alone")


def _secret(name: str, path: Path) -> Iterator[Symptom]:
    try:
        mode = path.stat().st_mode
    except OSError as e:
        yield Symptom(BAD, f"{name}_FILE: cannot read {path}: {e.strerror}", "correct it, or unset it")
        return
    if mode & 0o077:
        yield Symptom(BAD, f"others may read {path} ({name}_FILE)", f"`chmod 600 {path}`", _without(path, 0o077))
    else:
        yield Symptom(OK, f"{name} is in {path}, which is yours alone")


def leftovers(folder: Path) -> Iterator[Symptom]:
    """What a backup left that was killed: half a dump, a scratch server. A run clears them away too."""
    halves = sorted(folder.glob(".godmode-*.part"))
    for path in halves:
        yield Symptom(WARN, f"{path} is half a backup", f"`rm {path}`", path.unlink)
    if not halves:
        yield Symptom(OK, "no half backups")


def _without(path: Path, bits: int) -> partial[None]:
    return partial(path.chmod, stat.S_IMODE(path.stat().st_mode) & ~bits)


def _shown(mode: int) -> str:
    return f"mode {stat.S_IMODE(mode):04o}"
