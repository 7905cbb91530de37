"""Who runs the embedded server: the operator's own user, or for root, whom PostgreSQL refuses, an own system user."""

from __future__ import annotations

import os
import pwd
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from godmode.lib.errors import DatabaseTrouble, Usage

NAME = "godmode-postgres"
_WAY_OUT = "run godmode as an ordinary user, or set DATABASE_URL"
_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"  # cron's own lacks the folders of useradd


@dataclass(frozen=True)
class Account:
    """A system user. `switch` is true when commands have to change to it, as root may."""

    name: str
    uid: int
    gid: int
    switch: bool

    def run(
        self, argv: Sequence[str | Path], *, text: str | None = None, pass_fds: Sequence[int] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as this user, out of reach of the terminal's Ctrl-C, with `text` on its standard input.

        Nothing of the caller's environment reaches it (PGPORT and the like change what the server does).
        Raises DatabaseTrouble when it cannot be started at all.
        """
        who = {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}
        try:
            return subprocess.run(  # type: ignore[call-overload,no-any-return]
                [str(a) for a in argv],
                input=text if text is not None else "",
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                cwd="/",
                env={"PATH": _PATH, "LC_ALL": "C", "HOME": "/"},
                umask=0o077,
                start_new_session=True,
                pass_fds=tuple(pass_fds),
                check=False,
                **who,
            )
        except OSError as e:
            raise DatabaseTrouble(f"cannot run {argv[0]} as {self.name}: {e.strerror}", _WAY_OUT) from e

    def enters(self, folder: Path) -> bool:
        """Whether this user gets into a folder."""
        return self.run(["/bin/sh", "-c", 'cd "$1"', "sh", folder]).returncode == 0


def account(data: Path) -> Account:
    """The user that runs the server of a data directory, which may not exist yet. Root's is made where it is missing.

    Raises Usage when there is none and none can be made.
    """
    if os.geteuid() != 0:
        return _known(os.geteuid(), switch=False)
    owner = _owner(data)
    return _known(owner, switch=True) if owner else _own_user()


def _owner(data: Path) -> int | None:
    try:
        return data.stat().st_uid
    except OSError:
        return None


def _known(uid: int, switch: bool) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise Usage(
            f"user id {uid} has no name here, and PostgreSQL wants one", "add the user, or set DATABASE_URL"
        ) from None
    return Account(entry.pw_name, uid, entry.pw_gid, switch)


def _own_user() -> Account:
    complaint = ""
    for _ in range(50):  # another process may hold the lock on /etc/passwd
        try:
            entry = pwd.getpwnam(NAME)
        except KeyError:
            complaint = _add_user()
            if "lock" not in complaint:
                break
            time.sleep(0.1)
        else:
            return Account(NAME, entry.pw_uid, entry.pw_gid, switch=True)
    try:
        entry = pwd.getpwnam(NAME)
    except KeyError:
        raise Usage(
            f"PostgreSQL does not run as root, and the system user {NAME} cannot be made: {complaint}", _WAY_OUT
        ) from None
    return Account(NAME, entry.pw_uid, entry.pw_gid, switch=True)


def _add_user() -> str:
    """Make the system user; what went wrong. That another process made it meanwhile does no harm."""
    import shutil

    program = shutil.which("useradd", path=_PATH)
    if program is None:
        return "there is no useradd"
    words = [program, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    made = subprocess.run(
        [*words, "--shell", "/usr/sbin/nologin", NAME], capture_output=True, text=True, check=False, cwd="/"
    )
    return " ".join(made.stderr.split()) or (f"useradd ended with {made.returncode}" if made.returncode else "")
