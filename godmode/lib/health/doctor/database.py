"""The database: reachable, its version and schema, the role's rights, its rules, its clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from psycopg import Connection

from godmode.lib.config import Config
from godmode.lib.health.doctor.symptom import BAD, OK, WARN, Symptom
from godmode.lib.store import migrate, rights, vitals

OLDEST = 14  # of PostgreSQL


def server(conn: Connection) -> Iterator[Symptom]:
    """The server's version."""
    version = conn.info.parameter_status("server_version")
    if conn.info.server_version < OLDEST * 10_000:
        yield Symptom(BAD, f"PostgreSQL {version}", f"godmode needs {OLDEST} or newer")
    else:
        yield Symptom(OK, f"PostgreSQL {version} answers")


def schema(conn: Connection, *, embedded: bool) -> Iterator[Symptom]:
    """The schema against the program's; a run brings the embedded one up to it. Raises Usage where it does not fit."""
    migrate.fit(conn)
    at, newest = migrate.version(conn), migrate.newest()
    if at == newest:
        yield Symptom(OK, f"the schema is at {at}, as this program needs it")
        return
    says = f"the schema is at {at}, this program needs {newest}"
    fix = "the next run does it, or `godmode db migrate`" if embedded else "`godmode db migrate`"
    yield Symptom(WARN if embedded else BAD, says, fix, lambda: migrate.apply(conn))


def role(conn: Connection, *, embedded: bool) -> Iterator[Symptom]:
    """What the role of the connection may do: all that jobs need, and best no more."""
    if missing := rights.lacking(conn):
        says = f"{conn.info.user} may not read, add and change in {', '.join(missing)}"
        yield Symptom(BAD, says, "`godmode db grants` prints what it needs")
    elif not embedded and rights.owns(conn):
        says = f"{conn.info.user} owns the tables, so that a mistake could take the rules away"
        yield Symptom(WARN, says, "`godmode db grants` prints a role for the jobs alone")
    else:
        yield Symptom(OK, f"{conn.info.user} has the rights that jobs need")


def rules(conn: Connection) -> Iterator[Symptom]:
    """That nothing is ever deleted."""
    if open_ := rights.deletable(conn):
        says = f"nothing keeps rows from being deleted in {', '.join(open_)}"
        yield Symptom(BAD, says, "`ALTER TABLE … ENABLE TRIGGER refuse_deletion`, or restore a backup")
    else:
        yield Symptom(OK, "the database refuses to delete in every table")


def clocks(conn: Connection, config: Config, now: Callable[[], datetime]) -> Iterator[Symptom]:
    """The server's clock against this machine's: defaults of rows made by hand come from the server."""
    before = now()
    seen = vitals.vitals(conn).at
    apart = max(before - seen, seen - now(), timedelta(0))
    if apart.total_seconds() >= config.settings.health.clock_seconds:
        says = f"the server's clock and this machine's are {apart.total_seconds():.0f} s apart"
        yield Symptom(WARN, says, "let both be set by NTP")
    else:
        yield Symptom(OK, "the server's clock agrees with this machine's")
