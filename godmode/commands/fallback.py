"""`godmode fallback UNIT`: what systemd calls when a unit failed. Not for typing, so no help lists it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Annotated

import typer

from godmode import standby
from godmode.commands import terminal
from godmode.lib import log
from godmode.lib.clock import SystemClock
from godmode.lib.errors import Usage
from godmode.lib.health import attempts
from godmode.lib.health.fallback import Trouble

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(hidden=True)
def fallback(unit: Annotated[str, typer.Argument(help="The unit, or its job.")]) -> int:
    """Count a crash of a unit; the third within an hour is told of, without the database."""
    job = _job(unit)
    if _ended_by_itself(os.environ):
        return 0
    try:
        config = terminal.config()
    except Usage:  # the monitor's own run tells of that
        config = None
    left = standby.left(terminal.options.config, config)
    times = attempts.crashed(left.config.state, job, SystemClock().now())
    if times < attempts.TOO_OFTEN:
        log.event("warning", f"{job}: crashed", how=_how(os.environ), times=times)
        return 0
    what = f"it crashed {times} times within an hour ({_how(os.environ)}); `journalctl -t godmode` shows more"
    log.event("error", f"{job}: crashed", times=times, fallback=standby.alert(left, Trouble("crash", what, job)))
    return 0


def _job(unit: str) -> str:
    """The job of a unit: `godmode@daily-digest.service` is daily_digest's."""
    name = unit.removesuffix(".service").rpartition("@")[2]
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        raise Usage(f'"{unit}" is no unit of godmode', "as in `godmode fallback health-monitor`")
    return name.replace("-", "_")


def _ended_by_itself(env: Mapping[str, str]) -> bool:
    """Whether the run came to an end that it recorded, or told of, itself (systemd.exec(5), MONITOR_*)."""
    return env.get("MONITOR_EXIT_CODE") == "exited" and env.get("MONITOR_EXIT_STATUS") in ("0", "1", "2")


def _how(env: Mapping[str, str]) -> str:
    return env.get("MONITOR_SERVICE_RESULT") or "its unit failed"
