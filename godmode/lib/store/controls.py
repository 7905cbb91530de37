"""agent_controls: the one row that says what godmode may do, and the kill switch in it."""

from __future__ import annotations

import re
from datetime import datetime

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import class_row

from godmode.lib.errors import DatabaseTrouble

SWITCH_LOCK = 0x676F6473746F70  # "godstop": intents share it, who turns the switch holds it alone
DRILL = "^drill [0-9T]+$"  # the reason by which a drill is known (a pattern of PostgreSQL's and Python's)
NAMES = ("jobs_enabled", "comms_enabled", "write_enabled")


class Controls(Struct, frozen=True):
    """The controls. `kill_switch_number` counts the switch's changes."""

    kill_switch: bool
    jobs_enabled: bool
    comms_enabled: bool
    write_enabled: bool
    kill_switch_number: int
    kill_switch_reason: str | None
    kill_switch_changed_at: datetime | None
    kill_switch_changed_by: str | None

    @property
    def drilled(self) -> bool:
        """Whether the switch is on for a moment, to prove that it stops everything."""
        return self.kill_switch and re.match(DRILL, self.kill_switch_reason or "") is not None


COLUMNS = ", ".join(f"c.{name}" for name in Controls.__struct_fields__)


def read(conn: Connection) -> Controls | None:
    """The controls; None when the row is missing, which counts as the switch being on."""
    with conn.cursor(row_factory=class_row(Controls)) as cursor:
        return cursor.execute(f"SELECT {COLUMNS} FROM agent_controls c").fetchone()


def hold(conn: Connection) -> Controls:
    """The controls, for who turns the switch: nobody else reads or turns it until the transaction ends.

    Raises DatabaseTrouble when there is no row.
    """
    _lock_switch(conn)
    with conn.cursor(row_factory=class_row(Controls)) as cursor:
        row = cursor.execute(f"SELECT {COLUMNS} FROM agent_controls c FOR UPDATE").fetchone()
    if row is None:
        raise DatabaseTrouble(
            "agent_controls has no row, so nothing acts", "`INSERT INTO agent_controls DEFAULT VALUES` gives it one"
        )
    return row


def set_control(conn: Connection, name: str, on: bool) -> None:
    """Set one of NAMES."""
    assert name in NAMES
    conn.execute(f"UPDATE agent_controls SET {name} = %s", (on,))


def set_kill_switch(conn: Connection, on: bool, reason: str | None, by: str | None, now: datetime | None) -> int:
    """Set the switch, in the caller's transaction, and return its change's number.

    It waits for every intent that is being written, so none is written after it returns. A drill leaves the time of
    the last change as it was: it decides nothing about what was waiting, or was said, before.
    """
    _lock_switch(conn)
    row = conn.execute(
        """
        UPDATE agent_controls
        SET kill_switch = %(on)s,
            kill_switch_reason = %(reason)s, kill_switch_changed_by = %(by)s,
            kill_switch_changed_at = CASE WHEN %(reason)s::text ~ %(drill)s THEN kill_switch_changed_at
                                          ELSE %(now)s::timestamptz END
        RETURNING kill_switch_number
        """,
        {"on": on, "reason": reason, "by": by, "now": now, "drill": DRILL},
    ).fetchone()
    return int(row[0]) if row else 0


def _lock_switch(conn: Connection) -> None:
    """Wait for the intents that are being written; always before the row itself, as they do."""
    conn.execute("SELECT pg_advisory_xact_lock(%s)", (SWITCH_LOCK,))
