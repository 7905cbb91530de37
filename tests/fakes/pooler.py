"""PgBouncer in transaction mode before a server's unix socket, from Debian's package, installed where it can be."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fakes import debian

INI = """
[databases]
* = host={server} port={upstream} user=godmode
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 8
max_client_conn = 200
ignore_startup_parameters = extra_float_digits
logfile = {folder}/log
"""


@contextmanager
def running(server: Path, upstream: int, folder: Path) -> Iterator[int]:
    """A pooler before the server whose socket is in `server`; its TCP port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config, owner = folder / "pgbouncer.ini", (server / f".s.PGSQL.{upstream}").stat()
    config.write_text(INI.format(server=server, upstream=upstream, port=port, folder=folder))
    who: dict[str, Any] = {}
    if os.geteuid() == 0:  # it refuses to run as root, as the server does
        who = {"user": owner.st_uid, "group": owner.st_gid}
        os.chown(folder, owner.st_uid, owner.st_gid)
    process = subprocess.Popen(
        [debian.program("pgbouncer"), "-q", config],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        **who,
    )
    try:
        _wait(process, port)
        yield port
    finally:
        process.kill()
        process.communicate()


def _wait(process: subprocess.Popen[str], port: int) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(f"postgresql://godmode@127.0.0.1:{port}/postgres", connect_timeout=2).close()
        except psycopg.OperationalError as e:
            if process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"pgbouncer does not serve: {e}; {process.communicate()[1] if process.poll() else ''}")
            time.sleep(0.02)
        else:
            return
