"""Where godmode's files live: the XDG folders, root's system folders, or one folder named by GODMODE_HOME."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from godmode.lib.errors import Usage

_PACKAGE = Path(__file__).resolve().parents[1]


def default_config(env: Mapping[str, str] = os.environ) -> Path:
    """The configuration file that is read when `--config` does not name one."""
    if home := env.get("GODMODE_HOME"):
        return Path(home).absolute() / "config.toml"
    if os.geteuid() == 0:
        return Path("/etc/godmode/config.toml")
    base = env.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "godmode" / "config.toml"


def default_state(env: Mapping[str, str] = os.environ) -> Path:
    """The folder for what must outlive a run: locks, the switch's mirror, the embedded database."""
    if home := env.get("GODMODE_HOME"):
        return Path(home).absolute() / "state"
    if os.geteuid() == 0:
        return Path("/var/lib/godmode")
    base = env.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "godmode"


def shipped(name: str) -> Path:
    """A file or folder that comes with the program: `migrations`, `systemd`, `crontab.example`.

    In an installed wheel it lies inside the package, in a source tree at the top.
    """
    inside = _PACKAGE / "data" / name
    return inside if inside.exists() else _PACKAGE.parent / name


def private_folder(path: Path) -> Path:
    """Make `path` with mode 0700 where it is missing, and what is missing above it; what exists keeps its mode.

    Raises Usage when it cannot be made.
    """
    try:
        for folder in (*reversed(path.parents), path):
            if not folder.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
        path.mkdir(exist_ok=True)
    except OSError as e:
        raise Usage(
            f"cannot use the folder {path}: {e.strerror}",
            "set GODMODE_HOME (or state_dir in the configuration) to a folder you may write",
        ) from e
    return path


def replace_file(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Put `content` in the place of a file, whole and on disk before it returns, whatever the umask. Raises Usage."""
    fresh = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as e:
        with suppress(OSError):  # as the folder may be one that cannot be entered
            fresh.unlink(missing_ok=True)
        raise Usage(f"cannot write {path}: {e.strerror}", "check the folder's owner and free space") from e


def publish(path: Path, content: bytes, mode: int) -> None:
    """Put `content` in the place of a file that others read; a link stays, and what it points at is replaced.

    Raises Usage, also for what is no file: a folder, a pipe or a device would be replaced by one.
    """
    real = path.resolve()
    if real.exists() and not real.is_file():
        raise Usage(f"cannot write {path}: it is no regular file", "name a file")
    replace_file(real, content, mode)
