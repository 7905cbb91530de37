"""What cron and timers call: run a job if its slot is due, quiet on stdout."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from godmode.commands import terminal
from godmode.lib import log
from godmode.lib.errors import Usage
from godmode.lib.kernel import JobResult, Outcome
from godmode.wiring import App

if TYPE_CHECKING:
    from godmode.lib.engine.equipment import Report

MONITOR = "health_monitor"


def scheduled(job: str) -> int:
    """Run a job for its due slot; the exit code. What it did, unless it was not due, is a line of the log."""
    from godmode.lib.engine.equipment import Mode

    if job.replace("-", "_") == MONITOR:
        from godmode.commands.run import watched

        return watched.scheduled()
    app = App(terminal.config(), stream=sys.stderr)
    set_up_log(app)
    report = app.runner.run(job, Mode(scheduled=True))
    tell(report)
    return exit_code(report.result)


def set_up_log(app: App) -> None:
    """Log as the configuration says."""
    wanted = app.config.settings.log
    log.set_up(wanted.format, wanted.level, app.clean)


def tell(report: Report, **more: object) -> None:
    """A run as an event of the log."""
    result = report.result
    too_early = result.reason == "quiet_hours" and report.slot is None  # at night no look at the digest is news
    if (too_early or result.reason in ("not_due", "already_ran")) and not any(more.values()):
        return
    why = result.error or result.data.get("message") or ""
    reason = f" ({result.reason})" if result.reason else ""
    line = f"{report.job}: {result.outcome}{reason}{f': {why}' if why else ''}"
    unwell = ",".join(result.data.get("degraded", ())) or None
    level = "error" if result.outcome is Outcome.FAILED else "warning" if unwell else "info"
    known = {"slot": report.slot, "run": report.run_id, "ms": report.duration_ms, "degraded": unwell}
    log.event(level, line, **known, **_only_json(report), **more)


def _only_json(report: Report) -> dict[str, object]:
    """What a plain line says in words."""
    return {"job": report.job, "outcome": str(report.result.outcome)} if log.is_json() else {}


def exit_code(result: JobResult) -> int:
    """0 done or skipped by rule; 1 the work failed; 2 a configuration that cannot be used."""
    if result.outcome is not Outcome.FAILED:
        return 0
    return Usage.exit_code if result.error_category == Usage.category else 1
