"""The health checks: each looks at one thing and says how it is."""

from __future__ import annotations

from collections.abc import Callable

from godmode.lib.health import database, disks, rounds, services
from godmode.lib.health.finding import Finding, Look, Patient
from godmode.lib.store import controls


def switches(patient: Patient) -> Look:
    """The controls as they stand; none of them is a fault, all of them are worth knowing."""
    now = controls.read(patient.ctx.store.conn)
    off = [name for name in controls.NAMES if now is not None and not getattr(now, name)]
    if now is None:
        do = "`INSERT INTO agent_controls DEFAULT VALUES` gives it one"
        return Look("controls", "no row", [Finding("controls", "agent_controls has no row, so nothing acts", do)])
    return Look("controls", f"off: {', '.join(off)}" if off else "all enabled", data={"off": off})


CHECKS: tuple[Callable[[Patient], Look], ...] = (
    database.database,
    switches,
    disks.disk,
    rounds.jobs,
    services.services,
    services.channels,
)
