"""The kill switch: the database is the truth, a file in the state folder its mirror.

A mirror without a number was written while the database was away: it counts as on, and the first run that
reaches the database carries it there. A mirror whose number is not the database's is stale and rewritten.
A mirror that cannot be read counts as on (fail closed).

What changes the switch holds the controls row while it looks at the mirror or writes it. So a run that read a
waiting mirror a moment ago cannot carry it into the database after somebody has said `off` meanwhile.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TypeGuard

import msgspec
from msgspec import Struct
from psycopg import Connection

from godmode.lib.errors import Usage
from godmode.lib.paths import private_folder, replace_file
from godmode.lib.store import audit, controls
from godmode.lib.store.controls import Controls

DRILL = "killswitch_drill"  # its drills' name in the audit log


class Mirror(Struct, frozen=True):
    """The file's content. `number` is the change it mirrors, None while the database has not heard of it."""

    on: bool
    number: int | None
    reason: str = ""
    at: str = ""


def path(state: Path) -> Path:
    return state / "kill-switch.json"


def read(state: Path) -> Mirror | None:
    """The mirror; None where there is none yet. What cannot be read counts as on."""
    try:
        raw = msgspec.json.decode(path(state).read_bytes())
        return Mirror(on=bool(raw["on"]), number=raw["number"], reason=str(raw["reason"]), at=str(raw["at"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return Mirror(on=True, number=None, reason=f"{path(state)} cannot be read")


def write(state: Path, mirror: Mirror) -> None:
    """Replace the mirror in one step, on disk before it returns. Raises Usage."""
    replace_file(path(private_folder(state)), msgspec.json.encode(mirror))


def settle(conn: Connection, state: Path, now: datetime, *, write_back: bool = True) -> Controls | None:
    """Read the controls, carry a waiting `on` into the database, and bring a stale mirror up to date."""
    return agree(conn, state, controls.read(conn), now, write_back=write_back)


def agree(
    conn: Connection, state: Path, now_in_database: Controls | None, now: datetime, *, write_back: bool = True
) -> Controls | None:
    """As `settle`, for controls that were just read."""
    truth = now_in_database
    if truth is None or not write_back:
        return truth
    if _waits(read(state)) and not truth.kill_switch:
        truth = _carry(conn, state, now)
    mirror = read(state)
    if _is_stale(mirror, truth):
        # A mirror that cannot be written now (a full disk) is stale, which is harmless while the database answers.
        with suppress(Usage):
            mirror_of(state, truth)
    return truth


def _waits(mirror: Mirror | None) -> TypeGuard[Mirror]:
    """Whether this is an `on` that the database has not heard of."""
    return mirror is not None and mirror.on and mirror.number is None


def _is_stale(mirror: Mirror | None, truth: Controls) -> bool:
    """Whether the file is older than these controls; one that is newer was written after they were read."""
    if mirror is None or mirror.number is None or mirror.number < truth.kill_switch_number:
        return True
    return mirror.number == truth.kill_switch_number and mirror.on != truth.kill_switch


def _carry(conn: Connection, state: Path, now: datetime) -> Controls:
    """Take a waiting `on` into the database, if it still waits there once the controls row is held."""
    with conn.transaction():
        held = controls.hold(conn)
        mirror = read(state)
        if _waits(mirror) and not held.kill_switch:
            turn_on(conn, mirror.reason, "state folder", now)
            held = controls.hold(conn)
    return held


def is_on(state: Path, truth: Controls | None) -> bool:
    """Whether nothing may act: the database says so, has no controls, or has not yet heard of an `on`."""
    if truth is None or truth.kill_switch:
        return True
    return waiting(state) is not None


def waiting(state: Path) -> Mirror | None:
    """The `on` in the file that the database has not heard of."""
    mirror = read(state)
    return mirror if _waits(mirror) else None


def mirror_of(state: Path, truth: Controls) -> None:
    """Write the file that mirrors these controls."""
    at = truth.kill_switch_changed_at
    write(
        state,
        Mirror(
            on=truth.kill_switch,
            number=truth.kill_switch_number,
            reason=truth.kill_switch_reason or "",
            at=at.isoformat() if at else "",
        ),
    )


def turn_on(conn: Connection, reason: str, by: str, now: datetime) -> None:
    """Set the switch in the database, with its audit row, in one transaction."""
    with conn.transaction():
        controls.set_kill_switch(conn, True, reason, by, now)
        audit.write(conn, now, "kill_switch", "control", success=True, data={"on": True, "reason": reason, "by": by})


def turn_off(conn: Connection, state: Path, reason: str, by: str, now: datetime) -> Controls:
    """Clear the switch in the database and its mirror, with its audit row; the controls after it.

    Raises Usage, and leaves the switch on, where the mirror cannot be written: it could stop this host again.
    """
    with conn.transaction():
        controls.set_kill_switch(conn, False, reason, by, now)
        audit.write(conn, now, "kill_switch", "control", success=True, data={"on": False, "reason": reason, "by": by})
        truth = controls.hold(conn)
        mirror_of(state, truth)
    return truth


def release(conn: Connection, state: Path, reason: str, by: str, now: datetime, before: Controls) -> bool:
    """Clear a switch that was set for `reason` (a drill), and give its last real change, `before`, back to it.

    False, and it stays on, when somebody else set it since.
    """
    with conn.transaction():
        truth, mirror = controls.hold(conn), read(state)
        if truth.kill_switch_reason != reason or (_waits(mirror) and mirror.reason != reason):
            return False
        turn_off(conn, state, reason, by, now)
        controls.set_kill_switch(
            conn, False, before.kill_switch_reason, before.kill_switch_changed_by, before.kill_switch_changed_at
        )
    return True
