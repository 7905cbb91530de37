"""The server's folder: state/postgres, or for root, whose folders others may not enter, a link to one of its own."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from godmode.lib.errors import DatabaseTrouble, Usage
from godmode.lib.store import places

if TYPE_CHECKING:
    from godmode.lib.store.server_user import Account

ELSEWHERE = Path("/var/lib/godmode-postgres")


def prepare(state: Path, account: Account) -> Path:
    """The server's folder by its real path, made with mode 0700 for the server's user where it is missing.

    No folder that exists has its mode or owner changed. Call it under the start lock.
    Raises Usage when it is gone or cannot be made, DatabaseTrouble when the user cannot enter it.
    """
    home = places.home(state)
    try:
        if not home.is_symlink() and not home.exists():
            _make_home(home, account)
    except OSError as e:
        raise Usage(
            f"cannot make the database's folder {home}: {e.strerror}",
            "see to free space and the folder's owner, or set GODMODE_HOME to another place",
        ) from e
    real = Path(os.path.realpath(home))
    if not real.is_dir():
        raise Usage(
            f"the database's folder {real}, to which {home} leads, is missing",
            "bring it back (a disk that is not mounted, a backup); to begin anew, remove what is left of it",
        )
    if account.switch and not account.enters(real):
        raise DatabaseTrouble(
            f"the database's user {account.name} does not get into {real}", "undo what changed its mode or owner"
        )
    return real


def _make_home(home: Path, account: Account) -> None:
    if not account.switch or account.enters(home.parent):
        _make_owned(home, account)
        return
    if not ELSEWHERE.exists():
        ELSEWHERE.mkdir()
        ELSEWHERE.chmod(0o755)
    seen = ELSEWHERE.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != 0 or seen.st_mode & 0o022:
        raise Usage(f"{ELSEWHERE} is not root's own folder", "set DATABASE_URL, or see who made it")
    folder = ELSEWHERE / places.digest(str(home.parent))
    if not folder.exists():
        _make_owned(folder, account)
    link = home.with_name(f"{home.name}.{secrets.token_hex(4)}")
    link.symlink_to(folder)
    link.rename(home)


def _make_owned(folder: Path, account: Account) -> None:
    """Make a folder for the server's user so that it is there whole or not at all."""
    fresh = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}")
    fresh.mkdir(mode=0o700)
    if account.switch:
        os.chown(fresh, account.uid, account.gid)
    fresh.rename(folder)
