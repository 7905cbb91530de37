"""The embedded server under a service manager, which has to see how long it runs."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, NoReturn

from godmode.lib.errors import DatabaseTrouble
from godmode.lib.store import embedded

if TYPE_CHECKING:
    from godmode.lib.config import Config


def run(config: Config) -> NoReturn:
    """Have the server running, whoever started it, say so, and last as long as it does. Raises as `embedded.start`.

    What lasts is coreutils' `tail`, in this process's place: an interpreter that waits for a year would take 20 MB.
    """
    embedded.start(config)
    pid = embedded.status(config).pid
    if pid is None:
        raise DatabaseTrouble("the database's server ended as soon as it was up", "see its log")
    _tell_ready()
    os.execvp("tail", ["tail", f"--pid={pid}", "-f", "/dev/null"])


def _tell_ready() -> None:
    """What sd_notify(3) sends, where a service manager listens."""
    if address := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.sendto(b"READY=1", f"\0{address[1:]}" if address.startswith("@") else address)
