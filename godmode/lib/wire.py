"""The open connections of one source, so that what drips or hangs can be cut off, also from another thread."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Timer
from weakref import WeakSet

from godmode.lib.errors import GodmodeError, Transient


class Sockets:
    """Sockets that are watched until they are gone. A socket that is cut fails in the thread that waits for it."""

    def __init__(self) -> None:
        self._open: WeakSet[socket.socket] = WeakSet()

    def watch(self, sock: socket.socket) -> None:
        """Know a connected socket from now on; of a TLS connection the wrapped one."""
        self._open.add(sock)

    def cut(self) -> None:
        """End every connection now."""
        for sock in list(self._open):
            with suppress(OSError):  # closed meanwhile
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # closing alone would not wake the thread that reads

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Cut the connections when the block lasts longer, though bytes drip in. Then its error is a Transient."""
        over = Event()
        timer = Timer(seconds, self._end, (over,))
        timer.daemon = True
        timer.start()
        try:
            yield
        except GodmodeError:
            if over.is_set():
                raise Transient(f"an answer was not complete after {seconds:g} s, and was cut off") from None
            raise
        finally:
            timer.cancel()

    def _end(self, over: Event) -> None:
        over.set()
        self.cut()
