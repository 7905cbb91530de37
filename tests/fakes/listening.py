"""The server that all fakes of services are made of: a client that is killed neither stops it nor makes it speak."""

from __future__ import annotations

import sys
from http.server import ThreadingHTTPServer


class Listening(ThreadingHTTPServer):
    """A thread for each client, on a port of this machine."""

    daemon_threads = True
    request_queue_size = 64

    def server_activate(self) -> None:
        """A client may be gone between the word that it is there and its being let in: then nobody is waited for."""
        super().server_activate()
        self.socket.settimeout(1)

    def handle_error(self, request: object, client_address: object) -> None:
        """One that went away before its answer, as one that was killed does, is no trouble of the server's."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]
