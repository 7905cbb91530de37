"""The monitor as cron and timers call it: where it cannot work itself, the fallback tells of it at once."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

from godmode import standby
from godmode.commands import terminal
from godmode.commands.run import tick
from godmode.lib import log
from godmode.lib.config import Config
from godmode.lib.engine.equipment import Mode, Report
from godmode.lib.errors import DatabaseTrouble, GodmodeError, Usage
from godmode.lib.health import attempts
from godmode.lib.health.fallback import Trouble
from godmode.lib.kernel import Outcome
from godmode.wiring import App

NO_ROOM = re.compile(r"no space left|quota exceeded|read-only file system|file too large|wrote only", re.IGNORECASE)


def scheduled() -> int:
    """Run the monitor for its due slot; the exit code. One line on stderr says what it came to, and who was told."""
    try:
        config = terminal.config()
    except Usage as e:
        return _failed(None, Trouble("configuration", str(e)), e)
    with attempts.marked(config.state) as (bad, ended):
        return _run(config, bad, ended)


def _run(config: Config, bad: int, ended: Callable[[bool | None], int]) -> int:
    app = App(config, stream=sys.stderr)
    tick.set_up_log(app)
    told = _alert(config, _crashes(bad)) if bad >= attempts.TOO_OFTEN else None
    try:
        report = app.runner.run(tick.MONITOR, Mode(scheduled=True))
    except Usage as e:
        ended(None)
        return _failed(config, _trouble(str(e), "configuration"), e)
    trouble = _of(report, ended)
    told = _alert(config, trouble) if trouble else told
    tick.tell(report, fallback=told)
    return tick.exit_code(report.result)


def _of(report: Report, ended: Callable[[bool | None], int]) -> Trouble | None:
    """What is to be told of a run beyond what it could tell itself."""
    result = report.result
    if result.outcome is not Outcome.FAILED:
        ended(True if result.outcome is Outcome.SUCCEEDED else None)
        return None
    if result.error_category == DatabaseTrouble.category:
        ended(None)
        return _trouble(result.error or "", "database")
    times = ended(False)
    if times < attempts.TOO_OFTEN:
        return None
    return Trouble("crash", f"it failed {times} times in a row: {result.error}")


def _crashes(times: int) -> Trouble:
    what = f"its last {times} runs did not end by themselves; `journalctl -k` may tell of a lack of memory"
    return Trouble("crash", what)


def _trouble(what: str, kind: str) -> Trouble:
    return Trouble("disk" if NO_ROOM.search(what) else kind, what)


def _alert(config: Config | None, trouble: Trouble) -> str:
    """Tell of a trouble; what became of that."""
    try:
        return str(standby.alert(standby.left(terminal.options.config, config), trouble))
    except GodmodeError as e:
        return f"alert failed: {e}"


def _failed(config: Config | None, trouble: Trouble, error: GodmodeError) -> int:
    """A monitor that could not even begin."""
    told = _alert(config, trouble)
    if "--debug" in sys.argv:
        raise error
    log.event("error", f"godmode: {error}", fallback=told)
    return error.exit_code
