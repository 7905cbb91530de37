"""Embedded servers for a moment: in a state folder of their own, of which nothing stays."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from godmode.lib.store import embedded, places
from godmode.lib.store.connect import open_socket
from godmode.lib.store.postmaster import alive

if TYPE_CHECKING:
    from godmode.lib.config import Config

_MEMORY = Path("/dev/shm")
_ROOM = 512 * 1024**2  # bytes that have to be free in memory; a server for a moment takes about 60 MB
# What is gone in a moment need not survive a loss of power.
_HASTY = ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "autovacuum = off")


@contextmanager
def gone_after(own: Config) -> Iterator[None]:
    """Take away the server of this state folder, and the folder, before (a run may have been killed) and afterwards."""
    discard(own)
    try:
        yield
    finally:
        discard(own)


@contextmanager
def server(config: Config, name: str) -> Iterator[tuple[Config, Path]]:
    """A fast server in a folder of the system's for temporary files: its configuration, and the folder of its socket.

    The folder is named after `name`, the user and the process; what a process left that was killed is taken away by
    the next one. Raises as `embedded.start` does.
    """
    prefix = f"{name}-{os.geteuid()}-"
    for left in _leftovers(prefix):
        discard(structs.replace(config, state=left))
    own = structs.replace(config, state=_base() / f"{prefix}{os.getpid()}")
    with gone_after(own):
        own.state.mkdir(mode=0o711)  # for root, whose server runs as another user: that one has to get in
        socket = embedded.start(own)
        with open_socket(socket, name, "postgres") as conn:
            for setting in _HASTY:
                conn.execute(f"ALTER SYSTEM SET {setting}".encode())
            conn.execute("SELECT pg_reload_conf()")
        yield own, socket


def discard(own: Config) -> None:
    """Take away the server of a state folder, and the folder."""
    remove_server(own)
    shutil.rmtree(own.state, ignore_errors=True)


def remove_server(own: Config) -> None:
    """Take away the server of a state folder, and nothing else in it."""
    embedded.stop(own)
    home, socket = places.home(own.state), places.socket_folder(own.state)
    shutil.rmtree(home.resolve(), ignore_errors=True)
    if home.is_symlink():
        home.unlink()
    if places.is_short(socket):
        shutil.rmtree(socket, ignore_errors=True)


def _base() -> Path:
    """A folder in memory where there is room, else the usual one."""
    if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM:
        return _MEMORY
    return Path(tempfile.gettempdir())


def _leftovers(prefix: str) -> Iterator[Path]:
    """The folders of this user whose process is gone."""
    for base in {_MEMORY, Path(tempfile.gettempdir())}:
        for folder in base.glob(f"{prefix}*"):
            with suppress(OSError, ValueError):
                mine = not folder.is_symlink() and folder.lstat().st_uid == os.geteuid()
                if mine and not alive(int(folder.name.removeprefix(prefix))):
                    yield folder
