"""The server's main process, found by the file it leaves in its data directory."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from godmode.lib.store.places import PORT


@dataclass(frozen=True)
class Postmaster:
    """A running server: its process and the folder of its socket."""

    pid: int
    socket: Path

    def stop(self, seconds: float) -> bool:
        """End the server the fast way (open transactions are rolled back); whether it was gone in that time."""
        try:
            os.kill(self.pid, signal.SIGINT)
        except ProcessLookupError:
            return True
        deadline = time.monotonic() + seconds
        while alive(self.pid):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True


def find(data: Path) -> Postmaster | None:
    """The server that works in a data directory, or None.

    The file outlives a killed server, and its number may meanwhile be another process's.
    """
    pid, socket = _noted(data)
    if pid is None or not alive(pid) or not _works_in(pid, data):
        return None
    return Postmaster(pid, Path(socket))


def forget_dead(data: Path, socket: Path) -> None:
    """Remove what a dead server left that would keep PostgreSQL from ever starting. Call it under the start lock.

    That is an empty note of a full disk, and one whose number is a stranger's by now, or still the dead
    server's where nobody collects the dead, as in many containers. PostgreSQL sees by its shared memory
    whether processes of the dead server are left.
    """
    if find(data) is not None:
        return
    pid, _ = _noted(data)
    if pid is None or _is_taken(pid):
        (data / "postmaster.pid").unlink(missing_ok=True)
    (socket / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)  # the folder is this server's alone


def _noted(data: Path) -> tuple[int | None, str]:
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        return abs(int(lines[0])), lines[4] if len(lines) > 4 else ""
    except (OSError, ValueError, IndexError):
        return None, ""


def alive(pid: int) -> bool:
    """Whether a process runs; a dead one that nobody has collected does not."""
    if not _is_taken(pid):
        return False
    try:
        status = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return not Path("/proc/self").exists()
    return status[status.rindex(b")") + 2 :][:1] not in (b"Z", b"X")


def _is_taken(pid: int) -> bool:
    """Whether the number is in use, if only by a process that ended and was not collected."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _works_in(pid: int, data: Path) -> bool:
    """Whether a process is a server of this data directory: a server's working directory is its data."""
    if not Path("/proc/self").exists():
        return True
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == Path(os.path.realpath(data))
    except PermissionError:  # root without all its rights, as in a unit of systemd: better no second server
        return True
    except OSError:
        return False
