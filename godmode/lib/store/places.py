"""Where the embedded server's files lie, told the same from cron as from a shell.

Every run imports this, so it imports next to nothing.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from godmode.lib.errors import Usage

DATABASE = USER = "godmode"
PORT = 5432
_LONGEST_SOCKET = 107  # bytes; the kernel's sun_path without its closing zero
_RUN = Path("/run/godmode")
_TMP = Path("/tmp")  # not XDG_RUNTIME_DIR, which cron does not have and a logout empties


def home(state: Path) -> Path:
    """The server's folder: data, logs and settings. For root it may be a link to where the server's user gets in."""
    return state / "postgres"


def data(state: Path) -> Path:
    """PostgreSQL's data directory."""
    return home(state) / "data"


def socket_folder(state: Path) -> Path:
    """The folder of the unix socket: beside the data, or a short one of its own where that name cannot be used."""
    real = os.path.realpath(state)
    beside = f"{real}/postgres"
    longest = len(os.fsencode(f"{beside}/.s.PGSQL.{PORT}"))
    if longest <= _LONGEST_SOCKET and not set(beside) & set(",\"'\\\n"):  # libpq splits hosts at commas
        return Path(beside)
    uid = os.geteuid()
    name = digest(real)
    return _RUN / name if uid == 0 else _TMP / f"godmode-{uid}-{name}"


def digest(path: str) -> str:
    """Twelve hexadecimal digits that stand for a path."""
    import hashlib

    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def is_short(socket: Path) -> bool:
    """Whether a socket folder stands apart from the data, in a place that others can write or see."""
    return socket.parent == _RUN or (socket.parent == _TMP and socket.name.startswith("godmode-"))


def check(socket: Path) -> None:
    """Make sure that a short socket folder is this user's alone, so that nobody else can pose as the server.

    Raises FileNotFoundError when it is missing, Usage when it is somebody else's.
    """
    if not is_short(socket):
        return
    if socket.parent == _RUN:
        _refuse_unless(_RUN, uid=0, forbidden=0o022)
    # Below root's own /run/godmode the server's user owns it; only root could have put it there.
    _refuse_unless(socket, uid=None if socket.parent == _RUN else os.geteuid(), forbidden=0o077)


def make_short(socket: Path, uid: int, gid: int) -> None:
    """Make a short socket folder with mode 0700 for the server's user. Raises Usage, OSError."""
    if socket.parent == _RUN:
        _make(_RUN, 0o755)
        _refuse_unless(_RUN, uid=0, forbidden=0o022)
    _make(socket, 0o700)
    if os.geteuid() == 0:
        os.chown(socket, uid, gid, follow_symlinks=False)
    check(socket)


def _make(folder: Path, mode: int) -> None:
    try:
        folder.mkdir()
    except FileExistsError:
        return
    folder.chmod(mode)


def _refuse_unless(folder: Path, uid: int | None, forbidden: int) -> None:
    seen = folder.lstat()
    mine = uid is None or seen.st_uid == uid
    if stat.S_ISDIR(seen.st_mode) and mine and not seen.st_mode & forbidden:
        return
    raise Usage(
        f"{folder}, which is to hold the database's socket, is not a private folder of this user",
        "remove it, or set GODMODE_HOME (or state_dir) to a shorter path",
    )
